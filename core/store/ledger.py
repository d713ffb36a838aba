"""The ledger: what was read of each log file, so that only new and changed files are read again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from core.entities import LedgerEntry, LogFile
from core.store.schema import ledger
from core.store.upsert import upsert


def entries(c: sa.Connection, model: str) -> list[LedgerEntry]:
    """Return the entries of a model's prediction logs and label files, by path."""
    found = sa.select(ledger).where(ledger.c.model == model).order_by(ledger.c.path, ledger.c.kind)
    return [_entry(row) for row in c.execute(found)]


def record(c: sa.Connection, model: str, entries: Iterable[LedgerEntry]) -> None:
    """Write down what was read; an entry replaces the earlier one of the same kind and path."""
    wall = datetime.now(UTC)
    rows = [
        {
            "model": model,
            "kind": entry.file.kind,
            "path": entry.file.path,
            "size": entry.file.size,
            "mtime_ns": entry.file.mtime_ns,
            "state": entry.state,
            "first_timestamp": entry.first,
            "last_timestamp": entry.last,
            "rows": entry.rows,
            "column_types": dict(entry.columns),
            "problems": dict(entry.problems),
            "error": entry.error,
            "recorded_at": wall,
        }
        for entry in entries
    ]
    upsert(c, ledger, rows)


def move(c: sa.Connection, before: str, after: str) -> None:
    """Rewrite the paths below a folder that is another one now."""
    old, new = before.rstrip("/") + "/", after.rstrip("/") + "/"
    moved = sa.literal(new) + sa.func.substr(ledger.c.path, len(old) + 1)
    c.execute(sa.update(ledger).where(ledger.c.path.startswith(old, autoescape=True)).values(path=moved))


def forget(c: sa.Connection, model: str, paths: Sequence[str]) -> None:
    """Drop the entries of prediction logs that others have replaced."""
    for path in paths:
        c.execute(sa.delete(ledger).where(ledger.c.model == model, ledger.c.path == path))


def expire(c: sa.Connection, before: datetime) -> int:
    """Forget removed files whose rows and record are older than an instant; return how many."""
    old = sa.delete(ledger).where(
        ledger.c.state == "gone", ledger.c.recorded_at < before, ledger.c.last_timestamp < before
    )
    return int(c.execute(old).rowcount)


def bad(c: sa.Connection) -> list[tuple[str, LedgerEntry]]:
    """Return the files of all models that could not be read, with their model."""
    found = (
        sa.select(ledger)
        .where(ledger.c.state == "bad")
        .order_by(ledger.c.model, ledger.c.path, ledger.c.kind)
    )
    return [(row.model, _entry(row)) for row in c.execute(found)]


def problems(c: sa.Connection) -> list[tuple[str, Mapping[str, int]]]:
    """Return why rows were left out and how many, of each file of which some were, with its model."""
    found = (
        sa.select(ledger.c.model, ledger.c.problems)
        .where(ledger.c.problems != {})
        .order_by(ledger.c.model, ledger.c.path, ledger.c.kind)
    )
    return [(row.model, row.problems) for row in c.execute(found)]


def _entry(row: sa.Row[Any]) -> LedgerEntry:
    return LedgerEntry(
        file=LogFile(row.path, row.kind, row.size, row.mtime_ns),
        state=row.state,
        first=row.first_timestamp,
        last=row.last_timestamp,
        rows=row.rows,
        columns=row.column_types,
        problems=row.problems,
        error=row.error,
    )
