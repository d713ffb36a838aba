"""One sweep of one model: log files → touched windows → counts → metrics → one transaction."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from core import alerting, health, logs, maturity, normal, reference, schema_changes
from core.annotations import left_out
from core.auto.columns import judged
from core.engine import ENGINES, DuckDBEngine
from core.entities import Lease, ModelStatus
from core.errors import LeaseLost
from core.findings import LOOK_BACK_WINDOWS
from core.measures import measure, merge_cells
from core.publishing import Counted, Outcome, publish
from core.recall import Known, recall, time_has_come
from core.reference import Baseline
from core.store import Store, leases, references, statistics, sweeps
from core.survey import Survey, frozen_windows, source, survey
from core.windows import Window, overlapping

SET_BACK = timedelta(days=1)  # a clock set back further was wrong before
UNTIMED = ("timestamp missing", "timestamp unreadable")  # reasons in LedgerEntry.problems


@dataclass(frozen=True)
class SweepResult:
    """What a sweep did: files read, windows counted and the rows in them; all zero when nothing was new."""

    model: str
    files: int = 0
    windows: int = 0
    rows: int = 0


def sweep(store: Store, slug: str, *, now: datetime, holder: str) -> SweepResult:
    """Bring a model's statistics and status up to what its log files say at `now`.

    A crash at any point leaves the store as it was, and the next sweep does the same work again.

    Raises
    ------
    LeaseHeld, LeaseLost
        If another runner works on the model, or took over because this one was too slow.
    InputError
        If the declaration and the log do not fit; the message says how.
    """
    started = datetime.now(UTC)
    if not pending(store, slug, now=now):
        return SweepResult(slug)
    with ENGINES["duckdb"]() as engine, _held(store, slug, holder) as lease:
        known = recall(store, slug)  # again: the holder before us may have done the work
        difference = logs.compare(logs.find(store.workspace, known.declaration), known.fingerprints)
        seen_until = known.status.updated_at if known.status else None
        if seen_until and now < seen_until <= now + SET_BACK:  # windows that were closed stay closed
            now = seen_until
        before = statistics.windows(store, slug)
        found = survey(
            engine, known.declaration, difference, known.ledger, before, now=now, seen_until=seen_until
        )
        baseline = _baseline(store, engine, known, found, now)
        counted = _ripened(store, _count(engine, known, found, before, baseline, now), known, now)
        status, judgement = _assess(store, known, found, baseline, counted, now)
        result = SweepResult(slug, len(found.changes), len(counted.windows), int(counted.traffic["n"].sum()))
        outcome = Outcome(found, baseline, counted, status, judgement, _run(result, started), now)
        publish(store, lease, known, outcome)
    return result


def pending(store: Store, slug: str, *, now: datetime) -> bool:
    """Tell whether a sweep of the model would do anything; it takes no lease and writes nothing."""
    known = recall(store, slug)
    files = logs.find(store.workspace, known.declaration)
    return logs.compare(files, known.fingerprints).any or time_has_come(store, known, now)


def _baseline(store: Store, engine: DuckDBEngine, known: Known, found: Survey, now: datetime) -> Baseline:
    """Return the frozen reference, or the attempt to freeze one."""
    name = reference.identity(store.workspace, known.declaration, known.left_out)
    current, slug = known.reference, known.declaration.model
    if current and current.frozen and current.reference_id == name:
        grid = references.read_grid(store, slug, name)
        return Baseline(grid, cells=references.read_reference_cells(store, slug, name))
    sample = references.sample_path(store, slug, current.reference_id) if current and current.frozen else None
    return reference.settle(
        store.workspace,
        engine,
        known.declaration,
        found.ledger,
        spans=left_out(known.annotations),
        sample=sample,
        now=now,
    )


def _count(
    engine: DuckDBEngine,
    known: Known,
    found: Survey,
    before: Sequence[Window],
    baseline: Baseline,
    now: datetime,
) -> Counted:
    declaration, windows = known.declaration, found.touched
    if known.reference is None or known.reference.reference_id != baseline.grid.reference_id:
        # A new grid: all windows whose log is still there are counted on it, the others keep their numbers.
        everything = engine.windows_of(source(declaration, found.ledger.values(), None), declaration)
        frozen = frozen_windows(before, found.ledger.values())
        lost = set(overlapping(everything, frozen))
        windows = tuple(sorted(w for w in everything if w.start <= now and w not in lost))
    counted = set(baseline.windows).intersection(windows) if baseline.in_log else set()
    left = [window for window in windows if window not in counted]
    rows = source(declaration, found.ledger.values(), left)
    cells = engine.profile(rows, declaration, baseline.grid, left)
    if counted:  # a frozen window of the reference keeps its numbers
        usual = baseline.cells.filter(pl.col("window_start").is_in([window.start for window in counted]))
        cells = pl.concat([cells, usual])
    metrics = measure(cells, merge_cells(baseline.cells), baseline.grid, declaration)
    metrics = judged(metrics, cells, baseline.cells, baseline.grid, declaration)
    return Counted(windows, cells, metrics, overlapping(before, windows))


def _ripened(store: Store, counted: Counted, known: Known, now: datetime) -> Counted:
    """Return what was counted with the windows mature that have the declared share of their labels."""
    declaration = known.declaration
    if not counted.windows or declaration.labels is None or declaration.labels.share is None:
        return counted
    first, last = counted.windows[0].start, counted.windows[-1].end
    shares = [maturity.LABELLED_SHARE]
    before = statistics.read(store, declaration.model, "metrics", start=first, end=last, metrics=shares)
    return replace(counted, metrics=maturity.ripened(counted.metrics, before, declaration, now=now))


def _assess(
    store: Store, known: Known, found: Survey, baseline: Baseline, counted: Counted, now: datetime
) -> tuple[ModelStatus, alerting.Judgement]:
    """Return the model's condition, and what its monitors say."""
    declaration = known.declaration
    last = _last_timestamp(found, counted, now)
    since = declaration.calendar.back(last or now, LOOK_BACK_WINDOWS)
    stored = statistics.read(store, declaration.model, "metrics", start=since, group="")
    recent = counted.renewed(stored).filter(pl.col("window_start") >= since)
    usual = _of_reference(store, known, baseline, counted)
    evidence = health.Evidence(
        recent=recent,
        reference=usual,
        last_timestamp=last,
        learning=baseline.learning,
        problems=[*_file_problems(found, now), *_row_problems(recent, now)],
    )
    judgement = alerting.judge(
        store,
        declaration,
        usual,
        annotated=known.annotations,
        renewed=counted.renewed,
        schema=schema_changes.changes(found.ledger.values(), declaration.calendar),
        last_timestamp=last,
        now=now,
    )
    return health.assess(declaration, evidence, known.status, now), judgement


def _of_reference(store: Store, known: Known, baseline: Baseline, counted: Counted) -> pl.DataFrame:
    """Return the metrics of the reference's own windows, those counted just now among them."""
    span = None
    if not baseline.learning:
        reference = known.reference
        if baseline.windows:
            span = (baseline.windows[0].start, baseline.windows[-1].start)
        elif reference is not None and reference.first_window and reference.last_window:
            span = (reference.first_window, reference.last_window)
    return normal.of_reference(
        store, known.declaration, span, baseline.grid, baseline.cells, renewed=counted.renewed
    )


def _last_timestamp(found: Survey, counted: Counted, now: datetime) -> datetime | None:
    """When the newest prediction up to now was made; a file that reaches beyond now cannot tell."""
    logs_read = [e for e in found.ledger.values() if e.file.kind == "predictions" and e.last is not None]
    instants = [entry.last for entry in logs_read if entry.last and entry.last <= now]
    seconds = counted.traffic.filter(pl.col("high") <= now.timestamp())["high"]
    instants += [datetime.fromtimestamp(second, UTC) for second in seconds]
    return max(instants, default=None)


def _file_problems(found: Survey, now: datetime) -> list[str]:
    entries = found.ledger.values()
    bad = [entry for entry in entries if entry.state == "bad"]
    logs_read = [entry for entry in entries if entry.state == "read" and entry.file.kind == "predictions"]
    ahead = [entry for entry in logs_read if entry.last and entry.last > now]
    untimed = sum(entry.problems.get(reason, 0) for entry in logs_read for reason in UNTIMED)
    problems = []
    if bad:
        problems.append(f"{len(bad)} file{'s' * (len(bad) > 1)} could not be read")
    if ahead:
        problems.append(f"{len(ahead)} file{'s' * (len(ahead) > 1)} with timestamps in the future")
    if untimed:
        have = "row has" if untimed == 1 else "rows have"
        problems.append(f"{untimed:,} {have} no readable timestamp and are in no window")
    return problems


def _row_problems(recent: pl.DataFrame, now: datetime) -> Iterator[str]:
    """Say how many rows hold what no model can say, in the newest window or the newest with its labels."""
    whole = [pl.col(name) == "" for name in ("segment", "version", "variant")]
    shares = recent.filter(pl.col("metric") == "invalid_outcome_share", *whole).sort("window_start")
    came = (pl.col("metric") == maturity.LABELLED_SHARE) & (pl.col("value") > 0)
    ripe = recent.filter(came, pl.col("mature_at") <= now, *whole)
    labelled = shares.join(ripe, on="window_start", how="semi", maintain_order="left")
    found = pl.concat([shares.tail(1), labelled.tail(1)])["value"].drop_nulls()
    if (share := max(found, default=0.0)) > 0:
        yield f"{share:.0%} of the rows have a score outside 0 to 1, an unknown class or no number as label"


def _run(result: SweepResult, started: datetime) -> sweeps.SweepRun:
    return sweeps.SweepRun(
        result.model, started, datetime.now(UTC), windows=result.windows, rows=result.rows, files=result.files
    )


@contextmanager
def _held(store: Store, slug: str, holder: str) -> Iterator[Lease]:
    """Hold the model's lease and renew it from a thread, as long as the work takes."""
    lease = leases.acquire(store, slug, holder)
    over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(store, lease, over), daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        over.set()
        renewing.join()
        leases.release(store, lease)


def _renew(store: Store, lease: Lease, over: threading.Event) -> None:
    while not over.wait(leases.RENEW_EVERY.total_seconds()):
        try:
            leases.renew(store, lease)
        except LeaseLost:  # the transaction that would write finds it out too
            return
