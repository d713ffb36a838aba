"""The rules people write down, as YAML, on series with a known answer."""

import math
import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from core.alert_text import sentence
from core.declaration import Declaration
from core.entities import METRICS
from core.fold import fold
from core.verdicts import judge, persistence, silences

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
REFERENCE_DAYS = 10


def declared(monitor: dict, **changes) -> Declaration:
    return Declaration.model_validate(
        {
            "model": "m",
            "owner": "o@example.com",
            "task": "binary_classification",
            "risk_tier": 2,
            "predictions": {"path": "m", "timestamp": "at", "score": "p", "actual": "y", "version": "v"},
            "features": {"numeric": ["temp"], "categorical": ["city"]},
            "segments": ["city"],
            "protected": ["sex", "age"],
            "monitors": [monitor],
        }
        | changes
    )


def series(
    metric: str, values: list[float | None], *, start: int = REFERENCE_DAYS, **columns
) -> pl.DataFrame:
    """METRICS of one metric by day; the reference ends where the series begins."""
    fixed = dict.fromkeys(("column", "segment", "version", "variant", "group"), "")
    fixed |= {"metric": metric, "n": 1000, "reference_id": "r"} | columns
    rows = [
        {"window_start": FIRST + day * DAY, "window_end": FIRST + (day + 1) * DAY, "value": value} | fixed
        for day, value in enumerate(values, start)
    ]
    return pl.DataFrame(rows, schema=dict(METRICS))


def levels(monitor: dict, current: pl.DataFrame, reference: pl.DataFrame | None = None, **changes):
    declaration = declared(monitor, **changes)
    normal = reference if reference is not None else current.clear()
    now = FIRST + timedelta(days=400)
    return judge(current, normal, declaration, declaration.monitors, now=now)


def alerts(
    monitor: dict, current: pl.DataFrame, reference: pl.DataFrame | None = None
) -> list[tuple[int, int]]:
    """Return (first day, last day) of each episode, counted from the end of the reference."""
    (rule,) = declared(monitor).monitors
    found = fold(levels(monitor, current, reference), {rule.name: persistence(rule, declared(monitor))})
    origin = FIRST + REFERENCE_DAYS * DAY
    return [
        ((e.first_window - origin).days, (e.last_window - origin).days) for es in found.values() for e in es
    ]


USUAL = [0.90, 0.92, 0.88, 0.90, 0.91, 0.89, 0.90, 0.90, 0.92, 0.88]  # the middle is 0.90


@pytest.mark.parametrize(
    ("monitor", "metric", "values", "episodes"),
    [
        ({"metric": "f1", "below": 0.92, "for": "48h"}, "f1", [0.93, 0.91, 0.93, 0.91, 0.90, 0.89], [(3, 5)]),
        (
            {"metric": "accuracy", "drop": "5%", "for": "3 windows"},
            "accuracy",
            [0.85, 0.85, 0.86, 0.85, 0.84, 0.83],
            [(3, 5)],
        ),
        ({"metric": "accuracy", "drop": 0.04}, "accuracy", [0.87, 0.85, 0.87], [(1, 1)]),
        ({"metric": "log_loss", "rise": "25%"}, "log_loss", [1.1, 1.13, 1.1], [(1, 1)]),
        ({"metric": "volume", "outside": [900, 1100]}, "volume", [1000, 899, 1101, 1000], [(1, 2)]),
        (
            {"metric": "calibration_gap", "outside": [-0.1, 0.1]},
            "calibration_gap",
            [0.1, -0.1, -0.11],
            [(2, 2)],
        ),
        ({"metric": "psi", "above": 0.2}, "psi", [0.2, 0.21, 0.1], [(1, 1)]),
    ],
)
def test_rules_as_people_speak_them(monitor, metric, values, episodes) -> None:
    current = series(metric, values, column="temp" if metric == "psi" else "")
    assert alerts(monitor, current, series(metric, USUAL, start=0)) == episodes


def test_two_levels_escalate() -> None:
    found = levels(
        {"metric": "psi", "above": {"warning": 0.1, "critical": 0.2}}, series("psi", [0.1, 0.15, 0.25])
    )
    assert found["level"].to_list() == [0, 1, 2]
    assert found["high"].to_list() == [0.1] * 3 and found["critical_high"].to_list() == [0.2] * 3


def test_one_level_is_a_warning_unless_it_says_critical() -> None:
    values = series("psi", [0.3])
    assert levels({"metric": "psi", "above": 0.2}, values)["level"].to_list() == [1]
    assert levels({"metric": "psi", "above": 0.2, "severity": "critical"}, values)["level"].to_list() == [2]


DRIFT = {"metric": "drift", "threshold": "auto"}


def distances(p_values: list[float | None], column: str = "temp", **columns: Any) -> pl.DataFrame:
    """METRICS of a column's distance of 0.2, where chance shows 0.1, with its p-values by day."""
    fixed = {"expected": 0.1, "reason": "location"} | columns
    rows = series("jensen_shannon", [0.2] * len(p_values), column=column, **fixed)
    return rows.with_columns(p_value=pl.Series(p_values, dtype=pl.Float64))


def test_drift_needs_a_p_value_that_stands_out_and_a_distance_that_matters() -> None:
    found = levels(DRIFT, pl.concat([distances([1e-6, 0.2, 1e-6]), distances([0.5] * 3, "wind")]))
    temp = found.filter(pl.col("column") == "temp")
    assert temp["level"].to_list() == [1, 0, 1] and temp["question"].to_list() == ["location"] * 3
    assert temp["high"].to_list() == pytest.approx([(0.1**2 + 0.05**2) ** 0.5] * 3)
    near = distances([1e-6], expected=0.199)
    assert levels(DRIFT, near)["level"].to_list() == [0], "beyond chance, but too little to matter"


def test_near_the_floor_an_alert_neither_begins_nor_ends() -> None:
    near = (0.2**2 - 0.04**2) ** 0.5  # leaves a corrected distance of 0.04
    found = levels(DRIFT, distances([1e-6], expected=near))
    assert found["level"].to_list() == [None] and found["reason"].to_list() == ["near the limit"]


def test_the_distances_of_the_reference_s_own_windows_do_not_matter() -> None:
    wobbling = distances([0.5], start=0)
    found = levels(DRIFT, distances([1e-6]), wobbling)
    assert found["level"].to_list() == [0], "0.2 is what the reference shows itself"
    assert found["high"].to_list() == pytest.approx([(0.2**2 + 0.05**2) ** 0.5])


def test_every_column_of_the_window_counts_among_the_looks() -> None:
    alone = distances([0.03])
    together = pl.concat([alone, *(distances([0.9], f"x{i}") for i in range(9))])
    one = DRIFT | {"columns": ["temp"]}
    assert levels(one, alone)["level"].to_list() == [1]
    assert levels(one, together)["level"].to_list() == [0]


def test_missing_values_have_a_floor_of_their_own() -> None:
    for reason, level in (("missing", 1), ("missing, too little to matter", 0), ("scale, not calibrated", 1)):
        assert levels(DRIFT, distances([1e-6], expected=0.2, reason=reason))["level"].to_list() == [level]


def test_a_column_that_is_missing_altogether_drifts() -> None:
    gone = distances([1e-9], reason="no usable values in this window").with_columns(
        value=pl.lit(None, pl.Float64), expected=pl.lit(None, pl.Float64), n=pl.lit(0, pl.Int64)
    )
    found = levels(DRIFT, gone)
    assert (found["level"][0], found["value"][0], found["question"][0]) == (1, 1.0, "missing")


def test_without_p_value_there_is_no_verdict() -> None:
    assert levels(DRIFT, distances([None]))["reason"].to_list() == ["nothing to compare with"]
    assert levels(DRIFT, distances([None], n=99))["reason"].to_list() == ["fewer than 100 rows"]


def test_the_reference_does_not_judge_itself() -> None:
    assert levels(DRIFT, distances([1e-9]), distances([1e-9])).is_empty()


TOGETHER = {"metric": "pca_reconstruction", "threshold": "auto"}
WINDOWS = [1.4, 1.5, 1.6, 1.5, 1.4, 1.6, 1.5, 1.5]


def together(values: list[float | None], **columns: Any) -> pl.DataFrame:
    return series("pca_reconstruction", values, **columns)


def ranged(current: pl.DataFrame, reference: pl.DataFrame, **changes: Any) -> pl.DataFrame:
    two = {"numeric": ["temp", "wind"], "categorical": ["city"]}
    return levels(TOGETHER | changes, current, reference, features=two, pca=True)


def test_features_together_breach_below_and_above_what_reference_windows_show() -> None:
    found = ranged(together([1.5, 1.2, 1.9, 1.7]), together(WINDOWS, start=0))
    assert found["level"].to_list() == [0, 1, 1, 0]
    logs = [math.log(math.hypot(value, 0.01)) for value in WINDOWS]
    spread = math.sqrt(statistics.variance(logs) * (1 + 1 / 8) + 0.01**2)
    low, high = (math.exp(statistics.mean(logs) + sign * 3.499483 * spread) for sign in (-1, 1))
    assert found["low"].to_list() == pytest.approx([low] * 4, rel=1e-4)
    assert found["high"].to_list() == pytest.approx([high] * 4, rel=1e-4)
    severe = ranged(together([1.2, 1.9]), together(WINDOWS, start=0), severity="critical")
    assert severe["level"].to_list() == [2, 2]


def test_what_each_feature_loses_is_not_judged() -> None:
    both = pl.concat([together([1.5]), together([9.0], column="temp")])
    usual = pl.concat([together(WINDOWS, start=0), together([0.1] * 8, start=0, column="temp")])
    found = ranged(both, usual)
    assert found.select("column", "level", "value").rows() == [("", 0, 1.5)]
    fixed = {"metric": "pca_reconstruction", "above": 2}
    assert levels(fixed, both, features={"numeric": ["temp", "wind"]}, pca=True)["value"].to_list() == [1.5]


def test_alerts_of_features_together_need_two_windows_and_say_what_is_usual() -> None:
    declaration = declared(TOGETHER, features={"numeric": ["temp", "wind"]}, pca=True)
    (rule,) = declaration.monitors
    assert persistence(rule, declaration) == 2
    found = ranged(together([1.9, 1.5, 1.9, 1.95, 1.5]), together(WINDOWS, start=0))
    ((episode,),) = fold(found, {rule.name: 2}).values()
    assert sentence(episode) == "PCA reconstruction error is 1.95, above its usual 1.81"


def test_few_windows_few_rows_and_no_reference_are_told() -> None:
    few = ranged(together([9.0, 9.0]), together(WINDOWS[:4], start=0))
    ((episode,),) = fold(few, {"pca_reconstruction": 2}).values()
    assert sentence(episode).endswith(" (not calibrated: few reference windows)")
    assert ranged(together([9.0], n=99), together(WINDOWS, start=0))["reason"].to_list() == [
        "fewer than 100 rows"
    ]
    two = ranged(together([9.0]), together(WINDOWS[:2], start=0))
    assert (two["level"][0], two["reason"][0]) == (None, "nothing to compare with")
    unknown = ranged(together([None], reason="no row has a number"), together(WINDOWS, start=0))
    assert (unknown["level"][0], unknown["reason"][0]) == (None, "no row has a number")


def test_smaller_windows_have_a_wider_range_and_segments_their_own() -> None:
    usual = together(WINDOWS, start=0)
    small, large = (ranged(together([1.5], n=n), usual) for n in (100, 100_000))
    alike = ranged(together([1.5]), usual)
    assert small["high"][0] - small["low"][0] > 2 * (alike["high"][0] - alike["low"][0])
    assert large["high"].equals(alike["high"])
    city = {"segment": "city=Oslo"}
    both = pl.concat([usual, together([2 * value for value in WINDOWS], start=0, **city)])
    found = ranged(together([3.0], **city), both, segments="all")
    assert found["level"].to_list() == [0] and found["high"][0] == pytest.approx(
        2 * alike["high"][0], rel=1e-3
    )


def test_drift_that_is_severe_by_its_rule_is_critical() -> None:
    assert levels(DRIFT | {"severity": "critical"}, distances([1e-9]))["level"].to_list() == [2]


def test_drift_in_two_windows_in_a_row_is_an_alert_that_says_what_drifted() -> None:
    current = distances([1e-6, 0.5, 1e-6, 1e-6])
    (rule,) = declared(DRIFT).monitors
    ((episode,),) = fold(levels(DRIFT, current), {rule.name: persistence(rule, declared(DRIFT))}).values()
    origin = FIRST + REFERENCE_DAYS * DAY
    assert (episode.first_window - origin).days == 2
    assert sentence(episode) == "Drift in location of temp: 0.2, above its usual 0.112"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"value": None, "reason": "no labelled rows"}, "no labelled rows"),
        ({"mature_at": FIRST + timedelta(days=999)}, "labels still arrive"),
        ({"n": 29}, "fewer than 30 rows"),
    ],
)
def test_a_window_that_says_nothing_gets_no_verdict(columns, reason) -> None:
    found = levels(
        {"metric": "f1", "below": 0.9},
        series("f1", [0.5]).with_columns(**{k: pl.lit(v) for k, v in columns.items()}),
    )
    assert found["level"].to_list() == [None]
    assert found["reason"].to_list() == [reason]


def test_without_a_reference_a_change_is_no_verdict() -> None:
    found = levels({"metric": "f1", "drop": "5%"}, series("f1", [0.5]))
    assert found["reason"].to_list() == ["nothing to compare with"]


def test_open_windows_are_not_judged() -> None:
    declaration = declared({"metric": "f1", "below": 0.9})
    now = FIRST + (REFERENCE_DAYS + 2) * DAY  # the second day has ended, its grace of one hour has not
    found = judge(series("f1", [0.5, 0.5]), series("f1", []), declaration, declaration.monitors, now=now)
    assert found.height == 1


def test_segments_versions_and_groups_are_looked_at_only_where_it_is_said() -> None:
    rows = pl.concat(
        [
            series("f1", [0.5]),
            series("f1", [0.5], segment="city=Oslo"),
            series("f1", [0.5], segment="town=Oslo"),
            series("f1", [0.5], version="2"),
            series("f1", [0.5], group="sex=F"),
            series("f1", [0.5], variant="shadow"),
        ]
    )
    seen = {
        "": levels({"metric": "f1", "below": 0.9}, rows),
        "city": levels({"metric": "f1", "below": 0.9, "segments": ["city"]}, rows),
        "all": levels({"metric": "f1", "below": 0.9, "segments": "all"}, rows),
        "each": levels({"metric": "f1", "below": 0.9, "versions": "each"}, rows),
    }
    places = {name: found.select("segment", "version", "group").rows() for name, found in seen.items()}
    assert places == {
        "": [("", "", "")],
        "city": [("city=Oslo", "", "")],
        "all": [("city=Oslo", "", "")],
        "each": [("", "2", "")],
    }


def test_fairness_gaps_are_of_attributes_and_rates_of_groups() -> None:
    gaps = pl.concat(
        [series("demographic_parity_difference", [0.3], column=name) for name in ("sex", "age", "sex & age")]
    )
    found = levels({"metric": "demographic_parity_difference", "protected": "sex & age", "above": 0.2}, gaps)
    assert found["column"].to_list() == ["sex & age"]
    rates = pl.concat(
        [series("tpr", [0.3], group=name) for name in ("sex=F", "age=[25, 40)", "sex=F & age=[25, 40)")]
    )
    found = levels({"metric": "tpr", "protected": "sex", "below": 0.5}, rates)
    assert found["group"].to_list() == ["sex=F"]
    small = rates.with_columns(reason=pl.lit("fewer than 30 rows: shown, not judged"))
    assert levels({"metric": "tpr", "protected": "sex", "below": 0.5}, small)["level"].to_list() == [None]


def test_a_changed_rule_judges_from_its_first_window_on() -> None:
    declaration = declared({"metric": "f1", "below": 0.9})
    since = {"f1": FIRST + (REFERENCE_DAYS + 1) * DAY}
    values = series("f1", [0.5, 0.5])
    found = judge(
        values, values.clear(), declaration, declaration.monitors, now=FIRST + 400 * DAY, since=since
    )
    assert found["window_start"].to_list() == [since["f1"]]


@pytest.mark.parametrize(
    ("said", "windows"), [("48h", 2), ("36h", 2), ("1h", 1), ("3 windows", 3), ("1w", 7)]
)
def test_a_time_is_so_many_windows(said, windows) -> None:
    declaration = declared({"metric": "f1", "below": 0.9, "for": said})
    assert persistence(declaration.monitors[0], declaration) == windows


def freshness(
    days: list[int], last: timedelta, now: timedelta, monitor: dict
) -> list[tuple[float, float | None, str]]:
    """Return silences as (opened, ended, severity) in days; each day with rows has them until 18 o'clock."""
    declaration = declared(monitor)
    rows = pl.concat([series("freshness", [6.0], start=day) for day in days])
    found = silences(rows, declaration.monitors, last=FIRST + last, now=FIRST + now)
    (rule,) = declaration.monitors
    episodes = [e for es in fold(found, {rule.name: 1}).values() for e in es]
    return [
        ((e.opened_at - FIRST) / DAY, e.resolved_at and (e.resolved_at - FIRST) / DAY, e.severity.value)
        for e in episodes
    ]


def test_freshness_is_judged_by_the_clock() -> None:
    monitor = {"metric": "freshness", "above": {"warning": 24, "critical": 72}}
    last = timedelta(days=9, hours=18)
    assert freshness([0, 1, 9], last, timedelta(days=10), monitor) == [(2.75, 9.0, "critical")]
    ongoing = freshness([8, 9], last, timedelta(days=11), monitor)
    assert ongoing == [(10.75, None, "warning")]
    assert freshness([8, 9], last, timedelta(days=13), monitor) == [(10.75, None, "critical")]
    assert freshness([8, 9], last, timedelta(days=10, hours=17), monitor) == []
    assert freshness(
        [8, 9], last, timedelta(days=11), {"metric": "freshness", "above": 24, "severity": "critical"}
    ) == [(10.75, None, "critical")]
