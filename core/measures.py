"""From the cells of a model's windows to its metrics: which counts feed which metric, all windows at once."""

import math
from collections.abc import Iterator, Set

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core import column_drift, operations, outcomes, quality
from core.cells import Kinds, by_kind, column, count_at, merge_cells, selected, stacked
from core.declaration import Declaration
from core.entities import Grid, Kind, NumericGrid
from core.errors import BinningError
from core.estimates import Estimate, Numbers
from core.from_reference import expected_errors, from_reference
from core.metric_rows import Block, frame
from core.reconstruction import FEWEST, MOST, RECONSTRUCTION, components, losses, pca_reconstruction, squares

__all__ = ["measure", "merge_cells"]

_TALLIES = ("n", "missing", "nan", "positive_infinity", "negative_infinity", "uncastable")
_NO_BINS = NumericGrid()
_BATCH = 20_000  # cells whose counts are compared together: bounds the memory of their matrices


def measure(
    cells: pl.DataFrame, reference_cells: pl.DataFrame, grid: Grid, declaration: Declaration
) -> pl.DataFrame:
    """Return every metric of the windows and slices that the cells count.

    Parameters
    ----------
    cells : CELLS of any number of windows
    reference_cells : CELLS of the reference windows; drift is measured from their sum (pass it merged where
        `measure` is called often)
    grid : what both were counted on; while it is learning there is no drift
    declaration : the model

    Returns
    -------
    METRICS, sorted by METRIC_KEYS. A number that cannot be given is null and carries its reason.

    Raises
    ------
    BinningError
        If cells were counted on another grid.
    """
    _check_grid(cells, grid)
    whole, groups = by_kind(cells)
    blocks = [*_quality(whole, grid, declaration), *_operations(whole, grid, declaration)]
    blocks += [*outcomes.performance(whole, grid, declaration), *outcomes.fairness(groups, grid, declaration)]
    if grid.frozen:
        _check_grid(reference_cells, grid)
        past, _ = by_kind(reference_cells)
        blocks += _drift(whole, past, grid, declaration)
        blocks += _together(whole, past, grid) if declaration.pca else ()
        if Kind.LEAVES in whole:
            blocks += expected_errors(whole[Kind.LEAVES], grid)
        if Kind.CLASSIFICATION in whole and Kind.CLASSIFICATION in past:
            usual = _usual(past[Kind.CLASSIFICATION], frozenset())
            blocks += from_reference(whole[Kind.CLASSIFICATION], usual, grid, declaration)
    return frame(cells, _mature_at(cells, whole, declaration), declaration.actual, blocks)


def _quality(kinds: Kinds, grid: Grid, declaration: Declaration) -> Iterator[Block]:
    if (rows := kinds.get(Kind.ROWS)) is not None:
        n, duplicates = column(rows, "n"), count_at(rows, 0)
        found = {**quality.of_rows(n, duplicates)}
        if declaration.actual:
            found |= quality.labelled(n - column(rows, "missing"), count_at(rows, 2))
        found |= quality.freshness(_hours_since_newest(rows), n)
        yield Block(rows["row"], found, column="")
    yield from _invalid_outcomes(kinds)
    for kind in (Kind.NUMERIC, Kind.CATEGORICAL):
        if (cells := kinds.get(kind)) is None:
            continue
        # What the label lacks has not arrived: that is labelled_share, not a fault of the data.
        features = np.array([name != declaration.actual for name in cells["column"].to_list()])
        n, missing, nan, positive, negative, uncastable = (column(cells, name)[features] for name in _TALLIES)
        shares = quality.of_any(n, missing, nan + positive + negative, uncastable)
        yield Block(cells["row"].filter(features), shares)
        yield from (_numeric_quality if kind is Kind.NUMERIC else _categorical_quality)(cells, grid)


def _hours_since_newest(rows: pl.DataFrame) -> Numbers:
    return rows["window_end"].dt.epoch("us").to_numpy() / 3.6e9 - column(rows, "high") / 3600


def _invalid_outcomes(kinds: Kinds) -> Iterator[Block]:
    if (cells := kinds.get(Kind.MULTICLASS)) is not None:
        counts = stacked(cells["counts"])
        classes = math.isqrt(counts.shape[1])  # (classes + unknown) × (classes + unknown + unlabelled)
        table = counts.reshape(len(counts), classes, classes + 1)
        invalid = table[:, -1].sum(axis=1) + table[:, :-1, classes - 1].sum(axis=1)
        yield Block(cells["row"], quality.invalid_outcomes(invalid, counts.sum(axis=1)), column="")
        return
    for kind in (Kind.CLASSIFICATION, Kind.REGRESSION):
        if (cells := kinds.get(kind)) is not None:
            tallies = [column(cells, name) for name in _TALLIES]
            invalid = quality.invalid_outcomes(tallies[-1], np.sum(tallies, axis=0))
            yield Block(cells["row"], invalid, column="")


def _numeric_quality(cells: pl.DataFrame, grid: Grid) -> Iterator[Block]:
    n, low, high = (column(cells, name) for name in ("n", "low", "high"))
    yield Block(cells["row"], quality.constant_number(n, low, high))
    bins_of = grid.numeric if grid.frozen else {}
    binned = np.array([bool(bins_of.get(name, _NO_BINS).edges) for name in cells["column"].to_list()])
    outside = count_at(cells, 0) + count_at(cells, -1)
    yield Block(cells["row"].filter(binned), quality.out_of_range(n[binned], outside[binned]))


def _categorical_quality(cells: pl.DataFrame, grid: Grid) -> Iterator[Block]:
    if not grid.frozen:
        return
    n, other, new = column(cells, "n"), count_at(cells, -2), count_at(cells, -1)
    largest = stacked(cells["counts"]).max(axis=1, initial=0.0)
    constant = quality.constant_category(n, largest, np.maximum(other, new))
    open_ended = {name for name, words in grid.categorical.items() if not words.complete}
    complete = np.array([name not in open_ended for name in cells["column"].to_list()], dtype=np.bool_)
    yield Block(cells["row"], {**quality.unseen(n, new, complete), **constant})


def _drift(kinds: Kinds, past: Kinds, grid: Grid, declaration: Declaration) -> Iterator[Block]:
    """Compare features, scores, predictions and labels, each slice with its segment in the reference."""
    operated = {*declaration.operations.model_dump().values(), *declaration.custom}
    features = declaration.features
    unwatched = operated - {
        *(features.numeric if features else ()),
        *(features.categorical if features else ()),
    }
    unwatched.discard(None)
    for kind in (Kind.NUMERIC, Kind.CATEGORICAL):
        if kind not in kinds:
            continue
        usual = _usual(past.get(kind, kinds[kind].clear()), unwatched)
        for batch in _without(kinds[kind], unwatched).iter_slices(_BATCH):
            if kind is Kind.NUMERIC:
                found = column_drift.numeric(batch, usual, grid)
            else:
                found = column_drift.categorical(batch, usual)
            yield Block(batch["row"], found)


def _together(kinds: Kinds, past: Kinds, grid: Grid) -> Iterator[Block]:
    """Hold all numeric features together against the components of the whole reference."""
    features, found = len(grid.together), None
    usual, cells = (each.get(Kind.MOMENTS) for each in (past, kinds))
    if usual is not None and cells is not None:
        whole = _usual(usual, frozenset())
        whole = whole.filter(pl.col("segment") == "")
        found = components(squares(stacked(whole["sums"]), features).sum(axis=0), column(whole, "n").sum())
    if cells is not None and found is not None:
        sums = squares(stacked(cells["sums"]), features)
        n = column(cells, "n")
        yield Block(cells["row"], {RECONSTRUCTION: pca_reconstruction(sums, n, found)})
        for name, lost in zip(grid.together, losses(sums, n, found), strict=True):
            yield Block(cells["row"], {RECONSTRUCTION: lost}, column=name)
    elif (rows := kinds.get(Kind.ROWS)) is not None:
        needed = f"needs {FEWEST} to {MOST} numeric features that vary in the reference; it has {features}"
        unknown = Estimate(np.full(len(rows), np.nan), np.zeros(len(rows)), needed)
        yield Block(rows["row"], {RECONSTRUCTION: unknown}, column="")


def _usual(cells: pl.DataFrame, unwatched: Set[str | None]) -> pl.DataFrame:
    """Return what cells of one kind are compared with: one row per column and segment."""
    # A new version or variant has no past of its own: it is compared with all traffic of its segment.
    same_traffic = (cells["version"] == "") & (cells["variant"] == "")
    usual = _without(selected(cells, same_traffic), unwatched)
    merged = len(set(zip(usual["column"], usual["segment"], strict=True))) == len(usual)
    return usual if merged else merge_cells(usual)


def _without(cells: pl.DataFrame, columns: Set[str | None]) -> pl.DataFrame:
    return selected(cells, ~cells["column"].is_in(list(columns))) if columns else cells


def _operations(kinds: Kinds, grid: Grid, declaration: Declaration) -> Iterator[Block]:
    declared = declaration.operations
    if (rows := kinds.get(Kind.ROWS)) is not None:
        n = column(rows, "n")
        hours = (rows["window_end"] - rows["window_start"]).cast(pl.Int64).to_numpy() / 3.6e9
        found = {**operations.throughput(n, hours)}
        if declared.status:
            found |= operations.error_share(n, count_at(rows, 1))
        yield Block(rows["row"], found, column="")
    if declared.latency_ms and (cells := kinds.get(Kind.LATENCY)) is not None:
        counts, low, high = stacked(cells["counts"]), column(cells, "low"), column(cells, "high")
        yield Block(cells["row"], operations.latency(counts, low, high), column="")
    if declared.cost_usd:
        yield from _mean("cost_per_prediction", declared.cost_usd, kinds, grid)
    for name, custom in declaration.custom.items():
        if custom.kind == "numeric":
            yield from _mean(name, name, kinds, grid)
        elif (cells := kinds.get(Kind.RATE)) is not None:
            cells = selected(cells, cells["column"] == name)
            rate = operations.rate(name, column(cells, "n"), count_at(cells, 0))
            yield Block(cells["row"], rate, column="")


def _mean(metric: str, name: str, kinds: Kinds, grid: Grid) -> Iterator[Block]:
    if (cells := kinds.get(Kind.NUMERIC)) is not None:
        cells = selected(cells, cells["column"] == name)
        centre = grid.numeric.get(name, NumericGrid()).centre
        total, squares = stacked(cells["sums"], 2).T
        mean = operations.mean(metric, column(cells, "n"), centre, total, squares)
        yield Block(cells["row"], mean, column="")


def _mature_at(cells: pl.DataFrame, kinds: Kinds, declaration: Declaration) -> NDArray[np.datetime64]:
    """Say from when on the labels of each cell's window are complete: its last row plus the label delay."""
    starts, ends = (cells[name].cast(pl.Int64).to_list() for name in ("window_start", "window_end"))
    last = dict[int, int]()
    if (rows := kinds.get(Kind.ROWS)) is not None:
        sliced = zip(rows["segment"], rows["version"], rows["variant"], strict=True)
        of_rows = zip(rows["window_start"].cast(pl.Int64), rows["high"], sliced, strict=True)
        last = {start: int(high * 1e6) for start, high, of in of_rows if high is not None and not any(of)}
    microseconds = [last.get(start, end) for start, end in zip(starts, ends, strict=True)]
    mature: NDArray[np.datetime64] = np.array(microseconds, dtype="datetime64[us]")
    return mature + np.timedelta64(declaration.label_delay)


def _check_grid(cells: pl.DataFrame, grid: Grid) -> None:
    others = cells["reference_id"] != grid.reference_id
    if others.any():
        other = cells["reference_id"].filter(others).min()
        raise BinningError(
            f"cells were counted on grid {other!r}, not {grid.reference_id!r}; count their windows again"
        )
