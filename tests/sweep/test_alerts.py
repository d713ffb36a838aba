"""A sweep raises alerts and queues what people must hear, once, in the transaction of its results."""

from dataclasses import replace
from datetime import timedelta

import polars as pl

from core import alerting, rehearsal
from core import retraining as retraining_story
from core.entities import Alert, AlertEvent, Episode, Message, ModelStatus
from core.monitors import Monitor
from core.reconcile import CORRECTED, REMOVED
from core.settings import initialise
from core.store import Store, alerts, models, outbox, retraining
from tests.sweep.conftest import FIRST, MONITOR, Model, rows


def write(model: Model, day: int, missing: float = 0.0, **options) -> None:
    """Write one day of which a share of the amounts is missing."""
    frame = rows(day, **options)
    empty = pl.int_range(frame.height, eager=True) < missing * frame.height
    model.write(frame.with_columns(amount=pl.when(~empty).then(pl.col("amount"))), f"{day:03}.parquet")


def kept(model: Model) -> list[Alert]:
    with model.store.read() as c:
        return alerts.of_model(c, model.name)


def queued(model: Model) -> list[Message]:
    with model.store.read() as c:
        return outbox.every(c)[::-1]


def told(model: Model) -> list[tuple[str, list[str]]]:
    return [(m.channel, [event["event"] for event in m.payload["events"]]) for m in queued(model)]


def test_an_alert_opens_escalates_and_recovers_and_each_is_told_once(store: Store, make_watched) -> None:
    model = make_watched(store)
    for day in range(12):
        write(model, day)
    model.sweep(12.1)
    assert (kept(model), told(model)) == ([], [])
    for day, missing in ((12, 0.2), (13, 0.6), (14, 0.0)):
        write(model, day, missing)
        model.sweep(day + 1.1)
        model.sweep(day + 1.2)  # nothing new
    assert told(model) == [("ops", ["opened"]), ("ops", ["escalated"]), ("ops", ["resolved"])]
    (alert,) = kept(model)
    assert alert.episode.resolved_at == FIRST + timedelta(days=15, hours=1)
    assert alert.message == "Missing share of amount is 60%, above 50%"
    whys = [message.payload["events"][0]["why"] for message in queued(model)]
    assert whys[0].startswith("Usually 0%; it alone is missing") and whys[1] and whys[2] is None
    with store.read() as c:
        assert [event.event for event in alerts.events(c, alert.id)] == ["opened", "escalated", "resolved"]


def test_open_alerts_make_the_models_state(store: Store, make_watched) -> None:
    model = make_watched(store)
    for day in range(13):
        write(model, day, 0.6 if day == 12 else 0.0)
    model.sweep(13.1)
    state = model.status()
    assert (state.state, state.open_alerts, state.condition) == ("critical", 1, "healthy")
    assert state.reasons == ("Missing share of amount is 60%, above 50%",)
    assert state.since == FIRST + timedelta(days=12)  # when the trouble began, as the alert says
    write(model, 13)
    model.sweep(14.1)
    assert (model.status().state, model.status().open_alerts) == ("healthy", 0)


def test_a_backlog_is_history_and_only_what_still_burns_is_told(store: Store, make_watched) -> None:
    model = make_watched(store)
    for day in range(20):
        write(model, day, 0.2 if day in (12, 15, 19) else 0.0)
    model.sweep(20.1)
    assert [a.episode.resolved_at is None for a in kept(model)] == [False, False, True]
    (message,) = queued(model)
    assert message.payload["first_sweep"]
    assert [event["alert"] for event in message.payload["events"]] == [kept(model)[-1].id]


def test_an_old_open_alert_of_a_silent_model_is_not_told(sqlite_store: Store, make_watched) -> None:
    model = make_watched(sqlite_store)
    for day in range(13):
        write(model, day, 0.2 if day == 12 else 0.0)
    model.sweep(40)
    assert kept(model)[0].episode.resolved_at is None
    assert queued(model) == []


def test_three_hundred_alerts_are_one_message(sqlite_store: Store, make_watched) -> None:
    names = ("amount", "city", "score")
    many = [
        {"name": f"m{i}", "metric": "missing_share", "columns": [names[i % 3]], "above": -0.5 - i / 1000}
        for i in range(300)
    ]
    model = make_watched(sqlite_store, tuple(many))
    for day in range(12):
        write(model, day)
    model.sweep(12.1)
    (message,) = queued(model)
    assert len(message.payload["events"]) == 300


def test_late_data_corrects_an_alert_and_takes_the_news_back(store: Store, make_watched) -> None:
    model = make_watched(store)
    for day in range(13):
        write(model, day, 0.2 if day == 12 else 0.0)
    model.sweep(13.1)
    write(model, 12, 0.0, n=201)
    model.sweep(13.2)
    (alert,) = kept(model)
    assert alert.episode.closed_reason == CORRECTED
    assert told(model) == [("ops", ["opened"]), ("ops", ["resolved"])]
    write(model, 12, 0.2)
    model.sweep(13.3)
    assert kept(model)[0].episode.resolved_at is None
    assert told(model)[-1] == ("ops", ["opened"])


def test_what_a_person_did_meanwhile_is_kept(store: Store, make_watched) -> None:
    model = make_watched(store)
    for day in range(13):
        write(model, day, 0.2 if day == 12 else 0.0)
    model.sweep(13.1)
    (alert,) = kept(model)
    at = FIRST + timedelta(days=13, hours=3)
    with store.write() as c:
        alerts.put(c, replace(alert, acknowledged_at=at, acknowledged_by="ann", assigned_to="bob"))
    write(model, 13, 0.3)
    model.sweep(14.1)
    (after,) = kept(model)
    assert (after.acknowledged_by, after.assigned_to) == ("ann", "bob")
    assert after.episode.last_window == FIRST + timedelta(days=13)
    assert model.status().state == "warning"


def test_what_a_person_resolved_stays_quiet_until_it_recovered(store: Store, make_watched) -> None:
    model = make_watched(store)
    for day in range(13):
        write(model, day, 0.2 if day == 12 else 0.0)
    model.sweep(13.1)
    (alert,) = kept(model)
    at = FIRST + timedelta(days=13, hours=3)
    ended = replace(alert.episode, resolved_at=at, closed_reason="resolved by ann: known")
    with store.write() as c:
        alerts.put(c, replace(alert, episode=ended, notified="resolved"))
        alerts.happened(c, AlertEvent(alert.id, at, "ann", "resolved", "resolved by ann: known"))
    for day, missing in ((13, 0.3), (14, 0.0), (15, 0.3)):
        write(model, day, missing)
        model.sweep(day + 1.1)
        assert len(kept(model)) == (2 if day == 15 else 1)
    assert told(model) == [("ops", ["opened"]), ("ops", ["opened"])]


def test_a_snoozed_alert_says_nothing_and_is_a_mark_only(store: Store, make_watched) -> None:
    model = make_watched(store)
    for day in range(13):
        write(model, day, 0.2 if day == 12 else 0.0)
    model.sweep(13.1)
    with store.write() as c:
        alerts.put(
            c, replace(kept(model)[0], snoozed_until=FIRST + timedelta(days=30), snooze_reason="known")
        )
    write(model, 13, 0.6)
    model.sweep(14.1)
    assert told(model) == [("ops", ["opened"])]
    assert (model.status().state, model.status().open_alerts) == ("healthy", 1)


def test_a_removed_monitor_closes_its_alerts_and_a_changed_one_judges_anew(
    store: Store, make_watched
) -> None:
    model = make_watched(store)
    for day in range(14):
        write(model, day, 0.2 if day in (11, 13) else 0.0)
    model.sweep(14.1)
    past, current = kept(model)
    model.declare(monitors=[MONITOR | {"above": 0.3}], notify=["ops"])
    model.sweep(14.2)
    assert kept(model)[0] == past, "what was judged by the old rule stays"
    assert kept(model)[1].episode.resolved_at is not None
    assert kept(model)[1].id == current.id
    model.declare(monitors=[MONITOR | {"above": 0.1}], notify=["ops"])
    model.sweep(14.3)
    model.declare(monitors=[], notify=["ops"])
    model.sweep(14.4)
    assert kept(model)[-1].episode.closed_reason == REMOVED
    assert model.status().rules is None


def test_a_silent_model_raises_a_freshness_alert_by_the_clock(store: Store, make_watched) -> None:
    model = make_watched(store, ({"metric": "freshness", "above": {"warning": 30, "critical": 100}},))
    for day in range(12):
        write(model, day)
    model.sweep(12.1)
    assert kept(model) == []
    last = rows(11)["at"].max()
    model.sweep((last - FIRST) / timedelta(days=1) + 30.5 / 24)
    (alert,) = kept(model)
    assert alert.message == "No predictions for 30.5 hours, 30 hours are allowed"
    assert alert.episode.opened_at == last + timedelta(hours=30)
    model.sweep(17)
    assert kept(model)[0].episode.severity == "critical"
    state = model.status()
    assert (state.state, state.open_alerts) == ("no_data", 1), "that is what the alert says"
    for day in range(12, 18):
        write(model, day)
    model.sweep(18.1)
    assert kept(model)[0].episode.closed_reason == CORRECTED
    assert told(model) == [("ops", ["opened"]), ("ops", ["escalated"]), ("ops", ["resolved"])]


def test_an_alert_may_request_retraining_once(store: Store, make_watched) -> None:
    asking = MONITOR | {"then": "request_retraining"}
    model = make_watched(store, (asking,))
    for day in range(14):
        write(model, day, 0.2 if day in (11, 13) else 0.0)
    model.sweep(14.1)
    write(model, 14, 0.3)
    model.sweep(15.1)
    with store.read() as c:
        (request,) = retraining.every(c)
    assert (request.reason, request.alert) == ("missing_share-amount", kept(model)[1].id)
    assert request.evidence["threshold"] == 0.1


def test_a_monitors_own_channels_come_on_top(sqlite_store: Store, make_watched) -> None:
    model = make_watched(sqlite_store, (MONITOR | {"notify": ["team", "ops"]},))
    for day in range(13):
        write(model, day, 0.2 if day == 12 else 0.0)
    model.sweep(13.1)
    assert sorted(message.channel for message in queued(model)) == ["ops", "team"]


def test_day_by_day_and_all_at_once_end_in_the_same_alerts(tmp_path, make_model) -> None:
    def swept(folder: str, days_of_sweeps: list[float]) -> tuple[list[Episode], ModelStatus]:
        store = Store(initialise(tmp_path / folder))
        store.migrate()
        model = make_model(store)
        model.declare(monitors=[MONITOR, {"metric": "drift", "threshold": "auto"}])
        written = 0
        for at in days_of_sweeps:
            while written + 1 <= at:
                shift = 1.5 if written in range(14, 19) else 0.0
                write(model, written, 0.2 if written in (12, 13, 17) else 0.0, shift=shift)
                written += 1
            model.sweep(at)
        found = sorted((a.episode for a in kept(model)), key=lambda e: (e.first_window, e.monitor))
        status = model.status()
        store.close()
        return found, status

    calm, calmly = swept("calm", [24.1])
    daily, finally_ = swept("daily", [day + 0.1 for day in range(1, 25)])
    assert len(calm) >= 3
    assert daily == calm
    for name in ("state", "reasons", "open_alerts", "condition", "rules", "last_window"):
        assert getattr(calmly, name) == getattr(finally_, name)


def test_a_snooze_that_is_over_counts_and_is_told_again(store: Store, make_watched) -> None:
    model = make_watched(store)
    for day in range(13):
        write(model, day, 0.2 if day == 12 else 0.0)
    model.sweep(13.1)
    until = FIRST + timedelta(days=13, hours=12)
    with store.write() as c:
        alerts.put(c, replace(kept(model)[0], snoozed_until=until, snooze_reason="known"))
    assert alerting.wake(store, now=until - timedelta(minutes=1)) == 0
    assert alerting.wake(store, now=until) == 1
    assert alerting.wake(store, now=until) == 0
    assert told(model) == [("ops", ["opened"]), ("ops", ["opened"])]
    assert model.status().state == "warning"
    with store.read() as c:
        assert [event.event for event in alerts.events(c, kept(model)[0].id)] == ["opened", "woken"]


def test_a_schedule_requests_retraining_once_per_period(store: Store, make_watched) -> None:
    model = make_watched(store, (), retraining={"every": "30d"})
    with store.read() as c:
        registered = models.get(c, model.name)
    assert registered is not None
    begun = registered.created_at
    days = timedelta(days=1)
    asked = [retraining_story.request_due(store, now=begun + day * days) for day in (29, 30, 31, 59, 61)]
    assert asked == [[], ["loans"], [], [], []], "one request is open, so the second period adds none"
    with store.read() as c:
        (request,) = retraining.every(c)
    assert (request.reason, request.state) == ("schedule", "proposed")


def test_a_rehearsal_tells_what_rules_would_have_said_and_changes_nothing(store: Store, make_watched) -> None:
    model = make_watched(store)
    for day in range(14):
        write(model, day, 0.2 if day in (11, 13) else 0.0)
    model.sweep(14.1)
    before = store.revision()
    with store.read() as c:
        registered = models.get(c, model.name)
    assert registered is not None
    draft = registered.declaration.model_copy(
        update={"monitors": (Monitor.model_validate(MONITOR | {"above": 0.3}),)}
    )
    now = FIRST + timedelta(days=14.1)
    (same,), (other,) = (rehearsal.rehearse(store, each, now=now) for each in (registered.declaration, draft))
    assert list(same.episodes) == [alert.episode for alert in kept(model)]
    assert (same.judged, other.episodes) == (14, [])
    assert store.revision() == before
