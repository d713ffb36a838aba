"""The audit log: one entry per change of state, chained by SHA-256 so that a later edit shows.

Each entry's body is canonical JSON, stored byte for byte as it was hashed, and holds the hash of the entry
before it. The database refuses to update or delete entries; who gets around that breaks the chain. A tail cut
off together with the head row is only noticed by comparing with an anchor kept elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core.entities import Actor
from core.store.schema import audit, audit_head

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
    hash: str


@dataclass(frozen=True)
class AuditReport:
    """What checking the chain found.

    `state` is ``intact``, ``broken`` (first at `seq`) or ``truncated`` (after `seq`); `entries` are good.
    """

    state: str
    seq: int
    entries: int
    problem: str | None = None


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
    c: sa.Connection, *, entity: str | None = None, actor: str | None = None, limit: int = 100
) -> list[AuditEntry]:
    """Return the newest entries first."""
    found = sa.select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if entity is not None:
        found = found.where(audit.c.entity == entity)
    if actor is not None:
        found = found.where(audit.c.actor == actor)
    return [_entry(row) for row in c.execute(found)]


def verify(c: sa.Connection) -> AuditReport:
    """Check every entry against its hash, number and predecessor, and the last one against the head."""
    seq, previous = 0, GENESIS
    with c.execute(sa.select(audit).order_by(audit.c.seq).execution_options(yield_per=1000)) as rows:
        for row in rows:
            problem = next(_problems(row, seq + 1, previous), None)
            if problem is not None:
                return AuditReport("broken", seq + 1, seq, problem)
            seq, previous = row.seq, row.hash
    head = c.execute(sa.select(audit_head)).one()
    if (head.seq, head.hash) != (seq, previous):
        return AuditReport("truncated", seq, seq, f"the last entry is {seq}, but {head.seq} were written")
    return AuditReport("intact", seq, seq)


def _problems(row: sa.Row[Any], seq: int, previous: str) -> Iterator[str]:
    """Yield what is wrong with the entry that should be number `seq` and follow the hash `previous`."""
    if row.seq != seq:
        yield f"entry {seq} is missing"
    if hashlib.sha256(row.body).hexdigest() != row.hash:
        yield f"entry {seq} was edited: its hash does not fit"
        return
    content = json.loads(row.body)
    if content["prev_hash"] != previous:
        yield f"entry {seq} does not follow the entry before it"
    shown = {key: getattr(row, key) for key in ("seq", "actor", "source", "action", "entity")}
    if (
        any(content[key] != value for key, value in shown.items())
        or datetime.fromisoformat(content["ts"]) != row.ts
    ):
        yield f"entry {seq} was edited: its columns do not fit its body"


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
        hash=row.hash,
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
