"""Histograms and moments of many columns in all slices: rows stream once through numpy, block by block."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from core.engine.binning import Lookup, bins_of
from core.engine.run import Run
from core.engine.slices import Dimension

_BATCH_ROWS = 122_880
_BLOCK_ROWS = 32_768
_BYTES = 100_000_000  # of histograms held at once; more columns are counted in another pass
MISSING, NAN, POSITIVE, NEGATIVE, UNCASTABLE = 1, 2, 3, 4, 5  # places in TALLIES; 0 = n


@dataclass(frozen=True)
class Binned:
    """A column to count: SQL `value` of traffic `t` (and `join`), and which of `bins` bins it falls into.

    With a `table` the value is a number: it is looked up there, its moments are taken around `centre`, and
    `bad` (SQL, if it can happen) says that it is no number. Without a table it is the bin itself.
    """

    value: str
    bins: int
    table: Lookup | None = None
    centre: float = 0.0
    bad: str = ""
    join: str = ""


@dataclass(frozen=True)
class Histogram:
    """Rows per bin for each group; of numbers also TALLIES, low, high and the sums around the centre."""

    bins: np.ndarray
    tallies: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sums: np.ndarray

    @staticmethod
    def blank(groups: int, bins: int) -> "Histogram":
        """Return a histogram of nothing."""
        return Histogram(
            np.zeros((groups, bins), dtype=np.int64),
            np.zeros((groups, 6), dtype=np.int64),
            np.full(groups, np.inf),
            np.full(groups, -np.inf),
            np.zeros((groups, 2)),
        )


@dataclass(frozen=True)
class _Slots:
    """Where a slice's groups stand: place of the window * `values` + code of the value, of `size` places."""

    dimension: Dimension | None
    values: int
    size: int
    places: np.ndarray  # of the run's groups in this slice
    rows: np.ndarray  # their rows in `Run.groups`


@dataclass(frozen=True)
class _Block:
    """Some rows of a slice: their `place` after `first`, and how they lie group by group."""

    first: int
    place: np.ndarray
    order: np.ndarray | None  # None = already group by group
    starts: np.ndarray
    groups: np.ndarray


def histograms(run: Run, columns: Mapping[str, Binned]) -> dict[str, Histogram]:
    """Return the histogram of each named column, with a row for each of the run's groups."""
    starts = run.groups["window_start"].unique().sort()
    slots = _slots(run, starts)
    widest = max((each.bins for each in columns.values()), default=1)
    at_once = max(1, _BYTES // (sum(each.size for each in slots) * widest * 8))
    names, found = list(columns), {}
    for first in range(0, len(names), at_once):
        part = names[first : first + at_once]
        totals = _count(run, [columns[name] for name in part], slots, starts.to_numpy())
        for name, by_slice in zip(part, totals, strict=True):
            found[name] = Histogram.blank(run.groups.height, columns[name].bins)
            for each, total in zip(slots, by_slice, strict=True):
                for whole, of_slice in zip(vars(found[name]).values(), vars(total).values(), strict=True):
                    whole[each.rows] = of_slice[each.places]
    return found


def _slots(run: Run, starts: pl.Series) -> list[_Slots]:
    """Lay out every slice; tables `codes_<dimension>` give the code of each value."""
    slots = []
    for number, cut in enumerate(run.slices):
        mine = run.groups.with_row_index("row").filter(slice=number)
        window = starts.search_sorted(mine["window_start"]).to_numpy().astype(np.int64)
        rows = mine["row"].to_numpy()
        if not cut.dimensions:
            slots.append(_Slots(None, 1, starts.len(), window, rows))
            continue
        (dimension,) = cut.dimensions
        values = mine[dimension.name].unique().sort()
        code = values.search_sorted(mine[dimension.name]).to_numpy().astype(np.int64)
        known = pl.DataFrame({"value": values, "code": np.arange(values.len(), dtype=np.int32)})
        run.connection.register(f"codes_{dimension.name}", known)
        size = starts.len() * values.len()
        slots.append(_Slots(dimension, values.len(), size, window * values.len() + code, rows))
    return slots


def _count(
    run: Run, columns: Sequence[Binned], slots: Sequence[_Slots], starts: np.ndarray
) -> list[list[Histogram]]:
    """Return the histograms of each column in each slice, a row for every place."""
    totals = [[Histogram.blank(each.size, column.bins) for each in slots] for column in columns]
    for batch in _stream(run, columns, slots):
        window = np.searchsorted(starts, batch.column(0).to_numpy())
        arrays = iter(batch.columns[1:])
        places = [window * each.values + (next(arrays).to_numpy() if each.dimension else 0) for each in slots]
        read = [_read(column, arrays) for column in columns]
        for first in range(0, batch.num_rows, _BLOCK_ROWS):
            part = slice(first, first + _BLOCK_ROWS)
            blocks = [_block(place[part]) for place in places]
            for column, (values, special), by_slice in zip(columns, read, totals, strict=True):
                here = None if special is None else special[part]
                _add(column, values[part], here, blocks, by_slice)
    return totals


def _stream(run: Run, columns: Sequence[Binned], slots: Sequence[_Slots]) -> pa.RecordBatchReader:
    cuts = [each.dimension.name for each in slots if each.dimension]
    items = ["t.window_start", *(f"codes_{name}.code AS code_{name}" for name in cuts)]
    for i, column in enumerate(columns):
        items.append(f"{column.value} AS value_{i}")
        items += [f"{column.bad} AS bad_{i}"] if column.bad else []
    joins = [f"JOIN codes_{name} ON codes_{name}.value = t.{name}" for name in cuts]
    joins += [column.join for column in columns if column.join]
    sql = "\n".join([f"SELECT {', '.join(items)}", f"FROM ({run.traffic.sql}) t", *joins])
    return run.connection.sql(sql, params=dict(run.traffic.params)).to_arrow_reader(_BATCH_ROWS)


def _read(column: Binned, arrays: Iterator[pa.Array]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the values (NULL as NaN), and MISSING or UNCASTABLE where there is none (None: nowhere)."""
    array = next(arrays)
    bad = next(arrays) if column.bad else None
    values = array.to_numpy(zero_copy_only=False)
    if not array.null_count:
        return values, None
    absent = MISSING if bad is None else np.where(bad.fill_null(False), UNCASTABLE, MISSING)
    return values, np.where(array.is_null(), absent, 0).astype(np.int64)


def _block(place: np.ndarray) -> _Block:
    first = int(place.min())  # rows in time order touch few windows at once
    place = place - first
    order = None
    lying = place
    if (place[1:] < place[:-1]).any():
        small = (
            place.astype(np.uint16) if place.max() < 1 << 16 else place
        )  # sorted by radix, ten times faster
        order = np.argsort(small, kind="stable")
        lying = place[order]
    starts = np.flatnonzero(np.append(True, lying[1:] != lying[:-1]))
    return _Block(first, place, order, starts, lying[starts] + first)


def _add(
    column: Binned,
    values: np.ndarray,
    special: np.ndarray | None,
    blocks: Sequence[_Block],
    totals: Sequence[Histogram],
) -> None:
    if column.table is None:
        for block, total in zip(blocks, totals, strict=True):
            _add_bins(block, values, total.bins)
        return
    bins = bins_of(values, column.table)
    finite = None if bins.max() < column.table.nowhere else bins < column.table.nowhere
    for block, total in zip(blocks, totals, strict=True):
        _add_bins(block, bins, total.bins)
        _add_moments(block, values, column.centre, finite, total)
        if finite is not None:
            _add_specials(block, values, special, ~finite, total.tallies)


def _add_bins(block: _Block, bins: np.ndarray, total: np.ndarray) -> None:
    width = total.shape[1]
    counted = np.bincount(block.place * width + bins)
    flat, start = total.reshape(-1), block.first * width
    flat[start : start + counted.size] += counted


def _add_moments(
    block: _Block, values: np.ndarray, centre: float, finite: np.ndarray | None, total: Histogram
) -> None:
    low = high = values
    if finite is None:
        away = values - centre
    else:
        low, high = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
        away = np.where(finite, values, centre) - centre
    if block.order is not None:
        low, away = low[block.order], away[block.order]
        high = low if finite is None else high[block.order]
    at, starts = block.groups, block.starts
    total.low[at] = np.minimum(total.low[at], np.minimum.reduceat(low, starts))
    total.high[at] = np.maximum(total.high[at], np.maximum.reduceat(high, starts))
    with np.errstate(over="ignore"):
        total.sums[at, 0] += np.add.reduceat(away, starts)
        total.sums[at, 1] += np.add.reduceat(away * away, starts)


def _add_specials(
    block: _Block, values: np.ndarray, special: np.ndarray | None, here: np.ndarray, total: np.ndarray
) -> None:
    """Count why values are not finite."""
    rest = values[here]
    why = np.where(np.isnan(rest), NAN, np.where(rest > 0, POSITIVE, NEGATIVE))
    if special is not None:
        why = np.where(special[here] > 0, special[here], why)
    np.add.at(total, (block.place[here] + block.first, why), 1)
