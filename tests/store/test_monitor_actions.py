"""What people do with monitors: who may, what is written, and that nobody overwrites another or a file."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.actions import monitors as monitor_actions
from core.declaration import Declaration
from core.entities import Actor, Alert, AlertEvent, Episode, ModelStatus, Severity, Target
from core.errors import Conflict, DeclarationError, InputError, NotAllowed
from core.store import Store, alerts, audit, due, models, status
from core.store.models import RegisteredModel
from tests.store.conftest import NOW

EVE = Actor("eve@example.com", "ui", frozenset({"ml_engineer"}))
BOB = Actor("bob@example.com", "cli", frozenset({"admin"}))
MAE = {"metric": "mae", "above": 10.0}
TEXT = """\
# How long will the flight take?
model: delay-30
owner: ops@example.com
team: ops
task: regression
risk_tier: 2
predictions: {path: predictions/delay-30, timestamp: at, prediction: p, actual: y}
monitors:
  - {metric: mae, above: 10.0}    # minutes
notify: []
"""


@pytest.fixture
def ours(store: Store, declared: Callable[..., Declaration]) -> Store:
    """The model delay-30 with one monitor, changed in the dashboard, and an open alert of it."""
    with store.write() as c:
        declaration = declared(monitors=[MAE], notify=[])
        models.put(c, declaration, text=TEXT, managed="ui", now=NOW)
        status.put(c, ModelStatus("delay-30", "warning", NOW, condition="healthy", open_alerts=1))
        first = NOW - timedelta(days=3)
        known = (Target("mae"), Severity.WARNING, first, NOW, first, NOW, 12.0, 10.0, "above")
        kept = alerts.add(c, Alert(0, "delay-30", Episode("mae", *known), "mae is 12"))
        alerts.happened(c, AlertEvent(kept.id, first, "steward-jobs", "opened"))
    return store


def known(store: Store) -> RegisteredModel:
    with store.read() as c:
        found = models.get(c, "delay-30")
    assert found is not None
    return found


def last_entry(store: Store) -> audit.AuditEntry:
    with store.read() as c:
        assert audit.verify(c).state == "intact"
        return audit.entries(c)[0]


def test_a_changed_monitor_is_written_audited_and_swept_at_once(ours: Store) -> None:
    changed = {"metric": "mae", "above": {"warning": 10.0, "critical": 20.0}, "for": "2 windows"}
    seen = known(ours).revision
    after = monitor_actions.put(ours, "delay-30", changed, EVE, replaces="mae", seen=seen)
    assert known(ours).declaration == after and known(ours).managed == "ui"
    assert (
        "  - {metric: mae, above: {warning: 10, critical: 20}, for: 2 windows}    # minutes\n"
        in known(ours).text
    )
    entry = last_entry(ours)
    assert (entry.actor, entry.source, entry.action, entry.entity) == (
        "eve@example.com", "ui", "monitor.changed", "model:delay-30",
    )  # fmt: skip
    assert entry.before == {"mae": {"metric": "mae", "above": 10}}
    assert entry.after["mae"]["for"] == "2 windows"
    with ours.read() as c:
        assert next(row for row in due.every(c) if row.model == "delay-30").due_at <= ours.workspace.now()


def test_an_added_monitor_stands_last(ours: Store) -> None:
    added = {"metric": "volume", "below": 100, "severity": "critical"}
    monitor_actions.put(ours, "delay-30", added, EVE)
    assert [monitor.name for monitor in known(ours).declaration.monitors] == ["mae", "volume"]
    assert last_entry(ours).action == "monitor.added" and last_entry(ours).before is None


def test_removing_a_monitor_closes_its_alerts(ours: Store) -> None:
    monitor_actions.remove(ours, "delay-30", "mae", EVE)
    assert known(ours).declaration.monitors == ()
    with ours.read() as c:
        (alert,) = alerts.of_model(c, "delay-30")
        current = status.get(c, "delay-30")
        said = [(event.event, event.detail) for event in alerts.events(c, alert.id)]
    assert alert.episode.closed_reason == "monitor removed" and alert.episode.resolved_at is not None
    assert said == [("opened", None), ("resolved", "monitor removed")]
    assert current is not None and (current.state, current.open_alerts) == ("healthy", 0)
    assert (last_entry(ours).action, last_entry(ours).after) == ("monitor.removed", None)


def test_who_acts_on_an_old_view_is_told_who_changed_the_model(ours: Store) -> None:
    seen = known(ours).revision
    monitor_actions.put(ours, "delay-30", {"metric": "volume", "below": 100}, BOB)
    for command in (
        lambda: monitor_actions.put(ours, "delay-30", MAE | {"above": 9}, EVE, replaces="mae", seen=seen),
        lambda: monitor_actions.remove(ours, "delay-30", "mae", EVE, seen=seen),
        lambda: monitor_actions.manage(ours, "delay-30", "file", EVE, seen=seen),
    ):
        with pytest.raises(Conflict, match="delay-30 was changed by bob@example.com since"):
            command()
    assert known(ours).declaration.monitors[0].above == 10


def test_what_a_file_manages_is_changed_there(ours: Store) -> None:
    assert monitor_actions.manage(ours, "delay-30", "file", EVE)
    assert not monitor_actions.manage(ours, "delay-30", "file", EVE), "it was so already"
    assert (last_entry(ours).before, last_entry(ours).after) == ({"managed": "ui"}, {"managed": "file"})
    with pytest.raises(InputError, match="run steward apply, or let the dashboard manage it"):
        monitor_actions.put(ours, "delay-30", MAE | {"above": 9}, EVE, replaces="mae")
    assert monitor_actions.manage(ours, "delay-30", "ui", EVE)
    monitor_actions.put(ours, "delay-30", MAE | {"above": 9}, EVE, replaces="mae")


@pytest.mark.parametrize("role", ["viewer", "auditor", "analyst", "data_scientist", "validator", "approver"])
def test_only_who_configures_models_may_change_monitors(ours: Store, role: str) -> None:
    reader = Actor("reader@example.com", "ui", frozenset({role}))
    for command in (
        lambda: monitor_actions.put(ours, "delay-30", MAE | {"above": 9}, reader, replaces="mae"),
        lambda: monitor_actions.remove(ours, "delay-30", "mae", reader),
        lambda: monitor_actions.manage(ours, "delay-30", "file", reader),
    ):
        with pytest.raises(NotAllowed, match=f"reader@example.com is {role} and may not"):
            command()
    assert known(ours).text == TEXT


@pytest.mark.parametrize(
    ("monitor", "replaces", "words"),
    [
        ({"metric": "mae", "below": 3}, "mae", "lower is better for mae, so this would alarm on good news"),
        ({"metric": "mae"}, "mae", "nothing says when to alarm; write exactly one of"),
        ({"metric": "mae", "above": "ten"}, "mae", "'ten' is not allowed; expected a valid number"),
        ({"metric": "mae", "above": 9, "for": "soon"}, "mae", "no persistence; expected '2 windows' or"),
        ({"metric": "mae", "above": 9}, None, "2 monitors are named 'mae'; rename one"),
        ({"metric": "f2", "above": 9}, None, "'f2' is no metric"),
    ],
)
def test_mistakes_are_told_in_the_words_of_the_declaration_and_change_nothing(
    ours: Store, monitor: dict[str, object], replaces: str | None, words: str
) -> None:
    with pytest.raises(DeclarationError, match=words):
        monitor_actions.put(ours, "delay-30", monitor, EVE, replaces=replaces)
    assert known(ours).text == TEXT


def test_channels_unknown_names_and_changes_of_nothing_are_refused(ours: Store) -> None:
    told = MAE | {"notify": ["x"]}
    for command, words in (
        (lambda: monitor_actions.put(ours, "delay-30", told, EVE, replaces="mae"), "channels are chosen in"),
        (lambda: monitor_actions.put(ours, "delay-30", MAE, EVE, replaces="mae"), "mae says this already"),
        (lambda: monitor_actions.remove(ours, "delay-30", "mea", EVE), "no monitor 'mea'; did you mean"),
        (lambda: monitor_actions.remove(ours, "nope", "mae", EVE), "no model 'nope' is registered"),
        (lambda: monitor_actions.manage(ours, "delay-30", "me", EVE), "'me' manages no model"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            command()
    assert known(ours).text == TEXT
