"""The due table: when each model's next sweep is due, and which runner has claimed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from core.store.database import Store
from core.store.processes import ended
from core.store.schema import due, models
from core.store.upsert import upsert

# A claim whose runner cannot be asked (another host) lapses; a sweep that still runs keeps its lease.
CLAIM_LAPSES = timedelta(minutes=15)


@dataclass(frozen=True)
class DueModel:
    """A model's place in the queue; `due_at` is business time, the other times are wall time."""

    model: str
    due_at: datetime
    claimed_by: str | None
    claimed_at: datetime | None
    last_started: datetime | None
    last_finished: datetime | None
    last_error: str | None
    failures: int


def schedule(c: sa.Connection, model: str, due_at: datetime) -> None:
    """Set when a model's next sweep is due."""
    upsert(c, due, [{"model": model, "due_at": due_at, "failures": 0}], keep=("failures",))


def claim(store: Store, runner: str, now: datetime, limit: int) -> list[str]:
    """Claim up to `limit` models that are due, the longest waiting first; no other runner gets them.

    Parameters
    ----------
    runner : ``host:pid:uuid`` of the runner, see core.store.processes.identity
    now : business time
    """
    wall = datetime.now(UTC)
    with store.write(shown=False) as c:
        waiting = (
            sa.select(due.c.model, due.c.claimed_by, due.c.claimed_at)
            .join(models, models.c.model == due.c.model)
            .where(due.c.due_at <= now, ~models.c.paused)
            .order_by(due.c.due_at, due.c.model)
        )
        claimed = [
            row.model
            for row in c.execute(waiting)
            if row.claimed_by is None or row.claimed_at < wall - CLAIM_LAPSES or ended(row.claimed_by)
        ][:limit]
        taken = {"claimed_by": runner, "claimed_at": wall, "last_started": wall}
        if claimed:
            c.execute(sa.update(due).where(due.c.model.in_(claimed)).values(taken))
    return claimed


def done(c: sa.Connection, model: str, due_at: datetime, error: str | None) -> None:
    """Give a claimed model back: its next sweep is due at `due_at`; `error` says why this one failed."""
    c.execute(
        sa.update(due)
        .where(due.c.model == model)
        .values(
            due_at=due_at,
            claimed_by=None,
            claimed_at=None,
            last_finished=datetime.now(UTC),
            last_error=error,
            failures=0 if error is None else due.c.failures + 1,
        )
    )


def every(c: sa.Connection) -> Sequence[DueModel]:
    """Return the queue, the longest waiting model first."""
    return [DueModel(*row) for row in c.execute(sa.select(due).order_by(due.c.due_at, due.c.model))]
