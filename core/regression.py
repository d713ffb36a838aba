"""How far predicted numbers lie from their labels, from sums and a histogram of the errors ŷ − y."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.bins import quantile
from core.estimates import Z95, Estimate, Numbers, measured, ratio

SUMS = 18  # of Kind.REGRESSION
QUANTILES = {"error_p10": 0.1, "error_p50": 0.5, "error_p90": 0.9}
_NO_PAIRS = "no rows with prediction and label"


def regression(n: ArrayLike, sums: ArrayLike) -> Mapping[str, Estimate]:
    """Return the metrics that follow from sums, with the sampling errors their fourth moments give.

    Parameters
    ----------
    n : rows with prediction and label, shape (k,)
    sums : laid out as Kind.REGRESSION says, shape (k, SUMS)
    """
    rows, each = np.asarray(n, dtype=np.float64), np.asarray(sums, dtype=np.float64).T
    e, absolute, e2, relative, with_relative, logs, with_logs, e4, relative2, logs2 = each[4:14]
    with np.errstate(invalid="ignore", over="ignore"):  # sums of huge errors are infinite
        bias, mae, mse = ratio(e, rows), ratio(absolute, rows), ratio(e2, rows)
        mape, msle = ratio(relative, with_relative), ratio(logs, with_logs)
        no_logs, no_relative = "no row has prediction and label above -1", "no row has a label other than 0"
        of_mape = _of_mean(ratio(relative2, with_relative) - mape**2, with_relative)
        return {
            "mae": measured(mae, rows, _NO_PAIRS, _of_mean(mse - mae**2, rows), (0, np.inf)),
            "rmse": measured(np.sqrt(mse), rows, _NO_PAIRS, _of_root(mse, e4, rows), (0, np.inf)),
            "bias": measured(bias, rows, _NO_PAIRS, _of_mean(mse - bias**2, rows)),
            "mape": measured(mape, with_relative, no_relative, of_mape, (0, np.inf)),
            "rmsle": measured(
                np.sqrt(msle), with_logs, no_logs, _of_root(msle, logs2, with_logs), (0, np.inf)
            ),
            "r2": _r2(rows, each),
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

    def at(share: Numbers) -> Numbers:
        return quantile(rows, edges, np.clip(share, 0, 1), low, high)

    return {name: between_ranks(at, share, rows.sum(axis=-1)) for name, share in QUANTILES.items()}


def between_ranks(at: Callable[[Numbers], Numbers], share: float, n: Numbers) -> Estimate:
    """Return a quantile with the interval between the two order statistics that hold it 95 times in 100.

    On few rows the extreme quantiles have no such order statistic on their outer side, and no bound there.

    Parameters
    ----------
    at : gives the value below which a share of the rows lies, for shares of shape (k,)
    n : rows, shape (k,)

    Source: David and Nagaraja (2003), Order Statistics, section 7.1.
    """
    away = Z95 * np.sqrt(ratio(share * (1 - share), n))
    value, below, above = at(np.full(n.shape, share)), share - away, share + away
    lower, upper = (np.where((p >= 0) & (p <= 1), at(np.nan_to_num(p)), np.nan) for p in (below, above))
    error = np.fmax(upper - value, 0) / Z95
    error = np.where(np.isnan(lower), error, (value - lower) / Z95)
    error = np.where(np.isnan(lower) | np.isnan(upper), error, (upper - lower) / (2 * Z95))
    return Estimate(value, n, _NO_PAIRS, error, lower, upper)


def error_sums(
    predicted: Numbers, label: Numbers, group: NDArray[np.intp], groups: int
) -> tuple[Numbers, Numbers]:
    """Return rows and the sums of Kind.REGRESSION for each group: shapes (groups,) and (groups, SUMS)."""
    centre = label.mean() if len(label) else 0.0
    y, guess, error = label - centre, predicted - centre, predicted - label
    nonzero, above = label != 0, (label > -1) & (predicted > -1)
    relative = np.divide(np.abs(error), np.abs(label), out=np.zeros_like(error), where=nonzero)
    logs = np.log1p(predicted, out=np.zeros_like(error), where=above) - np.log1p(
        label, out=np.zeros_like(error), where=above
    )
    squares = error**2
    each = (
        *(y, y**2, guess, guess**2, error, np.abs(error), squares, relative, nonzero, logs**2, above),
        *(squares**2, relative**2, logs**4, squares * y, squares * y**2, y**3, y**4),
    )
    rows = np.bincount(group, minlength=groups).astype(np.float64)
    return rows, np.column_stack([np.bincount(group, weights=x, minlength=groups) for x in each])


def _r2(n: Numbers, sums: Numbers) -> Estimate:
    """Return 1 − Σe² / Σ(y − ȳ)² with its delta-method variance, which 4th moments of e and y give."""
    y, y2, e2, e4, e2y, e2y2, y3, y4 = (sums[i] for i in (0, 1, 6, 11, 14, 15, 16, 17))
    spread, mean = _spread(y, y2, n), ratio(y, n)
    rest = ratio(e2, spread)
    crossed = e2y2 - 2 * mean * e2y + mean**2 * e2
    fourth = y4 - 4 * mean * y3 + 6 * mean**2 * y2 - 3 * n * mean**4
    variance = ratio(e4 - 2 * rest * crossed + rest**2 * fourth, spread**2)
    return measured(
        1 - rest, n, "needs two rows with different labels", np.where(n > 2, variance, np.nan), (-np.inf, 1)
    )


def _of_mean(variance: Numbers, n: Numbers) -> Numbers:
    """Return the sampling variance of a mean from the rows' variance around it; unknown for one row."""
    return np.where(n > 1, ratio(variance, n - 1), np.nan)


def _of_root(mean: Numbers, squares: Numbers, n: Numbers) -> Numbers:
    """Return the sampling variance of the root of a mean, given the summed squares of what it averages."""
    return np.where(mean > 0, ratio(_of_mean(ratio(squares, n) - mean**2, n), 4 * mean), mean)


def _spread(y: Numbers, y2: Numbers, n: Numbers) -> Numbers:
    """Return Σ(y − ȳ)², 0 where it is rounding alone."""
    spread = y2 - ratio(y**2, n)
    return np.where(spread > 1e-12 * y2, spread, 0.0)
