"""Digests and reminders: when they are made, what they say, and that each is made once."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.entities import Alert, Episode, Message, ModelStatus, Severity, Target
from core.notify.letter import as_html, as_text
from core.notify.messages import letter
from core.store import Store, alerts, models, retraining, status
from jobs import digests, reminders
from tests.notify.conftest import URL, declared, messages

DAY = timedelta(days=1)
MONDAY = datetime(2014, 1, 6, 12, tzinfo=UTC)  # after eight o'clock in Paris
TUESDAY = datetime(2014, 1, 7, 7, tzinfo=UTC)  # eight o'clock in Paris
EIGHT = "at: '0 8 * * 1-5', zone: Europe/Paris"


@pytest.fixture
def portfolio(with_channels):
    """Two healthy models of two owners, one in a team, and digests to the channel ops."""

    def made(store: Store, *scopes: str) -> Store:
        with store.write() as c:
            for slug, owner, team in (
                ("delay-30", "ada@example.com", "comms"),
                ("eta", "bo@example.com", None),
            ):
                told = declared(
                    slug,
                    owner=owner,
                    team=team,
                    notify=["ops"],
                    monitors=[{"name": "floor", "metric": "mae", "above": 3, "notify": ["pager"]}],
                )
                models.put(c, told, text="", now=MONDAY)
                status.put(c, ModelStatus(slug, "healthy", MONDAY, ("all is well",)))
        digests_ = ", ".join(f"{{channel: ops, {EIGHT}, scope: '{scope}'}}" for scope in scopes)
        channels = "{ops: {folder: messages}, pager: 'pagerduty://key@api'}"
        return with_channels(store, channels, f"digests: [{digests_}]")

    return made


def trouble(
    store: Store, opened_at: datetime, model: str = "delay-30", severity: str = "critical", **changes
) -> Alert:
    """An open alert that has been told, and its model in that state."""
    windows = {"first_window": opened_at - 2 * DAY, "last_window": opened_at - DAY}
    numbers = {"value": 4.2, "threshold": 3.0, "side": "above"}
    target = Target("mae", column=changes.pop("column", ""))
    episode = Episode(
        "floor", target, Severity(severity), **windows, opened_at=opened_at, judged_at=opened_at, **numbers
    )
    told = {"message": "MAE was 4.2, above 3.", "notified": severity} | changes
    with store.write() as c:
        status.put(c, ModelStatus(model, severity, opened_at, ("MAE was 4.2, above 3.",)))
        return alerts.add(c, Alert(0, model, episode, **told))


def written(message: Message) -> str:
    return as_text(letter(message, URL))


def test_the_first_time_a_digest_is_met_nothing_is_sent(store, portfolio):
    portfolio(store, "all")
    assert digests.make_due(store, MONDAY) == 0
    assert digests.make_due(store, TUESDAY - timedelta(seconds=1)) == 0
    assert digests.make_due(store, TUESDAY) == 1
    assert digests.make_due(store, TUESDAY) == 0


def test_when_nothing_is_new_a_digest_is_one_line(sqlite_store, portfolio):
    portfolio(sqlite_store, "all")
    trouble(sqlite_store, MONDAY - 3 * DAY)
    digests.make_due(sqlite_store, MONDAY)
    digests.make_due(sqlite_store, TUESDAY)
    (message,) = messages(sqlite_store)
    assert letter(message, URL).subject.startswith("Digest: nothing new [")
    assert written(message).splitlines()[0] == (
        "Nothing new since Mon 6 Jan 2014, 13:00 CET: 2 models (1 critical, 1 healthy). "
        "1 alert open, the oldest for 3 days."
    )
    assert len(written(message).splitlines()) == 4


def test_a_digest_tells_states_changes_open_alerts_and_requests(sqlite_store, portfolio):
    portfolio(sqlite_store, "all")
    digests.make_due(sqlite_store, MONDAY)
    mild = trouble(sqlite_store, MONDAY - 9 * DAY, severity="warning", column="c")
    young = trouble(sqlite_store, MONDAY + timedelta(hours=2), column="b")
    old = trouble(sqlite_store, MONDAY - 5 * DAY, column="a", acknowledged_at=MONDAY, acknowledged_by="ada")
    with sqlite_store.write() as c:
        retraining.propose(c, "eta", "schedule", text="30 days have passed.", evidence={}, at=MONDAY)
    digests.make_due(sqlite_store, TUESDAY)
    (message,) = messages(sqlite_store)
    told = written(message)
    assert letter(message, URL).subject.startswith("Digest: 2 models, 1 critical, 1 healthy; 1 change [")
    assert told.splitlines()[0] == "Critical: delay-30."
    assert "What changed since Mon 6 Jan 2014, 13:00 CET" in told
    assert "delay-30: healthy → critical\n  MAE was 4.2, above 3.\n" in told
    assert "Open alerts (3), the worst and oldest first" in told
    assert "5 days: CRITICAL delay-30, acknowledged by ada\n  MAE was 4.2, above 3.\n" in told
    order = [told.index(f"id={alert.id}\n") for alert in (old, young, mild)]
    assert order == sorted(order)
    assert "Retraining requests (1)\n\neta, asked 19 hours ago\n  30 days have passed.\n" in told
    assert f"{URL}/alert?id={old.id}" in as_html(letter(message, URL))


def test_resolved_alerts_and_new_and_removed_models_are_news(sqlite_store, portfolio):
    portfolio(sqlite_store, "all")
    digests.make_due(sqlite_store, MONDAY)
    alert = trouble(sqlite_store, MONDAY - DAY, model="eta")
    with sqlite_store.write() as c:
        ended = replace(alert.episode, resolved_at=MONDAY + timedelta(hours=1), closed_reason="quiet")
        alerts.put(c, replace(alert, episode=ended))
        status.put(c, ModelStatus("eta", "healthy", MONDAY))
        models.put(c, declared("new"), text="", now=MONDAY)
    digests.make_due(sqlite_store, TUESDAY)
    told = written(messages(sqlite_store)[0])
    assert "1 alert resolved." in told and "new: not watched → no data" in told


def test_each_owner_and_each_team_hears_of_its_own_models(store, portfolio):
    portfolio(store, "owner", "team:comms")
    digests.make_due(store, MONDAY)
    trouble(store, MONDAY + timedelta(hours=1))
    assert digests.make_due(store, TUESDAY) == 3
    subjects = sorted(letter(message, URL).subject.rpartition(" [")[0] for message in messages(store))
    assert subjects == [
        "Digest for ada@example.com: 1 model, 1 critical; 1 change",
        "Digest for bo@example.com: nothing new",
        "Digest for team comms: 1 model, 1 critical; 1 change",
    ]


def test_digests_missed_while_nothing_ran_are_made_up_for_by_one(store, portfolio):
    portfolio(store, "all")
    digests.make_due(store, MONDAY)
    assert digests.make_due(store, MONDAY + 20 * DAY) == 1
    assert digests.make_due(store, MONDAY + 20 * DAY) == 0


def test_two_runners_make_a_digest_once(store, portfolio):
    portfolio(store, "all")
    digests.make_due(store, MONDAY)
    together(lambda: digests.make_due(store, TUESDAY))
    assert len(messages(store)) == 1


def test_a_digest_that_fails_leaves_no_trace_and_is_made_later(sqlite_store, portfolio, monkeypatch):
    portfolio(sqlite_store, "all")
    digests.make_due(sqlite_store, MONDAY)

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(digests.digests, "put", die)
        assert digests.make_due(sqlite_store, TUESDAY) == 0
    assert messages(sqlite_store) == []
    assert digests.make_due(sqlite_store, TUESDAY) == 1


def test_a_critical_alert_nobody_took_on_is_told_again_every_day(store, portfolio):
    portfolio(store)
    alert = trouble(store, MONDAY - 4 * DAY)
    assert reminders.remind(store, MONDAY) == 0  # its opening has just been told
    assert reminders.remind(store, MONDAY + DAY - timedelta(seconds=1)) == 0
    assert reminders.remind(store, MONDAY + DAY) == 2
    assert reminders.remind(store, MONDAY + DAY) == 0
    assert reminders.remind(store, MONDAY + 2 * DAY) == 2
    with store.read() as c:
        assert alerts.get(c, alert.id).reminded_at == MONDAY + 2 * DAY
    assert {(message.channel, message.kind) for message in messages(store)} == {
        ("ops", "reminder"),
        ("pager", "reminder"),
    }
    assert "Open for 6 days." in written(messages(store)[0])


@pytest.mark.parametrize(
    "taken_on",
    [
        {"acknowledged_at": MONDAY, "acknowledged_by": "ada"},
        {"snoozed_until": MONDAY + 9 * DAY},
        {"severity": "warning"},
        {"notified": None},
    ],
)
def test_what_somebody_took_on_or_nobody_was_told_of_is_not_told_again(sqlite_store, portfolio, taken_on):
    portfolio(sqlite_store)
    trouble(sqlite_store, MONDAY - DAY, reminded_at=MONDAY - DAY, **taken_on)
    assert reminders.remind(sqlite_store, MONDAY + DAY) == 0


def test_a_paused_model_reminds_of_nothing(sqlite_store, portfolio):
    portfolio(sqlite_store)
    trouble(sqlite_store, MONDAY - DAY, reminded_at=MONDAY - DAY)
    with sqlite_store.write() as c:
        models.pause(c, "delay-30", "ops@example.com")
    assert reminders.remind(sqlite_store, MONDAY) == 0


def test_reminders_are_one_message_per_model_and_channel_but_one_per_alert_for_a_pager(
    sqlite_store, portfolio
):
    portfolio(sqlite_store)
    for column in "abc":
        trouble(sqlite_store, MONDAY - DAY, column=column, reminded_at=MONDAY - DAY)
    trouble(sqlite_store, MONDAY - DAY, model="eta", reminded_at=MONDAY - DAY)
    assert reminders.remind(sqlite_store, MONDAY) == 6
    sizes = [(m.channel, m.model, len(m.payload["events"])) for m in messages(sqlite_store)]
    assert sorted(sizes) == [
        ("ops", "delay-30", 3),
        ("ops", "eta", 1),
        *[("pager", "delay-30", 1)] * 3,
        ("pager", "eta", 1),
    ]


def test_two_runners_remind_once(store, portfolio):
    portfolio(store)
    trouble(store, MONDAY - DAY, reminded_at=MONDAY - DAY)
    together(lambda: reminders.remind(store, MONDAY))
    assert len(messages(store)) == 2


def together(run) -> None:
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_stored_text_in_a_digest_is_no_markup(sqlite_store, portfolio):
    portfolio(sqlite_store, "all")
    digests.make_due(sqlite_store, MONDAY)
    trouble(sqlite_store, MONDAY + timedelta(hours=1), message="<b>x</b>\r\n@everyone")
    digests.make_due(sqlite_store, TUESDAY)
    (message,) = messages(sqlite_store)
    page = as_html(letter(message, URL))
    assert "&lt;b&gt;x&lt;/b&gt;" in page and "<b>x" not in page
    assert "@everyone" not in written(message)
