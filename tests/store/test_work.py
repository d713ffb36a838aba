"""The due table, the ledger, the history of sweeps and heartbeats."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from core.entities import LedgerEntry, LogFile
from core.store import due, heartbeats, ledger, models, schema, sweeps
from core.store.sweeps import SweepRun

OTHER = "elsewhere:1:a"


def test_a_registered_model_is_due_at_once(registered, now):
    assert due.claim(registered, OTHER, now - timedelta(seconds=1), 10) == []
    assert due.claim(registered, OTHER, now, 10) == ["delay-30"]


def test_a_claimed_model_is_not_claimed_again_until_it_is_done_and_due(registered, now):
    assert due.claim(registered, OTHER, now, 10) == ["delay-30"]
    assert due.claim(registered, "elsewhere:2:b", now, 10) == []
    with registered.write() as c:
        due.done(c, "delay-30", now + timedelta(minutes=15), None)
    assert due.claim(registered, "elsewhere:2:b", now, 10) == []
    assert due.claim(registered, "elsewhere:2:b", now + timedelta(minutes=15), 10) == ["delay-30"]


def test_the_longest_waiting_models_are_claimed_first(store, declared, now):
    with store.write() as c:
        for hours, slug in enumerate(("c", "a", "b")):
            models.put(c, declared(slug), text="", now=now - timedelta(hours=hours))
    assert due.claim(store, OTHER, now, 2) == ["b", "a"]


def test_a_paused_model_is_not_claimed(registered, now):
    with registered.write() as c:
        models.pause(c, "delay-30", "ops@example.com")
    assert due.claim(registered, OTHER, now, 10) == []


def test_the_claim_of_a_dead_process_is_claimed_again_at_once(registered, ended_process, now):
    due.claim(registered, ended_process, now, 10)
    assert due.claim(registered, OTHER, now, 10) == ["delay-30"]


def test_a_claim_of_another_host_lapses(registered, now):
    due.claim(registered, OTHER, now, 10)
    with registered.write() as c:
        claimed_at = due.every(c)[0].claimed_at - due.CLAIM_LAPSES
        c.execute(sa.update(schema.due).values(claimed_at=claimed_at))
    assert due.claim(registered, "elsewhere:2:b", now, 10) == ["delay-30"]


def test_failures_in_a_row_are_counted_until_a_sweep_works(registered, now):
    for error, failures in (("no file", 1), ("no file", 2), (None, 0)):
        due.claim(registered, OTHER, now, 10)
        with registered.write() as c:
            due.done(c, "delay-30", now, error)
            queued = due.every(c)[0]
        assert (queued.failures, queued.last_error, queued.claimed_by) == (failures, error, None)
        assert queued.last_finished >= queued.last_started


def test_only_files_of_which_rows_were_left_out_tell_why(registered):
    entries = [
        LedgerEntry(LogFile(path, "predictions", 1, 1), "read", rows=9, problems=problems)
        for path, problems in (("b.parquet", {"no timestamp": 2}), ("a.parquet", {}))
    ]
    with registered.write() as c:
        ledger.record(c, "delay-30", entries)
        assert ledger.problems(c) == [("delay-30", {"no timestamp": 2})]


def test_ledger_entries_come_back_as_recorded_and_replace_earlier_ones(registered, now):
    file = LogFile("predictions/a.parquet", "predictions", 123, 1_700_000_000_123_456_789)
    entry = LedgerEntry(file, "read", now, now, 5_000_000_000, {"at": "TIMESTAMP"}, {"no timestamp": 2})
    labels = LedgerEntry(replace(file, kind="labels"), "bad", error="half-written")
    with registered.write() as c:
        ledger.record(c, "delay-30", [entry, labels])
        ledger.record(c, "delay-30", [])
    with registered.write() as c:
        assert ledger.entries(c, "delay-30") == [labels, entry]
        assert ledger.bad(c) == [("delay-30", labels)]
        gone = replace(entry, state="gone")
        ledger.record(c, "delay-30", [gone, replace(labels, state="read", error=None)])
        assert gone in ledger.entries(c, "delay-30")
        assert ledger.bad(c) == []
        assert ledger.entries(c, "other") == []


def test_the_history_of_sweeps_is_newest_first(registered, now):
    runs = [SweepRun("delay-30", now, now + timedelta(seconds=i), rows=i) for i in range(3)]
    failed = SweepRun("delay-30", now, now, error="no file", error_id="ab12")
    with registered.write() as c:
        for run in (*runs, failed):
            sweeps.record(c, run)
    with registered.read() as c:
        assert sweeps.recent(c, limit=2) == [runs[2], runs[1]]
        assert failed in sweeps.recent(c, "delay-30")
        assert sweeps.recent(c, "other") == []


def test_a_runner_s_last_sign_of_life_is_kept(store, now):
    with store.write(shown=False) as c:
        heartbeats.beat(c, "h:1:a", "jobs", "h", 1, now - timedelta(days=8))
        heartbeats.beat(c, "h:2:b", "jobs", "h", 2, now - timedelta(seconds=30))
        heartbeats.beat(c, "h:2:b", "jobs", "h", 2, now, "12 models")
        assert [(beat.runner, beat.seen_at) for beat in heartbeats.every(c)][0] == ("h:2:b", now)
        heartbeats.forget(c, now - timedelta(days=7))
        assert [(beat.runner, beat.note) for beat in heartbeats.every(c)] == [("h:2:b", "12 models")]


def test_the_ledger_forgets_removed_files_only_when_they_are_old(registered, now):
    old, new = now - timedelta(days=500), now
    entries = [
        LedgerEntry(LogFile(f"{state}-{name}", "predictions", 1, 1), state, last, last)
        for state in ("gone", "read", "bad")
        for name, last in (("old", old), ("new", new))
    ]
    with registered.write() as c:
        ledger.record(c, "delay-30", entries)
        assert ledger.expire(c, datetime.now(UTC) - timedelta(hours=1)) == 0, "they were recorded just now"
        assert ledger.expire(c, datetime.now(UTC) + timedelta(hours=1)) == 2
        kept = {entry.file.path for entry in ledger.entries(c, "delay-30")}
    assert kept == {"read-old", "read-new", "bad-old", "bad-new"}
