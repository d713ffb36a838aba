"""Whether a share has moved: missing values, one value of a category, values out of range, unseen values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, ndtri, xlogy

from core.auto import wobble
from core.estimates import Numbers, ratio

EXACT_BELOW = 0.05  # pooled share under which the binomial is exact instead of normal
_SMALLEST = 1e-300


@dataclass(frozen=True)
class ShareFit:
    """What the reference windows say about m shares: X of N rows, and how the windows' shares wobble."""

    hits: Numbers
    rows: Numbers
    usual_rows: Numbers
    windows: Numbers
    weights: Numbers  # (m, grid)


def fit(
    hits: Numbers,
    rows: Numbers,
    *,
    level: NDArray[np.bool_] | None = None,
    halves: NDArray[np.bool_] | None = None,
) -> ShareFit:
    """Learn m shares from the reference windows.

    Parameters
    ----------
    hits, rows : shape (windows, m)
    level : the (windows, m) whose share is what is normal; default: all
    halves : the (windows, m) that were seen when the shares were chosen; these and the others wobble each
        about their own mean, so that the luck of the chosen is no wobble. Default: one mean
    """
    counted = full(rows)
    level = counted if level is None else counted & level
    total, found = (np.where(level, values, 0.0).sum(axis=0) for values in (rows, hits))
    usual = harmonic(rows, counted)
    share = np.nan_to_num(
        ratio(np.where(counted, hits, 0.0).sum(axis=0), np.where(counted, rows, 0.0).sum(axis=0))
    )
    each = np.nan_to_num(ratio(hits, rows))
    parts = [counted] if halves is None else [counted & halves, counted & ~halves]
    squares, freedom = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    for part in parts:
        windows = part.sum(axis=0)
        mean = np.nan_to_num(ratio(np.where(part, each, 0.0).sum(axis=0), windows))
        squares += np.where(part, (each - mean) ** 2, 0.0).sum(axis=0)
        freedom += np.maximum(windows - 1, 0)
    spread = np.nan_to_num(ratio(usual * squares, share * (1 - share)))
    return ShareFit(
        found, total, usual, level.sum(axis=0).astype(np.float64), wobble.weights(spread, freedom)
    )


def moved(fit: ShareFit, hits: Numbers, rows: Numbers, *, likely: ArrayLike = 1.0) -> Numbers:
    """Return the p-value of each share of windows, shape (..., m); 1 where there is nothing to compare.

    Parameters
    ----------
    likely : p-values that chance alone puts above it are given as 1, which saves their mixture
    """
    z = np.abs(deviation(hits, rows, fit.hits, fit.rows))
    h = ratio(1, fit.windows)
    able = (rows > 0) & (fit.rows > 0) & (z >= -ndtri(np.asarray(likely) / 2))
    p = np.ones(z.shape)
    at = np.nonzero(able)
    of = at[-1]
    variance = wobble.variances(rows[at], fit.usual_rows[of], h[of])
    sampling = 1 + h[of] * np.nan_to_num(ratio(rows[at], fit.usual_rows[of]))  # z counts it already
    p[at] = wobble.normal_tail(z[at], fit.weights[of], variance / sampling[:, None])
    return p


def deviation(hits: Numbers, rows: Numbers, usual_hits: Numbers, usual_rows: Numbers) -> Numbers:
    """Return how far x of n' lies from X of N, in standard deviations of a normal law.

    Below 5 % the exact conditional binomial, above it the signed root of the likelihood ratio with a
    continuity correction of half a row.

    Source: Przyborowski and Wilenski (1940), Biometrika 31; Wilks (1938), Annals of Mathematical
    Statistics 9.

    Examples
    --------
    >>> float(deviation(np.array(50.0), np.array(100.0), np.array(500.0), np.array(1000.0)))
    0.0
    """
    x, n, usual, total = np.broadcast_arrays(hits, rows, usual_hits, usual_rows)
    both, all_rows = x + usual, n + total
    rare = both < EXACT_BELOW * all_rows
    z = np.zeros(x.shape)
    z[rare] = _exact(x[rare], both[rare], n[rare], all_rows[rare])
    usually = ~rare & (n > 0) & (total > 0)
    z[usually] = _root(x[usually], both[usually], n[usually], all_rows[usually])
    return z


def at_least(hits: Numbers, rows: Numbers, usual_hits: Numbers, usual_rows: Numbers) -> Numbers:
    """Return the chance of at least x of n' if x + X hits fall on n' + N rows alike; (n'/(n'+N))^x for X = 0.

    Examples
    --------
    >>> float(at_least(np.array(2.0), np.array(100.0), np.array(0.0), np.array(300.0)))
    0.0625
    """
    x, n, usual, total = np.broadcast_arrays(hits, rows, usual_hits, usual_rows)
    share = np.nan_to_num(ratio(n, n + total))
    return np.where(x > 0, betainc(np.where(x > 0, x, 1.0), usual + 1.0, share), 1.0)


def at_least_wobbling(
    hits: Numbers, rows: Numbers, usual_hits: Numbers, usual_rows: Numbers, weights: Numbers
) -> Numbers:
    """Return the chance of at least x of n' where rows come in clumps: of 1 + g alike, each counts for one.

    Parameters
    ----------
    hits, rows : shape (windows, m)
    weights : how likely each wobble g is, shape (m, grid); that of the column's other questions
    """
    clump = 1 + wobble.GRID
    chance = at_least(
        hits[..., None] / clump,
        rows[..., None] / clump,
        usual_hits[:, None] / clump,
        usual_rows[:, None] / clump,
    )
    return (weights * chance).sum(axis=-1)


def full(rows: Numbers) -> NDArray[np.bool_]:
    """Tell which reference windows count: those with at least a tenth of the rows of the middle one."""
    filled = np.where(rows > 0, rows, np.nan)
    known = ~np.isnan(filled).all(axis=0)
    middle = np.zeros(rows.shape[1])
    middle[known] = np.nanmedian(filled[:, known], axis=0)
    return (rows > 0) & (rows >= middle / 10)


def harmonic(rows: Numbers, counted: NDArray[np.bool_]) -> Numbers:
    """Return the harmonic mean of the counted windows' rows, 0 without any."""
    inverse = np.where(counted, np.nan_to_num(ratio(1, rows)), 0.0).sum(axis=0)
    return np.nan_to_num(ratio(counted.sum(axis=0), inverse))


def _exact(x: Numbers, both: Numbers, n: Numbers, all_rows: Numbers) -> Numbers:
    share = np.nan_to_num(ratio(n, all_rows))
    upper = np.where(x > 0, betainc(np.maximum(x, 1.0), both - x + 1, share), 1.0)
    lower = np.where(both > x, betainc(np.maximum(both - x, 1.0), x + 1, 1 - share), 1.0)
    smaller = np.clip(np.minimum(upper, lower), _SMALLEST, 0.5)
    return np.where(upper < lower, -1.0, 1.0) * ndtri(smaller)


def _root(x: Numbers, both: Numbers, n: Numbers, all_rows: Numbers) -> Numbers:
    expected = both * n / all_rows
    gap = x - expected
    nearer = x - np.sign(gap) * np.minimum(0.5, np.abs(gap))
    observed = (nearer, both - nearer, n - nearer, all_rows - n - both + nearer)
    usual = (expected, both - expected, n - expected, all_rows - n - both + expected)
    g = 2 * sum(xlogy(o, np.where(o > 0, ratio(o, e), 1.0)) for o, e in zip(observed, usual, strict=True))
    return np.sign(gap) * np.sqrt(np.maximum(g, 0.0))
