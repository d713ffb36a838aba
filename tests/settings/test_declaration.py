"""Declarations: what is accepted, and what is said about each mistake."""

from datetime import UTC, datetime, timedelta

import pytest

from core.declaration import Declaration, load_declaration
from core.errors import DeclarationError, PathError
from core.settings import initialise
from tests.settings.declarations import BINARY, REGRESSION, changed

CONTRACT = """\
model: delay-30
owner: customer-comms@example.com
team: customer-comms
task: binary_classification
risk_tier: 2
description: Will the flight leave more than 30 minutes late or be cancelled?
predictions:
  path: predictions/delay-30/**/*.parquet
  timestamp: scored_at
  timezone: America/New_York
  prediction_id: flight_id
  version: model_version
  variant: variant
  score: probability
  prediction: predicted
positive: true
threshold: 0.5
favourable: false
labels: {path: labels/*.parquet, prediction_id: flight_id, actual: actual, available_at: landed_at, delay: 2d}
features: {numeric: [temp, distance], categorical: [origin, carrier]}
segments: [origin]
protected: [sex, {column: age, bins: [25, 40]}]
sensitive: [passenger_name]
pca: true
operations: {latency_ms: latency_ms, status: status, cost_usd: cost}
custom: {complaint_rate: {column: complaint, kind: rate}}
costs: {false_positive: 3.0, false_negative: 20.0}
reference: {period: [2013-01-01, 2013-04-01]}
window: 1d
grace: 1h
schedule: 15m
retraining: {every: 30d, command: train-eta}
notify: [ml-oncall]
"""


@pytest.fixture
def load(tmp_path):
    def of(text: str) -> Declaration:
        (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
        return load_declaration(tmp_path / "m.yaml")

    return of


def test_everything_of_the_contract_is_accepted_and_survives_storage(load):
    declaration = load(CONTRACT)
    assert declaration.label_delay == timedelta(days=2)
    assert declaration.actual == "actual"
    assert Declaration.model_validate(declaration.model_dump(mode="json")) == declaration
    assert Declaration.model_validate_json(declaration.model_dump_json(exclude_unset=True)) == declaration


def test_dates_without_a_zone_are_in_the_models_zone(load):
    declaration = load(changed(BINARY, "reference: {period: [2013-01-01, 2013-04-01T00:00:00Z]}"))
    assert declaration.reference_period == (
        datetime(2013, 1, 1, 5, tzinfo=UTC),
        datetime(2013, 4, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["model: ../x"], "model: '../x' cannot name a model; expected up to 63 of a-z, 0-9, _ and -"),
        (["model: 12"], "model: 12 is no text; write it in quotes"),
        (["ownr: x"], "ownr: unknown key; did you mean 'owner'?"),
        (["owner: ''"], "owner: is empty"),
        (
            ["task: classification"],
            "task: 'classification' is not allowed; did you mean 'binary_classification'?",
        ),
        (["risk_tier: high"], "risk_tier: 'high' is not allowed; expected a valid integer"),
        (["risk_tier: 5"], "risk_tier: 5 is not allowed; expected less than or equal to 4"),
        (["window: 2d"], "window: '2d' is not allowed; expected one of 1d, 1h, 1mo, 1w, 1y"),
        (["grace: 1 hour"], "grace: '1 hour' is no duration"),
        (["schedule: often"], "schedule: 'often' is no duration"),
        (["schedule: 0 25 * * *"], "schedule: '25' is no hour of the cron line"),
        (["threshold: '0.5'"], "threshold: '0.5' is not allowed; expected a valid number"),
        (["threshold: 50"], "threshold: 50 is not allowed; expected less than or equal to 1"),
        (["threshold: .nan"], "threshold: nan is not allowed; expected a finite number"),
        (["predictions: eta.parquet"], "predictions: 'eta.parquet' is not allowed; expected keys below it"),
        (
            ["predictions: {path: p, timestmp: t}"],
            "predictions.timestmp: unknown key; did you mean 'timestamp'?",
        ),
        (["predictions: {path: p, prediction: y}"], "predictions.timestamp: required key is missing"),
        (
            ["predictions: {path: 's3://b/p', timestamp: t}"],
            "'s3://b/p' cannot be read (s3:); expected a Parquet",
        ),
        (
            ["predictions: {path: p, timestamp: t, timezone: America/NewYork}"],
            "did you mean 'America/New_York'?",
        ),
        (["predictions: {path: p, timestamp: t}"], "predictions.prediction: a regression needs prediction"),
        (
            ["predictions: {path: p, timestamp: t, prediction: t}"],
            "the column 't' is already predictions.timestamp",
        ),
        (["predictions: {path: p, timestamp: t, prediction: y, score: s}"], "a regression has no score"),
        (["costs: {false_positive: 1, false_negative: 2}"], "costs: is for classification"),
        (["features: {numeric: [a], categorical: [a]}"], "the column 'a' is already features.numeric"),
        (["features: {numeric: [minutes]}"], "the column 'minutes' is already predictions.prediction"),
        (["features: [a]"], "features: ['a'] is not allowed; expected keys below it"),
        (
            ["custom: {distance: {column: x, kind: rate}}"],
            "custom.distance: 'distance' is already the column",
        ),
        (
            ["custom: {x: {column: x, kind: ratio}}"],
            "custom.x.kind: 'ratio' is not allowed; did you mean 'rate'?",
        ),
        (["pca: true", "features: {numeric: [temp]}"], "pca: needs 2 to 50 numeric features, 1 declared"),
        (["pca: perhaps"], "pca: 'perhaps'"),
        (["importance: {temp: -1}"], "importance.temp: -1"),
        (["importance: {temp: 0}"], "importance: is 0 for every column"),
        (["importance: {tmp: 1}"], "importance.tmp: is no feature; expected one of features"),
        (["segments: origin"], "segments: 'origin' is no list; write [a, b]"),
        (["segments: [origin, origin]"], "segments: 'origin' stands twice"),
        (["segments: [id]"], "segments: 'id' is different in every row"),
        (["protected: [{colum: age}]"], "protected.0.colum: unknown key; did you mean 'column'?"),
        (["protected: [{column: age, bins: [40, 25]}]"], "protected.0.bins: [40.0, 25.0] do not increase"),
        (["protected: [3]"], "protected.0: 3 is no text; write it in quotes"),
        (["reference: {}"], "reference: expected either period: [from, to] or path"),
        (["reference: {period: [2013-02-01, 2013-01-01]}"], "2013-02-01 is not before 2013-01-01"),
        (["reference: {period: [spring, summer]}"], "reference.period.0: Invalid isoformat string: 'spring'"),
    ],
)
def test_a_mistake_names_file_key_value_and_expectation(load, lines, message):
    with pytest.raises(DeclarationError) as error:
        load(changed(REGRESSION, *lines))
    assert "/m.yaml: " in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["task: multiclass_classification"], "predictions.score: 'p' is one column; expected one per class"),
        (
            ["predictions: {path: p, timestamp: t, score: {a: x, b: y}}"],
            "one column per class is for multiclass",
        ),
        (
            ["predictions: {path: p, timestamp: t, actual: y}"],
            "a binary classification needs score or prediction",
        ),
        (["labels: {path: l}"], "labels.prediction_id: labels from files need it"),
        (["labels: {path: l}"], "predictions.prediction_id: labels from files are joined by it"),
        (["labels: {path: l}"], "predictions.actual: labels come from labels.path; keep one of the two"),
        (["labels: {actual: y}"], "labels.actual: says how to read label files, but labels.path is missing"),
        (["labels: {path: l, delay: 60d}"], "labels.lookback: is shorter than labels.delay"),
    ],
)
def test_what_does_not_fit_together_is_told_by_the_key_to_change(load, lines, message):
    with pytest.raises(DeclarationError) as error:
        load(changed(BINARY, *lines))
    assert message in str(error.value)


def test_all_mistakes_are_told_at_once(load):
    with pytest.raises(DeclarationError) as error:
        load(changed(REGRESSION, "risk_tier: 9", "window: 1x", "owner: 3"))
    assert len(str(error.value).splitlines()) == 3


def test_a_reference_period_shorter_than_a_window_is_refused(load):
    text = changed(BINARY, "window: 1mo", "reference: {period: [2024-01-05, 2024-02-05]}")
    with pytest.raises(DeclarationError, match=r"reference\.period: .* holds no whole window of 1mo; widen"):
        load(text)


@pytest.mark.parametrize(
    ("period", "says"),
    [
        ("[0001-01-01, 2024-01-01]", r"reference\.period: 0001-01-01 lies outside the years 1900 to 2200"),
        ("[2024-01-01, 9999-12-31]", r"reference\.period: 9999-12-31 lies outside the years 1900 to 2200"),
        ("[1924-01-01, 2024-01-01]", r"reference\.period: 1924-01-01 to 2024-01-01 is longer than ten years"),
    ],
)
def test_a_reference_period_beyond_all_logs_is_refused(load, period, says):
    with pytest.raises(DeclarationError, match=says):
        load(changed(BINARY, f"reference: {{period: {period}}}"))


def test_too_many_cells_are_refused_with_the_estimate(load):
    names = ", ".join(f"f{i}" for i in range(300))
    with pytest.raises(
        DeclarationError, match=r"300 features and 2 segments make about 31,\d{3} cells per window"
    ):
        load(changed(REGRESSION, f"features: {{numeric: [{names}]}}", "segments: [a, b]"))


def test_inferred_features_are_counted_by_the_first_sweep(load):
    declaration = load("\n".join(line for line in REGRESSION.splitlines() if not line.startswith("features")))
    assert declaration.features is None


def test_a_class_called_no_needs_quotes(load):
    text = changed(BINARY, "task: multiclass_classification")
    with pytest.raises(DeclarationError, match="False is no text; write it in quotes"):
        load(changed(text, "predictions: {path: p, timestamp: t, score: {no: a, yes: b}}"))


def test_a_workspace_knows_which_channels_commands_and_roots_there_are(tmp_path):
    workspace = initialise(tmp_path)
    file = tmp_path / "models" / "m.yaml"
    for line, message in (
        ("notify: [oncall]", "'oncall' is none of the channels of steward.yaml; none is declared"),
        ("retraining: {command: train}", "'train' is none of the commands of steward.yaml"),
    ):
        file.write_text(changed(REGRESSION, line))
        with pytest.raises(DeclarationError, match=message):
            workspace.declaration(file)
    file.write_text(REGRESSION.replace("eta/*.parquet", "/etc/*.parquet"))
    with pytest.raises(PathError, match=r"/etc/\*\.parquet leads to /etc, outside"):
        workspace.declaration(file)
    file.write_text(REGRESSION)
    assert workspace.declaration(file).model == "eta"


STATUS = """\
model: status
owner: ops@example.com
task: multiclass_classification
risk_tier: 3
predictions: {path: p, timestamp: at, actual: y, score: {early: a, on_time: b, late: c}}
"""


def test_costs_of_several_classes_are_by_label_and_prediction(load):
    declaration = load(changed(STATUS, "costs: {late: {on_time: 20, early: 40}, early: {late: 3}}"))
    assert declaration.costs == {"late": {"on_time": 20.0, "early": 40.0}, "early": {"late": 3.0}}
    assert Declaration.model_validate_json(declaration.model_dump_json(exclude_unset=True)) == declaration


@pytest.mark.parametrize(
    ("base", "lines", "message"),
    [
        (
            STATUS,
            ["costs: {late: {on-time: 20}}"],
            "costs.late: 'on-time' is no class of predictions",
        ),
        (
            STATUS,
            ["costs: {lat: {early: 20}}"],
            "costs: 'lat' is no class of predictions",
        ),
        (STATUS, ["costs: {late: {late: 1}}"], "costs.late.late: a right decision costs nothing; remove it"),
        (STATUS, ["costs: {late: {early: -1}}"], "costs.late.early: -1 is not allowed; expected"),
        (
            STATUS,
            ["costs: {false_positive: 1, false_negative: 2}"],
            "costs: expected {label: {prediction",
        ),
        (BINARY, ["costs: {late: {early: 1}}"], "costs: expected {false_positive: 3, false_negative: 20}"),
        (BINARY, ["costs: {false_positive: 1}"], "costs.false_negative: required key is missing"),
        (
            BINARY,
            ["monitors: [{metric: value, above: 3}]"],
            "monitors.0.metric: value is what wrong",
        ),
    ],
)
def test_costs_must_fit_the_task(load, base, lines, message):
    with pytest.raises(DeclarationError) as error:
        load(changed(base, *lines))
    assert message in str(error.value)
