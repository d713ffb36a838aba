"""What a status says: which column leaves its usual, which windows speak for the model, and since when."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core import health
from core.declaration import Declaration
from core.entities import METRICS, ModelStatus
from core.health import MINIMUM_LABELLED, QUIET, Evidence

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
NOW = FIRST + timedelta(days=60, hours=2)  # the newest closed window is day 59


def declared(**changes: object) -> Declaration:
    keys = {
        "model": "m",
        "owner": "o@example.com",
        "task": "binary_classification",
        "risk_tier": 2,
        "predictions": {"path": "m/*.parquet", "timestamp": "at", "score": "score", "actual": "actual"},
    }
    return Declaration.model_validate(keys | changes)


def metric(name: str, values: dict[int, float | None], **columns: object) -> pl.DataFrame:
    """METRICS of one metric by day; other columns are the same in every row."""
    rows = {
        "metric": name,
        "column": "",
        "segment": "",
        "version": "",
        "variant": "",
        "group": "",
        "n": 1000,
        "reference_id": "r",
    } | columns
    days = pl.DataFrame(
        {
            "window_start": [FIRST + timedelta(days=day) for day in values],
            "window_end": [FIRST + timedelta(days=day + 1) for day in values],
            "value": list(values.values()),
        },
        schema_overrides={"value": pl.Float64, "window_start": METRICS["window_start"]},
    )
    fixed = [pl.lit(value).alias(key) for key, value in rows.items()]
    return pl.concat(
        [pl.DataFrame(schema=METRICS), days.with_columns(fixed).cast({"n": pl.Int64})], how="diagonal_relaxed"
    ).select(list(METRICS))


def constant(name: str, value: float, days: range, **columns: object) -> pl.DataFrame:
    return metric(name, dict.fromkeys(days, value), **columns)


def assessed(
    recent: list[pl.DataFrame],
    reference: list[pl.DataFrame] | None = None,
    *,
    previous: ModelStatus | None = None,
    declaration: Declaration | None = None,
    last: datetime = NOW,
) -> ModelStatus:
    volume = constant("volume", 1000, range(30, 60))
    normal = pl.concat(reference) if reference else pl.DataFrame(schema=METRICS)
    evidence = Evidence(pl.concat([volume, *recent]), normal, last)
    return health.assess(declaration or declared(), evidence, previous, NOW)


def test_the_drifted_column_is_the_one_furthest_above_its_own_usual() -> None:
    recent = [
        constant("jensen_shannon", 0.60, range(30, 60), column="temp", expected=0.05),
        constant("jensen_shannon", 0.30, range(30, 60), column="carrier", expected=0.05),
    ]
    usual = [
        constant("jensen_shannon", 0.58, range(0, 28), column="temp"),
        constant("jensen_shannon", 0.06, range(0, 28), column="carrier"),
    ]
    found = assessed(recent, usual)
    assert (found.drift_column, found.drift_value, found.drifted_columns) == ("carrier", 0.30, 2)
    assert found.reasons == ("drift of carrier 0.30 (usually up to 0.06) since 31 Jan 2024",)


def test_chance_counts_where_it_lies_above_the_usual() -> None:
    recent = [
        constant("jensen_shannon", 0.35, range(30, 60), column="few_rows", expected=0.34),
        constant("jensen_shannon", 0.20, range(30, 60), column="shifted", expected=0.05),
    ]
    usual = [constant("jensen_shannon", 0.05, range(0, 28), column=name) for name in ("few_rows", "shifted")]
    found = assessed(recent, usual)
    assert found.drift_column == "shifted"


def test_a_distance_within_its_usual_is_no_finding_though_large() -> None:
    recent = [constant("jensen_shannon", 0.6, range(30, 60), column="temp")]
    found = assessed(recent, [constant("jensen_shannon", 0.7, range(0, 28), column="temp")])
    assert (found.drift_column, found.drifted_columns, found.reasons) == ("temp", 0, (QUIET,))


def test_a_finding_is_dated_by_its_unbroken_run() -> None:
    share = {day: 1.0 if day >= 57 else 0.02 if day == 56 else 0.0 for day in range(30, 60)}
    share[40] = 1.0
    found = assessed(
        [metric("missing_share", share, column="wind")],
        [constant("missing_share", 0.0, range(0, 28), column="wind")],
    )
    assert found.reasons == ("100% of wind missing since 27 Feb 2024",)
    assert found.since == FIRST + timedelta(days=57)
    assert found.state == "healthy"


def test_what_was_always_missing_is_usual() -> None:
    found = assessed(
        [constant("missing_share", 0.8, range(30, 60), column="gust")],
        [constant("missing_share", 0.8, range(0, 28), column="gust")],
    )
    assert found.reasons == (QUIET,)
    assert (found.missing_column, found.missing_value) == ("gust", 0.8)


def test_the_headline_is_a_window_with_enough_labels() -> None:
    many = constant("roc_auc", 0.7, range(30, 58), n=MINIMUM_LABELLED)
    few = constant("roc_auc", 1.0, range(58, 60), n=MINIMUM_LABELLED - 1)
    found = assessed([many, few])
    assert (found.headline, found.headline_value) == ("roc_auc", 0.7)
    assert found.sparkline == (0.7,) * 14


def test_without_such_a_window_there_is_no_headline_and_the_reason_is_said() -> None:
    found = assessed([constant("roc_auc", 1.0, range(30, 60), n=2)])
    assert (found.headline, found.headline_value, found.sparkline) == (None, None, ())
    assert found.reasons == (QUIET, f"no ROC AUC: no recent window has {MINIMUM_LABELLED} labelled rows")


def test_a_metric_the_log_cannot_give_leaves_the_word_to_the_next() -> None:
    found = assessed(
        [constant("f1", 0.5, range(30, 60)), metric("roc_auc", dict.fromkeys(range(30, 60), None))]
    )
    assert found.headline == "f1"


def test_the_reference_number_is_the_middle_of_the_reference_windows() -> None:
    usual = metric("roc_auc", {0: 0.6, 1: 0.7, 2: 0.75, 3: 0.8, 4: 0.9})
    found = assessed([constant("roc_auc", 0.7, range(30, 60))], [usual])
    assert found.headline_reference == 0.75


@pytest.mark.parametrize(("value", "reasons"), [(0.5, 1), (0.99, 0)])
def test_only_a_worse_headline_stands_out(value: float, reasons: int) -> None:
    usual = metric("roc_auc", {day: 0.7 + day / 1000 for day in range(28)})
    found = assessed([constant("roc_auc", value, range(50, 60))], [usual])
    assert len([reason for reason in found.reasons if reason.startswith("ROC AUC")]) == reasons


def test_an_error_metric_is_worse_when_higher() -> None:
    usual = metric("mae", {day: 7.0 + day / 100 for day in range(28)})
    output = {"path": "m", "timestamp": "at", "prediction": "p", "actual": "a"}
    found = assessed(
        [constant("mae", 13.9, range(50, 60))],
        [usual],
        declaration=declared(task="regression", predictions=output),
    )
    assert found.reasons == ("Mean absolute error 13.9 (usually 7.01 to 7.26) since 20 Feb 2024",)


def test_labels_that_still_arrive_speak_for_nothing() -> None:
    ripe = constant("roc_auc", 0.7, range(30, 58))
    unripe = constant("roc_auc", 0.1, range(58, 60), mature_at=NOW + timedelta(days=1))
    assert assessed([ripe, unripe]).headline_value == 0.7


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("binary_classification", "demographic_parity_difference"),
        ("multiclass_classification", "demographic_parity_difference"),
        ("regression", "bias_difference"),
    ],
)
def test_the_gap_between_groups_is_the_tasks_own(task: str, name: str) -> None:
    gap = constant(name, -0.25, range(30, 60), column="sex")
    output = {"path": "m", "timestamp": "at", "prediction": "p", "actual": "a"}
    found = assessed([gap], declaration=declared(task=task, predictions=output))
    assert (found.fairness_attribute, found.fairness_value) == ("sex", -0.25)
    assert found.reasons == ("gap 0.25 by sex since 31 Jan 2024",)


def test_since_is_kept_while_nothing_changes() -> None:
    before = assessed([])
    assert before.reasons == (QUIET,) and before.since == NOW
    evidence = Evidence(constant("volume", 5, range(30, 62)), pl.DataFrame(schema=METRICS), NOW)
    later = health.assess(declared(), evidence, before, NOW + timedelta(hours=5))
    assert later.since == NOW


def test_without_predictions_the_last_one_says_since_when() -> None:
    last = FIRST + timedelta(days=40, hours=9)
    found = assessed([], last=last)
    assert (found.state, found.since) == ("no_data", last)
    assert found.reasons == ("no predictions since 10 February 2024 09:00",)
