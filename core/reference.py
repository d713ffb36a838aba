"""What is normal for a model: choose its reference, freeze the grid, or say what is missing."""

import hashlib
import json
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from core.declaration import Declaration
from core.engine import KERNEL_VERSION, DuckDBEngine
from core.entities import CELLS, Grid, Kind, LedgerEntry, Source
from core.errors import PathError
from core.settings import Workspace
from core.survey import source
from core.windows import Window

DEFAULT_WINDOWS = 28
DEFAULT_MINIMUM_ROWS = 1_000
BLOCKS = 10  # windows that a reference file without time is cut into
_BLOCKS_BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
# What decides how rows are counted; a change of any of it gives a new reference.
_COUNTED_BY = {
    "model", "task", "predictions", "labels", "positive", "threshold", "features", "segments", "protected",
    "operations", "custom", "reference", "window",
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


def identity(workspace: Workspace, declaration: Declaration) -> str:
    """Return the reference's name: a hash of everything that decides how rows are counted."""
    said = declaration.model_dump(mode="json", include=_COUNTED_BY)
    for place in ("predictions", "labels"):  # where the files lie does not change what they say
        said[place] = {
            key: value for key, value in (said[place] or {}).items() if key not in ("path", "lookback")
        }
    if declaration.reference and declaration.reference.path:
        file = workspace.resolve(declaration.reference.path)
        if not file.is_file():
            raise PathError(f"reference.path: there is no file {file}; put it there, or correct it")
        said["reference"] |= {"size": file.stat().st_size, "mtime_ns": file.stat().st_mtime_ns}
    text = json.dumps([KERNEL_VERSION, said], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def settle(
    workspace: Workspace,
    engine: DuckDBEngine,
    declaration: Declaration,
    ledger: Mapping[str, LedgerEntry],
    *,
    name: str,
    sample: Path | None,
    now: datetime,
) -> Baseline:
    """Freeze the reference if it is complete at `now`, else say what it waits for.

    Parameters
    ----------
    sample : a Parquet file with rows of an earlier reference, for when the logs of the period are gone
    """
    known = {name for entry in ledger.values() if entry.file.kind == "predictions" for name in entry.columns}
    if declaration.reference and declaration.reference.path:
        with tempfile.TemporaryDirectory(prefix="steward-") as folder:
            file = _timed(workspace.resolve(declaration.reference.path), declaration, Path(folder))
            rows = Source((str(file),))
            return _frozen(engine, declaration, rows, list(engine.windows_of(rows, declaration)), name, known)
    windows, waiting = _choose(engine, declaration, ledger, now)
    rows = source(declaration, ledger.values(), windows)
    if declaration.reference_period and sample and not rows.files:
        return _frozen(engine, declaration, Source((str(sample),)), windows, name, known)
    if waiting:
        rows = source(declaration, ledger.values(), None)
        windows = list(engine.windows_of(rows, declaration))
        grid = engine.build_grid(
            rows, declaration, windows, reference_id=f"learning-{name}", frozen=False, known=known
        )
        return Baseline(grid, learning=waiting)
    return replace(_frozen(engine, declaration, rows, windows, name, known), in_log=True)


def _frozen(
    engine: DuckDBEngine,
    declaration: Declaration,
    rows: Source,
    windows: list[Window],
    name: str,
    known: Collection[str],
) -> Baseline:
    grid = engine.build_grid(rows, declaration, windows, reference_id=name, frozen=True, known=known)
    cells = engine.profile(rows, declaration, grid, windows)
    return Baseline(grid, tuple(windows), cells, engine.sample(rows, declaration, windows))


def _choose(
    engine: DuckDBEngine, declaration: Declaration, ledger: Mapping[str, LedgerEntry], now: datetime
) -> tuple[list[Window], str | None]:
    if period := declaration.reference_period:
        return _declared(declaration, ledger, *period, now)
    everything = source(declaration, ledger.values(), None)
    complete = [
        window
        for window, rows in sorted(engine.windows_of(everything, declaration).items())
        if rows >= DEFAULT_MINIMUM_ROWS and window.end + declaration.grace + declaration.label_delay <= now
    ]
    if len(complete) < DEFAULT_WINDOWS:
        return [], (
            f"learning what is normal: {len(complete)} of {DEFAULT_WINDOWS} complete windows with at least "
            f"{DEFAULT_MINIMUM_ROWS:,} rows; or declare reference: {{period: [from, to]}}"
        )
    return complete[:DEFAULT_WINDOWS], None


def _declared(
    declaration: Declaration, ledger: Mapping[str, LedgerEntry], start: datetime, end: datetime, now: datetime
) -> tuple[list[Window], str | None]:
    windows = [w for w in declaration.calendar.covering(start, end) if start <= w.start and w.end <= end]
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
