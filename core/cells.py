"""Cells as arrays: stacking their count lists into matrices, and merging cells by addition."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.entities import CELL_KEYS, CELLS
from core.errors import BinningError

Kinds = Mapping[str, pl.DataFrame]

_ADDED = ("n", "missing", "nan", "positive_infinity", "negative_infinity", "uncastable")
_LISTS = ("counts", "sums")


def stacked(lists: pl.Series, width: int | None = None) -> NDArray[np.float64]:
    """Return a list column as a matrix, one row per cell; shorter lists are filled up with zeros.

    Parameters
    ----------
    lists : `counts` or `sums` of some cells
    width : columns of the result; default: the longest list
    """
    offsets, values = _flat(lists)
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    if width is None:
        width = longest
    if longest > width:
        raise BinningError(
            f"a cell has {longest} counts, expected at most {width}; count both on the same grid"
        )
    if len(lists) and lengths.min() == width:
        return values[offsets[0] : offsets[-1]].reshape(len(lists), width)
    matrix = np.zeros((len(lists), width))
    matrix[np.arange(width) < lengths[:, None]] = values[offsets[0] : offsets[-1]]
    return matrix


def widened(matrix: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return a matrix filled up to a width with zeros."""
    missing = width - matrix.shape[1]
    return np.hstack([matrix, np.zeros((len(matrix), missing))]) if missing else matrix


def lengths_of(lists: pl.Series) -> NDArray[np.int64]:
    """Return how many values each list holds."""
    return np.diff(_flat(lists)[0])


def column(cells: pl.DataFrame, name: str) -> NDArray[np.float64]:
    """Return a column of cells as floats, NaN where null."""
    return cells[name].to_numpy().astype(np.float64)


def count_at(cells: pl.DataFrame, place: int) -> NDArray[np.float64]:
    """Return one count of every cell, from the end if negative; 0 where the list is shorter."""
    offsets, values = _flat(cells["counts"])
    at = place + offsets[np.arange(len(cells)) + (place < 0)]
    inside = (at >= offsets[:-1]) & (at < offsets[1:])
    found = np.zeros(len(cells))
    found[inside] = values[at[inside]]
    return found


def selected(cells: pl.DataFrame, mask: pl.Series) -> pl.DataFrame:
    """Return the cells where the mask is true; the frame itself where all are, as copying costs."""
    return cells if mask.all() else cells.filter(mask)


def by_kind(cells: pl.DataFrame) -> tuple[Kinds, Kinds]:
    """Return the cells of all traffic and those of protected groups, each by kind; `row` is their place."""
    groups_and_kinds = zip(cells["group"].to_list(), cells["kind"].to_list(), strict=True)
    keys = [(group != "", kind) for group, kind in groups_and_kinds]
    names = sorted(set(keys))
    place = {key: number for number, key in enumerate(names)}
    part_of = np.array([place[key] for key in keys], dtype=np.intp)
    order = np.argsort(part_of, kind="stable")
    # One gathering of all cells and slices of it: every further step on a frame costs more than its rows.
    ordered = cells[order].hstack([pl.Series("row", order)])
    starts = np.searchsorted(part_of[order], np.arange(len(names) + 1))
    whole, groups = dict[str, pl.DataFrame](), dict[str, pl.DataFrame]()
    for (of_group, kind), start, end in zip(names, starts, starts[1:], strict=False):
        (groups if of_group else whole)[kind] = ordered.slice(start, end - start)
    return whole, groups


def merge_cells(cells: pl.DataFrame) -> pl.DataFrame:
    """Add up cells that differ only in their window; `low`, `high` and the window become the outermost.

    Parameters
    ----------
    cells : CELLS

    Returns
    -------
    CELLS, one row per key without window, sorted by it.

    Raises
    ------
    BinningError
        If cells to be added were counted on different grids or have lists of different length.
    """
    keys = [key for key in CELL_KEYS if key != "window_start"]
    if not cells.select(keys).is_duplicated().any():
        return cells.sort(keys)
    groups = cells.group_by(keys, maintain_order=True).agg(
        pl.col("window_start").min(),
        pl.col("window_end").max(),
        *(pl.col(name).sum() for name in _ADDED),
        pl.col("low").min(),
        pl.col("high").max(),
        pl.col("reference_id").first(),
        *(pl.col(name).first().list.len().alias(name) for name in _LISTS),
        pl.col("reference_id").n_unique().alias("grids"),
        *(pl.col(name).list.len().n_unique().alias(f"{name}_lengths") for name in _LISTS),
        pl.len().alias("rows"),
    )
    odd = groups.filter((pl.col("grids") > 1) | (pl.col("counts_lengths") > 1) | (pl.col("sums_lengths") > 1))
    if not odd.is_empty():
        column = odd["column"][0] or odd["kind"][0]
        raise BinningError(f"cells of {column!r} were counted on different grids; count all windows on one")
    group_of = cells.select(keys).join(
        groups.select(keys).with_row_index("row"), on=keys, how="left", maintain_order="left"
    )["row"]
    merged = groups.with_columns(
        _added(cells[name], group_of.cast(pl.Int64).to_numpy(), groups[name]) for name in _LISTS
    )
    return merged.select(pl.col(name).cast(dtype) for name, dtype in CELLS.items()).sort(keys)


def _flat(lists: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where each list starts among all values, and where the last one ends; and all values."""
    arrow = lists.cast(pl.List(pl.Float64)).rechunk().to_arrow()
    return arrow.offsets.to_numpy(), arrow.values.to_numpy(zero_copy_only=False)


def _added(lists: pl.Series, group_of: NDArray[np.int64], lengths: pl.Series) -> pl.Series:
    """Return the element-wise sums of the lists of each group."""
    matrix = stacked(lists)
    order = np.argsort(group_of, kind="stable")
    starts = np.flatnonzero(np.diff(group_of[order], prepend=-1))
    sums = np.add.reduceat(matrix[order], starts) if len(starts) else matrix
    inside = np.arange(matrix.shape[1]) < lengths.fill_null(0).to_numpy()[:, None]
    flat = pl.DataFrame({"group": np.nonzero(inside)[0], "value": sums[inside]})
    grouped = flat.group_by("group", maintain_order=True).agg("value")
    index = pl.DataFrame({"group": pl.int_range(len(lengths), dtype=pl.Int64, eager=True)})
    joined = index.join(grouped, on="group", how="left", maintain_order="left")["value"]
    return joined.fill_null([]).alias(lists.name)
