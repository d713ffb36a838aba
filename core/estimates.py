"""A metric's number for many windows at once: with its rows, its uncertainty and why it may be missing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]

Z95 = 1.959963984540054  # standard normal quantile of a two-sided 95 % interval


@dataclass(frozen=True)
class Estimate:
    """One metric for k windows: arrays of shape (k,), NaN where a number cannot be given.

    `reason` says why `value` is NaN, wherever it is. `n` is the rows the value rests on; `sampling_error` one
    standard error; `lower`, `upper` a 95 % interval; `expected` what a distance shows when nothing drifted.
    """

    value: Numbers
    n: Numbers
    reason: str | NDArray[np.str_]
    sampling_error: Numbers | None = None
    lower: Numbers | None = None
    upper: Numbers | None = None
    expected: Numbers | None = None
    p_value: Numbers | None = None


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Numbers:
    """Divide; NaN where the denominator is 0, so that a rate without rows is never mistaken for 0.

    Examples
    --------
    >>> ratio([1, 0], [2, 0])
    array([0.5, nan])
    """
    top, bottom = (np.asarray(values, dtype=np.float64) for values in (numerator, denominator))
    result = np.empty(np.broadcast(top, bottom).shape)
    result.fill(np.nan)
    with np.errstate(invalid="ignore"):
        return np.divide(top, bottom, out=result, where=bottom != 0)


def wilson(hits: ArrayLike, n: ArrayLike) -> tuple[Numbers, Numbers]:
    """Return the 95 % score interval of a share; it holds for few rows and for shares near 0 or 1.

    Source: Wilson (1927), Journal of the American Statistical Association 22.

    Examples
    --------
    >>> [round(float(bound), 4) for bound in wilson(0, 10)]
    [0.0, 0.2775]
    """
    total = np.asarray(n, dtype=np.float64)
    return _wilson_of(ratio(hits, total), total)


def binomial_variance(hits: ArrayLike, n: ArrayLike) -> Numbers:
    """Return the sampling variance p(1 − p)/n of a share."""
    total = np.asarray(n, dtype=np.float64)
    return _variance_of(ratio(hits, total), total)


def proportion(hits: ArrayLike, n: ArrayLike, reason: str | NDArray[np.str_]) -> Estimate:
    """Return the share hits / n with its binomial standard error and Wilson interval."""
    total = np.asarray(n, dtype=np.float64)
    share = ratio(hits, total)
    return Estimate(share, total, reason, np.sqrt(_variance_of(share, total)), *_wilson_of(share, total))


def measured(
    value: Numbers,
    n: ArrayLike,
    reason: str,
    variance: Numbers | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """Return a value with the normal 95 % interval of its sampling variance, cut at the metric's bounds."""
    total = np.broadcast_to(np.asarray(n, dtype=np.float64), value.shape)
    if variance is None:
        return Estimate(value, total, reason)
    error = np.sqrt(np.maximum(variance, 0.0))
    lower, upper = (value - Z95 * error).clip(*bounds), (value + Z95 * error).clip(*bounds)
    return Estimate(value, total, reason, error, lower, upper)


def _wilson_of(share: Numbers, total: Numbers) -> tuple[Numbers, Numbers]:
    weight = total + Z95**2
    middle = (share * total + Z95**2 / 2) / weight
    half = Z95 * np.sqrt(total * share * (1 - share) + Z95**2 / 4) / weight
    # At 0 and 1 the bound is the share itself; rounding must not push it beyond.
    return np.where(share == 0, 0.0, middle - half), np.where(share == 1, 1.0, middle + half)


def _variance_of(share: Numbers, total: Numbers) -> Numbers:
    return ratio(share * (1 - share), total)
