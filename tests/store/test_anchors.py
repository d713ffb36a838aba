"""Anchors: what the chain alone cannot show, a signed note of it elsewhere does."""

import base64
import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core import anchors, auditing
from core.entities import Actor
from core.errors import InputError, PathError
from core.steward_yaml import Audit
from core.store import audit, outbox

ADA = Actor("ada@example.com", "cli")
WALL = datetime(2026, 1, 2, 3, tzinfo=UTC)


def say(store, entries: int, *, at: datetime = WALL) -> None:
    with store.write() as c:
        for _ in range(entries):
            audit.append(c, ADA, "model.changed", "model:delay-30", ts=at)


def settled(store, **settings):
    """The store, with these settings of its audit log."""
    changed = store.workspace.settings.model_copy(update={"audit": Audit(**settings)})
    store.workspace = replace(store.workspace, settings=changed)
    return store


@pytest.fixture
def vouched(store, tmp_path):
    """A store with five entries and signed anchors at 3 and 5 in another folder."""
    key = tmp_path / "anchor.key"
    anchors.generate_key(key)
    settled(store, anchors=str(tmp_path / "vault"), key_file=str(key))
    for entries, hour in ((3, 0), (2, 1)):
        say(store, entries, at=WALL + timedelta(hours=hour))
        assert auditing.anchor(store, wall=WALL + timedelta(hours=hour))
    return store


def verdict(store, hours: float = 1) -> tuple[str, int, str | None]:
    report = auditing.verify(store, wall=WALL + timedelta(hours=hours))
    return report.state, report.seq, report.problem


@pytest.fixture
def rewrite(tamper):
    """Cuts the chain after an entry and mends the head."""

    def run(store, last: int) -> None:
        with store.read() as c:
            digest = audit.entries(c, before=last + 1, limit=1)[0].hash
        cut = f"DELETE FROM audit WHERE seq > {last}"
        tamper(store, cut, f"UPDATE audit_head SET seq = {last}, hash = '{digest}'")

    return run


def test_anchors_vouch_for_the_chain(vouched):
    report = auditing.verify(vouched, wall=WALL + timedelta(hours=1))
    assert (report.state, report.entries, report.anchored) == ("intact", 5, 5)


def test_a_tail_cut_off_with_its_head_shows_against_the_anchor(vouched, rewrite):
    rewrite(vouched, 4)
    with vouched.read() as c:
        assert audit.verify(c).state == "intact"  # the chain alone does not notice
    assert verdict(vouched) == ("truncated", 4, "the last entry is 4, but 5 were written")


def test_a_tail_written_anew_shows_against_the_anchor(vouched, rewrite):
    rewrite(vouched, 2)
    say(vouched, 4, at=WALL + timedelta(hours=2))
    state, seq, problem = verdict(vouched)
    assert (state, seq) == ("broken", 3)
    assert "written anew" in problem


def test_entries_that_wait_too_long_for_an_anchor_are_told(vouched):
    say(vouched, 1, at=WALL + timedelta(hours=2))
    assert verdict(vouched, hours=3)[0] == "intact"
    report = auditing.verify(vouched, wall=WALL + timedelta(hours=5))
    assert (report.state, report.unanchored_since) == ("unanchored", WALL + timedelta(hours=2))
    assert report.sound


def test_an_anchor_is_made_every_hour_or_thousand_entries_and_not_without_news(store):
    assert auditing.anchor(store, wall=WALL) is None
    say(store, 1)
    first = auditing.anchor(store, wall=WALL)
    assert (first.n, first.seq) == (1, 1)
    say(store, 1)
    assert auditing.anchor(store, wall=WALL + timedelta(minutes=59)) is None
    assert auditing.anchor(store, wall=WALL + timedelta(minutes=60)).seq == 2
    say(store, 1000)
    assert auditing.anchor(store, wall=WALL + timedelta(minutes=61)).seq == 1002
    assert auditing.anchor(store, wall=WALL + timedelta(days=9)) is None


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda lines: lines[1:], "anchor 1 is missing"),
        (lambda lines: [lines[0].replace('"seq": 3', '"seq": 2'), lines[1]], "its signature does not fit"),
        (lambda lines: [_unsigned(lines[0]), lines[1]], "anchor 1 is not signed"),
        (lambda lines: ["rubbish", lines[1]], "anchor 1 cannot be read"),
    ],
)
def test_an_anchor_that_was_changed_is_not_believed(vouched, change, told):
    file = auditing.folder(vouched) / anchors.FILE_NAME
    file.write_text("\n".join(change(file.read_text().splitlines())) + "\n")
    state, _, problem = verdict(vouched)
    assert state == "broken"
    assert told in problem
    say(vouched, 1)
    assert auditing.anchor(vouched, wall=WALL + timedelta(days=1)) is None  # nothing is put on top of it


def test_an_anchor_half_written_by_a_killed_process_is_passed_over(vouched):
    file = auditing.folder(vouched) / anchors.FILE_NAME
    file.write_text(file.read_text() + '{"n": 3, "se')
    assert verdict(vouched)[0] == "intact"


def test_an_anchor_of_another_key_is_not_believed(vouched, tmp_path):
    other = anchors.generate_key(tmp_path / "other.key")
    settled(vouched, anchors=str(tmp_path / "vault"), public_keys=(other,))
    assert "which steward.yaml does not list" in verdict(vouched)[2]


def test_a_public_key_is_enough_to_check(vouched, tmp_path):
    public = anchors.private_key(tmp_path / "anchor.key").public_key().public_bytes_raw()
    text = base64.b64encode(public).decode()
    settled(vouched, anchors=str(tmp_path / "vault"), public_keys=(text,))
    assert verdict(vouched)[0] == "intact"


def test_a_key_is_never_overwritten_and_only_its_owner_reads_it(tmp_path):
    anchors.generate_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(PathError, match="never replaced"):
        anchors.generate_key(tmp_path / "key")


@pytest.mark.parametrize("content", [None, "rubbish", "AAAA"])
def test_a_key_that_cannot_be_used_is_named(store, tmp_path, content):
    if content is not None:
        (tmp_path / "key").write_text(content)
    settled(store, key_file=str(tmp_path / "key"))
    say(store, 1)
    with pytest.raises(InputError, match="steward audit keygen"):
        auditing.anchor(store, wall=WALL)


def test_the_daily_check_tells_the_channels_once_a_day(vouched, rewrite):
    changed = vouched.workspace.settings.audit.model_copy(update={"notify": ("audit-hook",)})
    settled(vouched, **changed.model_dump())
    assert auditing.check(vouched, wall=WALL + timedelta(hours=1)).state == "intact"
    rewrite(vouched, 4)
    assert auditing.check(vouched, wall=WALL + timedelta(hours=24)) is None
    assert auditing.check(vouched, wall=WALL + timedelta(hours=25)).state == "truncated"
    with vouched.read() as c:
        ((message,), last) = outbox.every(c), audit.last_check(c)
    assert (message.channel, message.kind, message.payload["seq"]) == ("audit-hook", "audit", 4)
    assert (last[0], last[1].state) == (WALL + timedelta(hours=25), "truncated")


def _unsigned(line: str) -> str:
    return json.dumps(json.loads(line) | {"signature": None, "key": None})


def test_two_runners_at_once_make_one_anchor(store):
    say(store, 1)
    threads = [
        threading.Thread(target=auditing.anchor, args=(store,), kwargs={"wall": WALL}) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = auditing.known(store)
    assert (found.problem, [each.n for each in found.every]) == (None, [1])
