"""What the frozen bins of a number mean: the coarse grid, where rows lie inside a bin, and quantiles."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.estimates import Numbers, ratio

_FINE = 100  # quantile bins of a reference without ties
_COARSE = 20  # distances on shares want rows in every bin: about a twentieth of the reference each


def coarse_ends(reference: ArrayLike) -> NDArray[np.intp]:
    """Return where each coarse bin ends (exclusive) in counts [below, bin 1 … bin m, above].

    Of 100 bins every 5 become one; `below` joins the first and `above` the last. Where ties left fewer bins,
    neighbours join as long as they hold at most 5 % of the reference together, and up to 20 bins stay as they
    are: joining by number would hide the two values of a flag in one bin.

    Examples
    --------
    >>> coarse_ends([0] + [7] * 100 + [0]).tolist()[:3], coarse_ends([0, 2, 98, 0]).tolist()
    ([6, 11, 16], [2, 4])
    """
    rows = np.asarray(reference, dtype=np.float64)
    bins = len(rows) - 2
    if bins < 1:
        return np.array([len(rows)], dtype=np.intp)
    if bins == _FINE:
        ends = np.arange(bins // _COARSE, bins + 1, bins // _COARSE)
    elif bins <= _COARSE:
        ends = np.arange(1, bins + 1)
    else:
        ends = _joined(rows[1:-1])
    ends = ends + 1
    ends[-1] = len(rows)
    return ends.astype(np.intp)


def joined(counts: ArrayLike, ends: NDArray[np.intp]) -> Numbers:
    """Return counts added up to the coarse bins that end at `ends`.

    Parameters
    ----------
    counts : shape (k, bins)
    ends : shape (k, coarse bins), never decreasing; a repeated end is an empty bin
    """
    rows = np.asarray(counts, dtype=np.float64)
    sums = np.concatenate([np.zeros((*rows.shape[:-1], 1)), np.cumsum(rows, axis=-1)], axis=-1)
    return np.diff(np.take_along_axis(sums, ends, axis=-1), axis=-1, prepend=0.0)


def positions(edges: Sequence[float], reference: ArrayLike) -> Numbers:
    """Return where the rows of each of [below, bin 1 … bin m, above] lie: the middles of the bins.

    The outermost bins reach to the extremes of the reference, which says little about where their rows lie;
    they get the mean of the exponential tail that their neighbour's width and count imply (at most the
    middle).

    Examples
    --------
    >>> positions([0.0, 1.0, 2.0, 100.0], [0, 10, 10, 10, 0]).round(2).tolist()
    [0.0, 0.5, 1.5, 3.44, 100.0]
    """
    edge, rows = np.asarray(edges, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if not len(edge):
        return np.zeros(1)  # a reference without a finite value has no bins
    width = np.diff(edge)
    middle = edge[:-1] + width / 2
    if len(width) > 2:
        counts = rows[1 : len(edge)]
        middle[0] = edge[1] - min(width[0] / 2, _tail_mean(width[1], counts[1], counts[0]))
        middle[-1] = edge[-2] + min(width[-1] / 2, _tail_mean(width[-2], counts[-2], counts[-1]))
    return np.concatenate([edge[:1], middle, edge[-1:]])


def quantile(
    counts: ArrayLike,
    edges: ArrayLike,
    share: ArrayLike,
    low: Numbers,
    high: Numbers,
    *,
    logarithmic: bool = False,
) -> Numbers:
    """Return the value below which a share of the rows lies, read from counts [below, bin 1 … bin m, above].

    Parameters
    ----------
    counts : shape (k, m + 2)
    edges : shape (m + 1,)
    share : one for all, or of shape (k,)
    low, high : smallest and largest value of each row of counts, shape (k,); NaN where unknown
    logarithmic : read the geometric middle of the bin (edges above 0) instead of interpolating in it

    Returns
    -------
    Shape (k,); NaN without rows, or where the quantile lies outside the edges and `low` or `high` is unknown.
    """
    rows = np.asarray(counts, dtype=np.float64)
    edge = np.asarray(edges, dtype=np.float64)
    total = rows.sum(axis=-1)
    cumulative = np.cumsum(rows, axis=-1)
    target = np.asarray(share) * total
    at = np.minimum((cumulative < target[:, None]).sum(axis=-1), rows.shape[-1] - 1)
    outer = np.concatenate([[np.nan], edge, [np.nan]])
    start = np.where(at == 0, low, outer[at])
    end = np.where(at == rows.shape[-1] - 1, high, outer[at + 1])
    if logarithmic:
        value = np.sqrt(np.maximum(start, 0.0) * end)
    else:
        here = np.take_along_axis(rows, at[:, None], axis=-1)[:, 0]
        before = np.take_along_axis(cumulative, at[:, None], axis=-1)[:, 0] - here
        value = start + ratio(target - before, here) * (end - start)
    known = (total > 0) & ~np.isnan(value)
    return np.where(known, np.fmin(np.fmax(value, low), high), np.nan)


def _joined(rows: Numbers) -> NDArray[np.intp]:
    """Return the ends of runs of bins that hold at most 1/20 of all rows (forgiving half a fine bin)."""
    most = rows.sum() * (1 / _COARSE + 0.5 / _FINE)
    ends, held = [], 0.0
    for end, count in enumerate(rows):
        if end and held + count > most:
            ends.append(end)
            held = 0.0
        held += count
    return np.array([*ends, len(rows)], dtype=np.intp)


def _tail_mean(width: float, neighbour: float, last: float) -> float:
    """Return how far beyond a bin of `width` the mean of an exponential tail of `last` rows lies."""
    return float(width / np.log1p(neighbour / last)) if neighbour > 0 and last > 0 else np.inf
