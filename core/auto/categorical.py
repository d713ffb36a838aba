"""The questions about categorical columns: one value's share, the mix as a whole, missing, unseen values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.auto import shares, wobble
from core.estimates import Numbers, ratio

QUESTIONS = ("one value", "mix", "missing", "unseen")
WEIGHTS: Numbers = np.array([0.45, 0.35, 0.15, 0.05])
FEWEST_EXPECTED = 5.0  # rows of a value in a window, for it to be asked about alone


@dataclass(frozen=True)
class CategoricalCounts:
    """Counts of categorical columns in windows, on the reference's vocabulary.

    `values` has shape (windows, columns, kept values + 1), zeros on the right; the last place of all holds
    what is not kept, unseen values among them. `unseen` says how many of those were, `missing` how many rows
    had no value.
    """

    values: Numbers
    missing: Numbers
    unseen: Numbers


@dataclass(frozen=True)
class CategoricalFit:
    """What is normal for the categorical columns of a model."""

    asked: NDArray[np.bool_]  # the places of `values` asked about, the rest at the end; (columns, places)
    column: NDArray[np.intp]  # of each of the m shares asked about
    number: Numbers  # of shares asked about; (columns,)
    single: shares.ShareFit  # m
    usual: Numbers  # reference rows of each asked share; (columns, places)
    mix: Numbers  # weights; (columns, grid)
    usual_rows: Numbers
    windows: Numbers
    missing: shares.ShareFit
    seen_once: Numbers  # NaN: nobody knows
    rows: Numbers


def fit(counts: CategoricalCounts, seen_once: Numbers, chosen: NDArray[np.bool_]) -> CategoricalFit:
    """Learn from the reference windows.

    Parameters
    ----------
    seen_once : values the reference saw exactly once, per column; NaN where unknown
    chosen : the windows from which the vocabulary was chosen; where a column has more values than are asked
        about, the shares are estimated on the others alone, or the top of a long tail would be a list of
        lucky winners
    """
    rows = counts.values.sum(axis=-1)
    counted = shares.full(rows)
    usual_rows = shares.harmonic(rows, counted)
    picked = chosen if 0 < chosen.sum() < len(chosen) else np.ones(len(chosen), dtype=np.bool_)
    share = _pooled(counts.values, counted & picked[:, None])
    kept = share[:, :-1] * usual_rows[:, None] >= FEWEST_EXPECTED
    tail = ((share[:, :-1] > 0) & ~kept).any(axis=-1) | (share[:, -1] > 0)
    asked = np.concatenate([kept, np.zeros((len(kept), 1), dtype=np.bool_)], axis=1)
    asked[:, -1] = (1 - (share * asked).sum(axis=-1)) * usual_rows >= FEWEST_EXPECTED
    split = tail & (not picked.all())
    level = counted & ~(split & picked[:, None])
    places = _with_rest(counts.values, asked)
    of, at = np.nonzero(asked)
    halves = np.broadcast_to(picked[:, None], counted.shape) & split
    single = shares.fit(places[:, of, at], rows[:, of], level=level[:, of], halves=halves[:, of])
    spread, freedom = np.zeros(len(kept)), np.zeros(len(kept))
    for part in (counted & halves, counted & ~halves):
        squares, degrees = _homogeneity(places, asked, part)
        spread, freedom = spread + squares, freedom + degrees
    return CategoricalFit(
        asked=asked,
        column=of,
        number=asked.sum(axis=-1).astype(np.float64),
        single=single,
        usual=np.where(level[..., None], places, 0.0).sum(axis=0) * asked,
        mix=wobble.weights(spread, freedom, freedom > 0),
        usual_rows=usual_rows,
        windows=level.sum(axis=0).astype(np.float64),
        missing=shares.fit(counts.missing, rows + counts.missing),
        seen_once=seen_once,
        rows=rows.sum(axis=0),
    )


def judge(fit: CategoricalFit, counts: CategoricalCounts) -> Numbers:
    """Return p-values, shape (windows, columns, questions); 1 where a question cannot be asked."""
    rows = counts.values.sum(axis=-1)
    places = _with_rest(counts.values, fit.asked)
    known = np.isfinite(fit.seen_once) & (fit.rows > 0)
    once = np.nan_to_num(fit.seen_once)
    clumps = np.where(fit.number[:, None] > 1, fit.mix, wobble.GRID == 0)
    unseen = shares.at_least_wobbling(counts.unseen, rows, once, fit.rows, clumps)
    answers = [
        _one_value(fit, places, rows),
        _mix(fit, places),
        shares.moved(fit.missing, counts.missing, rows + counts.missing),
        np.where(known, np.minimum(2 * unseen, 1.0), 1.0),
    ]
    return np.stack(answers, axis=-1)


def _one_value(fit: CategoricalFit, places: Numbers, rows: Numbers) -> Numbers:
    """Return the smallest p-value of a column's shares, Bonferroni-corrected."""
    smallest = np.ones(rows.shape)
    if not len(fit.column):
        return smallest
    of, at = np.nonzero(fit.asked)
    # Corrected, all above 1/number is 1 anyway.
    p = shares.moved(fit.single, places[:, of, at], rows[:, of], likely=1 / fit.number[of])
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    smallest[:, of[starts]] = np.minimum(np.minimum.reduceat(p, starts, axis=1) * fit.number[of[starts]], 1.0)
    return smallest


def _mix(fit: CategoricalFit, places: Numbers) -> Numbers:
    """Return the p-value of the two-sample χ² of the shares asked about."""
    n, total = places.sum(axis=-1), fit.usual.sum(axis=-1)
    both = places + fit.usual
    weight = np.sqrt(np.nan_to_num(ratio(total, n)))[..., None]
    gap = places * weight - fit.usual * np.nan_to_num(ratio(1, weight))
    q = np.where(both > 0, ratio(gap**2, both), 0.0).sum(axis=-1)
    rho = ratio(1, fit.windows)
    variance = np.nan_to_num(wobble.variances(n, fit.usual_rows, rho), nan=1.0)
    sampling = 1 + np.nan_to_num(rho * ratio(n, fit.usual_rows))
    freedom = np.where((n > 0) & (total > 0), fit.number - 1, 0.0)
    return wobble.chi_squared_tail(q, freedom, fit.mix, variance / sampling[..., None])


def _pooled(values: Numbers, counted: NDArray[np.bool_]) -> Numbers:
    pooled = np.where(counted[..., None], values, 0.0).sum(axis=0)
    return np.nan_to_num(ratio(pooled, pooled.sum(axis=-1, keepdims=True)))


def _with_rest(values: Numbers, asked: NDArray[np.bool_]) -> Numbers:
    """Return the counts asked about; the last place holds all other rows."""
    places = values * asked
    places[..., -1] = 0.0
    rest = np.maximum(values.sum(axis=-1) - places.sum(axis=-1), 0.0)
    places[..., -1] = rest * asked[..., -1]
    return places


def _homogeneity(
    places: Numbers, asked: NDArray[np.bool_], counted: NDArray[np.bool_]
) -> tuple[Numbers, Numbers]:
    """Return χ² of "all counted windows have the same shares" and its degrees of freedom, per column."""
    rows = np.where(counted, places.sum(axis=-1), 0.0)
    share = _pooled(places, counted)
    gap = np.where(counted[..., None], places - rows[..., None] * share, 0.0)
    expected = rows[..., None] * share
    q = np.where(expected > 0, ratio(gap**2, expected), 0.0).sum(axis=(0, 2))
    freedom = np.maximum(((share > 0) & asked).sum(axis=-1) - 1, 0) * np.maximum(counted.sum(axis=0) - 1, 0)
    return q, freedom.astype(np.float64)
