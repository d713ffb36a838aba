"""Monitors: the rules people write down, and what is said about wrong ones."""

import pytest

from core.declaration import Declaration, load_declaration
from core.errors import DeclarationError
from core.monitors import Monitor
from tests.settings.declarations import BINARY, changed


@pytest.fixture
def load(tmp_path):
    def of(*monitors: str) -> Declaration:
        lines = "".join(f"\n  - {monitor}" for monitor in monitors)
        text = changed(
            BINARY, "custom: {complaint_rate: {column: complaint, kind: rate}}", f"monitors:{lines}"
        )
        (tmp_path / "m.yaml").write_text(text)
        return load_declaration(tmp_path / "m.yaml")

    return of


@pytest.mark.parametrize(
    ("monitor", "name", "rule"),
    [
        (
            "{metric: drift, columns: all, threshold: auto, for: 2 windows, severity: warning}",
            "drift",
            "threshold",
        ),
        ("{metric: drift, columns: [temp, p], threshold: auto}", "drift-temp-p", "threshold"),
        (
            "{name: f1-floor, metric: f1, below: 0.92, for: 48h, then: request_retraining}",
            "f1-floor",
            "below",
        ),
        ("{metric: accuracy, drop: 5%, for: 3 windows}", "accuracy", "drop"),
        ("{metric: log_loss, rise: 25%, segments: [origin], versions: each}", "log_loss-by-origin", "rise"),
        ("{metric: missing_share, above: 0.1, segments: all}", "missing_share-by-all", "above"),
        (
            "{metric: demographic_parity_difference, protected: sex, above: {warning: 0.1, critical: 0.2}}",
            "demographic_parity_difference-sex",
            "above",
        ),
        (
            "{metric: demographic_parity_ratio, protected: sex & age, below: 0.8}",
            "demographic_parity_ratio-sex-age",
            "below",
        ),
        ("{metric: volume, outside: [1000, 50000], notify: [ops]}", "volume", "outside"),
        ("{metric: volume, outside: {warning: [10, 20], critical: [5, 30]}}", "volume", "outside"),
        ("{metric: volume, drop: {warning: 10%, critical: 50%}}", "volume", "drop"),
        ("{metric: complaint_rate, above: 0.01}", "complaint_rate", "above"),
    ],
)
def test_a_rule_is_accepted_and_named_without_its_threshold(load, monitor, name, rule):
    (declared,) = load(monitor).monitors
    assert declared.name == name
    assert declared.rule == rule


def test_a_long_name_is_cut_and_stays_unique():
    columns = tuple(f"a_rather_long_column_name_{i}" for i in range(9))
    names = {Monitor(metric="drift", columns=c, threshold="auto").name for c in (columns, columns[:-1])}
    assert len(names) == 2
    assert all(len(name) == 63 for name in names)


@pytest.mark.parametrize(
    ("monitor", "message"),
    [
        (
            "{metric: acuracy, below: 1}",
            "monitors.0.metric: 'acuracy' is no metric; did you mean 'accuracy'?",
        ),
        (
            "{metric: f1}",
            "monitors.0: nothing says when to alarm; write exactly one of threshold: auto, above",
        ),
        ("{metric: f1, below: 0.9, drop: 5%}", "monitors.0: below and drop are given; write exactly one of"),
        (
            "{metric: f1, above: 0.9}",
            "monitors.0.above: higher is better for f1, so this would alarm on good news",
        ),
        ("{metric: brier, drop: 5%}", "monitors.0.drop: lower is better for brier"),
        (
            "{metric: f1, threshold: auto}",
            "monitors.0.threshold: auto is for the metrics drift and pca_reconstruction; give f1 a limit",
        ),
        (
            "{metric: drift, above: 0.1}",
            "monitors.0.above: drift has threshold: auto and no other; a limit of your own needs a distance,",
        ),
        ("{metric: pca_reconstruction, threshold: auto}", "all numeric features together; declare pca: true"),
        (
            "{metric: pca_reconstruction, above: 2, columns: all}",
            "pca_reconstruction is not measured per col",
        ),
        ("{metric: pca_reconstruction, drop: 5%}", "monitors.0.drop: lower is better for pca_reconstruction"),
        ("{metric: f1, below: '0.9'}", "monitors.0.below: '0.9' is not allowed; expected a valid number"),
        ("{metric: f1, drop: five}", "monitors.0.drop: 'five' is no change; expected 5%"),
        ("{metric: f1, drop: -5%}", "monitors.0.drop: '-5%' is no change"),
        (
            "{metric: f1, below: 1, for: 2 days}",
            "monitors.0.for: '2 days' is no persistence; expected '2 windows'",
        ),
        ("{metric: f1, below: 1, for: 0 windows}", "monitors.0.for: '0 windows' is no persistence"),
        (
            "{metric: f1, below: 1, severity: critcal}",
            "monitors.0.severity: 'critcal' is not allowed; did you mean",
        ),
        (
            "{metric: f1, below: 1, treshold: 2}",
            "monitors.0.treshold: unknown key; did you mean 'threshold'?",
        ),
        (
            "{metric: f1, below: {warning: 0.8, critical: 0.9}}",
            "below: critical (0.9) must lie beyond warning (0.8)",
        ),
        ("{metric: f1, below: {warning: 0.8}}", "monitors.0.below.critical: required key is missing"),
        (
            "{metric: f1, below: {warning: 2, critical: 1}, severity: warning}",
            "severity stands beside two levels",
        ),
        (
            "{metric: f1, drop: {warning: 5%, critical: 0.1}}",
            "give both levels in percent, or both as numbers",
        ),
        ("{metric: f1, drop: {warning: 5%, critical: 2%}}", "critical (2%) must be more than warning (5%)"),
        (
            "{metric: volume, outside: [3, 2]}",
            "monitors.0.outside: [3.0, 2.0] is empty; expected [low, high]",
        ),
        (
            "{metric: volume, outside: {warning: [1, 9], critical: [2, 8]}}",
            "critical range must enclose the warning",
        ),
        (
            "{metric: psi, above: 1, columns: [tmp]}",
            "columns: 'tmp' is no declared column; did you mean 'temp'?",
        ),
        ("{metric: f1, below: 1, columns: [temp]}", "columns: f1 is not measured per column"),
        (
            "{metric: f1, below: 1, segments: [sex]}",
            "segments: 'sex' is no declared segment; expected origin",
        ),
        ("{metric: f1, below: 1, protected: sex}", "protected: f1 is no fairness metric"),
        ("{metric: tpr, below: 1, protected: race}", "protected: 'race' is no protected attribute"),
        (
            "{metric: f1, below: 1, then: retrain}",
            "then: 'retrain' is not allowed; expected request_retraining",
        ),
        ("{metric: f1, below: 1, name: F1!}", "name: 'F1!' cannot name a monitor"),
    ],
)
def test_a_wrong_rule_is_told_by_its_place_and_its_reason(load, monitor, message):
    with pytest.raises(DeclarationError) as error:
        load(monitor)
    assert message in str(error.value)


def test_two_monitors_of_one_name_are_refused(load):
    with pytest.raises(DeclarationError, match="2 monitors are named 'accuracy'; rename one"):
        load("{metric: accuracy, drop: 5%}", "{metric: accuracy, drop: 10%}")


def test_a_monitor_of_labels_needs_labels(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text(
        changed(BINARY.replace(", actual: late", ""), "monitors: [{metric: roc_auc, below: 0.7}]")
    )
    with pytest.raises(DeclarationError, match="roc_auc needs labels; declare predictions.actual or labels"):
        load_declaration(file)


def test_a_fairness_monitor_needs_a_protected_attribute(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text(changed(BINARY, "protected: []", "monitors: [{metric: tpr, below: 0.7}]"))
    with pytest.raises(DeclarationError, match="tpr compares groups; declare protected first"):
        load_declaration(file)
