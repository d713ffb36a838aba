"""The week in the reference: whether a model's numbers go up and down with it, and by how much."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from core.estimates import Numbers

FEWEST_WINDOWS = 14
SIGNIFICANT = 0.01
WEEK_DAYS = 7.0


def days(instants: Sequence[datetime]) -> Numbers:
    """Return instants as days since 1970, with fractions."""
    return np.array([instant.timestamp() / 86_400 for instant in instants], dtype=np.float64)


def design(at: Numbers, *, seasonal: bool) -> Numbers:
    """Return 1, and with a season the weekly sine and cosine, of each day; shape (days, 1 or 3)."""
    if not seasonal:
        return np.ones((len(at), 1))
    angle = 2 * np.pi * at / WEEK_DAYS
    return np.stack([np.ones_like(angle), np.sin(angle), np.cos(angle)], axis=-1)


def inverse(terms: Numbers, counted: NDArray[np.bool_]) -> Numbers:
    """Return (X'X)⁻¹ of each column's counted windows; shape (columns, terms, terms)."""
    gram = np.einsum("kc,kr,ks->crs", counted.astype(np.float64), terms, terms)
    return np.linalg.pinv(gram, hermitian=True)


def fitted(terms: Numbers, inverses: Numbers, values: Numbers, counted: NDArray[np.bool_]) -> Numbers:
    """Return the least-squares coefficients of values (windows, columns, …); shape (columns, …, terms)."""
    weighted = np.where(counted.reshape(counted.shape + (1,) * (values.ndim - 2)), values, 0.0)
    right = np.einsum("kr,kc...->c...r", terms, weighted)
    return np.einsum("crs,c...s->c...r", inverses, right)


def is_weekly(at: Numbers, values: Numbers, counted: NDArray[np.bool_]) -> bool:
    """Tell whether the columns' numbers show a week.

    Per column the F test of a weekly sine and cosine; over the columns the Cauchy combination.

    Parameters
    ----------
    at : days, shape (windows,)
    values : one number per window and column
    counted : which of them count

    Source: Liu and Xie (2020), Journal of the American Statistical Association 115.
    """
    flat, wave = design(at, seasonal=False), design(at, seasonal=True)
    windows = counted.sum(axis=0)
    if np.linalg.matrix_rank(wave) < wave.shape[1] or np.ptp(at) < 2 * WEEK_DAYS - 1:
        return False
    left = [_residual(terms, values, counted) for terms in (flat, wave)]
    able = (windows >= FEWEST_WINDOWS) & (left[0] > 0)
    if not able.any():
        return False
    freedom = windows[able] - 3
    ratio = (left[0][able] - left[1][able]) / 2 / np.maximum(left[1][able] / freedom, 1e-300)
    return cauchy(fdtrc(2, freedom, np.maximum(ratio, 0.0))) < SIGNIFICANT


def cauchy(p_values: Numbers) -> float:
    """Return one p-value for several that may depend on each other.

    Examples
    --------
    >>> round(cauchy(np.array([0.03, 0.03])), 6), round(cauchy(np.array([1e-20, 0.5, 0.5])), 21)
    (0.03, 3e-20)
    """
    p = np.clip(p_values, 1e-300, 1 - 1e-12)
    # tan((½ − p)π) = 1/tan(pπ), which keeps its digits where p is small.
    mean = float((1 / np.tan(p * np.pi)).mean())
    return float(np.arctan2(1.0, mean) / np.pi)


def _residual(terms: Numbers, values: Numbers, counted: NDArray[np.bool_]) -> Numbers:
    coefficients = fitted(terms, inverse(terms, counted), values, counted)
    left = np.where(counted, values - terms @ coefficients.T, 0.0)
    return (left**2).sum(axis=0)
