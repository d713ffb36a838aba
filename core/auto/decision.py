"""From the answers about a model's columns to a verdict: which column, which question, what matters."""

import numpy as np
from numpy.typing import NDArray

from core.estimates import Numbers

FALSE_DISCOVERIES = 0.04
FLOORED = ("missing", "out of range", "unseen")  # not asked below SHARE_FLOOR; the distance hardly sees them
SMALL = ", too little to matter"
UNCALIBRATED = ", not calibrated"
FLOOR = 0.05  # of the distance, corrected for sampling
UNCLEAR_FROM = 0.7  # of the floor: between, a window neither feeds an alert nor ends it
SCALE_FLOOR = 0.1  # of the mean square, in standard deviations: a variance 7 % larger or smaller
BEYOND_DOUBT = 1e-4
SHARE_FLOOR = 0.01  # of rows that are missing, out of range or unseen: one point more or less


def column_p_values(p: Numbers, weights: Numbers) -> tuple[Numbers, NDArray[np.intp]]:
    """Return the p-value of each column, min p/w over its questions and at most 1, and the question it is of.

    Examples
    --------
    >>> p, question = column_p_values(np.array([[0.01, 0.001]]), np.array([0.5, 0.05]))
    >>> p.round(6).tolist(), question.tolist()
    ([0.02], [0])
    """
    weighted = p / weights
    first = weighted.argmin(axis=-1)
    return np.minimum(np.take_along_axis(weighted, first[..., None], axis=-1)[..., 0], 1.0), first


def named(p: Numbers, weights: Numbers, question: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the question to name: location where it too moved beyond doubt, instead of skew or the shape.

    A middle that moved by a standard deviation skews the scores as well, at times with the smaller p; people
    call that a move. The p-value of the column stays that of its smallest question.

    Parameters
    ----------
    p : location, scale, skew and rest first, shape (…, questions)

    Examples
    --------
    >>> p = np.array([[1e-9, 0.5, 1e-12, 1.0], [0.04, 0.5, 1e-12, 1.0]])
    >>> named(p, np.array([0.5, 0.2, 0.05, 0.1]), np.array([2, 2])).tolist()
    [0, 2]
    """
    moved = p[..., 0] / weights[0] <= BEYOND_DOUBT
    return np.where(moved & np.isin(question, (2, 3)), 0, question)


def discoveries(p_values: Numbers, *, share: float = FALSE_DISCOVERIES) -> NDArray[np.bool_]:
    """Return which p-values of the last axis stand out, at this share of false discoveries; NaN never does.

    Source: Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57.

    Examples
    --------
    >>> discoveries(np.array([0.001, 0.03, 0.9, np.nan])).tolist()
    [True, False, False, False]
    """
    known = np.isfinite(p_values)
    p = np.where(known, p_values, np.inf)
    looks = known.sum(axis=-1, keepdims=True)
    ordered = np.sort(p, axis=-1)
    rank = np.arange(1, p.shape[-1] + 1)
    below = ordered <= share * rank / np.maximum(looks, 1)
    limit = np.where(below, ordered, -1.0).max(axis=-1, keepdims=True, initial=-1.0)
    return p <= limit


def corrected(distance: Numbers, expected: Numbers) -> Numbers:
    """Return a Jensen–Shannon distance without what sampling alone shows: √(JS² − expected²), at least 0.

    Examples
    --------
    >>> float(corrected(np.array(0.13), np.array(0.12)).round(3))
    0.05
    """
    return np.sqrt(np.maximum(distance**2 - expected**2, 0.0))


def drifted(
    p_values: Numbers, distance: Numbers, expected: Numbers, matters: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which columns of a window drifted: they stand out among all its columns, and by enough.

    Parameters
    ----------
    p_values, distance, expected : of each column, the Jensen–Shannon distance with what chance shows of it
    matters : whether the question that answered is beyond the floor of its own
    """
    return discoveries(p_values) & (matters | (corrected(distance, expected) >= FLOOR))


def unclear(
    p_values: Numbers, distance: Numbers, expected: Numbers, matters: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which columns stand out but only come near the floor, where an alert would come and go."""
    near = corrected(distance, expected) >= UNCLEAR_FROM * FLOOR
    return discoveries(p_values) & near & ~drifted(p_values, distance, expected, matters)
