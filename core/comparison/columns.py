"""The distribution of one column on both sides: distances, quality, and the questions put to chance."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from core import drift, quality
from core.comparison import wording
from core.comparison.counting import (
    Counts,
    Values,
    coarse,
    on_distinct_values,
    on_quantiles,
    on_vocabulary,
    rare_joined,
    without_sampling,
)
from core.comparison.kinds import CATEGORICAL, NUMERIC, Numbers, numbers, texts
from core.comparison.plots import of_categories, of_numbers
from core.comparison.results import Distribution, Sides
from core.estimates import Estimate

FEW_ROWS = 100
DISTANCE_FLOOR = 0.05
MISSING_FLOOR = 0.01
_EXACT_LIMIT = 10_000  # up to here scipy counts the lattice paths, beyond it takes the limit law
_ON_VALUES = ("kolmogorov_smirnov", "kolmogorov_smirnov_p_value", "wasserstein", "wasserstein_normed")
METRICS = {NUMERIC: (*_ON_VALUES, *drift.ON_SHARES), CATEGORICAL: ("chi_squared", *drift.ON_SHARES)}


@dataclass(frozen=True)
class Question:
    """One test of one column: its p-value, whether the change is large enough to matter, and the change."""

    p_value: float
    matters: bool
    answer: str
    of_distribution: bool = True


@dataclass(frozen=True)
class Measured:
    """A column before its verdict, which needs the p-values of all columns."""

    drift: Mapping[str, Any]
    questions: tuple[Question, ...]
    change: str
    quality: Mapping[str, Sides[float | None]]
    distance: float | None = None
    distribution: Distribution | None = None


def measure(kind: str, reference: pl.Series, current: pl.Series) -> Measured:
    """Measure one column on everything that is not missing.

    The distances on shares (psi, jensen_shannon, hellinger, total_variation, l_infinity) of a numeric
    column are taken on the sweep's grid: 100 quantile bins of the reference, merged where quantiles tie,
    every 5 joined. Kolmogorov–Smirnov and Wasserstein rest on the values themselves, the distances of a
    categorical column on its full vocabulary. The distance of the verdict counts rows outside the
    reference's range as bins of their own, and puts values too rare to be judged into one bin, as their
    test does.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if kind == NUMERIC:
            return _numeric(reference, current)
        names = Sides(texts(reference), texts(current))
        if pl.Boolean in (reference.dtype, current.dtype):  # a flag is true here and True in another file
            names = Sides(names.reference.str.to_lowercase(), names.current.str.to_lowercase())
        return _categorical(names.reference, names.current)


def _numeric(reference: pl.Series, current: pl.Series) -> Measured:
    first, second = numbers(reference), numbers(current)
    a, b = first.values, second.values
    asked = _missing_question(Sides(len(a), len(b)), Sides(len(reference), len(current)))
    if not (len(a) and len(b)):
        found = _quality_of_numbers(first, second, Sides(0, 0))
        return Measured(dict.fromkeys(METRICS[NUMERIC]), asked, _nothing(len(a)), found)
    values, rows, other = on_distinct_values(a, b)
    fine, fine_other = on_quantiles(a, b)
    found = _quality_of_numbers(first, second, Sides(0, int(fine_other[0] + fine_other[-1])))
    distances = _on_values(a, b, values, rows, other) | _on_shares(*coarse(fine, fine_other, outside=False))
    distance = without_sampling(*coarse(fine, fine_other, outside=True))
    change = wording.change_of_numbers(a, b)
    if min(len(a), len(b)) >= FEW_ROWS:
        p_value = distances["kolmogorov_smirnov_p_value"]
        asked = (Question(p_value, distance >= DISTANCE_FLOOR, change), *asked)
    return Measured(distances, asked, change, found, distance, of_numbers(a, b, values, rows, other))


def _categorical(reference: pl.Series, current: pl.Series) -> Measured:
    names, rows, other = on_vocabulary(reference, current)
    n = Sides(int(rows.sum()), int(other.sum()))
    found = _quality_of_categories(Sides(reference.null_count(), current.null_count()), rows, other)
    asked = _missing_question(n, Sides(len(reference), len(current)))
    if not (n.reference and n.current):
        return Measured(dict.fromkeys(METRICS[CATEGORICAL]), asked, _nothing(n.reference), found)
    statistic, p_value = drift.chi_squared(rows, other)
    distances = {"chi_squared": {"statistic": float(statistic), "p_value": float(p_value)}} | _on_shares(
        rows, other
    )
    frequent = rare_joined(rows, other)
    distance = without_sampling(*frequent)
    change = wording.change_of_categories(names, rows, other)
    if min(n.reference, n.current) >= FEW_ROWS:
        asked = (Question(float(drift.chi_squared(*frequent)[1]), distance >= DISTANCE_FLOOR, change), *asked)
    return Measured(distances, asked, change, found, distance, of_categories(names, rows, other))


def _on_values(a: Values, b: Values, values: Values, rows: Counts, other: Counts) -> dict[str, Any]:
    distance = float(drift.kolmogorov_smirnov(rows, other))
    moved = _finite(drift.wasserstein(rows, other, values))
    scale = _finite(np.std(a))
    found = (
        distance,
        _p_value(a, b, distance),
        moved,
        moved / scale if moved is not None and scale else None,
    )
    return dict(zip(_ON_VALUES, found, strict=True))


def _on_shares(rows: NDArray[Any], other: NDArray[Any]) -> dict[str, Any]:
    return {name: float(function(rows, other)) for name, (function, _) in drift.ON_SHARES.items()}


def _p_value(a: Values, b: Values, distance: float) -> float:
    """Return scipy's p-value of the two-sample test, without sorting many rows a second time."""
    if max(len(a), len(b)) > _EXACT_LIMIT:
        return float(stats.kstwo.sf(distance, np.round(len(a) * len(b) / (len(a) + len(b)))))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # where paths cannot be counted scipy takes the limit law
        return float(stats.ks_2samp(a, b).pvalue)


def _missing_question(usable: Sides[int], rows: Sides[int]) -> tuple[Question, ...]:
    """Ask whether the share of rows without a usable value changed, if there are such rows at all."""
    without = Sides(rows.reference - usable.reference, rows.current - usable.current)
    if min(rows.reference, rows.current) < FEW_ROWS or without.reference + without.current == 0:
        return ()
    before, after = without.reference / rows.reference, without.current / rows.current
    table = np.array([[without.reference, usable.reference], [without.current, usable.current]])
    few = table.sum(axis=0).min() * table.sum(axis=1).min() < 5 * table.sum()
    p_value = stats.fisher_exact(table).pvalue if few else drift.chi_squared(table[0], table[1])[1]
    answer = wording.change_of_missing(before, after)
    return (Question(float(p_value), abs(after - before) >= MISSING_FLOOR, answer, of_distribution=False),)


def _quality_of_numbers(
    first: Numbers, second: Numbers, outside: Sides[int]
) -> dict[str, Sides[float | None]]:
    sides = (first, second)
    n = _both(*(len(side.values) for side in sides))
    ends = np.array([side.values[[0, -1]] if len(side.values) else (np.nan, np.nan) for side in sides])
    non_finite, uncastable = (
        _both(*(s.nan + s.infinite for s in sides)),
        _both(*(s.uncastable for s in sides)),
    )
    return _values(
        quality.of_any(n, _both(first.missing, second.missing), non_finite, uncastable),
        quality.constant_number(n, ends[:, 0], ends[:, 1]),
        quality.out_of_range(_if_known(n), _both(outside.reference, outside.current)),
    )


def _quality_of_categories(
    missing: Sides[int], rows: Counts, other: Counts
) -> dict[str, Sides[float | None]]:
    n, none = _both(int(rows.sum()), int(other.sum())), np.zeros(2)
    return _values(
        quality.of_any(n, _both(missing.reference, missing.current), none, none),
        quality.constant_category(n, _both(int(rows.max(initial=0)), int(other.max(initial=0))), none),
        quality.unseen(_if_known(n), _both(0, int(other[rows == 0].sum()))),
    )


def _if_known(n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows of both sides, none where the reference has none: then nobody knows what is new."""
    return n if n[0] else np.zeros(2)


def _both(reference: int, current: int) -> NDArray[np.float64]:
    return np.array([reference, current], dtype=np.float64)


def _values(*found: Mapping[str, Estimate]) -> dict[str, Sides[float | None]]:
    return {name: Sides(*(_finite(v) for v in e.value)) for each in found for name, e in each.items()}


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _nothing(n_reference: int) -> str:
    return f"{'CURRENT' if n_reference else 'REFERENCE'} has no usable value"
