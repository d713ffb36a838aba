"""What the small plot of a column shows: shares of at most thirty bins, or of the most frequent values."""

import math

import numpy as np
from numpy.typing import NDArray

from core.comparison.counting import Counts, Values
from core.comparison.results import Distribution, Sides

BINS = 30
DISCRETE = 12
CATEGORIES = 5


def of_numbers(a: Values, b: Values, values: Values, rows: Counts, other: Counts) -> Distribution:
    """Return the shares of bins of equal width, or of every value where there are few.

    The bins span the middle 99 % of each side; what lies further out is counted in the outermost ones.

    Parameters
    ----------
    a, b : the sorted values of both sides
    values, rows, other : their distinct values and counts
    """
    if len(values) <= DISCRETE:
        shares = Sides((rows / rows.sum()).tolist(), (other / other.sum()).tolist())
        return Distribution("values", tuple(f"{value:g}" for value in values), shares)
    low = min(_at(a, 0.005), _at(b, 0.005))
    high = max(_at(a, 0.995), _at(b, 0.995))
    if not low < high or not math.isfinite(high - low):
        low, high = float(values[0]), float(values[-1])
    edges = _edges(low, high, whole=bool((values % 1 == 0).all()))
    shares = Sides(*(_shares(side, edges) for side in (a, b)))
    labels = tuple(f"{start:.4g} to {end:.4g}" for start, end in zip(edges[:-1], edges[1:], strict=True))
    return Distribution("bins", labels, shares)


def of_categories(names: list[str], rows: Counts, other: Counts) -> Distribution:
    """Return the shares of the values that are most frequent on either side, and of all others together."""
    share, share_other = rows / rows.sum(), other / other.sum()
    kept = np.sort(np.argsort(-(share + share_other), kind="stable")[:CATEGORIES])
    labels = [names[i] for i in kept]
    sides = [share[kept].tolist(), share_other[kept].tolist()]
    if len(names) > len(kept):
        labels.append(f"{len(names) - len(kept):,} others")
        sides = [[*shown, max(1 - sum(shown), 0.0)] for shown in sides]
    return Distribution("categories", tuple(labels), Sides(*sides))


def _at(values: Values, share: float) -> float:
    return float(values[int(share * (len(values) - 1))])


def _edges(low: float, high: float, *, whole: bool) -> NDArray[np.float64]:
    """Return rising edges; whole numbers get bins of whole width, or they would look like a comb."""
    if not whole or high - low > 1e15:
        edges = np.unique(
            np.linspace(low / 2, high / 2, BINS + 1) * 2
        )  # halves: the span may exceed the largest number
        return edges
    width = max(math.ceil((high - low + 1) / BINS), 1)
    return np.arange(low - 0.5, high + width, width)


def _shares(side: Values, edges: NDArray[np.float64]) -> list[float]:
    up_to = np.searchsorted(side, edges[1:-1], side="right")
    counts = np.diff(up_to, prepend=0, append=len(side))
    shares: list[float] = (counts / len(side)).tolist()
    return shares
