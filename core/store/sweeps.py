"""The history of sweeps that did something or failed."""

from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from core.store.schema import sweeps


@dataclass(frozen=True)
class SweepRun:
    """One sweep of one model: what it read and wrote; `error_id` finds a failure in the runner's log."""

    model: str
    started: datetime
    finished: datetime
    windows: int = 0
    rows: int = 0
    files: int = 0
    error: str | None = None
    error_id: str | None = None


def record(c: sa.Connection, run: SweepRun) -> None:
    """Add a sweep to the history."""
    c.execute(sa.insert(sweeps).values(asdict(run)))


def recent(c: sa.Connection, model: str | None = None, limit: int = 100) -> list[SweepRun]:
    """Return the last sweeps, the newest first."""
    columns = [column for column in sweeps.c if column.name != "id"]
    found = sa.select(*columns).order_by(sweeps.c.finished.desc(), sweeps.c.id.desc()).limit(limit)
    if model is not None:
        found = found.where(sweeps.c.model == model)
    return [SweepRun(**row._mapping) for row in c.execute(found)]
