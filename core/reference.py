"""What is normal for a model: choose its reference, freeze the grid, or say what is missing."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from core import loss_tree
from core.annotations import Span, without
from core.declaration import Declaration
from core.engine import KERNEL_VERSION, DuckDBEngine
from core.entities import CELLS, Grid, Kind, LedgerEntry, LossTree, Source
from core.errors import PathError
from core.settings import Workspace
from core.store import references
from core.survey import source
from core.windows import Window

DEFAULT_WINDOWS = 28
DEFAULT_MINIMUM_ROWS = 1_000
LEAST_LEFT = 0.5  # of a reference's windows, when annotations leave some out
BLOCKS = 10  # parts that a window, or a reference file without time, is cut into
MAXIMUM_CUT = 2  # windows of a reference that are cut into parts
_QUARTER = timedelta(minutes=15)  # engines tell windows apart by quarters of an hour
_BLOCKS_BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
# What decides how rows are counted; a change of any of it gives a new reference.
_COUNTED_BY = {
    "model", "task", "predictions", "labels", "positive", "threshold", "features", "segments", "protected",
    "operations", "custom", "reference", "window", "costs",
}  # fmt: skip


@dataclass(frozen=True)
class Baseline:
    """A grid to count on, and the reference's own counts on it (none while learning)."""

    grid: Grid
    windows: tuple[Window, ...] = ()
    cells: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CELLS))
    sample: pl.DataFrame | None = None  # only of a reference that was frozen just now
    learning: str | None = None  # what the reference still waits for
    in_log: bool = False  # whether `cells` were counted just now from the windows of the log itself

    @property
    def rows(self) -> int:
        """Rows of the reference, after deduplication."""
        unsliced = [pl.col(name) == "" for name in ("segment", "version", "variant", "group")]
        return int(self.cells.filter(pl.col("kind") == Kind.ROWS, *unsliced)["n"].sum())


def identity(workspace: Workspace, declaration: Declaration, spans: Sequence[Span]) -> str:
    """Return the reference's name: a hash of everything that decides how rows are counted.

    Parameters
    ----------
    spans : the stretches of time left out that concern the reference, see `concerning`
    """
    said = declaration.model_dump(mode="json", include=_COUNTED_BY)
    if declaration.pca:  # alone: without it nothing changes
        said["pca"] = True
    for place in ("predictions", "labels"):  # where the files lie does not change what they say
        said[place] = {
            key: value for key, value in (said[place] or {}).items() if key not in ("path", "lookback")
        }
    if declaration.reference and declaration.reference.path:
        file = workspace.resolve(declaration.reference.path)
        if not file.is_file():
            raise PathError(f"reference.path: there is no file {file}; put it there, or correct it")
        said["reference"] |= {"size": file.stat().st_size, "mtime_ns": file.stat().st_mtime_ns}
    if spans:
        said["left_out"] = [[end.isoformat() for end in span] for span in spans]
    text = json.dumps([KERNEL_VERSION, said], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def concerning(
    spans: Sequence[Span], declaration: Declaration, current: references.Reference | None
) -> list[Span]:
    """Return the stretches left out that decide what the reference is: none that lies after it."""
    if period := declaration.reference_period:
        return [span for span in spans if span[0] < period[1] and span[1] > period[0]]
    if current is None or not current.frozen or current.last_window is None:
        return list(spans)
    return _before(spans, declaration.calendar.containing(current.last_window))


def settle(
    workspace: Workspace,
    engine: DuckDBEngine,
    declaration: Declaration,
    ledger: Mapping[str, LedgerEntry],
    *,
    spans: Sequence[Span],
    sample: Path | None,
    now: datetime,
) -> Baseline:
    """Freeze the reference if it is complete at `now`, else say what it waits for.

    Parameters
    ----------
    spans : stretches of time whose windows are left out
    sample : a Parquet file with rows of an earlier reference, for when the logs of the period are gone
    """
    known = {name for entry in ledger.values() if entry.file.kind == "predictions" for name in entry.columns}

    def freeze(rows: Source, windows: list[Window]) -> Baseline:
        decisive = concerning(spans, declaration, None)
        if not declaration.reference_period:
            decisive = _before(spans, windows[-1])
        name = identity(workspace, declaration, decisive)
        blocks = _blocks(windows)
        grid = engine.build_grid(rows, declaration, blocks, reference_id=name, frozen=True, known=known)
        sampled = engine.sample(rows, declaration, windows)
        if declaration.task == "regression" and declaration.actual:
            grid = replace(grid, loss_tree=_loss_tree(sampled, declaration, grid, declaration.actual))
        cells = engine.profile(rows, declaration, grid, blocks)
        return Baseline(grid, tuple(windows), cells, sampled)

    if declaration.reference and declaration.reference.path:
        with tempfile.TemporaryDirectory(prefix="steward-") as folder:
            file = workspace.resolve(declaration.reference.path)
            timed = _timed(file, declaration, Path(folder))
            rows = Source((str(timed),))
            every = sorted(engine.windows_of(rows, declaration))
            left = without(every, spans) if timed == file else every
            if not (waiting := too_small(left, every)):
                return freeze(rows, left)
    else:
        windows, waiting = _choose(engine, declaration, ledger, spans, now)
        rows = source(declaration, ledger.values(), windows)
        if declaration.reference_period and sample and windows and not rows.files:
            return freeze(Source((str(sample),)), windows)
        if not waiting:
            return replace(freeze(rows, windows), in_log=_blocks(windows) == windows)
    rows = source(declaration, ledger.values(), None)
    name = identity(workspace, declaration, concerning(spans, declaration, None))
    grid = engine.build_grid(
        rows,
        declaration,
        list(engine.windows_of(rows, declaration)),
        reference_id=f"learning-{name}",
        frozen=False,
        known=known,
    )
    return Baseline(grid, learning=waiting)


def too_small(left: Sequence[Window], every: Sequence[Window]) -> str | None:
    """Return what to say if annotations leave too little of a reference to be called normal, else None."""
    if len(left) >= len(every) * LEAST_LEFT and left:
        return None
    first, last = every[0].start, every[-1].start
    return (
        f"the reference is too small: annotations leave {len(left)} of its {len(every)} windows from "
        f"{first:%-d %b %Y} to {last:%-d %b %Y}, at least half must stay; exclude less, or declare another"
    )


def _before(spans: Sequence[Span], last: Window) -> list[Span]:
    return [span for span in spans if span[0] < last.end]


def _blocks(windows: list[Window]) -> list[Window]:
    """Return the windows; of one or two their parts, for how windows differ shows only between several."""
    if len(windows) > MAXIMUM_CUT:
        return windows
    return [part for window in windows for part in _parts(window)]


def _parts(window: Window) -> list[Window]:
    quarters = (window.end - window.start) // _QUARTER
    blocks = min(BLOCKS, quarters)
    cuts = [window.start + (place * quarters // blocks) * _QUARTER for place in range(blocks)]
    return [Window(start, end) for start, end in zip(cuts, [*cuts[1:], window.end], strict=True)]


def _loss_tree(sample: pl.DataFrame, declaration: Declaration, grid: Grid, label: str) -> LossTree | None:
    """Grow the tree on the features and the prediction."""
    others = {label, *declaration.operations.model_dump().values(), *declaration.custom}
    inputs = set(sample.columns) - others
    numeric = [name for name in grid.numeric if name in inputs]
    categories = {name: known.kept for name, known in grid.categorical.items() if name in inputs}
    return loss_tree.grow(sample, numeric, categories, (declaration.prediction, label))


def _choose(
    engine: DuckDBEngine,
    declaration: Declaration,
    ledger: Mapping[str, LedgerEntry],
    spans: Sequence[Span],
    now: datetime,
) -> tuple[list[Window], str | None]:
    if declaration.reference_period:
        return _declared(declaration, ledger, spans, now)
    everything = source(declaration, ledger.values(), None)
    full = [
        window
        for window, rows in sorted(engine.windows_of(everything, declaration).items())
        if rows >= DEFAULT_MINIMUM_ROWS and window.end + declaration.grace + declaration.label_delay <= now
    ]
    complete = without(full, spans)
    if len(complete) < DEFAULT_WINDOWS:
        excluded = len(full) - len(complete)
        return [], (
            f"learning what is normal: {len(complete)} of {DEFAULT_WINDOWS} complete windows with at least "
            f"{DEFAULT_MINIMUM_ROWS:,} rows"
            + (f", {excluded} more are left out by annotations" if excluded else "")
            + "; or declare reference: {period: [from, to]}"
        )
    return complete[:DEFAULT_WINDOWS], None


def of_period(declaration: Declaration) -> list[Window]:
    """Return the whole windows of a declared reference period, in time order; none without one."""
    if declaration.reference_period is None:
        return []
    start, end = declaration.reference_period
    return [w for w in declaration.calendar.covering(start, end) if start <= w.start and w.end <= end]


def _declared(
    declaration: Declaration, ledger: Mapping[str, LedgerEntry], spans: Sequence[Span], now: datetime
) -> tuple[list[Window], str | None]:
    start, end = declaration.reference_period or (now, now)
    every = of_period(declaration)
    windows = without(every, spans)
    if small := too_small(windows, every):
        return [], small
    ready = end + declaration.grace + declaration.label_delay
    if now < ready:
        return windows, f"learning what is normal until {ready.astimezone(declaration.zone):%-d %B %Y %H:%M}"
    if not source(declaration, ledger.values(), windows).files:
        return windows, f"waiting for the reference: no predictions from {start:%Y-%m-%d} to {end:%Y-%m-%d}"
    return windows, None


def _timed(file: Path, declaration: Declaration, folder: Path) -> Path:
    """Return the file, or a copy with a time: its rows in consecutive blocks, a window each."""
    frame = pl.scan_csv(file) if file.suffix == ".csv" else pl.scan_parquet(file)
    column = declaration.predictions.timestamp
    if column in frame.collect_schema().names():
        return file
    rows = frame.select(pl.len()).collect().item()
    windows = [declaration.calendar.containing(_BLOCKS_BEGIN)]
    while len(windows) < BLOCKS:
        windows.append(declaration.calendar.containing(windows[-1].end))
    starts = pl.Series([window.start for window in windows])
    copy = folder / "reference.parquet"
    frame.with_columns(
        pl.lit(starts).gather(pl.int_range(pl.len()) * BLOCKS // max(rows, 1)).alias(column)
    ).sink_parquet(copy)
    return copy
