"""Concept drift as labels show it: whether scores still mean what they meant in the reference."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr

from core.estimates import Estimate, Numbers, ratio
from core.performance import NO_LABELS

_GROUPS = 10  # of score bins, as equally filled in the reference as whole bins allow
_FAR = 8.0
_NO_REFERENCE = "the reference has no labelled rows with such scores"


def calibration_shift(reference: ArrayLike, current: ArrayLike) -> Estimate:
    """Return how far the rate of positive labels at equal scores lies from the reference's; 0 = unchanged.

    Score bins are compared one by one, so that other scores alone are no shift. Within ten groups of
    neighbouring bins the differences are added up with Mantel and Haenszel's weights; the value is the mean
    size of the groups' differences. The p-value is that of the groups' chi-squared statistics together, given
    how many labels were positive in both. `expected` is what chance shows, `sampling_error` how it varies.

    Parameters
    ----------
    reference, current : labelled rows by score bin and label (no, yes), shape (k, bins, 2)

    Source: Mantel and Haenszel (1959), Journal of the National Cancer Institute 22.

    Examples
    --------
    >>> found = calibration_shift([[[80, 20], [20, 80]]], [[[70, 30], [20, 80]]])
    >>> round(float(found.value[0]), 3), round(float(found.p_value[0]), 3)
    (0.05, 0.265)
    """
    past, rows = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    before, now = past.sum(axis=-1), rows.sum(axis=-1)
    both, positive = before + now, past[..., 1] + rows[..., 1]
    weight = np.nan_to_num(ratio(before * now, both))
    moved = np.nan_to_num(ratio(before * rows[..., 1] - now * past[..., 1], both))  # weight · change of rate
    spread = np.nan_to_num(ratio(weight * positive * (both - positive), both * np.maximum(both - 1, 1)))
    group = _groups(before)
    weights, moves, variances = (_added(each, group) for each in (weight, moved, spread))
    total = weights.sum(axis=-1)
    error = np.sqrt(variances)
    chance = error * np.sqrt(2 / np.pi)
    judged = variances > 0
    statistic = np.where(judged, moves**2 / np.where(judged, variances, 1.0), 0.0).sum(axis=-1)
    freedom = judged.sum(axis=-1)
    known = total > 0
    p_value = np.where(known, np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), statistic), 1.0), np.nan)
    deviation = np.sqrt(_folded_variance(moves, variances).sum(axis=-1))
    return Estimate(
        value=ratio(np.abs(moves).sum(axis=-1), total),
        n=now.sum(axis=-1),
        reason=np.where(now.sum(axis=-1) > 0, _NO_REFERENCE, NO_LABELS),
        sampling_error=ratio(deviation, total),
        expected=ratio(chance.sum(axis=-1), total),
        p_value=p_value,
    )


def _groups(rows: Numbers) -> NDArray[np.intp]:
    """Return the group of each bin: by the share of the reference's rows below its middle."""
    below = np.cumsum(rows, axis=-1) - rows / 2
    share = np.nan_to_num(ratio(below, rows.sum(axis=-1, keepdims=True)))
    return np.minimum((share * _GROUPS).astype(np.intp), _GROUPS - 1)


def _added(values: Numbers, group: NDArray[np.intp]) -> Numbers:
    """Return values added up by group, shape (k, groups)."""
    at = group + _GROUPS * np.arange(len(values))[:, None]
    added = np.bincount(at.ravel(), values.ravel(), len(values) * _GROUPS).astype(np.float64)
    return added.reshape(len(values), _GROUPS)


def _folded_variance(moves: Numbers, variances: Numbers) -> Numbers:
    """Return the variance of |a normal number| around what is left of a move without what chance adds."""
    error = np.sqrt(variances)
    true = np.sqrt(np.maximum(moves**2 - variances, 0.0))
    away = np.minimum(np.divide(true, error, out=np.full_like(true, _FAR), where=error > 0), _FAR)
    folded = error * np.sqrt(2 / np.pi) * np.exp(-(away**2) / 2) + true * (1 - 2 * ndtr(-away))
    return np.maximum(true**2 + variances - folded**2, 0.0)
