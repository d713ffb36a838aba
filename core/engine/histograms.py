"""Histograms of many columns in all slices: rows stream once through numpy, in blocks that fit the cache."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from core.engine.binning import Lookup, bins_of
from core.engine.run import Run
from core.engine.slices import Dimension

_BATCH_ROWS = 245_760
_BLOCK_ROWS = 16_384
_BYTES = 100_000_000  # of histograms held at once; more columns are counted in another pass


@dataclass(frozen=True)
class Binned:
    """A column to count: SQL `value` of traffic `t` (and `join`), and which of `bins` bins it falls into.

    With a `table` the value is a number to look up there, without one it is the bin itself.
    """

    value: str
    bins: int
    table: Lookup | None = None
    join: str = ""


@dataclass(frozen=True)
class _Slots:
    """Where the histogram of a slice's group stands: place of its window * `values` + code of its value."""

    dimension: Dimension | None
    values: int
    places: np.ndarray  # of the run's groups in this slice
    rows: np.ndarray  # their rows in `Run.groups`


def histograms(run: Run, columns: Mapping[str, Binned]) -> dict[str, np.ndarray]:
    """Return a matrix for each named column: the rows in each of its bins, for each of the run's groups."""
    slots = _slots(run)
    starts = run.groups["window_start"].unique().sort().to_numpy()
    groups = starts.size * sum(each.values for each in slots)
    widest = max((each.bins for each in columns.values()), default=1)
    at_once = max(1, _BYTES // (groups * widest * 8))
    names, found = list(columns), {}
    for first in range(0, len(names), at_once):
        part = names[first : first + at_once]
        for name, totals in zip(part, _count(run, [columns[n] for n in part], slots, starts), strict=True):
            found[name] = np.zeros((run.groups.height, columns[name].bins), dtype=np.int64)
            for each, total in zip(slots, totals, strict=True):
                found[name][each.rows] = total.reshape(-1, columns[name].bins)[each.places]
    return found


def _slots(run: Run) -> list[_Slots]:
    """Lay out every slice; tables `codes_<dimension>` give the code of each value."""
    starts = run.groups["window_start"].unique().sort()
    slots = []
    for number, cut in enumerate(run.slices):
        mine = run.groups.with_row_index("row").filter(slice=number)
        window = starts.search_sorted(mine["window_start"]).to_numpy().astype(np.int64)
        rows = mine["row"].to_numpy()
        if not cut.dimensions:
            slots.append(_Slots(None, 1, window, rows))
            continue
        (dimension,) = cut.dimensions
        values = mine[dimension.name].unique().sort()
        code = values.search_sorted(mine[dimension.name]).to_numpy().astype(np.int64)
        known = pl.DataFrame({"value": values, "code": np.arange(values.len(), dtype=np.int32)})
        run.connection.register(f"codes_{dimension.name}", known)
        slots.append(_Slots(dimension, values.len(), window * values.len() + code, rows))
    return slots


def _count(
    run: Run, columns: Sequence[Binned], slots: Sequence[_Slots], starts: np.ndarray
) -> list[list[np.ndarray]]:
    """Return the histograms of each column in each slice, flat."""
    totals = [
        [np.zeros(starts.size * each.values * column.bins, dtype=np.int64) for each in slots]
        for column in columns
    ]
    for batch in _stream(run, columns, slots):
        window = np.searchsorted(starts, batch.column(0).to_numpy())
        arrays = iter(batch.columns[1:])
        places = [window * each.values + (next(arrays).to_numpy() if each.dimension else 0) for each in slots]
        values = [array.to_numpy(zero_copy_only=False) for array in arrays]  # NULL becomes NaN
        for first in range(0, batch.num_rows, _BLOCK_ROWS):
            block = slice(first, first + _BLOCK_ROWS)
            _add(totals, [place[block] for place in places], [value[block] for value in values], columns)
    return totals


def _add(
    totals: Sequence[Sequence[np.ndarray]],
    places: Sequence[np.ndarray],
    values: Sequence[np.ndarray],
    columns: Sequence[Binned],
) -> None:
    first = [int(place.min()) for place in places]  # a block in time order touches few windows
    nearby = [place - low for place, low in zip(places, first, strict=True)]
    for column, here, total in zip(columns, values, totals, strict=True):
        bins = bins_of(here, column.table) if column.table else here
        for place, low, sum_ in zip(nearby, first, total, strict=True):
            counted = np.bincount(place * column.bins + bins)
            start = low * column.bins
            sum_[start : start + counted.size] += counted


def _stream(run: Run, columns: Sequence[Binned], slots: Sequence[_Slots]) -> pa.RecordBatchReader:
    cuts = [each.dimension.name for each in slots if each.dimension]
    items = ["t.window_start", *(f"codes_{name}.code AS code_{name}" for name in cuts)]
    items += [f"{column.value} AS value_{i}" for i, column in enumerate(columns)]
    joins = [f"JOIN codes_{name} ON codes_{name}.value = t.{name}" for name in cuts]
    joins += [column.join for column in columns if column.join]
    sql = "\n".join([f"SELECT {', '.join(items)}", f"FROM ({run.traffic.sql}) t", *joins])
    return run.connection.sql(sql, params=dict(run.traffic.params)).to_arrow_reader(_BATCH_ROWS)
