"""How far predicted numbers lie from their labels, from sums and a histogram of the errors ŷ − y."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from core.bins import quantile
from core.estimates import Estimate, Numbers, measured, ratio

_NO_PAIRS = "no rows with prediction and label"
_QUANTILES = {"error_p10": 0.1, "error_p50": 0.5, "error_p90": 0.9}


def regression(n: ArrayLike, sums: ArrayLike) -> Mapping[str, Estimate]:
    """Return the metrics that follow from sums.

    Parameters
    ----------
    n : rows with prediction and label, shape (k,)
    sums : laid out as Kind.REGRESSION says, shape (k, 11)
    """
    rows = np.asarray(n, dtype=np.float64)
    y, y2, _, _, e, absolute, e2, relative, with_relative, logs, with_logs = np.asarray(
        sums, dtype=np.float64
    ).T
    bias, mae, mse = ratio(e, rows), ratio(absolute, rows), ratio(e2, rows)
    mape = ratio(relative, with_relative)
    rmsle = np.sqrt(ratio(logs, with_logs))
    return {
        "mae": measured(mae, rows, _NO_PAIRS, _of_mean(mse - mae**2, rows), (0, np.inf)),
        # For normal errors; errors with heavy tails are less certain than this.
        "rmse": measured(np.sqrt(mse), rows, _NO_PAIRS, ratio(mse, 2 * rows), (0, np.inf)),
        "bias": measured(bias, rows, _NO_PAIRS, _of_mean(mse - bias**2, rows)),
        "mape": measured(mape, with_relative, "no row has a label other than 0"),
        "rmsle": measured(rmsle, with_logs, "no row has prediction and label above -1"),
        "r2": measured(1 - ratio(e2, _spread(y, y2, rows)), rows, "needs two rows with different labels"),
    }


def error_quantiles(
    counts: ArrayLike, edges: ArrayLike, low: Numbers, high: Numbers
) -> Mapping[str, Estimate]:
    """Return the quantiles of the error from its histogram.

    Parameters
    ----------
    counts : [below, bins …, above] on `edges`, shape (k, bins + 2)
    low, high : smallest and largest error, shape (k,)
    """
    rows = np.asarray(counts, dtype=np.float64)
    n = rows.sum(axis=-1)
    return {
        name: measured(quantile(rows, edges, share, low, high), n, _NO_PAIRS)
        for name, share in _QUANTILES.items()
    }


def _of_mean(variance: Numbers, n: Numbers) -> Numbers:
    """Return the sampling variance of a mean from the rows' variance around it; unknown for one row."""
    return np.where(n > 1, ratio(variance, n - 1), np.nan)


def _spread(y: Numbers, y2: Numbers, n: Numbers) -> Numbers:
    """Return Σ(y − ȳ)², 0 where it is rounding alone."""
    spread = y2 - ratio(y**2, n)
    return np.where(spread > 1e-12 * y2, spread, 0.0)
