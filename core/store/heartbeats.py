"""Heartbeats: which runners and dashboards are alive."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.store.schema import heartbeats
from core.store.upsert import upsert


@dataclass(frozen=True)
class Heartbeat:
    """The last sign of life of a process; `seen_at` is wall time."""

    runner: str
    kind: str
    host: str
    pid: int
    seen_at: datetime
    note: str | None


def beat(
    c: sa.Connection, runner: str, kind: str, host: str, pid: int, at: datetime, note: str | None = None
) -> None:
    """Write down a sign of life; do it in `store.write(shown=False)`, so that pages keep their caches."""
    row = {"runner": runner, "kind": kind, "host": host, "pid": pid, "seen_at": at, "note": note}
    upsert(c, heartbeats, [row])


def every(c: sa.Connection) -> list[Heartbeat]:
    """Return the last sign of life of each runner, the latest first."""
    found = sa.select(heartbeats).order_by(heartbeats.c.seen_at.desc(), heartbeats.c.runner)
    return [Heartbeat(*row) for row in c.execute(found)]


def forget(c: sa.Connection, before: datetime) -> None:
    """Drop runners that were last seen before an instant."""
    c.execute(sa.delete(heartbeats).where(heartbeats.c.seen_at < before))
