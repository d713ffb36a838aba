"""How the serving system does: throughput, errors, latency, cost, and the rates and numbers a team adds."""

from collections.abc import Mapping

import numpy as np

from core.bins import quantile
from core.entities import LATENCY_EDGES_MS
from core.estimates import Estimate, Numbers, measured, proportion, ratio

_QUANTILES = {"latency_p50": 0.50, "latency_p95": 0.95, "latency_p99": 0.99}


def throughput(n: Numbers, hours: Numbers) -> Mapping[str, Estimate]:
    """Return the rows per hour of the window's length."""
    return {"throughput": measured(ratio(n, hours), n, "the window has no length")}


def error_share(n: Numbers, errors: Numbers) -> Mapping[str, Estimate]:
    """Return the share of rows with an error status."""
    return {"error_share": proportion(errors, n, "no rows in this window")}


def latency(counts: Numbers, low: Numbers, high: Numbers) -> Mapping[str, Estimate]:
    """Return the latency quantiles in ms, within 1 % of the exact ones.

    Parameters
    ----------
    counts : on `LATENCY_EDGES_MS`, [below … above], shape (k, 816)
    low, high : fastest and slowest, shape (k,)
    """
    n = counts.sum(axis=-1)
    return {
        name: measured(
            quantile(counts, LATENCY_EDGES_MS, share, low, high, logarithmic=True),
            n,
            "no latency in this window",
        )
        for name, share in _QUANTILES.items()
    }


def mean(name: str, n: Numbers, centre: float, total: Numbers, squares: Numbers) -> Mapping[str, Estimate]:
    """Return the mean of a number (cost, a custom metric) under its name.

    Parameters
    ----------
    centre : what was taken from every value before adding up
    total, squares : Σ(x − centre) and Σ(x − centre)², shape (k,)
    """
    shift = ratio(total, n)
    variance = ratio(squares - n * shift**2, np.maximum(n - 1, 1))
    variance_of_mean = np.where(n > 1, ratio(variance, n), np.nan)
    return {name: measured(centre + shift, n, "no values in this window", variance_of_mean)}


def rate(name: str, n: Numbers, hits: Numbers) -> Mapping[str, Estimate]:
    """Return the share of hits of a custom rate under its name."""
    return {name: proportion(hits, n, "no values in this window")}
