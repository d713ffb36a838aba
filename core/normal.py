"""What was normal: the metrics of the reference's own windows."""

from collections.abc import Callable, Sequence
from datetime import datetime

import polars as pl

from core.declaration import Declaration
from core.entities import Grid, Kind
from core.measures import measure, merge_cells
from core.reconstruction import RECONSTRUCTION
from core.store import Store, references, statistics

Renewed = Callable[[pl.DataFrame], pl.DataFrame]
Span = tuple[datetime, datetime]  # the starts of the first and the last window of a reference


def of_reference(
    store: Store,
    declaration: Declaration,
    span: Span | None,
    grid: Grid,
    cells: pl.DataFrame,
    *,
    renewed: Renewed = lambda stored: stored,
    metrics: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return the METRICS of the reference's windows; outside the log it is as if it were one window.

    Only of the features together there are then several, see `_in_parts`.

    Parameters
    ----------
    span : its windows in the log; None for a file, and while it is learning
    grid, cells : what the reference was counted on, and its CELLS
    renewed : puts the windows counted just now into stored METRICS
    metrics : those that are needed at least; None = all
    """
    if span is not None:
        first, last = span
        end = declaration.calendar.containing(last).end
        of_reference = cells["window_start"].unique()  # without those that an annotation left out
        inside = pl.col("window_start").is_between(first, last)
        for names in (metrics, None):  # all of them say whether the reference lies in the log at all
            known = renewed(
                statistics.read(store, declaration.model, "metrics", start=first, end=end, metrics=names)
            )
            windows = known.filter(inside, pl.col("window_start").is_in(of_reference.implode()))
            if windows.height:
                return _in_parts(windows, cells, grid, declaration)
    merged = merge_cells(cells)
    return _in_parts(measure(merged, merged, grid, declaration), cells, grid, declaration)


def _in_parts(
    windows: pl.DataFrame, cells: pl.DataFrame, grid: Grid, declaration: Declaration
) -> pl.DataFrame:
    """Return the windows, with the features together as in the parts they were cut into, if they were.

    How much they vary shows only between several. All parts bear the times of the first window.
    """
    parts = cells.filter(pl.col("kind") == Kind.MOMENTS)
    if parts["window_start"].n_unique() <= windows["window_start"].n_unique():
        return windows
    told = measure(parts, merge_cells(cells), grid, declaration)
    times = {name: pl.lit(windows[name][0]) for name in ("window_start", "window_end")}
    others = windows.filter(pl.col("metric") != RECONSTRUCTION)
    return pl.concat([others, told.with_columns(**times).cast(windows.schema)])


def stored(store: Store, declaration: Declaration, metrics: Sequence[str] | None = None) -> pl.DataFrame:
    """Return the METRICS of the current reference, of some `metrics` at least; empty while it is learning."""
    slug = declaration.model
    with store.read() as c:
        current = references.current(c, slug)
    if current is None or not current.frozen:
        return statistics.read(store, slug, "metrics").clear()
    span = None
    if current.first_window and current.last_window:
        span = (current.first_window, current.last_window)
    grid = references.read_grid(store, slug, current.reference_id)
    cells = references.read_reference_cells(store, slug, current.reference_id)
    return of_reference(store, declaration, span, grid, cells, metrics=metrics)
