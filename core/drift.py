"""Distances between a column's distributions in the reference and in a window, from counts on the same bins.

Every distance takes row counts of shape (..., bins) and works on the last axis, so that all windows of a
column are measured at once. 0 means equal shares; a side without rows gives NaN. Bins that hold no row on
either side do not exist. `expected_…` is what a distance shows on so few rows when nothing drifted, to first
order.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, kolmogorov, rel_entr

from core.errors import BinningError
from core.estimates import Numbers, ratio


def psi(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the population stability index Σ(q−p)ln(q/p) in nats, from 0 up.

    Half a row is added to every bin of both sides, so that an empty bin has a finite price.

    Source: Siddiqi (2006), Credit Risk Scorecards.

    Examples
    --------
    >>> round(float(psi([50, 50], [50, 50])), 4), round(float(psi([60, 40], [40, 60])), 4)
    (0.0, 0.1589)
    """
    rows, other = _counts(reference, current)
    half = 0.5 * ((rows + other) > 0)
    p, q = _shares(rows + half), _shares(other + half)
    terms = (q - p) * np.log(np.divide(q, p, out=np.ones_like(p), where=(p > 0) & (q > 0)))
    return _where_both(rows, other, terms.sum(axis=-1))


def jensen_shannon(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the Jensen–Shannon distance, 0 to 1: the square root of the base-2 divergence.

    Source: Endres and Schindelin (2003), IEEE Transactions on Information Theory 49.

    Examples
    --------
    >>> float(jensen_shannon([1, 1, 0], [0, 0, 2]))
    1.0
    """
    p, q = _both_shares(reference, current)
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1) / (2 * np.log(2))
    return np.sqrt(np.clip(divergence, 0.0, 1.0))


def hellinger(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the Hellinger distance √(½ Σ(√p−√q)²), 0 to 1.

    Source: Hellinger (1909), Journal für die reine und angewandte Mathematik 136.

    Examples
    --------
    >>> round(float(hellinger([1, 1], [0, 1])), 4)
    0.5412
    """
    p, q = _both_shares(reference, current)
    return np.sqrt(np.minimum(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(axis=-1) / 2, 1.0))


def total_variation(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the total variation ½ Σ|q−p|, 0 to 1: the share of rows that would have to change their bin.

    Examples
    --------
    >>> float(total_variation([1, 1], [1, 3]))
    0.25
    """
    p, q = _both_shares(reference, current)
    return np.minimum(np.abs(q - p).sum(axis=-1) / 2, 1.0)


def l_infinity(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the largest change of one bin's share, max |q−p|, 0 to 1.

    Examples
    --------
    >>> float(l_infinity([1, 1, 2], [1, 3, 0]))
    0.5
    """
    p, q = _both_shares(reference, current)
    return np.abs(q - p).max(axis=-1, initial=0.0)


def kolmogorov_smirnov(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the largest difference of the cumulative shares, 0 to 1; bins in increasing order.

    Exact with one bin per distinct value; on coarser bins a lower bound.

    Source: Smirnov (1939), Bulletin Mathématique de l'Université de Moscou 2.

    Examples
    --------
    >>> float(kolmogorov_smirnov([2, 0, 2], [1, 1, 2]))
    0.25
    """
    below, other = _cumulative(reference, current)
    return np.abs(other - below).max(axis=-1, initial=0.0)


def wasserstein(reference: ArrayLike, current: ArrayLike, positions: ArrayLike) -> Numbers:
    """Return the Wasserstein-1 ("earth mover's") distance ∫|F−G| in the column's unit, from 0 up.

    Exact with one bin per distinct value; `positions` are then the values.

    Parameters
    ----------
    reference, current : shape (..., bins)
    positions : where the rows of each bin lie, increasing; shape (..., bins)

    Source: Vallender (1974), Theory of Probability and its Applications 18.

    Examples
    --------
    >>> float(wasserstein([1, 1], [0, 2], [0.0, 10.0]))
    5.0
    """
    below, other = _cumulative(reference, current)
    steps = np.diff(np.asarray(positions, dtype=np.float64), axis=-1)
    return (np.abs(other - below)[..., :-1] * steps).sum(axis=-1)


def chi_squared(reference: ArrayLike, current: ArrayLike) -> tuple[Numbers, Numbers]:
    """Return Pearson's χ² statistic of "both sides have the same shares", and its p-value.

    Source: Pearson (1900), Philosophical Magazine 50.

    Examples
    --------
    >>> statistic, p_value = chi_squared([30, 70], [50, 50])
    >>> round(float(statistic), 4), round(float(p_value), 4)
    (8.3333, 0.0039)
    """
    rows, other = _counts(reference, current)
    both = rows + other
    total, n, m = both.sum(axis=-1), rows.sum(axis=-1), other.sum(axis=-1)
    # Σ(O−E)²/E over the 2 × bins table; both rows of a bin have the same |O−E|.
    excess = rows - both * ratio(n, total)[..., None]
    statistic = np.where(both > 0, ratio(excess**2, both), 0.0).sum(axis=-1) * ratio(total**2, n * m)
    freedom = _bins(rows, other) - 1
    p_value = np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), statistic), 1.0)
    return _where_both(rows, other, statistic), _where_both(rows, other, p_value)


def kolmogorov_smirnov_p_value(distance: ArrayLike, n_reference: ArrayLike, n_current: ArrayLike) -> Numbers:
    """Return the chance of a Kolmogorov–Smirnov distance at least this large if nothing drifted.

    Asymptotic, so for 50 rows or more; with ties and from bins it is too careful, never too bold.

    Source: Kolmogorov (1933); Smirnov (1948), Annals of Mathematical Statistics 19.

    Examples
    --------
    >>> round(float(kolmogorov_smirnov_p_value(0.1, 1000, 250)), 4)
    0.0366
    """
    n, m = np.asarray(n_reference, dtype=np.float64), np.asarray(n_current, dtype=np.float64)
    return kolmogorov(np.sqrt(ratio(n * m, n + m)) * np.asarray(distance, dtype=np.float64))


def expected_psi(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the PSI that sampling alone gives, (bins − 1)(1/n' + 1/N).

    Source: Yurdakul and Naranjo (2020), Journal of Risk Model Validation 14.
    """
    return _freedom_over_rows(reference, current)


def expected_jensen_shannon(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the distance that sampling alone gives, √((bins − 1)/(8 ln 2) · (1/n' + 1/N)), at most 1.

    Examples
    --------
    About 0.14 for 20 bins and 200 rows against a large reference: why a fixed threshold of 0.1 cannot work.

    >>> round(float(expected_jensen_shannon([5000] * 20, [10] * 20)), 3)
    0.131
    """
    return np.minimum(np.sqrt(_freedom_over_rows(reference, current) / (8 * np.log(2))), 1.0)


def expected_hellinger(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the distance that sampling alone gives, √((bins − 1)/8 · (1/n' + 1/N)), at most 1."""
    return np.minimum(np.sqrt(_freedom_over_rows(reference, current) / 8), 1.0)


def expected_total_variation(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the distance that sampling alone gives: half the summed mean deviations of normal shares."""
    rows, other = _counts(reference, current)
    pooled = _shares(rows + other)
    spread = np.sqrt(pooled * (1 - pooled)).sum(axis=-1)
    return np.minimum(spread * np.sqrt(_per_row(rows, other) / (2 * np.pi)), 1.0)


def expected_kolmogorov_smirnov(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the mean of Kolmogorov's law, √(π/2) ln 2 · √(1/n' + 1/N), at most 1; with ties it is less."""
    return np.minimum(np.sqrt(np.pi / 2 * _per_row(*_counts(reference, current))) * np.log(2), 1.0)


def expected_chi_squared(reference: ArrayLike, current: ArrayLike) -> Numbers:
    """Return the statistic that sampling alone gives: its degrees of freedom, bins − 1."""
    rows, other = _counts(reference, current)
    return _where_both(rows, other, np.maximum(_bins(rows, other) - 1, 0.0))


def expected_wasserstein(reference: ArrayLike, current: ArrayLike, positions: ArrayLike) -> Numbers:
    """Return the distance that sampling alone gives, √(2/π · (1/n' + 1/N)) ∫√(F(1−F)).

    Source: del Barrio, Giné and Matrán (1999), Annals of Probability 27.
    """
    rows, other = _counts(reference, current)
    pooled = np.cumsum(_shares(rows + other), axis=-1)[..., :-1]
    steps = np.diff(np.asarray(positions, dtype=np.float64), axis=-1)
    width = (np.sqrt(np.clip(pooled * (1 - pooled), 0.0, None)) * steps).sum(axis=-1)
    return width * np.sqrt(2 / np.pi * _per_row(rows, other))


# The distances on shares: on the coarse grid of a number, on the values of a category.
ON_SHARES: Mapping[str, tuple[Callable[..., Numbers], Callable[..., Numbers] | None]] = {
    "psi": (psi, expected_psi),
    "jensen_shannon": (jensen_shannon, expected_jensen_shannon),
    "hellinger": (hellinger, expected_hellinger),
    "total_variation": (total_variation, expected_total_variation),
    "l_infinity": (l_infinity, None),
}


def _counts(reference: ArrayLike, current: ArrayLike) -> tuple[Numbers, Numbers]:
    rows, other = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    if rows.ndim == 0 or other.ndim == 0 or rows.shape[-1] != other.shape[-1]:
        raise BinningError(
            f"reference has counts of shape {rows.shape}, current {other.shape}; bin both with the same edges"
        )
    if not ((rows >= 0).all() and (other >= 0).all()):
        raise BinningError("a count is negative or not a number; give the number of rows in each bin")
    if rows.shape != other.shape:
        rows, other = np.broadcast_arrays(rows, other)
    return rows, other


def _shares(rows: Numbers) -> Numbers:
    return ratio(rows, rows.sum(axis=-1, keepdims=True))


def _both_shares(reference: ArrayLike, current: ArrayLike) -> tuple[Numbers, Numbers]:
    rows, other = _counts(reference, current)
    return _shares(rows), _shares(other)


def _cumulative(reference: ArrayLike, current: ArrayLike) -> tuple[Numbers, Numbers]:
    rows, other = _counts(reference, current)
    below, under = np.cumsum(rows, axis=-1), np.cumsum(other, axis=-1)
    return ratio(below, below[..., -1:]), ratio(under, under[..., -1:])


def _where_both(rows: Numbers, other: Numbers, value: Numbers) -> Numbers:
    return np.where((rows.sum(axis=-1) > 0) & (other.sum(axis=-1) > 0), value, np.nan)


def _bins(rows: Numbers, other: Numbers) -> Numbers:
    return ((rows + other) > 0).sum(axis=-1).astype(np.float64)


def _per_row(rows: Numbers, other: Numbers) -> Numbers:
    """Return 1/n' + 1/N, by which the sampling variance of every difference of shares grows."""
    return ratio(1, rows.sum(axis=-1)) + ratio(1, other.sum(axis=-1))


def _freedom_over_rows(reference: ArrayLike, current: ArrayLike) -> Numbers:
    rows, other = _counts(reference, current)
    return np.maximum(_bins(rows, other) - 1, 0.0) * _per_row(rows, other)
