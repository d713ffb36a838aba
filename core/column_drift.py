"""The drift metrics of many columns and windows at once, from their cells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core import bins, drift
from core.cells import column, lengths_of, selected, stacked, widened
from core.entities import Grid, NumericGrid
from core.errors import BinningError
from core.estimates import Estimate, Numbers, ratio

_NO_VALUES = "no usable values in this window"
_NO_REFERENCE = "the reference has no usable values of this column"


def numeric(cells: pl.DataFrame, reference: pl.DataFrame, grid: Grid) -> Mapping[str, Estimate]:
    """Return the distances of numeric cells from the reference of their column and segment.

    Shares are compared on the coarse grid, Kolmogorov–Smirnov and Wasserstein on the fine one.

    Parameters
    ----------
    cells : CELLS of kind numeric, of any number of columns and windows
    reference : CELLS of kind numeric, one row per column and segment
    grid : what both were counted on

    Raises
    ------
    BinningError
        If a cell has another number of counts than its column's grid has bins.
    """
    names = cells["column"].to_list()
    columns = sorted(set(names))
    grids = [grid.numeric.get(name, NumericGrid()) for name in columns]
    place = {name: position for position, name in enumerate(columns)}
    of = np.array([place[name] for name in names], dtype=np.intp)
    rows, usual, at = _with_reference(cells, reference)
    _check(cells, np.array([len(g.edges) + 1 if g.edges else 0 for g in grids])[of])
    whole = _whole_reference(columns, reference, rows.shape[1])
    ends = _filled([bins.coarse_ends(c[: len(g.edges) + 1]) for c, g in zip(whole, grids, strict=True)])
    places = _filled([bins.positions(g.edges, c) for c, g in zip(whole, grids, strict=True)], rows.shape[1])
    result = _on_shares(bins.joined(usual, ends[of]), bins.joined(rows, ends[of]))
    result |= _kolmogorov_smirnov(usual, rows)
    centre, above = (
        np.array(values)[of] for values in zip(*((g.centre, len(g.edges)) for g in grids), strict=True)
    )
    reaching = _reaching(places[of], rows, cells, centre, above)
    result["wasserstein"] = _wasserstein(usual, rows, reaching, _mean_moved(cells, reference, at))
    result["wasserstein_normed"] = _normed(result["wasserstein"], np.array([g.scale for g in grids])[of])
    return result


def categorical(cells: pl.DataFrame, reference: pl.DataFrame) -> Mapping[str, Estimate]:
    """Return the distances of categorical cells from the reference of their column and segment.

    Parameters
    ----------
    cells : CELLS of kind categorical, of any number of columns and windows
    reference : CELLS of kind categorical, one row per column and segment, counted on the same grid
    """
    rows, usual, _ = _with_reference(cells, reference)
    result = _on_shares(usual, rows)
    statistic, p_value = drift.chi_squared(usual, rows)
    result["chi_squared"] = _distance(
        usual, rows, statistic, drift.expected_chi_squared(usual, rows), p_value
    )
    return result


def _with_reference(
    cells: pl.DataFrame, reference: pl.DataFrame
) -> tuple[Numbers, Numbers, NDArray[np.int64]]:
    """Return the counts of the cells and of their references (zeros if none), and the references' rows."""
    counted, past = stacked(cells["counts"]), stacked(reference["counts"])
    width = max(counted.shape[1], past.shape[1])
    row_of = {key: row for row, key in enumerate(_columns_and_segments(reference))}
    row = np.array([row_of.get(key, len(reference)) for key in _columns_and_segments(cells)], dtype=np.int64)
    return widened(counted, width), np.vstack([widened(past, width), np.zeros((1, width))])[row], row


def _columns_and_segments(cells: pl.DataFrame) -> Iterator[tuple[str, str]]:
    return zip(cells["column"].to_list(), cells["segment"].to_list(), strict=True)


def _check(cells: pl.DataFrame, lengths: NDArray[np.int64]) -> None:
    given = lengths_of(cells["counts"])
    wrong = np.flatnonzero((lengths > 0) & (given != lengths))
    if len(wrong):
        first = int(wrong[0])
        raise BinningError(
            f"a cell of {cells['column'][first]!r} has {given[first]} counts, its grid {lengths[first]}; "
            "count the window again on the current grid"
        )


def _whole_reference(columns: Sequence[str], reference: pl.DataFrame, width: int) -> Numbers:
    """Return each column's counts in the whole reference: they shape the grid of every segment."""
    whole = selected(reference, reference["segment"] == "")
    row_of = {name: row for row, name in enumerate(whole["column"])}
    counts = np.vstack([stacked(whole["counts"], width), np.zeros((1, width))])
    return counts[[row_of.get(name, len(whole)) for name in columns]]


def _filled(lists: Sequence[NDArray[Any]], width: int = 0) -> NDArray[Any]:
    """Return arrays of different length as one matrix, each filled up with its last value."""
    width = max(width, *(len(values) for values in lists), 1)
    return np.array([np.append(values, np.full(width - len(values), values[-1])) for values in lists])


def _on_shares(usual: Numbers, rows: Numbers) -> dict[str, Estimate]:
    return {
        name: _distance(usual, rows, distance(usual, rows), expected(usual, rows) if expected else None)
        for name, (distance, expected) in drift.ON_SHARES.items()
    }


def _kolmogorov_smirnov(usual: Numbers, rows: Numbers) -> dict[str, Estimate]:
    value = drift.kolmogorov_smirnov(usual, rows)
    p_value = drift.kolmogorov_smirnov_p_value(value, usual.sum(axis=-1), rows.sum(axis=-1))
    expected = drift.expected_kolmogorov_smirnov(usual, rows)
    return {
        "kolmogorov_smirnov": _distance(usual, rows, value, expected, p_value),
        "kolmogorov_smirnov_p_value": _distance(usual, rows, p_value),
    }


def _wasserstein(usual: Numbers, rows: Numbers, places: Numbers, mean_moved: Numbers) -> Estimate:
    # The distance is never below the difference of the means, which the sums give exactly: whole numbers,
    # which lie at the end of their bin and not in its middle, are then measured right.
    value = np.maximum(drift.wasserstein(usual, rows, places), np.abs(mean_moved))
    return _distance(usual, rows, value, drift.expected_wasserstein(usual, rows, places))


def _normed(distance: Estimate, scale: Numbers) -> Estimate:
    reason = np.where(
        np.isnan(distance.value), distance.reason, "the reference is constant, so it has no scale"
    )
    expected = None if distance.expected is None else ratio(distance.expected, scale)
    return replace(distance, value=ratio(distance.value, scale), expected=expected, reason=reason)


def _reaching(
    places: Numbers, rows: Numbers, cells: pl.DataFrame, centre: Numbers, above: NDArray[np.intp]
) -> Numbers:
    """Return positions with below and above moved out to where the sum of the values puts their rows."""
    each, reaching = np.arange(len(places)), places.copy()
    low, high = column(cells, "low"), column(cells, "high")
    first, last = places[:, 0], places[each, above]
    beyond = stacked(cells["sums"], 2)[:, 0] - (rows * (places - centre[:, None])).sum(axis=1)
    down = np.nan_to_num(ratio(np.minimum(beyond, 0.0), rows[:, 0]))
    up = np.nan_to_num(ratio(np.maximum(beyond, 0.0), rows[each, above]))
    reaching[:, 0] = np.fmax(first + down, np.fmin(low, first))
    reaching[each, above] = np.fmin(last + up, np.fmax(high, last))
    return reaching


def _mean_moved(cells: pl.DataFrame, reference: pl.DataFrame, at: NDArray[np.int64]) -> Numbers:
    """Return the mean of each cell minus its reference's; both are centred alike."""
    now, usual = (
        ratio(stacked(frame["sums"], 2)[:, 0], frame["n"].to_numpy()) for frame in (cells, reference)
    )
    return now - np.append(usual, np.nan)[at]


def _distance(
    usual: Numbers,
    rows: Numbers,
    value: Numbers,
    expected: Numbers | None = None,
    p_value: Numbers | None = None,
) -> Estimate:
    n = rows.sum(axis=-1)
    reason = np.where(n > 0, _NO_REFERENCE, _NO_VALUES)
    return Estimate(value, n, reason, expected=expected, p_value=p_value)
