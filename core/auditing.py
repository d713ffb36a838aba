"""The audit log's upkeep: anchor it, check it with its anchors, tell people if it is not whole."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core import anchors
from core.anchors import Anchor, Anchors
from core.store import Store, audit, outbox
from core.store.audit import AuditReport

# An anchor is made when either is reached, and its absence is told when it is late by as much again.
EVERY, ENTRIES = timedelta(hours=1), 1000
CHECKED_EVERY = timedelta(hours=24)


def folder(store: Store) -> Path:
    """Return the folder of the anchors."""
    return store.root / Path(store.workspace.settings.audit.anchors).expanduser()


def known(store: Store) -> Anchors:
    """Return the anchors there are.

    Raises
    ------
    InputError
        If a key of steward.yaml cannot be read.
    """
    settings = store.workspace.settings.audit
    keys = [anchors.public_key(text) for text in settings.public_keys]
    if settings.key_file and _key_file(store).exists():
        keys.append(anchors.private_key(_key_file(store)).public_key())
    return anchors.read(folder(store), keys)


def anchor(store: Store, *, wall: datetime | None = None) -> Anchor | None:
    """Anchor the newest entry if it is time; return the anchor that was made.

    Raises
    ------
    InputError
        If the key of steward.yaml cannot be read.
    OSError
        If the folder cannot be written.
    """
    wall, last = wall or datetime.now(UTC), anchors.newest(folder(store))
    with store.read() as c:
        seq, _ = audit.head(c)
    behind = seq - (last.seq if last else 0)
    if behind <= 0 or (last and behind < ENTRIES and wall - last.ts < EVERY) or known(store).problem:
        return None
    with store.write(shown=False) as c:
        if anchors.newest(folder(store)) != last:  # another runner was quicker
            return None
        seq, digest = audit.head(c)
        key = anchors.private_key(_key_file(store)) if store.workspace.settings.audit.key_file else None
        made = anchors.signed(Anchor(last.n + 1 if last else 1, seq, digest, wall), key)
        anchors.append(folder(store), made)
    return made


def verify(store: Store, *, wall: datetime | None = None) -> AuditReport:
    """Check the whole chain, with what its anchors know of it."""
    wall, found = wall or datetime.now(UTC), known(store)
    with store.read() as c:
        report = audit.verify(c, {each.seq: each.hash for each in found.every})
        waiting = audit.written_at(c, report.anchored + 1) if report.state == "intact" else None
    if report.sound and found.problem:
        return replace(report, state="broken", seq=report.anchored + 1, problem=found.problem)
    late = waiting is not None and (
        wall - waiting > 2 * EVERY or report.entries - report.anchored > 2 * ENTRIES
    )
    return replace(report, state="unanchored", unanchored_since=waiting) if late else report


def check(store: Store, *, wall: datetime | None = None, due: bool = False) -> AuditReport | None:
    """Check the chain if that is `due`, keep the outcome and tell the channels if it is not whole.

    It is due, whoever asks, a day after the last check.
    """
    wall = wall or datetime.now(UTC)
    with store.read() as c:
        before = audit.last_check(c)
    if before and not due and wall - before[0] < CHECKED_EVERY:
        return None
    report = verify(store, wall=wall)
    with store.write() as c:
        audit.checked(c, report, at=wall)
        if not report.sound:
            told = {
                "state": report.state,
                "seq": report.seq,
                "problem": report.problem,
                "at": wall.isoformat(),
            }
            for channel in store.workspace.settings.audit.notify:
                outbox.add(c, channel, "audit", told, model=None)
    return report


def _key_file(store: Store) -> Path:
    return store.root / Path(store.workspace.settings.audit.key_file or "").expanduser()
