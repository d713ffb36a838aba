"""The outbox: what is to be told, written in the transaction that made it true, and how far that got."""

import uuid
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core.entities import Message
from core.store.database import Store
from core.store.processes import ended
from core.store.schema import outbox

# A claim whose runner cannot be asked (another host) lapses: the message is then sent by someone else.
CLAIM_LAPSES = timedelta(minutes=5)


def add(c: sa.Connection, channel: str, kind: str, payload: Mapping[str, Any], *, model: str | None) -> None:
    """Queue a message for a channel; it goes out once the transaction has committed."""
    wall = datetime.now(UTC)
    named = {"message_id": str(uuid.uuid4()), "channel": channel, "kind": kind, "model": model}
    queued = {"payload": dict(payload), "state": "pending", "attempts": 0}
    c.execute(sa.insert(outbox).values(**named, **queued, created_at=wall, next_attempt_at=wall))


def claim(store: Store, runner: str, limit: int = 20, *, wall: datetime | None = None) -> list[Message]:
    """Claim messages whose next attempt is due, the oldest first; no other runner gets them."""
    wall = wall or datetime.now(UTC)
    waiting = (
        sa.select(outbox)
        .where(outbox.c.state == "pending", outbox.c.next_attempt_at <= wall)
        .order_by(outbox.c.next_attempt_at, outbox.c.id)
    )
    with store.read() as c:
        if c.execute(waiting.limit(1)).first() is None:
            return []
    with store.write(shown=False) as c:
        free = [
            row
            for row in c.execute(waiting)
            if row.claimed_by is None or row.claimed_at < wall - CLAIM_LAPSES or ended(row.claimed_by)
        ][:limit]
        taken = {"claimed_by": runner, "claimed_at": wall}
        c.execute(sa.update(outbox).where(outbox.c.id.in_([row.id for row in free])).values(taken))
    return [_message(row) for row in free]


def sent(store: Store, message: Message) -> None:
    """Record that the channel has taken a message."""
    _end(store, message, state="sent", sent_at=datetime.now(UTC), last_error=None)


def failed(store: Store, message: Message, error: str, next_attempt_at: datetime | None) -> None:
    """Record a failed attempt; without a next one the message is a dead letter."""
    state = "pending" if next_attempt_at else "dead"
    _end(store, message, state=state, last_error=error, next_attempt_at=next_attempt_at or datetime.now(UTC))


def revive(c: sa.Connection, identifier: int) -> Message | None:
    """Put a dead letter back into the queue, as if new; None if it is none."""
    dead = (outbox.c.id == identifier, outbox.c.state == "dead")
    row = c.execute(sa.select(outbox).where(*dead)).one_or_none()
    if row is None:
        return None
    again = {"state": "pending", "attempts": 0, "next_attempt_at": datetime.now(UTC)}
    c.execute(sa.update(outbox).where(*dead).values(again))
    return _message(row)


def every(c: sa.Connection, state: str | None = None, *, limit: int = 200) -> list[Message]:
    """Return the newest messages first, of one state or of all."""
    found = sa.select(outbox).order_by(outbox.c.id.desc()).limit(limit)
    return [
        _message(row) for row in c.execute(found if state is None else found.where(outbox.c.state == state))
    ]


def forget(c: sa.Connection, before: datetime) -> int:
    """Drop messages that were sent before an instant; what is pending or dead stays."""
    old = sa.delete(outbox).where(outbox.c.state == "sent", outbox.c.sent_at < before)
    return int(c.execute(old).rowcount)


def _end(store: Store, message: Message, **values: Any) -> None:
    free = {"claimed_by": None, "claimed_at": None, "attempts": message.attempts + 1}
    with store.write() as c:
        c.execute(sa.update(outbox).where(outbox.c.id == message.id).values(**free, **values))


def _message(row: sa.Row[Any]) -> Message:
    return Message(**{field.name: getattr(row, field.name) for field in fields(Message)})
