"""Scores of a numeric column's bins: what the window's middle, spread and asymmetry are read from."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from core.estimates import Numbers, ratio

SCORES = 3  # location, scale, skew
GROUPS = 20  # of equal mass, for what the scores do not see
_TINY = 1e-9


def pooled_shares(counts: Numbers) -> Numbers:
    """Return the share of each bin; zeros for a column without rows."""
    return np.nan_to_num(ratio(counts, counts.sum(axis=-1, keepdims=True)))


def orthonormal(shares: Numbers, rows: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Return normal scores c1, c2, c3 of the bins with Σpc = 0 and Σpc² = 1, and which of them exist.

    c1 comes from Φ⁻¹(u) with u the mid-rank of the bin, c2 and c3 from its square and cube, orthogonalised
    against 1 and the earlier ones. A mean of such a score over n rows has a sampling variance of exactly 1/n,
    whatever the law and the ties.

    Parameters
    ----------
    shares : p, shape (columns, bins); zeros on the right for columns with fewer bins
    rows : reference rows they rest on, shape (columns,)

    Examples
    --------
    >>> scores, exists = orthonormal(np.array([[0.5, 0.5]]), np.array([100.0]))
    >>> scores[0, 0].round(6).tolist(), exists.tolist()
    ([-1.0, 1.0], [[True, False, False]])
    """
    edge = (0.5 / np.maximum(rows, 1.0))[:, None]
    base = ndtri(np.clip(np.cumsum(shares, axis=-1) - shares / 2, edge, 1 - edge))
    ones = np.broadcast_to(shares.sum(axis=-1)[:, None], shares.shape)
    found = [ones]
    exists = []
    for power in range(1, SCORES + 1):
        values = base**power
        for _ in range(2):  # twice is exact enough for heavily tied columns
            for other in found:
                values = values - (shares * values * other).sum(axis=-1, keepdims=True) * other
        size = (shares * values**2).sum(axis=-1, keepdims=True)
        bins = (shares > 0).sum(axis=-1, keepdims=True)
        there = (size > _TINY) & (bins > power)
        found.append(np.where(there, values / np.sqrt(np.where(there, size, 1.0)), 0.0))
        exists.append(there[:, 0])
    return np.stack(found[1:], axis=1), np.stack(exists, axis=1)


def grouping(shares: Numbers) -> Numbers:
    """Return which of about 20 groups of equal mass each bin belongs to, as 0 and 1 (columns, bins, groups).

    Examples
    --------
    >>> grouping(np.full((1, 40), 1 / 40))[0].sum(axis=0).tolist() == [2.0] * 20
    True
    """
    middle = np.cumsum(shares, axis=-1) - shares / 2
    group = np.clip((middle * GROUPS).astype(np.int64), 0, GROUPS - 1)
    return (group[..., None] == np.arange(GROUPS)).astype(np.float64)
