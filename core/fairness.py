"""How protected groups are treated: rates of each group, and the gaps between the groups.

"Favourable" is the declared outcome that people want, which may be the negative class. The numbers equal
fairlearn's on the same rows, except that a rate without denominator is unknown here and 0 there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.estimates import Estimate, Numbers, measured, proportion, ratio
from core.performance import NO_LABELS


def oriented(table: Numbers, *, favourable_is_positive: bool) -> Numbers:
    """Return counts (predicted × label: no, yes, unlabelled; shape (k, 2, 3)) with favourable as yes."""
    return table if favourable_is_positive else table[:, ::-1][:, :, [1, 0, 2]]


def selection(table: Numbers) -> dict[str, Estimate]:
    """Return the rates of groups that need no labels, from counts of shape (groups, 2, 3)."""
    every = table.sum(axis=2)
    return {"selection_rate": proportion(every[:, 1], every.sum(axis=1), "no rows of this group")}


def outcomes(table: Numbers) -> dict[str, Estimate]:
    """Return the rates of groups against their labels, from counts of shape (groups, 2, 3)."""
    (tn, fn), (fp, tp) = (table[:, predicted, :2].T for predicted in (0, 1))
    wanted, unwanted = (
        "no row of this group has a favourable label",
        "no row of this group has an unfavourable label",
    )
    return {
        "accuracy": proportion(tp + tn, tp + tn + fp + fn, NO_LABELS),
        "tpr": proportion(tp, tp + fn, wanted),
        "fnr": proportion(fn, tp + fn, wanted),
        "fpr": proportion(fp, fp + tn, unwanted),
        "precision": proportion(tp, tp + fp, "no labelled row of this group was predicted favourable"),
    }


@dataclass(frozen=True)
class Spread:
    """The lowest and the highest rate among the judged groups, with standard errors; all of shape (k,)."""

    low: Numbers
    high: Numbers
    low_error: Numbers
    high_error: Numbers
    n: Numbers
    reason: str


def spread(values: Numbers, errors: Numbers, n: Numbers, minimum: int) -> Spread:
    """Find the extremes among the groups that are large enough.

    Parameters
    ----------
    values, errors, n : the rate of each group, its standard error, and the group's rows; shape (k, groups),
        NaN and 0 where a group has none
    minimum : rows a group must have to be judged
    """
    judged = (n >= minimum) & ~np.isnan(values)
    enough = judged.sum(axis=1) > 1
    each = np.arange(len(values))

    def at(place: Numbers, of: Numbers) -> Numbers:
        return np.where(enough, of[each, place.astype(np.intp)], np.nan)

    lowest = np.where(judged, values, np.inf).argmin(axis=1)
    highest = np.where(judged, values, -np.inf).argmax(axis=1)
    reason = f"fewer than two groups with at least {minimum} rows have this rate"
    return Spread(
        at(lowest, values),
        at(highest, values),
        at(lowest, errors),
        at(highest, errors),
        np.where(judged, n, 0).sum(axis=1),
        reason,
    )


def difference(of: Spread, bounds: tuple[float, float] = (0, 1)) -> Estimate:
    """Return the largest minus the smallest value; 0 is equal treatment."""
    return measured(of.high - of.low, of.n, of.reason, of.high_error**2 + of.low_error**2, bounds)


def parity_ratio(of: Spread) -> Estimate:
    """Return the smallest over the largest rate; 1 is equal treatment, below 0.8 is disparate impact."""
    value = ratio(of.low, of.high)
    variance = ratio(of.low_error**2 + (value * of.high_error) ** 2, of.high**2)
    return measured(value, of.n, f"{of.reason}, or it is 0 in all of them", variance, (0, 1))


def gaps_of_selection(selection_rate: Spread) -> Mapping[str, Estimate]:
    """Return demographic parity, which needs no labels."""
    return {
        "demographic_parity_difference": difference(selection_rate),
        "demographic_parity_ratio": parity_ratio(selection_rate),
    }


def gaps_of_outcomes(tpr: Spread, fpr: Spread, precision: Spread) -> Mapping[str, Estimate]:
    """Return the gaps in how errors fall on the groups."""
    return {
        "equal_opportunity_difference": difference(tpr),
        "equalized_odds_difference": _one_of(difference(tpr), difference(fpr), largest=True),
        "equalized_odds_ratio": _one_of(parity_ratio(tpr), parity_ratio(fpr), largest=False),
        "predictive_parity_difference": difference(precision),
    }


def gaps_of_errors(bias: Spread, mae: Spread) -> Mapping[str, Estimate]:
    """Return the gaps between the groups of a regression, in the label's unit."""
    return {"bias_difference": difference(bias, (0, np.inf)), "mae_difference": difference(mae, (0, np.inf))}


def _one_of(first: Estimate, second: Estimate, *, largest: bool) -> Estimate:
    """Return the worse of two estimates; unknown where one of them is."""
    take = (first.value >= second.value) if largest else (first.value <= second.value)
    unknown = np.isnan(first.value) | np.isnan(second.value)

    def chosen(name: str) -> Numbers:
        return np.where(unknown, np.nan, np.where(take, getattr(first, name), getattr(second, name)))

    return Estimate(
        chosen("value"),
        np.where(take, first.n, second.n),
        first.reason,
        chosen("sampling_error"),
        chosen("lower"),
        chosen("upper"),
    )
