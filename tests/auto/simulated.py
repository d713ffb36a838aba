"""Models simulated for the tests of the `auto` verdict: normal columns and categories, window by window."""

import numpy as np

from core.auto.categorical import CategoricalCounts
from core.auto.model import Reference
from core.auto.numeric import NumericCounts

BINS = 100


def binned(values: np.ndarray, edges: np.ndarray) -> NumericCounts:
    """Count values (windows, columns, rows) on edges (columns, BINS + 1)."""
    windows, columns, _ = values.shape
    counts = np.zeros((windows, columns, BINS + 2))
    for column in range(columns):
        place = np.searchsorted(edges[column], values[:, column], side="left")
        for window in range(windows):
            counts[window, column] = np.bincount(place[window], minlength=BINS + 2)
    outside = counts[..., 0] + counts[..., -1]
    bins = counts[..., 1:-1].copy()
    bins[..., 0] += counts[..., 0]
    bins[..., -1] += counts[..., -1]
    return NumericCounts(bins, np.zeros((windows, columns)), outside)


def edges_of(values: np.ndarray) -> np.ndarray:
    pooled = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
    edges = np.quantile(pooled, np.linspace(0, 1, BINS + 1), axis=1).T
    edges[:, 0] = np.nextafter(edges[:, 0], -np.inf)
    return edges


def categories(values: np.ndarray, kept: np.ndarray, known: np.ndarray) -> CategoricalCounts:
    """Count whole numbers (windows, rows) of one column on the kept values; `known` are the reference's."""
    windows = len(values)
    counts = np.zeros((windows, 1, len(kept) + 1))
    unseen = np.zeros((windows, 1))
    for window, rows in enumerate(values):
        counts[window, 0, :-1] = [(rows == value).sum() for value in kept]
        counts[window, 0, -1] = len(rows) - counts[window, 0, :-1].sum()
        unseen[window, 0] = (~np.isin(rows, known)).sum()
    return CategoricalCounts(counts, np.zeros((windows, 1)), unseen)


def no_numbers(windows: int) -> NumericCounts:
    none = np.zeros((windows, 0))
    return NumericCounts(np.zeros((windows, 0, 1)), none, none)


def no_categories(windows: int) -> CategoricalCounts:
    none = np.zeros((windows, 0))
    return CategoricalCounts(np.zeros((windows, 0, 1)), none, none)


def numbers_only(counts: NumericCounts, at: np.ndarray | None = None) -> Reference:
    windows = len(counts.bins)
    days = np.arange(float(windows)) if at is None else at
    return Reference(days, counts, no_categories(windows), np.zeros(windows, dtype=bool), np.zeros(0))


def categories_only(counts: CategoricalCounts, seen_once: float = 0.0) -> Reference:
    windows = len(counts.values)
    chosen = np.arange(windows) % 2 == 0
    return Reference(np.arange(float(windows)), no_numbers(windows), counts, chosen, np.array([seen_once]))
