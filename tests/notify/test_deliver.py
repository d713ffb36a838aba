"""Delivery: each message goes out once, is tried again when it must be, and is never lost."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.actions import messages as message_actions
from core.entities import Actor
from core.errors import InputError, NotAllowed
from core.store import Store, audit, outbox, processes
from jobs import deliver, housekeeping
from jobs.deliver import BACK_OFF, Deliverer
from tests.notify.conftest import event, facts, free_port, messages, queue

PROGRAM = Path(__file__).with_name("deliver_once.py")
ACTOR = Actor("ada@example.com", "test")


def hook(url: str) -> str:
    return f"{{webhook: '{url}', secret: s3cret, allow_private: true}}"


@pytest.fixture
def runner() -> str:
    return processes.identity()


def ids(receiver) -> list[str]:
    return [headers["webhook-id"] for headers, _ in receiver.got]


def test_what_is_queued_is_sent_once_and_marked(store, with_channels, receiver, runner):
    with_channels(store, f"{{ops: {hook(receiver.url)}}}")
    for _ in range(3):
        queue(store)
    assert deliver.deliver(store, runner, "ops") == 3
    assert deliver.deliver(store, runner, "ops") == 0
    done = messages(store)
    assert ids(receiver) == [each.message_id for each in reversed(done)]
    assert all((each.state, each.attempts, each.last_error) == ("sent", 1, None) for each in done)
    assert all(each.sent_at for each in done)


def test_a_refused_message_is_tried_again_later_and_given_up_after_a_day(
    store, with_channels, receiver, runner
):
    with_channels(store, f"{{ops: {hook(receiver.url)}}}")
    queue(store)
    receiver.status = 500
    wall, pauses = datetime.now(UTC) + timedelta(seconds=1), []
    deliver.deliver(store, runner, "ops", wall=wall)
    while (waiting := messages(store)[0]).state == "pending":
        pauses.append(waiting.next_attempt_at - wall)
        wall = waiting.next_attempt_at
        deliver.deliver(store, runner, "ops", wall=wall - timedelta(seconds=1))
        assert messages(store) == [waiting]
        deliver.deliver(store, runner, "ops", wall=wall)
    assert pauses[:4] == [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
    assert timedelta(hours=24) < sum(pauses, timedelta()) < timedelta(hours=26)
    assert len(set(ids(receiver))) == 1 and len(receiver.got) == len(BACK_OFF) + 1
    assert (waiting.state, waiting.attempts) == ("dead", len(BACK_OFF) + 1)
    assert waiting.last_error == "the receiver answered 500 (Internal Server Error)"


def test_a_channel_stops_at_its_first_refusal_and_the_next_message_has_its_turn(
    store, with_channels, receiver, runner
):
    with_channels(store, f"{{ops: {hook(receiver.url)}}}")
    queue(store)
    queue(store)
    receiver.status = 503
    deliver.deliver(store, runner, "ops")
    assert len(receiver.got) == 1
    receiver.status = 200
    assert deliver.deliver(store, runner, "ops") == 1
    assert len(set(ids(receiver))) == 2
    assert sorted(each.state for each in messages(store)) == ["pending", "sent"]


def test_messages_for_a_removed_channel_are_dead_letters_with_the_reason(store, with_channels, runner):
    with_channels(store, "{other: {folder: messages}}")
    queue(store)
    queue(store)
    assert deliver.deliver(store, runner, "ops") == 2
    assert {(each.state, each.last_error) for each in messages(store)} == {
        ("dead", "the channel is not in steward.yaml any more")
    }


def test_a_channel_that_hangs_holds_up_no_other(sqlite_store, with_channels, receiver, runner):
    receiver.silent.set()
    with_channels(sqlite_store, f"{{ops: {hook(receiver.url)}, disk: {{folder: messages}}}}")
    queue(sqlite_store)
    deliverer = Deliverer(sqlite_store, runner)
    deliverer.tick()
    asked(receiver)
    queue(sqlite_store, "disk")
    deliverer.tick()
    deliverer._busy["disk"].result(timeout=20)
    assert not deliverer._busy["ops"].done()
    receiver.silent.clear()
    receiver.ended.set()
    deliverer.close()
    assert [(each.channel, each.state) for each in messages(sqlite_store, "sent")] == [("disk", "sent")]


def asked(receiver) -> None:
    """Wait until a request has reached the receiver."""
    heard = threading.Event()
    receiver.before_answer = heard.set
    assert receiver.got or heard.wait(20)


def test_two_deliverers_send_each_message_once(store, with_channels, receiver):
    with_channels(store, f"{{ops: {hook(receiver.url)}}}")
    for _ in range(12):
        queue(store)
    others = [
        threading.Thread(target=deliver.deliver, args=(store, f"elsewhere:1:{name}", "ops")) for name in "ab"
    ]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    assert len(ids(receiver)) == len(set(ids(receiver))) == 12
    assert {each.state for each in messages(store)} == {"sent"}


def test_killed_between_acceptance_and_mark_a_message_is_repeated_with_its_id_and_none_is_lost(
    store, with_channels, receiver, runner
):
    with_channels(store, f"{{ops: {hook(receiver.url)}}}")
    for _ in range(3):
        queue(store)
    process = subprocess.Popen([sys.executable, str(PROGRAM), str(store.root)], stdout=subprocess.PIPE)

    def kill_at_the_second() -> None:
        if len(receiver.got) == 2:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

    receiver.before_answer = kill_at_the_second
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert len(messages(store, "sent")) == 1
    assert deliver.deliver(store, runner, "ops") == 2
    sent = ids(receiver)
    assert sent[1] == sent[2] and len(sent) == 4 and len(set(sent)) == 3
    assert {each.state for each in messages(store)} == {"sent"}


def test_a_claim_of_another_host_lapses_and_its_late_failure_changes_nothing(store, with_channels, runner):
    with_channels(store, "{ops: {folder: messages}}")
    queue(store)
    slow = outbox.claim(store, "elsewhere:1:a", "ops")
    assert slow and outbox.claim(store, runner, "ops") is None
    later = datetime.now(UTC) + outbox.CLAIM_LAPSES + timedelta(seconds=1)
    assert deliver.deliver(store, runner, "ops", wall=later) == 1
    outbox.failed(store, slow, "too slow", later)
    assert [each.state for each in messages(store)] == ["sent"]


def test_mail_recipients_that_have_it_are_spared_the_next_attempts(
    sqlite_store, with_channels, mailbox, runner
):
    with_channels(sqlite_store, f"{{ops: '{mailbox.url}ada@example.com,grace@example.com'}}")
    queue(sqlite_store)
    mailbox.refuses = {"ada@example.com"}
    deliver.deliver(sqlite_store, runner, "ops")
    mailbox.refuses = set()
    later = messages(sqlite_store)[0].next_attempt_at
    assert deliver.deliver(sqlite_store, runner, "ops", wall=later) == 1
    assert mailbox.recipients == ["grace@example.com", "ada@example.com"]
    first, second = (mail["x-steward-message"] for mail in mailbox.mails)
    assert first == second


def test_three_hundred_alerts_are_one_mail(sqlite_store, with_channels, mailbox, runner):
    with_channels(sqlite_store, f"{{ops: '{mailbox.url}ada@example.com'}}")
    queue(sqlite_store, payload=facts(*(event(i) for i in range(300))))
    assert deliver.deliver(sqlite_store, runner, "ops") == 1
    (mail,) = mailbox.mails
    assert "And 280 more." in mail.get_body(("plain",)).get_content()


def test_a_message_that_cannot_be_written_is_kept_and_logged_without_its_content(
    sqlite_store, with_channels, runner, caplog
):
    with_channels(sqlite_store, "{ops: {folder: messages}}")
    queue(sqlite_store, payload=facts(event(first_window="s3cret")))
    assert deliver.deliver(sqlite_store, runner, "ops") == 0
    (waiting,) = messages(sqlite_store)
    assert waiting.state == "pending" and "an unexpected ValueError" in str(waiting.last_error)
    assert "s3cret" not in caplog.text + str(waiting.last_error) and "messages.py" in caplog.text


def test_no_secret_reaches_a_row_or_the_log(sqlite_store, with_channels, runner, caplog):
    caplog.set_level("DEBUG", "steward")
    url = f"mailto://u:s3cret@127.0.0.1:{free_port()}?from=a@example.com&to=b@example.com"
    with_channels(sqlite_store, f"{{ops: '{url}'}}")
    queue(sqlite_store)
    deliver.deliver(sqlite_store, runner, "ops")
    (waiting,) = messages(sqlite_store)
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith("steward"))
    assert "Connection refused" in str(waiting.last_error) and "Connection refused" in ours
    assert "s3cret" not in str(waiting.last_error) + ours


def test_a_dead_letter_is_sent_again_on_request_and_that_is_audited(store, with_channels, receiver, runner):
    with_channels(store, "{other: {folder: messages}}")
    queue(store)
    deliver.deliver(store, runner, "ops")
    (dead,) = messages(store, "dead")
    with_channels(store, f"{{ops: {hook(receiver.url)}}}")
    message_actions.send_again(store, dead.id, ACTOR)
    assert deliver.deliver(store, runner, "ops") == 1
    assert ids(receiver) == [dead.message_id]
    with store.read() as c:
        (entry,) = audit.entries(c, entity=f"message:{dead.id}")
    assert (entry.actor, entry.action) == ("ada@example.com", "message.again")
    with pytest.raises(InputError, match=f"message {dead.id} is no dead letter"):
        message_actions.send_again(store, dead.id, ACTOR)


def test_a_test_message_is_queued_and_audited(sqlite_store, with_channels, receiver, runner):
    with_channels(sqlite_store, f"{{ops: {hook(receiver.url)}}}")
    message_actions.send_test(sqlite_store, "ops", ACTOR)
    assert deliver.deliver(sqlite_store, runner, "ops") == 1
    assert b"Test of the channel ops" in receiver.got[0][1]
    with sqlite_store.read() as c:
        assert audit.entries(c, entity="channel:ops")[0].action == "channel.test"
    with pytest.raises(InputError, match="'opps' is no channel of steward.yaml; did you mean 'ops'"):
        message_actions.send_test(sqlite_store, "opps", ACTOR)


@pytest.mark.parametrize("role", ["viewer", "auditor", "analyst", "data_scientist", "validator", "approver"])
def test_who_does_not_configure_neither_tests_nor_repeats(sqlite_store, with_channels, role):
    with_channels(sqlite_store, "{ops: {folder: messages}}")
    for command in (
        lambda actor: message_actions.send_test(sqlite_store, "ops", actor),
        lambda actor: message_actions.send_again(sqlite_store, 1, actor),
    ):
        with pytest.raises(NotAllowed):
            command(Actor("eve@example.com", "test", frozenset({role})))
    assert messages(sqlite_store) == []


@pytest.mark.parametrize(("retention", "kept"), [("", 1), ("retention: {outbox: 1s}", 0)])
def test_sent_messages_are_kept_as_long_as_steward_yaml_says(
    sqlite_store: Store, with_channels, runner, retention, kept
):
    with_channels(sqlite_store, "{ops: {folder: messages}}", retention)
    queue(sqlite_store)
    wall = datetime.now(UTC)
    deliver.deliver(sqlite_store, runner, "ops")
    housekeeping.clean(sqlite_store, wall + timedelta(days=89))
    assert len(messages(sqlite_store)) == kept
    housekeeping.clean(sqlite_store, wall + timedelta(days=91))
    assert messages(sqlite_store) == []


def test_how_each_channel_is_doing(store, with_channels, receiver, runner):
    with_channels(store, f"{{ops: {hook(receiver.url)}}}")
    queue(store)
    queue(store, "gone")
    deliver.deliver(store, runner, "ops")
    deliver.deliver(store, runner, "gone")
    queue(store)
    with store.read() as c:
        doing = outbox.by_channel(c)
    assert (doing["ops"].waiting, doing["ops"].dead, doing["ops"].error) == (1, 0, None)
    assert doing["ops"].sent_at is not None and doing["ops"].sent_at.tzinfo is not None
    assert (doing["gone"].waiting, doing["gone"].dead, doing["gone"].sent_at) == (0, 1, None)
    assert "not in steward.yaml" in str(doing["gone"].error)
