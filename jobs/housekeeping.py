"""The housekeeping jobs: signs of life, published registry tables, and what nobody needs any more."""

import logging
import os
import socket
from datetime import UTC, datetime, timedelta

from core import alerting, auditing, governing
from core.actions import promotions
from core.errors import InputError
from core.publishing import JOBS
from core.store import Store, heartbeats, identities, ledger, outbox, snapshots, statistics

log = logging.getLogger("steward.housekeeping")

# A reader that follows a registry row to a file finishes within this.
UNREFERENCED_FOR = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(days=7)
SIGN_INS_FOR = timedelta(days=90)


def beat(store: Store, runner: str) -> None:
    """Write down that this runner is alive."""
    with store.write(shown=False) as c:
        heartbeats.beat(c, runner, "jobs", socket.gethostname(), os.getpid(), datetime.now(UTC))


def publish(store: Store) -> None:
    """Write registry/*.parquet if anything changed."""
    files = snapshots.publish(store)
    if files:
        log.info("published %d registry tables", len(files))


def expire(store: Store) -> None:
    """Let go of what steward.yaml keeps no longer: statistics by business time, the ledger by wall time."""
    kept, wall = store.workspace.settings.retention, datetime.now(UTC)
    with store.write(shown=False) as c:
        months = statistics.expire(c, store.workspace.now() - kept.statistics) if kept.statistics else 0
        files = ledger.expire(c, wall - kept.ledger) if kept.ledger else 0
    if months or files:
        log.info("expired %d months of statistics and %d removed files", months, files)


def wake(store: Store) -> None:
    """End the snoozes that are over."""
    if count := alerting.wake(store, now=store.workspace.now()):
        log.info("%d snoozed alerts are awake again", count)


def govern(store: Store, now: datetime | None = None) -> None:
    """Close promotions that are void, and hold what runs against what was released."""
    closed = promotions.settle(store, JOBS)
    standing = governing.reconcile(store, now=now or store.workspace.now())
    if closed or standing:
        log.info("%d promotions closed, %d governance alerts are open", len(closed), standing)


def anchor(store: Store) -> None:
    """Anchor the audit log if it is time, and check all of it once a day."""
    try:
        if made := auditing.anchor(store):
            log.info("anchored the audit log at entry %d", made.seq)
    except (InputError, OSError) as error:
        log.error("the audit log cannot be anchored: %s", error)
    report = auditing.check(store)
    if report and not report.sound:
        log.error("the audit log is %s: %s", report.state, report.problem)


def clean(store: Store, wall: datetime | None = None) -> None:
    """Remove statistics files without a reference, runners, sign-ins and messages of long ago."""
    wall, kept = wall or datetime.now(UTC), store.workspace.settings.retention.outbox
    removed = statistics.remove_unreferenced(store, wall - UNREFERENCED_FOR)
    with store.write(shown=False) as c:
        heartbeats.forget(c, wall - FORGOTTEN_AFTER)
        identities.forget(c, wall - SIGN_INS_FOR)
        if kept is not None:
            outbox.forget(c, wall - kept)
    if removed:
        log.info("removed %d unreferenced statistics files", len(removed))
