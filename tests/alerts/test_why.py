"""What explains an alert, on windows whose story is known by construction."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core import why, why_text
from core.declaration import Declaration
from core.entities import METRICS, Episode, Severity, Target
from core.why import explain

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
USUAL_DAYS, ALERT_DAYS = range(10), range(10, 12)


def declared(**changes) -> Declaration:
    return Declaration.model_validate(
        {
            "model": "m",
            "owner": "o@example.com",
            "task": "binary_classification",
            "risk_tier": 2,
            "predictions": {"path": "m", "timestamp": "at", "score": "p", "actual": "y"},
            "features": {"numeric": ["temp", "wind", "age"]},
            "segments": ["city"],
            "protected": ["sex"],
        }
        | changes
    )


def over(days: range, metric: str, value: float, **columns) -> pl.DataFrame:
    """METRICS of one series that is the same every day."""
    fixed = dict.fromkeys(("column", "segment", "version", "variant", "group"), "")
    fixed |= {"metric": metric, "n": 1000, "reference_id": "r", "value": value} | columns
    rows = [{"window_start": FIRST + d * DAY, "window_end": FIRST + (d + 1) * DAY} | fixed for d in days]
    return pl.DataFrame(rows, schema=dict(METRICS))


def told(*series: tuple[str, float, float, dict]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (the alert's windows, the reference's) of series: metric, usual value, value now, slice."""
    return (
        pl.concat(over(ALERT_DAYS, metric, now, **slices) for metric, _, now, slices in series),
        pl.concat(over(USUAL_DAYS, metric, usual, **slices) for metric, usual, _, slices in series),
    )


def alert(metric: str, value: float, side: str = "below", **target: str) -> Episode:
    first, last = FIRST + ALERT_DAYS[0] * DAY, FIRST + ALERT_DAYS[-1] * DAY
    return Episode(
        "rule", Target(metric, **target), Severity.CRITICAL, first, last, last, last, value, 0.5, side
    )


def drift(column: str, usual: float, now: float) -> tuple[str, float, float, dict]:
    return ("jensen_shannon", usual, now, {"column": column})


AUC = ("roc_auc", 0.86, 0.74, {})
ORIGINS = [
    ("roc_auc", 0.86, 0.62, {"segment": "city=EWR", "n": 500}),
    ("roc_auc", 0.86, 0.86, {"segment": "city=JFK", "n": 500}),
]


def test_inputs_are_ranked_by_how_far_they_moved_above_their_usual() -> None:
    during, usual = told(AUC, drift("temp", 0.1, 0.4), drift("wind", 0.1, 0.2), drift("age", 0.3, 0.3))
    found = explain(alert("roc_auc", 0.74), declared(), during, usual).columns
    assert found["column"].to_list() == ["temp", "wind", "age"]
    assert found["moved"].to_list() == pytest.approx([0.3, 0.1, 0.0])
    assert found["weight"].to_list() == pytest.approx([0.75, 0.25, 0.0])
    assert found["importance"].null_count() == 3


def test_importance_weighs_what_moved() -> None:
    during, usual = told(AUC, drift("temp", 0.1, 0.4), drift("wind", 0.1, 0.2), drift("age", 0.3, 0.3))
    importance = {"temp": 1.0, "wind": 9.0, "age": 10.0}
    found = explain(alert("roc_auc", 0.74), declared(), during, usual, importance).columns
    assert found["column"].to_list() == ["wind", "temp", "age"]
    assert found["importance"].to_list() == pytest.approx([0.45, 0.05, 0.5])
    assert found["weight"].to_list() == pytest.approx([0.75, 0.25, 0.0])


def test_what_lies_within_the_noise_explains_nothing() -> None:
    during, usual = told(AUC, drift("temp", 0.10, 0.14), drift("wind", 0.1, 0.1))
    found = explain(alert("roc_auc", 0.74), declared(), during, usual)
    assert found.columns["weight"].to_list() == [0.0, 0.0]
    said = why_text.verdict(found, alert("roc_auc", 0.74), declared())
    assert "no input moved notably" in said and "concept drift" in said


def test_a_distance_below_what_chance_shows_has_not_moved() -> None:
    during, usual = told(drift("temp", 0.1, 0.4))
    found = explain(alert("roc_auc", 0.74), declared(), during.with_columns(expected=0.5), usual)
    assert found.columns["moved"].to_list() == [0.0]


def test_score_and_label_are_no_inputs() -> None:
    during, usual = told(AUC, drift("p", 0.1, 0.4), drift("y", 0.1, 0.4), drift("temp", 0.1, 0.4))
    found = explain(alert("roc_auc", 0.74), declared(), during, usual)
    assert found.columns["column"].to_list() == ["temp"]
    assert found.outputs["column"].to_list() == ["p"]


def test_segments_share_the_change_by_rows_times_difference() -> None:
    series = [
        ("log_loss", 5.0, 9.0, {"segment": "city=A", "n": 250}),
        ("log_loss", 5.0, 6.0, {"segment": "city=B", "n": 750}),
    ]
    during, usual = told(("log_loss", 5.0, 6.75, {}), *series)
    found = explain(alert("log_loss", 6.75, "above"), declared(), during, usual).parts
    assert found["part"].to_list() == ["city=A", "city=B"]
    assert found["change"].to_list() == pytest.approx([4.0, 1.0])
    assert found["rows"].to_list() == pytest.approx([0.25, 0.75])
    assert found["share"].to_list() == pytest.approx([1.0 / 1.75, 0.75 / 1.75])


def test_an_alert_about_one_segment_is_not_cut_again() -> None:
    during, usual = told(*ORIGINS)
    found = explain(alert("roc_auc", 0.62, segment="city=EWR"), declared(), during, usual)
    assert not found.parts.height and found.before == pytest.approx(0.86)


def test_the_sentence_of_performance_names_input_and_segment() -> None:
    during, usual = told(AUC, drift("temp", 0.1, 0.4), *ORIGINS)
    episode = alert("roc_auc", 0.74)
    said = why_text.verdict(explain(episode, declared(), during, usual), episode, declared())
    assert said == (
        "ROC AUC fell from 0.86 to 0.74 on average since 11 January 2024; temp moved most among its inputs; "
        "city=EWR carries 100% of the change with 50% of the rows."
    )


def test_a_gap_names_the_groups_it_lies_between_and_leaves_out_those_too_small_to_judge() -> None:
    gap = ("demographic_parity_difference", 0.1, 0.3, {"column": "sex"})
    rates = [
        ("selection_rate", 0.5, 0.4, {"group": "sex=f", "n": 400}),
        ("selection_rate", 0.6, 0.7, {"group": "sex=m", "n": 600}),
        ("selection_rate", 0.6, 1.0, {"group": "sex=x", "n": 4}),
    ]
    during, usual = told(gap, *rates)
    episode = alert("demographic_parity_difference", 0.3, "above", column="sex")
    found = explain(episode, declared(), during, usual)
    assert sorted(found.parts["part"]) == ["sex=f", "sex=m"]
    said = why_text.verdict(found, episode, declared())
    assert said == (
        "Demographic parity difference by sex rose from 0.1 to 0.3 since 11 January 2024; "
        "selection rate 40% for sex=f (400 rows) against 70% for sex=m (600 rows)."
    )


def test_missing_values_lead_upstream_and_say_what_they_do_to_performance() -> None:
    gone = [("missing_share", 0.01, 1.0, {"column": name}) for name in ("temp", "wind")]
    during, usual = told(AUC, *gone, ("missing_share", 0.0, 0.0, {"column": "age"}))
    episode = alert("missing_share", 1.0, "above", column="temp")
    found = explain(episode, declared(), during, usual)
    assert found.effect is not None and found.effect.worse and found.effect.value == pytest.approx(0.74)
    assert why_text.reasons(found, episode, declared()) == (
        "Usually 1%; missing along with it: wind, so look upstream; "
        "ROC AUC: 0.74, outside the usual 0.86 to 0.86."
    )


def test_drift_of_an_input_tells_what_the_predictions_do() -> None:
    during, usual = told(drift("temp", 0.1, 0.4), drift("wind", 0.1, 0.3), drift("p", 0.1, 0.1))
    episode = alert("drift", 0.4, "above", column="temp")
    said = why_text.reasons(explain(episode, declared(), during, usual), episode, declared())
    assert said == "Usually 0.1; wind moved with it; predictions did not."


def test_without_a_reference_it_says_what_is_known_and_no_more() -> None:
    during, usual = told(AUC, drift("temp", 0.1, 0.4))
    found = explain(alert("roc_auc", 0.74), declared(), during, usual.clear())
    assert found.before is None and found.columns["moved"].to_list() == [0.0]
    assert why_text.verdict(found, alert("roc_auc", 0.74), declared()).startswith(
        "ROC AUC is 0.74 since 11 January 2024"
    )


def test_silence_has_a_beginning_and_no_suspects() -> None:
    during, usual = told(AUC)
    episode = alert("freshness", 200.0)
    found = explain(episode, declared(), during, usual)
    assert why_text.verdict(found, episode, declared()) == "No predictions since 11 January 2024."
    assert why_text.reasons(found, episode, declared()) == ""


def test_one_window_has_no_average_and_what_is_over_is_told_as_such() -> None:
    during, usual = told(AUC)
    over = replace(alert("roc_auc", 0.74), last_window=FIRST + 10 * DAY, resolved_at=FIRST + 14 * DAY)
    found = explain(over, declared(), during.head(1), usual)
    assert why_text.verdict(found, over, declared()).startswith(
        "ROC AUC fell from 0.86 to 0.74 on 11 January 2024"
    )


def test_the_value_is_the_average_of_the_windows_by_their_rows() -> None:
    few, many = over(ALERT_DAYS, "roc_auc", 0.5, n=100)[:1], over(ALERT_DAYS, "roc_auc", 0.8, n=300)[1:]
    found = explain(
        alert("roc_auc", 0.8), declared(), pl.concat([few, many]), over(USUAL_DAYS, "roc_auc", 0.9)
    )
    assert (found.now, found.before, found.windows) == (pytest.approx(0.725), pytest.approx(0.9), 2)


def test_of_a_gap_the_last_window_is_told_so_that_the_groups_make_it() -> None:
    def rates(days: range, women: float, men: float) -> pl.DataFrame:
        groups = {"sex=f": women, "sex=m": men}.items()
        selected = [over(days, "selection_rate", rate, group=group) for group, rate in groups]
        return pl.concat([*selected, over(days, "demographic_parity_difference", men - women, column="sex")])

    during = pl.concat([rates(range(10, 11), 0.2, 0.9), rates(range(11, 12), 0.4, 0.6)])
    episode = alert("demographic_parity_difference", 0.2, "above", column="sex")
    found = explain(episode, declared(), during, rates(USUAL_DAYS, 0.5, 0.55))
    assert found.now == pytest.approx(0.2)
    assert found.parts.sort("part")["now"].to_list() == pytest.approx([0.4, 0.6])


def test_a_value_beyond_its_threshold_but_no_worse_than_the_reference_says_so() -> None:
    during, usual = told(("roc_auc", 0.70, 0.74, {}))
    episode = alert("roc_auc", 0.74)
    said = why_text.verdict(explain(episode, declared(), during, usual), episode, declared())
    assert said.startswith("ROC AUC is 0.74 since 11 January 2024, no worse than in the reference (0.7)")


def test_what_happened_nearby_is_told_last() -> None:
    during, usual = told(AUC)
    happened = pl.DataFrame({"at": [FIRST + 9 * DAY], "what": ["version 2 began"]})
    found = explain(alert("roc_auc", 0.74), declared(), during, usual)
    said = why_text.verdict(found, alert("roc_auc", 0.74), declared(), happened)
    assert said.endswith("; version 2 began on 10 January 2024.")


def test_needed_names_what_explain_reads() -> None:
    names = why.needed(declared(), ["drift", "demographic_parity_ratio"])
    gap = {"demographic_parity_ratio", "selection_rate"}
    assert set(names) >= gap | {"jensen_shannon", "missing_share", "roc_auc"}


def test_a_spike_of_predictions_says_what_moved_and_whether_the_outcomes_followed() -> None:
    spike = ("prediction_rate", 0.2, 0.7, {})
    storm = drift("wind", 0.1, 0.6)
    episode = alert("prediction_rate", 0.7, "above")
    right = explain(episode, declared(), *told(spike, ("label_rate", 0.25, 0.6, {}), storm))
    assert why_text.reasons(right, episode, declared()) == (
        "Usually 20%; wind moved most among its inputs; Positive labels: 60%, outside the usual 25% to 25%."
    )
