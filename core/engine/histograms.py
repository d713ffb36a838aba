"""Histograms, moments and outcomes of many columns in all slices: rows stream once through numpy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa

from core.engine.binning import Lookup, bins_of
from core.engine.moments import Moments
from core.engine.run import Run

_BLOCK_ROWS = 32_768
MISSING, NAN, POSITIVE, NEGATIVE, UNCASTABLE = 1, 2, 3, 4, 5  # places in TALLIES; 0 = n
STATES = 6  # of a usable score: predicted (no, yes) × label (no, yes, unlabelled)
_LABELS = 3


@dataclass(frozen=True)
class Binned:
    """A column to count: SQL `value` of traffic `t` (and `join`), and which of `bins` bins it falls into.

    With a `table` the value is a number: it is looked up there, its moments are taken around `centre`, and
    `bad` (SQL, if it can happen) says that it is no number. Without a table it is the bin itself.

    With a `state` (SQL) it is a score with its outcome: a bin is a bin of the score × STATES, or one of the
    last, for rows that are in none: their state is minus a place in TALLIES.

    It is counted in the plain slices, or `everywhere`: in those of groups of people too.
    """

    value: str
    bins: int
    table: Lookup | None = None
    centre: float = 0.0
    bad: str = ""
    join: str = ""
    state: str = ""
    everywhere: bool = False
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Histogram:
    """Rows per bin for each group; of numbers also TALLIES, low, high and the sums around the centre.

    Of scores `sums` holds the sum of the scores in each bin, then Σ(score - label)² and Σ-ln p(label).
    """

    bins: np.ndarray
    tallies: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sums: np.ndarray

    @staticmethod
    def blank(groups: int, bins: int, sums: int = 2) -> "Histogram":
        """Return a histogram of nothing."""
        return Histogram(
            np.zeros((groups, bins), dtype=np.int64),
            np.zeros((groups, 6), dtype=np.int64),
            np.full(groups, np.inf),
            np.full(groups, -np.inf),
            np.zeros((groups, sums)),
        )


@dataclass(frozen=True)
class _Slot:
    """Where a slice's groups stand: `rows` of `Run.groups` by place of the window * `values` + code.

    Table `codes` gives the code of the values of its `dimensions`; the last is that of all others.
    """

    codes: str
    dimensions: Sequence[str]
    values: int
    rows: np.ndarray


@dataclass(frozen=True)
class _Block:
    """Some rows of a slice: the `place` of their group, and how they lie group by group."""

    place: np.ndarray
    order: np.ndarray | None  # None = already group by group
    starts: np.ndarray
    groups: np.ndarray
    flat: dict[int, np.ndarray] = field(default_factory=dict)

    def begins(self, width: int) -> np.ndarray:
        """Return where the bins of each row's group begin, in a histogram of so many bins laid out flat."""
        if width not in self.flat:  # most columns have as many bins as the one before
            self.flat[width] = self.place * width
        return self.flat[width]


def histograms(
    run: Run, columns: Mapping[str, Binned], plain: int, together: Moments | None = None
) -> dict[str, Histogram]:
    """Return the histogram of each named column, with a row for each of the groups it is counted in.

    The first `plain` slices are those of no group of people. What is counted of columns `together` is added
    there.
    """
    starts = run.groups["window_start"].unique().sort()
    slots = [_slot(run, number, starts) for number in range(len(run.slices))]
    groups = run.groups.height
    inputs = run.groups.filter(pl.col("slice") < plain).height
    found = {
        name: Histogram.blank(
            groups if each.everywhere else inputs, each.bins, each.bins if each.state else 2
        )
        for name, each in columns.items()
    }
    for batch in _stream(run, list(columns.values()), slots):
        if not batch.num_rows:
            continue
        window = np.searchsorted(starts.to_numpy(), batch.column(0).to_numpy())
        arrays = iter(batch.columns[1:])
        blocks = [
            _block(each.rows[window * each.values + next(arrays).to_numpy() if each.dimensions else window])
            for each in slots
        ]
        read = {}
        for name, column in columns.items():
            values, special = _read(column, arrays)
            _add(column, values, special, blocks if column.everywhere else blocks[:plain], found[name])
            if together and name in together.aliases:
                read[name] = values
        if together:
            _add_together(together, read, blocks[:plain])
    return found


def _slot(run: Run, number: int, starts: pl.Series) -> _Slot:
    """Lay out a slice, and make its table of codes."""
    mine = run.groups.with_row_index("row").filter(slice=number)
    names = [each.name for each in run.slices[number].dimensions]
    place, values = starts.search_sorted(mine["window_start"]).to_numpy().astype(np.int64), 1
    if names:
        known = mine.select(names).drop_nulls().unique().with_row_index("code")
        run.connection.register(f"codes_{number}", known)
        values = known.height + 1
        coded = mine.join(known, on=names, how="left", maintain_order="left")["code"]
        place = place * values + coded.fill_null(known.height).to_numpy()
    rows = np.zeros(starts.len() * values, dtype=np.int64)
    rows[place] = mine["row"].to_numpy()
    return _Slot(f"codes_{number}", names, values, rows)


def _stream(run: Run, columns: Sequence[Binned], slots: Sequence[_Slot]) -> pa.RecordBatchReader:
    cuts = [each for each in slots if each.dimensions]
    items = ["t.window_start", *(f"coalesce({each.codes}.code, {each.values - 1})" for each in cuts)]
    for column in columns:
        items += [sql for sql in (column.value, column.bad, column.state) if sql]
    joins = [
        f"LEFT JOIN {each.codes} ON "
        + " AND ".join(f"{each.codes}.{name} = t.{name}" for name in each.dimensions)
        for each in cuts
    ]
    joins += [column.join for column in columns if column.join]
    named = ", ".join(f"{sql} AS item_{i}" for i, sql in enumerate(items))
    sql = "\n".join([f"SELECT {named}", f"FROM ({run.traffic.sql}) t", *joins])
    params = dict(run.traffic.params) | {key: value for each in columns for key, value in each.params.items()}
    return run.connection.sql(sql, params=params).to_arrow_reader(_BLOCK_ROWS)


def _read(column: Binned, arrays: Iterator[pa.Array]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the values (NULL as NaN), and beside them the state of a score, else why there is none.

    That is MISSING or UNCASTABLE where the value is NULL; None: nowhere.
    """
    array = next(arrays)
    beside = next(arrays) if column.bad or column.state else None
    values = array.to_numpy(zero_copy_only=False)
    if column.state and beside is not None:
        return values, beside.to_numpy()
    if not array.null_count:
        return values, None
    absent = MISSING if beside is None else np.where(beside.fill_null(False), UNCASTABLE, MISSING)
    return values, np.where(array.is_null(), absent, 0).astype(np.int64)


def _block(place: np.ndarray) -> _Block:
    order, lying = None, place
    if (place[1:] < place[:-1]).any():
        near = place - place.min()  # rows in time order touch few windows at once
        small = near.astype(np.uint16) if near.max() < 1 << 16 else near  # sorted by radix, ten times faster
        order = np.argsort(small, kind="stable")
        lying = place[order]
    starts = np.flatnonzero(np.append(True, lying[1:] != lying[:-1]))
    return _Block(place, order, starts, lying[starts])


def _add(
    column: Binned,
    values: np.ndarray,
    special: np.ndarray | None,
    blocks: Sequence[_Block],
    total: Histogram,
) -> None:
    if column.table is None:
        for block in blocks:
            _add_bins(block, values, total.bins, 1)
        return
    if special is not None and column.state:
        _add_scores(column.table, values, special, blocks, total)
        return
    bins = bins_of(values, column.table)
    finite = None if bins.max() < column.table.nowhere else bins < column.table.nowhere
    for block in blocks:
        _add_bins(block, bins, total.bins, 1)
        _add_moments(block, values, column.centre, finite, total)
        if finite is not None:
            _add_specials(block, values, special, ~finite, total.tallies)


def _add_scores(
    table: Lookup, values: np.ndarray, state: np.ndarray, blocks: Sequence[_Block], total: Histogram
) -> None:
    usable, label = state >= 0, state % _LABELS
    known = usable & ~np.isnan(values)  # a model without score has none
    score = np.where(known, values, 0.0)
    unbinned = total.bins.shape[1] - STATES
    bins = np.where(usable, (np.maximum(bins_of(score, table), 1) - 1) * STATES, unbinned) + abs(state)
    labelled = known & (label < _LABELS - 1)
    chance = np.where(labelled, abs(1 - label - score), 1.0)
    squares, losses = np.where(labelled, score - label, 0.0) ** 2, -np.log(np.maximum(chance, 1e-15))
    for block in blocks:
        _add_bins(block, bins, total.bins, 1)
        _add_bins(block, bins, total.sums, score)
        np.add.at(total.sums[:, unbinned], block.place, squares)
        np.add.at(total.sums[:, unbinned + 1], block.place, losses)


def _add_together(together: Moments, read: Mapping[str, np.ndarray], blocks: Sequence[_Block]) -> None:
    rows, some = together.standardised(read)
    for block in blocks:
        order = slice(None) if block.order is None else block.order
        together.add(rows[:, order], some[order], block.starts, block.groups)


def _add_bins(block: _Block, bins: np.ndarray, total: np.ndarray, amount: np.ndarray | int) -> None:
    np.add.at(total.reshape(-1), block.begins(total.shape[1]) + bins, amount)


def _add_moments(
    block: _Block, values: np.ndarray, centre: float, finite: np.ndarray | None, total: Histogram
) -> None:
    if block.order is not None:
        values = values.take(block.order)
    low = high = values
    away = values - centre
    if finite is not None:
        if block.order is not None:
            finite = finite.take(block.order)
        low, high = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
        away = np.where(finite, away, 0.0)
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
    np.add.at(total, (block.place[here], why), 1)
