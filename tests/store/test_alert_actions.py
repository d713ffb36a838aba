"""What people do with alerts: who may, all or none, what is written, and that nobody overwrites another."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core.actions import alerts as alert_actions
from core.entities import Actor, Alert, AlertEvent, Episode, ModelStatus, Severity, Target
from core.errors import Conflict, InputError, NotAllowed
from core.store import Store, alerts, audit, models, status

NOW = datetime(2014, 1, 1, 5, tzinfo=UTC)
ADA = Actor("ada@example.com", "ui", frozenset({"analyst"}))
BOB = Actor("bob@example.com", "cli", frozenset({"ml_engineer"}))
ROLES = ("viewer", "auditor", "analyst", "data_scientist", "validator", "approver", "ml_engineer", "admin")
COMMANDS = {
    "acknowledge": lambda s, ids, who, **seen: alert_actions.acknowledge(s, ids, who, **seen),
    "assign": lambda s, ids, who, **seen: alert_actions.assign(s, ids, who, to="eve@example.com", **seen),
    "snooze": lambda s, ids, who, **seen: alert_actions.snooze(
        s, ids, who, until=NOW + timedelta(days=7), reason="known: the feed is down", **seen
    ),
    "unsnooze": lambda s, ids, who, **seen: alert_actions.unsnooze(s, ids, who, **seen),
    "resolve": lambda s, ids, who, **seen: alert_actions.resolve(s, ids, who, reason="fixed", **seen),
}


@pytest.fixture
def attended(store: Store, declared) -> Iterator[Store]:
    """Two models at a fixed time: `delay-30` with a warning (1) and a critical alert (2), `eta` with one."""
    file = store.root / "steward.yaml"
    file.write_text(f"{file.read_text()}\nclock: {{fixed: {NOW.isoformat()}}}\n")
    fixed = Store(type(store.workspace).open(store.root))
    with fixed.write() as c:
        for slug in ("delay-30", "eta"):
            models.put(c, declared(slug), text="", now=NOW)
            status.put(c, ModelStatus(slug, "healthy", NOW, ("quiet",), condition="healthy", rules="r"))
        for model, severity in (("delay-30", "warning"), ("delay-30", "critical"), ("eta", "warning")):
            kept = alerts.add(c, alert(model, Severity(severity)))
            alerts.happened(c, AlertEvent(kept.id, kept.episode.opened_at, "steward", "opened"))
    yield fixed
    fixed.close()


def alert(model: str, severity: Severity) -> Alert:
    first = NOW - timedelta(days=3)
    column = "temp" if severity == Severity.CRITICAL else ""
    episode = Episode("floor", Target("mae", column), severity, first, NOW, first, NOW, 12.0, 10.0, "above")
    return Alert(0, model, episode, f"{severity} of {model}")


def get(store: Store, identifier: int) -> Alert:
    with store.read() as c:
        found = alerts.get(c, identifier)
    assert found is not None
    return found


def happened(store: Store, identifier: int) -> list[tuple[str, str, str | None]]:
    with store.read() as c:
        return [(e.actor, e.event, e.detail) for e in alerts.events(c, identifier)]


def state_of(store: Store, model: str) -> tuple[str, int]:
    with store.read() as c:
        found = status.get(c, model)
    assert found is not None
    return found.state, found.open_alerts


@pytest.mark.parametrize("role", ROLES)
def test_analysts_and_above_attend_to_alerts_viewers_and_auditors_do_not(attended: Store, role: str) -> None:
    actor = Actor("eve@example.com", "ui", frozenset({role}))
    for command in COMMANDS.values():
        if role in ("viewer", "auditor"):
            with pytest.raises(
                NotAllowed, match="may not attend to alerts; ask an admin for the role analyst"
            ):
                command(attended, [99], actor)
        else:
            assert len(command(attended, [1], actor)) == 1
    assert len(happened(attended, 1)) == (1 if role in ("viewer", "auditor") else 6)


def test_acknowledging_is_kept_told_and_audited_in_one_go(attended: Store) -> None:
    (changed,) = alert_actions.acknowledge(attended, [2], ADA)
    assert (changed.acknowledged_by, changed.acknowledged_at) == ("ada@example.com", NOW)
    assert get(attended, 2) == changed and changed.state(NOW) == "acknowledged"
    assert happened(attended, 2)[1:] == [("ada@example.com", "acknowledged", None)]
    with attended.read() as c:
        (entry,) = audit.entries(c)
        assert audit.verify(c).state == "intact"
    assert (entry.actor, entry.source, entry.action, entry.entity) == (
        "ada@example.com", "ui", "alert.acknowledged", "alert:2",
    )  # fmt: skip
    assert entry.before == {"acknowledged_at": None, "acknowledged_by": None}
    assert state_of(attended, "delay-30") == ("critical", 2)


def test_acknowledging_twice_changes_nothing(attended: Store) -> None:
    alert_actions.acknowledge(attended, [1], ADA, seen={1: 1})
    assert alert_actions.acknowledge(attended, [1], ADA, seen={1: 1}) == []
    assert alert_actions.acknowledge(attended, [1], BOB, seen={1: 2}) == []
    assert get(attended, 1).acknowledged_by == "ada@example.com"
    assert len(happened(attended, 1)) == 2


def test_many_at_once_are_changed_all_or_none(attended: Store) -> None:
    alert_actions.resolve(attended, [3], BOB, reason="data was late")
    for ids, error in (([1, 2, 3], Conflict), ([1, 99], InputError), ([], InputError)):
        with pytest.raises(error):
            alert_actions.acknowledge(attended, ids, ADA)
    assert [get(attended, i).acknowledged_by for i in (1, 2)] == [None, None]
    assert len(alert_actions.acknowledge(attended, [1, 2, 1], ADA)) == 2


def test_the_status_of_every_model_concerned_is_refreshed(attended: Store) -> None:
    week = NOW + timedelta(days=7)
    alert_actions.snooze(attended, [2, 3], ADA, until=week, reason="known")
    assert state_of(attended, "delay-30") == ("warning", 2)
    assert state_of(attended, "eta") == ("healthy", 1)
    alert_actions.unsnooze(attended, [2, 3], ADA)
    assert state_of(attended, "eta") == ("warning", 1)
    alert_actions.resolve(attended, [1, 2, 3], ADA, reason="fixed")
    assert state_of(attended, "delay-30") == ("healthy", 0)
    assert state_of(attended, "eta") == ("healthy", 0)


@pytest.mark.parametrize("command", ["acknowledge", "assign", "snooze", "unsnooze", "resolve"])
def test_a_resolved_alert_is_not_changed_any_more(attended: Store, command: str) -> None:
    alert_actions.acknowledge(attended, [1], ADA)
    alert_actions.resolve(attended, [1], BOB, reason="fixed upstream")
    with pytest.raises(
        Conflict, match=r"alert 1 of delay-30 was resolved by bob@example.com just now; reload"
    ):
        COMMANDS[command](attended, [1], ADA, seen={1: 2})


def test_what_happened_after_the_person_looked_is_a_conflict(attended: Store) -> None:
    alert_actions.assign(attended, [1], BOB, to="bob@example.com")
    with pytest.raises(Conflict, match=r"was assigned by bob@example.com"):
        alert_actions.acknowledge(attended, [1], ADA, seen={1: 1})
    with attended.write() as c:
        alerts.happened(c, AlertEvent(1, NOW - timedelta(minutes=2), "steward", "escalated"))
    with pytest.raises(Conflict, match=r"was escalated by steward 2 min ago"):
        alert_actions.snooze(attended, [1], ADA, until=NOW + timedelta(days=1), reason="x", seen={1: 2})
    alert_actions.acknowledge(attended, [1], ADA, seen={1: 3})
    with pytest.raises(Conflict, match=r"was acknowledged by ada@example.com"):
        alert_actions.acknowledge(attended, [1], BOB, seen={1: 3})


def test_a_manual_resolve_says_who_and_why_and_when(attended: Store) -> None:
    alert_actions.resolve(attended, [1], ADA, reason="  sensor\n replaced ")
    episode = get(attended, 1).episode
    assert episode.resolved_at == NOW
    assert episode.closed_reason == "resolved by ada@example.com: sensor replaced"
    assert happened(attended, 1)[-1] == ("ada@example.com", "resolved", "sensor replaced")
    assert alert_actions.resolve(attended, [1], ADA, reason="sensor replaced") == []


@pytest.mark.parametrize("days", [0, -1, 90.01, 400])
def test_a_snooze_ends_within_90_days(attended: Store, days: float) -> None:
    with pytest.raises(InputError, match="at most 90 days ahead"):
        alert_actions.snooze(attended, [1], ADA, until=NOW + timedelta(days=days), reason="x")


def test_a_snooze_of_90_days_is_kept_and_lapses_by_itself(attended: Store) -> None:
    until = NOW + timedelta(days=90)
    alert_actions.snooze(attended, [1], ADA, until=until, reason="known")
    kept = get(attended, 1)
    assert (kept.snoozed_until, kept.snooze_reason) == (until, "known")
    assert kept.state(until - timedelta(seconds=1)) == "snoozed" and kept.state(until) == "open"
    assert happened(attended, 1)[-1][2] == "until 1 Apr 2014 05:00 UTC: known"


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 501])
def test_a_reason_is_needed(attended: Store, text: str) -> None:
    with pytest.raises(InputError, match="in 1 to 500 characters"):
        alert_actions.resolve(attended, [1], ADA, reason=text)
    with pytest.raises(InputError, match="in 1 to 500 characters"):
        alert_actions.snooze(attended, [1], ADA, until=NOW + timedelta(days=1), reason=text)
    with pytest.raises(InputError, match="to whom"):
        alert_actions.assign(attended, [1], ADA, to=text)
    assert len(happened(attended, 1)) == 1


def test_an_assignment_can_be_taken_back(attended: Store) -> None:
    alert_actions.assign(attended, [1], ADA, to="eve@example.com")
    assert get(attended, 1).assigned_to == "eve@example.com"
    assert alert_actions.assign(attended, [1], ADA, to="eve@example.com") == []
    alert_actions.assign(attended, [1], BOB, to=None)
    assert get(attended, 1).assigned_to is None
    assert [detail for _, _, detail in happened(attended, 1)[1:]] == ["eve@example.com", "nobody"]


def test_nothing_is_written_when_the_model_was_never_swept(attended: Store, declared) -> None:
    with attended.write() as c:
        models.put(c, declared("fresh"), text="", now=NOW)
        kept = alerts.add(c, alert("fresh", Severity.WARNING))
    alert_actions.acknowledge(attended, [kept.id], ADA)
    with attended.read() as c:
        assert status.get(c, "fresh") is None


def test_a_comment_is_kept_in_time_order_and_audited_also_when_the_alert_is_over(attended: Store) -> None:
    alert_actions.comment(attended, 1, ADA, text="  the feed\n is down ")
    alert_actions.comment(attended, 1, ADA, text="the feed is down")
    alert_actions.resolve(attended, [1], BOB, reason="fixed", seen={1: 2})
    alert_actions.comment(attended, 1, ADA, text="confirmed")
    assert happened(attended, 1)[1:] == [
        ("ada@example.com", "commented", "the feed is down"),
        ("bob@example.com", "resolved", "fixed"),
        ("ada@example.com", "commented", "confirmed"),
    ]
    assert state_of(attended, "delay-30")[1] == 1, "a comment changes nothing else"
    with attended.read() as c:
        entries = [entry for entry in audit.entries(c) if entry.action == "alert.commented"]
        assert audit.verify(c).state == "intact"
    assert [entry.after for entry in entries] == [{"comment": "confirmed"}, {"comment": "the feed is down"}]


def test_a_comment_the_person_has_not_seen_is_a_conflict(attended: Store) -> None:
    alert_actions.comment(attended, 1, ADA, text="wait, this is real")
    with pytest.raises(Conflict, match=r"was commented by ada@example.com just now"):
        alert_actions.resolve(attended, [1], BOB, reason="noise", seen={1: 1})


def test_a_comment_needs_words_an_alert_and_a_role(attended: Store) -> None:
    with pytest.raises(InputError, match="in 1 to 500 characters"):
        alert_actions.comment(attended, 1, ADA, text=" ")
    with pytest.raises(InputError, match="there is no alert 99"):
        alert_actions.comment(attended, 99, ADA, text="x")
    for role in ("viewer", "auditor"):
        with pytest.raises(NotAllowed):
            alert_actions.comment(attended, 1, Actor("eve@example.com", "ui", frozenset({role})), text="x")
