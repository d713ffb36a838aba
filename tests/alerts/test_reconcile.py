"""Whatever order sweeps and late data come in, the alerts end as one calm pass would have them."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from core.entities import Alert
from core.fold import fold
from core.reconcile import CORRECTED, REMOVED, UNWATCHED, begun, reconcile
from tests.alerts.test_fold import DAY, FIRST, LEVELS, TARGET, verdicts

NOW = FIRST + timedelta(days=50)
ALWAYS = {"mae": None}


def swept(known: list[Alert], levels: list[int | None], needed: int = 1) -> list[Alert]:
    """One sweep that sees these windows: return all alerts after it."""
    told = fold(verdicts(levels), {"mae": needed})
    current = {alert.id: alert for alert in known}
    for change in reconcile("m", known, told, ALWAYS, now=NOW):
        identifier = change.alert.id or len(current) + 1
        current[identifier] = replace(change.alert, id=identifier)
    return list(current.values())


def lasting(known: list[Alert]) -> list[object]:
    return sorted(
        (a.episode for a in known if a.episode.closed_reason != CORRECTED), key=lambda e: e.first_window
    )


def test_a_sweep_with_nothing_new_changes_no_alert() -> None:
    known = swept([], [0, 1, 0, 1])
    assert len(known) == 2
    assert reconcile("m", known, fold(verdicts([0, 1, 0, 1]), {"mae": 1}), ALWAYS, now=NOW) == []


def test_an_alert_grows_escalates_and_recovers_under_its_id() -> None:
    known: list[Alert] = []
    for seen in ([0, 1], [0, 1, 2], [0, 1, 2, 0]):
        known = swept(known, seen)
        assert [alert.id for alert in known] == [1]
    assert known[0].episode.resolved_at is not None


def test_an_escalation_takes_the_acknowledgement_back() -> None:
    (alert,) = swept([], [1])
    (after,) = swept([replace(alert, acknowledged_at=NOW, acknowledged_by="ann")], [1, 2])
    assert after.acknowledged_at is None


def test_an_alert_that_late_data_refutes_is_closed_and_comes_back_if_it_returns() -> None:
    known = swept([], [0, 1, 1])
    (gone,) = swept(known, [0, 0, 0])
    assert (gone.id, gone.episode.closed_reason, gone.episode.resolved_at) == (1, CORRECTED, NOW)
    (back,) = swept([gone], [0, 1, 1])
    assert (back.id, back.episode.resolved_at) == (1, None)


def test_a_removed_monitor_and_a_target_that_is_gone_close_what_is_open() -> None:
    known = swept([], [1, 0, 1])
    for since, reason in (({}, REMOVED), (ALWAYS, UNWATCHED)):
        (change,) = reconcile("m", known, {}, since, now=NOW)
        assert change.alert.episode.closed_reason == reason
        assert change.events[0].event == "resolved"


def test_a_changed_rule_judges_from_its_change_on_and_leaves_the_past_alone() -> None:
    known = swept([], [1, 0, 1])
    changed = {"mae": FIRST + 3 * DAY}
    windows = verdicts([0, 0, 0, 0]).filter(pl.col("window_start") >= changed["mae"])
    told = fold(windows, {"mae": 1}, begun=begun(known, changed))
    (change,) = reconcile("m", known, told, changed, now=NOW)
    assert (change.alert.id, change.alert.episode.first_window) == (2, FIRST + 2 * DAY)
    assert change.alert.episode.resolved_window == FIRST + 3 * DAY


@settings(max_examples=200, deadline=None)
@given(data=st.data(), final=LEVELS, needed=st.integers(1, 3))
def test_any_course_of_sweeps_ends_in_the_alerts_of_one_calm_pass(data, final, needed) -> None:
    known: list[Alert] = []
    for _ in range(data.draw(st.integers(0, 5))):
        # A sweep on the way: it saw a part of the windows, some with values that late data changed since.
        seen = list(final[: data.draw(st.integers(0, len(final)))])
        for place in data.draw(st.lists(st.integers(0, max(len(seen) - 1, 0)), max_size=4)):
            if seen:
                seen[place] = data.draw(st.sampled_from([0, 1, 2, None]))
        known = swept(known, seen, needed)
    calm = swept([], final, needed)
    assert lasting(swept(known, final, needed)) == lasting(calm)
    assert all(alert.episode.target == TARGET for alert in calm)
