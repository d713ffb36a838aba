"""How much a model's windows differ from each other beyond chance, learned from its reference windows.

The wobble g is the variance between windows in units of the sampling variance of one reference window: a
statistic of a window then varies with 1 + g instead of 1. Nobody knows g; what the reference windows say
about it is a weight for each value of a grid, and a p-value is the weighted mean over the grid.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr, stdtr

from core.estimates import Numbers, ratio

GRID: Numbers = np.concatenate([[0.0], np.geomspace(0.02, 2e5, 48)])
PRIOR: Numbers = np.concatenate([[0.3], np.full(48, 0.7 / 48)])
PSEUDO_COLUMNS = 2.0
STEPS = 15
SMALLEST_MOVE = 0.01  # in standard deviations: nobody's windows are more alike than that


def weights(spread: Numbers, freedom: Numbers, asked: NDArray[np.bool_] | None = None) -> Numbers:
    """Return how likely each wobble of `GRID` is for each column, in the light of all columns of the model.

    The spread of a column's reference windows follows (1 + g) χ². The prior over g is what the columns have
    in common, found by expectation–maximisation.

    Parameters
    ----------
    spread : sums of squares of the windows' statistics in units of their sampling variance; shape (m,)
    freedom : their degrees of freedom; shape (m,)
    asked : the columns to learn from; default: all

    Returns
    -------
    Shape (m, grid), every row sums to 1.

    Source: Dempster, Laird and Rubin (1977), Journal of the Royal Statistical Society B 39.

    Examples
    --------
    >>> quiet, loud = (weights(np.array([spread]), np.array([29.0]))[0, 0] for spread in (29.0, 290.0))
    >>> bool(quiet > 0.5), bool(loud > 1e-6)
    (True, False)
    """
    fits = -0.5 * (freedom[:, None] * np.log1p(GRID) + spread[:, None] / (1 + GRID))
    likelihood = np.exp(fits - fits.max(axis=1, keepdims=True))
    teaching = likelihood if asked is None else likelihood[asked]
    prior = PRIOR
    for _ in range(STEPS):
        seen = _normed(teaching * prior).sum(axis=0)
        prior = (seen + PSEUDO_COLUMNS * PRIOR) / (len(teaching) + PSEUDO_COLUMNS)
    return _normed(likelihood * prior)


def variances(rows: Numbers, usual_rows: Numbers, leverage: ArrayLike) -> Numbers:
    """Return the variance of √n'(T − T̂) for each wobble: 1 + gρ + hρ(1 + g) + n'τ0².

    Parameters
    ----------
    rows : n', the rows of the windows to judge; shape (..., m)
    usual_rows : n, the rows of a reference window; shape (m,)
    leverage : h, the variance of T̂ in units of one reference window's
    """
    rho = np.nan_to_num(ratio(rows, usual_rows))[..., None]
    h = np.asarray(leverage, dtype=np.float64)[..., None]
    return 1 + GRID * rho + h * rho * (1 + GRID) + rows[..., None] * SMALLEST_MOVE**2


def normal_tail(z: Numbers, weight: Numbers, variance: Numbers) -> Numbers:
    """Return the chance of a deviation at least |z|, on either side."""
    return (weight * 2 * ndtr(-np.abs(z)[..., None] / np.sqrt(variance))).sum(axis=-1).clip(0.0, 1.0)


def chi_squared_tail(q: Numbers, freedom: Numbers, weight: Numbers, variance: Numbers) -> Numbers:
    """Return the chance of a χ² statistic of at least q; 1 where there are no degrees of freedom."""
    d = np.maximum(freedom, 1.0)[..., None]
    chance = (weight * chdtrc(d, q[..., None] / variance)).sum(axis=-1).clip(0.0, 1.0)
    return np.where(freedom > 0, chance, 1.0)


def student_tail(value: Numbers, mean: Numbers, deviation: Numbers, windows: Numbers) -> Numbers:
    """Return the chance that one more window lies at least this high, given the windows' mean and spread."""
    scale = deviation * np.sqrt(1 + ratio(1, windows))
    t = np.where(scale > 0, ratio(value - mean, scale), 0.0)
    return np.where((windows > 1) & (scale > 0), stdtr(np.maximum(windows - 1, 1), -t), 1.0)


def _normed(rows: Numbers) -> Numbers:
    return rows / rows.sum(axis=-1, keepdims=True)
