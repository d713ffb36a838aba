"""What the Jobs & system page reads: runners, what is due, the last sweeps, and what was left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from core.store import Store, due, heartbeats, ledger, outbox, status, sweeps

_MESSAGES: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.Int64,
    "state": pl.String,
    "channel": pl.String,
    "kind": pl.String,
    "model": pl.String,
    "attempts": pl.Int64,
    "created_at": pl.Datetime("us", "UTC"),
    "next_attempt_at": pl.Datetime("us", "UTC"),
    "last_error": pl.String,
}


@dataclass(frozen=True)
class SystemPage:
    """Frames for the page's tables; instants are wall time, `now` is the workspace's clock.

    runners: runner, kind, host, pid, seen_at, note
    failed: model, failures, last_finished, due_at, error (the models whose last sweep failed)
    sweeps: model, started, finished, windows, rows, files, error, error_id
    bad: model, path, error
    problems: model, reason, rows, files
    messages: id, state (``dead`` first, then ``pending``), channel, kind, model, attempts, created_at,
    next_attempt_at, last_error
    """

    runners: pl.DataFrame
    failed: pl.DataFrame
    sweeps: pl.DataFrame
    bad: pl.DataFrame
    problems: pl.DataFrame
    messages: pl.DataFrame
    now: datetime
    wall: datetime


def system(store: Store) -> SystemPage:
    """Return the state of the job runners and what they could not do."""
    with store.read() as c:
        runners = _frame(heartbeats.every(c), ("runner", "kind", "host", "pid", "seen_at", "note"))
        waiting = _frame(due.every(c), ("model", "failures", "last_finished", "due_at", "last_error"))
        errors = status.overview(c).select("model", "error")
        runs = _frame(
            sweeps.recent(c, limit=100),
            ("model", "started", "finished", "windows", "rows", "files", "error", "error_id"),
        )
        waiting_messages = [*outbox.every(c, "dead"), *outbox.every(c, "pending")]
        bad = [(model, entry.file.path, entry.error) for model, entry in ledger.bad(c)]
        problems = [
            (model, reason, rows)
            for model, found in ledger.problems(c)
            for reason, rows in found.items()
            if rows
        ]
    return SystemPage(
        runners,
        _failed(waiting, errors),
        runs,
        pl.DataFrame(bad, schema={"model": pl.String, "path": pl.String, "error": pl.String}, orient="row"),
        pl.DataFrame(
            problems, schema={"model": pl.String, "reason": pl.String, "rows": pl.Int64}, orient="row"
        )
        .group_by("model", "reason")
        .agg(pl.col("rows").sum(), files=pl.len())
        .sort("rows", descending=True),
        pl.DataFrame(
            [[getattr(message, name) for name in _MESSAGES] for message in waiting_messages],
            schema=_MESSAGES,
            orient="row",
        ),
        store.workspace.now(),
        datetime.now(UTC),
    )


def _failed(waiting: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    # `run --once` leaves its error in the status, a job runner in the queue as well.
    error = pl.coalesce("error", pl.col("last_error").cast(pl.String))
    joined = errors.join(waiting.cast({"model": pl.String}), on="model", how="left").with_columns(error=error)
    return joined.filter(pl.col("error").is_not_null()).drop("last_error")


def _frame(rows: Sequence[object], columns: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame({name: [getattr(row, name) for row in rows] for name in columns})
