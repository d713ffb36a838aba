"""The audit log: one entry per change of state, chained by SHA-256 so that a later edit shows.

Each entry's body is canonical JSON, stored byte for byte as it was hashed, and holds the hash of the entry
before it. The database refuses to update or delete entries; who gets around that breaks the chain. A tail cut
off together with the head row is only noticed by comparing with an anchor kept elsewhere (core/anchors.py).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json

from core.entities import Actor
from core.store.schema import audit, audit_checks, audit_head

GENESIS = "0" * 64


@dataclass(frozen=True)
class AuditEntry:
    """One change: who (`actor`, by way of `source`) did what (`action`) to which `entity`."""

    seq: int
    ts: datetime
    actor: str
    source: str
    action: str
    entity: str
    before: Any
    after: Any
    reason: str | None
    policy: str | None
    evidence: tuple[str, ...]
    hash: str
    body: bytes


@dataclass(frozen=True)
class AuditReport:
    """What checking the chain found.

    `state` is ``intact``, ``broken`` (first at `seq`), ``truncated`` (after `seq`) or ``unanchored`` (intact,
    but since `unanchored_since` no anchor vouches for it); `entries` are good, anchors vouch for the first
    `anchored` of them.
    """

    state: str
    seq: int
    entries: int
    problem: str | None = None
    anchored: int = 0
    unanchored_since: datetime | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing was found to be changed or missing."""
        return self.state in ("intact", "unanchored")


def append(
    c: sa.Connection,
    actor: Actor,
    action: str,
    entity: str,
    *,
    before: Any = None,
    after: Any = None,
    reason: str | None = None,
    policy: str | None = None,
    evidence_digests: Sequence[str] = (),
    ts: datetime,
) -> int:
    """Add an entry in the transaction that makes the change, and return its number.

    Parameters
    ----------
    action : what was done, e.g. ``model.registered``
    entity : what it was done to, e.g. ``model:delay-30``
    before, after : the state around the change, as JSON values (numbers with a fraction are kept as text)
    policy, evidence_digests : what a decision was made by and on
    ts : wall time
    """
    head = c.execute(sa.select(audit_head).with_for_update()).one()
    content = {
        "v": 1,
        "seq": head.seq + 1,
        "ts": ts.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": actor.id,
        "source": actor.source,
        "action": action,
        "entity": entity,
        "policy_version": policy,
        "before": _plain(before),
        "after": _plain(after),
        "reason": reason,
        "evidence_digests": list(evidence_digests),
        "prev_hash": head.hash,
    }
    body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    digest = hashlib.sha256(body).hexdigest()
    searchable = {key: content[key] for key in ("seq", "actor", "source", "action", "entity")}
    c.execute(sa.insert(audit).values(**searchable, ts=ts, body=body, hash=digest))
    c.execute(sa.update(audit_head).values(seq=head.seq + 1, hash=digest))
    return int(head.seq) + 1


def entries(
    c: sa.Connection,
    *,
    entity: str | None = None,
    actor: str | None = None,
    about: str | None = None,
    who: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int | None = 100,
) -> list[AuditEntry]:
    """Return the newest entries first.

    Parameters
    ----------
    about, who : part of the entity or actor, e.g. ``delay-30``
    action : what it begins with, e.g. ``promotion.``
    since, until : wall time, the end not included
    before : only entries with a smaller number: the next page
    """
    found = sa.select(audit).order_by(audit.c.seq.desc()).limit(limit)
    conditions = (
        audit.c.entity == entity if entity else None,
        audit.c.entity.contains(about, autoescape=True) if about else None,
        audit.c.actor.contains(who, autoescape=True) if who else None,
        audit.c.action.startswith(action, autoescape=True) if action else None,
        audit.c.actor == actor if actor else None,
        audit.c.ts >= since if since else None,
        audit.c.ts < until if until else None,
        audit.c.seq < before if before else None,
    )
    found = found.where(*(condition for condition in conditions if condition is not None))
    return [_entry(row) for row in c.execute(found)]


def head(c: sa.Connection) -> tuple[int, str]:
    """Return the number and hash of the newest entry; 0 and GENESIS before the first."""
    row = c.execute(sa.select(audit_head)).one()
    return row.seq, row.hash


def written_at(c: sa.Connection, seq: int) -> datetime | None:
    """Return when an entry was written; None if there is none of that number."""
    return c.execute(sa.select(audit.c.ts).where(audit.c.seq == seq)).scalar_one_or_none()


def verify(c: sa.Connection, anchored: Mapping[int, str] = MappingProxyType({})) -> AuditReport:
    """Check every entry against its hash, number and predecessor, the last against the head, and the anchors.

    Parameters
    ----------
    anchored : the hash that anchors know of an entry, by its number
    """
    seq, previous = 0, GENESIS
    # As the driver gives them: making instants and rows of our types would take longer than the check.
    with c.exec_driver_sql(_ALL, execution_options={"stream_results": True}) as rows:
        for row in rows:
            if problem := _problem(row, seq + 1, previous, anchored):
                return AuditReport("broken", seq + 1, seq, problem)
            seq, previous = row[0], row[-1]
    known = max((head(c)[0], *anchored))
    if head(c) != (seq, previous) or known > seq:
        return AuditReport("truncated", seq, seq, f"the last entry is {seq}, but {known} were written")
    return AuditReport("intact", seq, seq, anchored=max(anchored, default=0))


def checked(c: sa.Connection, report: AuditReport, *, at: datetime) -> None:
    """Keep what a check found."""
    kept = {name: getattr(report, name) for name in ("state", "seq", "entries", "problem", "anchored")}
    c.execute(sa.insert(audit_checks).values(at=at, **kept))


def last_check(c: sa.Connection) -> tuple[datetime, AuditReport] | None:
    """Return when the chain was checked last, and what that found."""
    newest = sa.select(audit_checks).order_by(audit_checks.c.id.desc()).limit(1)
    row = c.execute(newest).one_or_none()
    if row is None:
        return None
    return row.at, AuditReport(row.state, row.seq, row.entries, row.problem, row.anchored)


_SHOWN = ("seq", "actor", "source", "action", "entity")
_ALL = f"SELECT {', '.join(_SHOWN)}, ts, body, hash FROM audit ORDER BY seq"
_shown = itemgetter(*_SHOWN)


def _problem(row: Sequence[Any], seq: int, previous: str, anchored: Mapping[int, str]) -> str | None:
    """Return what is wrong with the entry that should be number `seq` and follow the hash `previous`."""
    ts, body, digest = row[5:]
    if row[0] != seq:
        return f"entry {seq} is missing"
    if hashlib.sha256(body).hexdigest() != digest:
        return f"entry {seq} was edited: its hash does not fit"
    content = from_json(body)
    if content["prev_hash"] != previous:
        return f"entry {seq} does not follow the entry before it"
    if _shown(content) != row[:5] or content["ts"] != _written(ts):
        return f"entry {seq} was edited: its columns do not fit its body"
    if seq in anchored and anchored[seq] != digest:
        return f"entry {seq} is not the one that was anchored: the chain was written anew"
    return None


def _written(ts: datetime | str) -> str:
    """Return a driver's time as bodies have it."""
    if isinstance(ts, str):  # SQLite keeps text in UTC
        return f"{ts[:10]}T{ts[11:]}+00:00"
    return ts.astimezone(UTC).isoformat(timespec="microseconds")


def _entry(row: sa.Row[Any]) -> AuditEntry:
    content = json.loads(row.body)
    return AuditEntry(
        seq=row.seq,
        ts=row.ts,
        actor=row.actor,
        source=row.source,
        action=row.action,
        entity=row.entity,
        before=content["before"],
        after=content["after"],
        reason=content["reason"],
        policy=content["policy_version"],
        evidence=tuple(content["evidence_digests"]),
        hash=row.hash,
        body=row.body,
    )


def _plain(value: Any) -> Any:
    """Return JSON that every language writes alike: floats, which they do not, become text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return repr(value)
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds():.0f}s"
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot go into an audit entry; pass JSON values")
