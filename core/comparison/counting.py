"""Rows into counts on bins that both sides share, exact where a distance is exact."""

import math
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core import drift
from core.bins import coarse_ends, joined

Values = NDArray[np.float64]
Counts = NDArray[np.int64]

_RARE = 5  # expected rows below which Pearson's law for a bin does not hold


def on_distinct_values(a: Values, b: Values) -> tuple[Values, Counts, Counts]:
    """Return the distinct values of two sorted sides and how often each side has them.

    Examples
    --------
    >>> [x.tolist() for x in on_distinct_values(np.array([1.0, 2.0, 2.0]), np.array([2.0, 5.0]))]
    [[1.0, 2.0, 5.0], [1, 2, 0], [0, 1, 1]]
    """
    both = np.concatenate([a, b])
    order = np.argsort(both, kind="stable")  # merging two sorted runs takes linear time
    both = both[order]
    last = np.append(both[1:] != both[:-1], True)
    up_to = np.flatnonzero(last) + 1
    up_to_a = np.cumsum(order < len(a))[last]
    return both[last], np.diff(up_to_a, prepend=0), np.diff(up_to - up_to_a, prepend=0)


def on_quantiles(a: Values, b: Values) -> tuple[Counts, Counts]:
    """Return counts [below, bin 1 … bin m, above] of two sorted sides in the 100 quantile bins of the first.

    Examples
    --------
    >>> [c.tolist() for c in on_quantiles(np.array([1.0, 1.0, 2.0]), np.array([0.0, 1.0, 7.0]))]
    [[0, 2, 1, 0], [1, 1, 0, 1]]
    """
    at = -(-np.arange(1, 101) * len(a) // 100) - 1  # whole numbers: 0.07 · 100 is more than 7
    edges = np.unique(np.append(a[at], np.nextafter(a[0], -np.inf)))
    up_to = (np.searchsorted(side, edges, side="right") for side in (a, b))
    rows, other = (
        np.diff(found, prepend=0, append=len(side)) for found, side in zip(up_to, (a, b), strict=True)
    )
    return rows, other


def coarse(fine: Counts, fine_other: Counts, *, outside: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return quantile counts on the coarse grid of the sweep.

    Parameters
    ----------
    outside : rows below and above the reference are bins of their own instead of joining the outermost ones
    """
    ends = coarse_ends(fine)
    pair = np.stack([fine, fine_other])
    if not outside:
        rows, other = joined(pair, np.stack([ends, ends]))
        return rows, other
    inside = pair.copy()
    inside[:, [0, -1]] = 0
    bins = joined(inside, np.stack([ends, ends]))
    rows, other = np.concatenate([pair[:, :1], bins, pair[:, -1:]], axis=1)
    return rows, other


def on_vocabulary(reference: pl.Series, current: pl.Series) -> tuple[list[str], Counts, Counts]:
    """Return every category of either side, the reference's most frequent first, and its rows per side."""
    sides = [
        pl.DataFrame({"name": side}).drop_nulls().group_by("name").agg(pl.len().cast(pl.Int64).alias(count))
        for side, count in ((reference, "rows"), (current, "other"))
    ]
    table = sides[0].join(sides[1], on="name", how="full", coalesce=True).fill_null(0)
    table = table.sort("rows", "other", "name", descending=[True, True, False])
    return table["name"].to_list(), table["rows"].to_numpy(), table["other"].to_numpy()


def rare_joined(rows: Counts, other: Counts) -> tuple[Counts, Counts]:
    """Return category counts with the values too rare to be judged one by one in a last bin.

    Too rare is who expects fewer than 5 rows on the smaller side if both sides share one law; both sides
    are looked at together, so that a value is not chosen for having changed.
    """
    both = rows + other
    rare = both * (min(rows.sum(), other.sum()) / both.sum()) < _RARE
    return np.append(rows[~rare], rows[rare].sum()), np.append(other[~rare], other[rare].sum())


def without_sampling(rows: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the jensen_shannon distance less what so few rows show when nothing drifted, floored at 0.

    The squared distance loses (m − 1)/(8 ln 2) · (1/n' + 1/N) for m bins.

    Examples
    --------
    >>> round(without_sampling(np.array([500, 500]), np.array([20, 30])), 4)
    0.0593
    >>> without_sampling(np.array([500, 500]), np.array([24, 26]))
    0.0
    """
    squared = float(drift.jensen_shannon(rows, other)) ** 2
    expected = float(drift.expected_jensen_shannon(rows, other)) ** 2
    return math.sqrt(max(squared - expected, 0.0))
