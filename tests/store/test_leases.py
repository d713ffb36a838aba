"""Leases: one runner at a time, and one that wakes up too late writes nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from core.entities import Actor, ModelStatus
from core.errors import LeaseHeld, LeaseLost
from core.store import audit, leases, processes, statistics, status

OTHER = "elsewhere:4711:b"  # of another host's processes nothing is known
LATER = datetime.now(UTC) + timedelta(hours=1)


def test_a_held_lease_is_refused_with_the_name_of_its_holder(store):
    leases.acquire(store, "delay-30", OTHER)
    with pytest.raises(LeaseHeld, match="delay-30 is leased to elsewhere:4711:b until"):
        leases.acquire(store, "delay-30", processes.identity())


def test_a_live_process_of_this_host_keeps_its_lease(store):
    leases.acquire(store, "delay-30", processes.identity())
    with pytest.raises(LeaseHeld):
        leases.acquire(store, "delay-30", OTHER)


def test_a_released_lease_is_free_and_the_token_grows(store):
    first = leases.acquire(store, "delay-30", OTHER)
    leases.release(store, first)
    assert leases.acquire(store, "delay-30", "elsewhere:1:c").token == first.token + 1


def test_a_lease_that_ran_out_is_taken_over(store):
    first = leases.acquire(store, "delay-30", OTHER)
    assert leases.acquire(store, "delay-30", "elsewhere:1:c", wall=LATER).token == first.token + 1


def test_a_renewed_lease_is_not(store):
    lease = leases.acquire(store, "delay-30", OTHER)
    leases.renew(store, lease, wall=LATER)
    with pytest.raises(LeaseHeld):
        leases.acquire(store, "delay-30", "elsewhere:1:c", wall=LATER)


def test_the_lease_of_a_dead_process_on_this_host_is_taken_over_at_once(store, ended_process):
    first = leases.acquire(store, "delay-30", ended_process)
    assert leases.acquire(store, "delay-30", OTHER).token == first.token + 1


def test_a_paused_holder_that_wakes_up_late_changes_nothing(registered, metrics, now):
    store = registered
    paused = leases.acquire(store, "delay-30", OTHER)
    generation = statistics.write(store, "delay-30", "2013-04", "metrics", metrics(now, 1))
    newer = leases.acquire(store, "delay-30", "elsewhere:1:c", wall=LATER)
    revision = store.revision()

    with pytest.raises(LeaseLost, match="taken over.*nothing was written"), store.write() as c:
        statistics.publish(c, "delay-30", "2013-04", "metrics", generation)
        status.put(c, ModelStatus("delay-30", "critical", now))
        audit.append(c, Actor("jobs", "jobs"), "x", "model:delay-30", ts=now)
        leases.check(c, paused)

    with store.read() as c:
        assert status.get(c, "delay-30") is None
        assert audit.entries(c) == []
    assert statistics.months(store, "delay-30", "metrics") == {}
    assert store.revision() == revision
    with pytest.raises(LeaseLost):
        leases.renew(store, paused)
    leases.release(store, paused)  # lets nobody in: the lease is the newer holder's
    with store.write() as c:
        leases.check(c, newer)


def test_leases_of_different_models_do_not_touch(store):
    leases.acquire(store, "delay-30", OTHER)
    assert leases.acquire(store, "eta-air-time", OTHER).token == 1
