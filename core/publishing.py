"""A sweep's results into the store: files first, then all that points at them in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from core import schema_changes
from core.alerting import Judgement, record
from core.declaration import Declaration
from core.entities import Actor, Kind, Lease, ModelStatus
from core.importance import association
from core.recall import Known
from core.reference import Baseline
from core.store import Store, audit, leases, ledger, references, statistics, status, sweeps
from core.store import schema_changes as stored_changes
from core.survey import Survey
from core.windows import Calendar, Window

JOBS = Actor(id="steward-jobs", source="jobs")


@dataclass(frozen=True)
class Counted:
    """The windows a sweep counted, their CELLS and METRICS.

    `replaced` are the stored windows whose place they take: themselves, or of another size once.
    """

    windows: Sequence[Window]
    cells: pl.DataFrame
    metrics: pl.DataFrame
    replaced: Sequence[Window]

    def without_replaced(self, stored: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of stored CELLS or METRICS that stay as they are."""
        starts = {window.start for window in (*self.windows, *self.replaced)}
        return stored.filter(~pl.col("window_start").is_in(list(starts)))

    def renewed(self, stored: pl.DataFrame) -> pl.DataFrame:
        """Return stored METRICS with those counted just now in their place."""
        return pl.concat([self.without_replaced(stored), self.metrics])

    @property
    def traffic(self) -> pl.DataFrame:
        """The cells that count rows, not sliced."""
        unsliced = [pl.col(name) == "" for name in ("segment", "version", "variant", "group")]
        return self.cells.filter(pl.col("kind") == Kind.ROWS, *unsliced)


@dataclass(frozen=True)
class Outcome:
    """All that one sweep found out; `status` is the model's condition, without its alerts."""

    found: Survey
    baseline: Baseline
    counted: Counted
    status: ModelStatus
    judgement: Judgement
    run: sweeps.SweepRun
    now: datetime  # business time


def publish(store: Store, lease: Lease, known: Known, outcome: Outcome) -> None:
    """Make a sweep's results the current ones, all or none.

    Raises
    ------
    LeaseLost
        If another runner has taken the model over; the files written stay unreferenced and are removed later.
    """
    slug = lease.model
    _keep_reference(store, known.declaration, outcome.baseline)
    generations = list(_write(store, known.declaration, outcome.counted))
    with store.write() as c:
        leases.check(c, lease)
        ledger.record(c, slug, outcome.found.changes)
        _record_schema(c, known.declaration, outcome.found)
        for month, kind, generation in generations:
            statistics.publish(c, slug, month, kind, generation)
        _record_reference(c, known, outcome)
        _record_status(c, store, known, outcome)
        sweeps.record(c, outcome.run)


def _keep_reference(store: Store, declaration: Declaration, baseline: Baseline) -> None:
    slug, grid = declaration.model, baseline.grid
    if baseline.sample is not None:  # frozen by this sweep
        references.write_reference_cells(store, slug, grid.reference_id, baseline.cells)
        references.write_sample(store, slug, grid.reference_id, baseline.sample)
        matters = association(baseline.sample, declaration, grid)
        references.write_importance(store, slug, grid.reference_id, matters)
    if baseline.sample is not None or not grid.frozen:
        references.write_grid(store, slug, grid)


def _write(
    store: Store, declaration: Declaration, counted: Counted
) -> Iterator[tuple[str, statistics.Kind, str]]:
    """Write a new generation of each month that has a counted window; its other windows are carried over."""
    calendar, slug = declaration.calendar, declaration.model
    of_month = {calendar.month(window): window for window in (*counted.windows, *counted.replaced)}
    for month, window in of_month.items():
        bounds = Calendar("1mo", calendar.zone).containing(window.start)
        inside = pl.col("window_start").is_between(bounds.start, bounds.end, closed="left")
        frames: dict[statistics.Kind, pl.DataFrame] = {"counts": counted.cells, "metrics": counted.metrics}
        for kind, frame in frames.items():
            stored = statistics.read(store, slug, kind, start=bounds.start, end=bounds.end)
            whole = pl.concat([counted.without_replaced(stored), frame.filter(inside)])
            yield month, kind, statistics.write(store, slug, month, kind, whole)


def _record_schema(c: sa.Connection, declaration: Declaration, found: Survey) -> None:
    """Write down which columns of the log appeared, vanished or changed their type."""
    entries = found.ledger.values()
    since = schema_changes.begins(entries)
    if found.changes and since is not None:
        changed = schema_changes.changes(entries, declaration.calendar)
        stored_changes.put(c, declaration.model, changed, since=since)


def _record_reference(c: sa.Connection, known: Known, outcome: Outcome) -> None:
    """Name the grid now in force; freezing it is a change of state and audited."""
    baseline, slug = outcome.baseline, known.declaration.model
    name = baseline.grid.reference_id
    if known.reference is not None and known.reference.reference_id == name:
        return
    current = references.Reference(
        model=slug,
        reference_id=name,
        frozen=baseline.grid.frozen,
        first_window=baseline.windows[0].start if baseline.windows else None,
        last_window=baseline.windows[-1].start if baseline.windows else None,
        rows=baseline.rows,
        created_at=outcome.run.finished,
    )
    references.put(c, current)
    if current.frozen:
        before = known.reference.reference_id if known.reference else None
        after = {"reference_id": name, "rows": baseline.rows}
        audit.append(
            c, JOBS, "reference.frozen", f"model:{slug}", before=before, after=after, ts=outcome.run.finished
        )


def _record_status(c: sa.Connection, store: Store, known: Known, outcome: Outcome) -> None:
    """Write the status that condition and alerts make together; a new state is audited."""
    before = status.get(c, known.declaration.model)
    after = record(
        c,
        store.workspace,
        known.declaration,
        outcome.judgement,
        outcome.status,
        first_sweep=known.status is None,
        now=outcome.now,
    )
    status.put(c, after)
    if before is None or before.state != after.state:
        audit.append(
            c,
            JOBS,
            "model.state",
            f"model:{after.model}",
            before=before.state if before else None,
            after=after.state,
            reason=after.reasons[0],
            ts=outcome.run.finished,
        )
