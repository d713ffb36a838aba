"""The outbox: what is to be told, written in the transaction that made it true, and how far that got."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core.entities import Message
from core.store.database import Store
from core.store.processes import ended
from core.store.schema import outbox
from core.store.types import Instant

# A claim whose runner cannot be asked (another host) lapses: the message is then sent by someone else.
CLAIM_LAPSES = timedelta(minutes=5)


@dataclass(frozen=True)
class Delivery:
    """How a channel is doing: messages `waiting` and given up, the last one taken, the latest one's error."""

    waiting: int
    dead: int
    sent_at: datetime | None
    error: str | None


def add(c: sa.Connection, channel: str, kind: str, payload: Mapping[str, Any], *, model: str | None) -> None:
    """Queue a message for a channel; it goes out once the transaction has committed."""
    wall = datetime.now(UTC)
    named = {"message_id": str(uuid.uuid4()), "channel": channel, "kind": kind, "model": model}
    queued = {"payload": dict(payload), "state": "pending", "attempts": 0}
    c.execute(sa.insert(outbox).values(**named, **queued, created_at=wall, next_attempt_at=wall))


def due_channels(store: Store, *, wall: datetime | None = None) -> list[str]:
    """Return the channels with messages whose next attempt is due, the longest waiting first."""
    oldest = sa.func.min(outbox.c.next_attempt_at)
    waiting = sa.select(outbox.c.channel).where(*_due(wall or datetime.now(UTC))).group_by(outbox.c.channel)
    with store.read() as c:
        return list(c.execute(waiting.order_by(oldest, outbox.c.channel)).scalars())


def claim(store: Store, runner: str, channel: str, *, wall: datetime | None = None) -> Message | None:
    """Claim the message of a channel that is due and waits longest; no other runner gets it."""
    wall = wall or datetime.now(UTC)
    due = (*_due(wall), outbox.c.channel == channel)
    claimed_by, lapsed = outbox.c.claimed_by, outbox.c.claimed_at < wall - CLAIM_LAPSES
    with store.write(shown=False) as c:
        holders = c.execute(sa.select(claimed_by).where(*due, claimed_by.is_not(None)).distinct()).scalars()
        gone = [holder for holder in holders if ended(holder)]
        free = sa.or_(claimed_by.is_(None), lapsed, claimed_by.in_(gone))
        waiting = sa.select(outbox).where(*due, free).order_by(outbox.c.next_attempt_at, outbox.c.id)
        row = c.execute(waiting.limit(1)).one_or_none()
        if row is not None:
            taken = {"claimed_by": runner, "claimed_at": wall}
            c.execute(sa.update(outbox).where(outbox.c.id == row.id).values(taken))
    return None if row is None else _message(row)


def sent(store: Store, message: Message) -> None:
    """Record that the channel has taken a message."""
    _end(store, message, outbox.c.id == message.id, state="sent", sent_at=datetime.now(UTC), last_error=None)


def failed(
    store: Store,
    message: Message,
    error: str,
    next_attempt_at: datetime | None,
    *,
    taken: Sequence[str] = (),
) -> None:
    """Record a failed attempt; without a next one the message is a dead letter.

    Parameters
    ----------
    taken : recipients that did take it, kept in the payload so that the next attempt leaves them alone
    """
    told = dict(message.payload)
    if taken:
        told["taken"] = [*told.get("taken", ()), *taken]
    state = "pending" if next_attempt_at else "dead"
    again = {"next_attempt_at": next_attempt_at or datetime.now(UTC), "payload": told}
    # Another runner, had this one been too slow, may have sent it meanwhile: that stays.
    pending = sa.and_(outbox.c.id == message.id, outbox.c.state == "pending")
    _end(store, message, pending, state=state, last_error=error, **again)


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


def by_channel(c: sa.Connection) -> dict[str, Delivery]:
    """Return how each channel that ever had a message is doing."""
    counted = sa.select(
        outbox.c.channel,
        *(
            sa.func.sum(sa.case((outbox.c.state == state, 1), else_=0)).label(state)
            for state in ("pending", "dead")
        ),
        sa.func.max(outbox.c.sent_at, type_=Instant).label("sent_at"),
    ).group_by(outbox.c.channel)
    latest = sa.select(sa.func.max(outbox.c.id)).where(outbox.c.attempts > 0).group_by(outbox.c.channel)
    errors = sa.select(outbox.c.channel, outbox.c.last_error).where(outbox.c.id.in_(latest))
    said: dict[str, str | None] = {row.channel: row.last_error for row in c.execute(errors)}
    return {
        row.channel: Delivery(row.pending, row.dead, row.sent_at, said.get(row.channel))
        for row in c.execute(counted)
    }


def _due(wall: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return outbox.c.state == "pending", outbox.c.next_attempt_at <= wall


def _end(store: Store, message: Message, which: sa.ColumnElement[bool], **values: Any) -> None:
    free = {"claimed_by": None, "claimed_at": None, "attempts": message.attempts + 1}
    with store.write() as c:
        c.execute(sa.update(outbox).where(which).values(**free, **values))


def _message(row: sa.Row[Any]) -> Message:
    return Message(**{field.name: getattr(row, field.name) for field in fields(Message)})
