"""The questions about numbers: location, scale, skew, the rest of the shape, missing, out of range."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.auto import scores, season, shares, wobble
from core.auto.scores import SCORES
from core.estimates import Numbers, ratio

QUESTIONS = ("location", "scale", "skew", "rest", "missing", "out of range")
WEIGHTS: Numbers = np.array([0.5, 0.2, 0.05, 0.1, 0.1, 0.05])
_ALONE: Numbers = (wobble.GRID == 0).astype(np.float64)  # the weights of no wobble at all
_FARTHEST = 6.0  # the correction for skewness is a polynomial: beyond this it would run away


@dataclass(frozen=True)
class NumericCounts:
    """Counts of numeric columns in windows, on the reference's bins.

    `bins` has shape (windows, columns, bins), zeros on the right; rows below the grid joined its first bin,
    rows above its last. `outside` says how many those were, `missing` how many rows had no value.
    """

    bins: Numbers
    missing: Numbers
    outside: Numbers


@dataclass(frozen=True)
class RestFit:
    """Groups of equal mass, and what the reference windows show there beyond the scores."""

    groups: Numbers  # (columns, bins, groups)
    shares: Numbers  # (columns, groups)
    scores: Numbers  # (columns, SCORES, groups)
    freedom: Numbers
    weights: Numbers
    excess: Numbers  # the reference's own overdispersion, 0 where it has none
    log_mean: Numbers
    log_deviation: Numbers
    overdispersed: NDArray[np.bool_]


@dataclass(frozen=True)
class NumericFit:
    """What is normal for the numeric columns of a model."""

    scores: Numbers  # (columns, SCORES, bins)
    asked: NDArray[np.bool_]  # (columns, SCORES)
    skewness: Numbers  # of each score; (columns, SCORES)
    seasonal: bool
    coefficients: Numbers  # (columns, SCORES, terms)
    inverses: Numbers  # (columns, terms, terms)
    usual_rows: Numbers
    windows: Numbers
    weights: Numbers  # (columns, SCORES, grid)
    rest: RestFit
    missing: shares.ShareFit
    outside: Numbers
    rows: Numbers


def fit(counts: NumericCounts, at: Numbers) -> NumericFit:
    """Learn from the reference windows, which began `at` these days."""
    rows = counts.bins.sum(axis=-1)
    counted = shares.full(rows)
    pooled = np.where(counted[..., None], counts.bins, 0.0).sum(axis=0)
    p, total = scores.pooled_shares(pooled), pooled.sum(axis=-1)
    c, asked = scores.orthonormal(p, total)
    means = _means(counts.bins, c)
    seasonal = season.is_weekly(at, means[..., 0], counted & asked[:, 0])
    terms = season.design(at, seasonal=seasonal)
    inverses = season.inverse(terms, counted)
    coefficients = season.fitted(terms, inverses, means, counted)
    left = means - np.einsum("kr,cjr->kcj", terms, coefficients)
    usual = shares.harmonic(rows, counted)
    spread = usual[:, None] * np.where(counted[..., None], left**2, 0.0).sum(axis=0)
    windows = counted.sum(axis=0).astype(np.float64)
    freedom = np.maximum(windows - terms.shape[1], 0)
    weights = [wobble.weights(spread[:, j], freedom, asked[:, j]) for j in range(SCORES)]
    return NumericFit(
        scores=c,
        asked=asked,
        skewness=(p[:, None, :] * c**3).sum(axis=-1),
        seasonal=seasonal,
        coefficients=coefficients,
        inverses=inverses,
        usual_rows=usual,
        windows=windows,
        weights=np.stack(weights, axis=1),
        rest=_fit_rest(counts.bins, p, total, counted),
        missing=shares.fit(counts.missing, rows + counts.missing),
        outside=counts.outside.sum(axis=0),
        rows=rows.sum(axis=0),
    )


def judge(fit: NumericFit, counts: NumericCounts, at: Numbers) -> tuple[Numbers, Numbers]:
    """Return p-values and moves of windows that began `at` these days.

    Returns
    -------
    p : shape (windows, columns, questions); 1 where a question cannot be asked
    moves : how far the scores lie from what is normal beyond chance and wobble, in standard deviations;
        (windows, columns, SCORES)
    """
    rows = counts.bins.sum(axis=-1)
    terms = season.design(at, seasonal=fit.seasonal)
    normal = np.einsum("kr,cjr->kcj", terms, fit.coefficients)
    moves = np.where(rows[..., None] > 0, _means(counts.bins, fit.scores) - normal, 0.0)
    leverage = np.einsum("kr,crs,ks->kc", terms, fit.inverses, terms)
    variance = wobble.variances(rows, fit.usual_rows, leverage)
    z = _unskewed(fit, moves, rows, leverage)
    able = fit.asked & (rows > 0)[..., None]
    answered = np.where(able, wobble.normal_tail(z, fit.weights, variance[..., None, :]), 1.0)
    clumps = np.where(fit.asked[:, :1], fit.weights[:, 0], _ALONE)
    beyond = shares.at_least_wobbling(counts.outside, rows, fit.outside, fit.rows, clumps)
    outside = np.minimum(2 * beyond, 1.0)
    others = [
        _rest(fit, counts.bins, rows),
        shares.moved(fit.missing, counts.missing, rows + counts.missing),
        np.where(fit.rows > 0, outside, 1.0),
    ]
    return np.concatenate([answered, np.stack(others, axis=-1)], axis=-1), _beyond(fit, moves, rows)


def _beyond(fit: NumericFit, moves: Numbers, rows: Numbers) -> Numbers:
    """Return √(move² − its variance), at least 0."""
    wobbling = (fit.weights * wobble.GRID).sum(axis=-1)
    rho = np.nan_to_num(ratio(rows, fit.usual_rows))[..., None]
    variance = (1 + wobbling * rho) / np.maximum(rows, 1.0)[..., None]
    return np.sqrt(np.maximum(moves**2 - variance, 0.0))


def _means(bins: Numbers, c: Numbers) -> Numbers:
    """Return T = Σ q c; shape (windows, columns, scores)."""
    sums = np.matmul(c[None], bins[..., None])[..., 0]
    return np.nan_to_num(ratio(sums, bins.sum(axis=-1)[..., None]))


def _unskewed(fit: NumericFit, moves: Numbers, rows: Numbers, leverage: Numbers) -> Numbers:
    """Return √n'(T − T̂) with the first Cornish–Fisher term for the skewness of the score itself.

    Source: Cornish and Fisher (1938), Revue de l'Institut International de Statistique 5.
    """
    z = np.sqrt(rows)[..., None] * moves
    rho = np.nan_to_num(ratio(rows, fit.usual_rows))[..., None]
    wobbling = (fit.weights * wobble.GRID).sum(axis=-1)
    spread = 1 + wobbling * rho
    scale = np.sqrt((1 + leverage[..., None] * rho) * spread)
    gamma = fit.skewness / np.sqrt(np.maximum(rows, 1.0))[..., None] / spread**1.5
    t = np.minimum(np.abs(z) / scale, _FARTHEST)
    return np.maximum(np.abs(z) - np.sign(z) * gamma * (t**2 - 1) / 6 * scale, 0.0)


def _fit_rest(bins: Numbers, p: Numbers, total: Numbers, counted: NDArray[np.bool_]) -> RestFit:
    groups = scores.grouping(p)
    grouped = np.einsum("cb,cbg->cg", p, groups)
    c, exists = scores.orthonormal(grouped, total)
    freedom = np.maximum((grouped > 0).sum(axis=-1) - 1 - exists.sum(axis=-1), 0).astype(np.float64)
    q = np.where(counted, _rest_of(bins, groups, grouped, c), 0.0)
    windows = counted.sum(axis=0).astype(np.float64)
    degrees = freedom * np.maximum(windows - 1, 0)
    per_degree = np.nan_to_num(ratio(q.sum(axis=0), degrees))
    logs = np.log(np.maximum(q, 1e-12))
    mean = np.nan_to_num(ratio(np.where(counted, logs, 0.0).sum(axis=0), windows))
    squares = np.where(counted, (logs - mean) ** 2, 0.0).sum(axis=0)
    return RestFit(
        groups,
        grouped,
        c,
        freedom,
        wobble.weights(q.sum(axis=0), degrees, freedom > 0),
        np.maximum(per_degree - 1, 0.0),
        mean,
        np.sqrt(np.nan_to_num(ratio(squares, np.maximum(windows - 1, 0)))),
        (degrees > 0) & (per_degree > 1 + 2 * np.sqrt(2 / np.maximum(degrees, 1.0))),
    )


def _rest_of(bins: Numbers, groups: Numbers, grouped: Numbers, c: Numbers) -> Numbers:
    """Return Pearson's χ² on the groups minus what the scores explain; shape (windows, columns)."""
    rows = bins.sum(axis=-1)
    counts = np.matmul(bins[..., None, :], groups)[..., 0, :]
    gap = np.nan_to_num(ratio(counts, rows[..., None])) - grouped
    whole = np.where(grouped > 0, ratio(gap**2, grouped), 0.0).sum(axis=-1)
    explained = (np.matmul(c, gap[..., None])[..., 0] ** 2).sum(axis=-1)
    return np.where(rows > 0, rows * np.maximum(whole - explained, 0.0), 0.0)


def _rest(fit: NumericFit, bins: Numbers, rows: Numbers) -> Numbers:
    rest = fit.rest
    q = _rest_of(bins, rest.groups, rest.shares, rest.scores)
    variance = wobble.variances(rows, fit.usual_rows, ratio(1, fit.windows))
    p = wobble.chi_squared_tail(q, rest.freedom, rest.weights, np.nan_to_num(variance, nan=1.0))
    # The reference windows are overdispersed: one more of them is also judged by their own spread.
    rho = np.nan_to_num(ratio(rows, fit.usual_rows))
    alike = q * (1 + rest.excess) / (1 + rest.excess * rho)
    among = wobble.student_tail(
        np.log(np.maximum(alike, 1e-12)), rest.log_mean, rest.log_deviation, fit.windows
    )
    p = np.where(rest.overdispersed, np.maximum(p, among), p)
    return np.where(rows > 0, p, 1.0)
