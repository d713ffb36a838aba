"""How each side treats the groups of protected attributes: rates with intervals, and the gaps between groups.

Rows are collapsed to counts of group × prediction × label, which gives the same numbers as the rows at a
hundredth of the time. fairlearn gives the rates; core/fairness.py adds what it has not: intervals, the rows a
rate rests on, and "undefined" where it says 0 for a rate without denominator.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from core.comparison.answers import Codes, binary, multiclass, regression
from core.comparison.kinds import texts
from core.comparison.labels import measurements
from core.comparison.options import Options
from core.comparison.results import AttributeFairness, Sides
from core.comparison.roles import BINARY, MULTICLASS, Roles
from core.estimates import Estimate, Numbers
from core.fairness import (
    Spread,
    gaps_of_errors,
    gaps_of_outcomes,
    gaps_of_selection,
    outcomes,
    selection,
    spread,
)
from core.regression import error_sums
from core.regression import regression as of_regression

MINIMUM = 30
GROUPS = 50
_MANY_VALUES = 10
_MISSING = "(missing)"


def fairness(
    reference: pl.DataFrame, current: pl.DataFrame, options: Options, roles: Roles
) -> tuple[dict[str, Sides[AttributeFairness | None]], list[str]]:
    """Return the fairness of each protected attribute and of all of them crossed, and what could not be done.

    Groups below 30 rows are shown but not judged: the differences leave them out. An attribute that one
    side lacks is None there. At most the 50 largest groups are kept.
    """
    if not options.protected:
        return {}, []
    if roles.task is None or (roles.task == MULTICLASS and options.positive not in roles.classes):
        missing = (
            "--prediction or --score"
            if roles.task is None
            else "--positive, the class that counts as favourable"
        )
        return {}, [f"fairness needs {missing}"]
    found: dict[str, Sides[AttributeFairness | None]] = {}
    told: list[str] = []
    groups = {name: _groups(reference, current, name) for name in options.protected}
    if len(groups) > 1:
        groups[" & ".join(groups)] = Sides(
            *(_crossed([getattr(g, s) for g in groups.values()]) for s in _SIDES)
        )
    for attribute, of in groups.items():
        names = _largest(of)
        if len(names) > GROUPS:
            told.append(f"{attribute} has {len(names):,} groups; the {GROUPS} largest are shown")
        shown = sorted(names[:GROUPS])
        first, second = (
            None if g is None else _of_side(side, g, shown, options, roles)
            for side, g in ((reference, of.reference), (current, of.current))
        )
        found[attribute] = Sides(first, second)
    return found, told


_SIDES = ("reference", "current")


def _of_side(
    side: pl.DataFrame, group: pl.Series, names: list[str], options: Options, roles: Roles
) -> AttributeFairness | None:
    codes = group.replace_strict(
        dict(zip(names, range(len(names)), strict=True)), default=-1, return_dtype=pl.Int64
    )
    of_row: Codes = codes.to_numpy()
    if roles.task == BINARY:
        answers = binary(side, options, roles)
        return (
            None
            if answers is None
            else _decisions(of_row[answers.kept], answers.predicted, answers.label, names)
        )
    if roles.task == MULTICLASS:
        choices = multiclass(side, options, roles)
        if choices is None:
            return None
        favourable = roles.classes.index(str(options.positive))
        label = np.where(choices.label > len(roles.classes), 2, choices.label == favourable)
        predicted = (choices.predicted == favourable).astype(np.int64)
        return _decisions(of_row[choices.kept], predicted, label, names)
    errors = regression(side, options)
    return None if errors is None else _errors(of_row[errors.kept], errors.predicted, errors.label, names)


def _decisions(group: Codes, predicted: Codes, label: Codes, names: list[str]) -> AttributeFairness:
    cell = (group * 6 + predicted * 3 + label)[group >= 0]
    table = np.bincount(cell, minlength=6 * len(names)).reshape(-1, 2, 3).astype(np.float64)
    rows, labelled = table.sum(axis=(1, 2)), table[:, :, :2].sum(axis=(1, 2))
    rates, of_labels = (_by_fairlearn(table, found) for found in (selection(table), outcomes(table)))
    spreads = (_spread(of_labels[name], labelled) for name in ("tpr", "fpr", "precision"))
    gaps = {**gaps_of_selection(_spread(rates["selection_rate"], rows)), **gaps_of_outcomes(*spreads)}
    return _attribute(names, rows, {**rates, **of_labels}, gaps)


def _by_fairlearn(table: Numbers, rates: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """Return the rates of groups with fairlearn's values wherever they are defined."""
    # These imports take a second, which only a comparison of groups has to spend.
    from fairlearn import metrics
    from sklearn.metrics import accuracy_score, precision_score

    weights = table if "selection_rate" in rates else table[:, :, :2]
    group, predicted, label = np.nonzero(weights)
    if not group.size:
        return dict(rates)
    functions = {
        "selection_rate": metrics.selection_rate,
        "accuracy": accuracy_score,
        "tpr": metrics.true_positive_rate,
        "fnr": metrics.false_negative_rate,
        "fpr": metrics.false_positive_rate,
        "precision": partial(precision_score, zero_division=0),
    }
    frame = metrics.MetricFrame(
        metrics={name: functions[name] for name in rates},
        y_true=label == 1,
        y_pred=predicted == 1,
        sensitive_features={"group": group},
        sample_params={name: {"sample_weight": weights[weights > 0]} for name in rates},
    )
    found = frame.by_group.reindex(range(len(table)))
    return {
        name: replace(rate, value=np.where(np.isnan(rate.value), np.nan, found[name].to_numpy()))
        for name, rate in rates.items()
    }


def _errors(group: Codes, predicted: Numbers, label: Numbers, names: list[str]) -> AttributeFairness:
    kept = group >= 0
    rows, sums = error_sums(predicted[kept], label[kept], group[kept], len(names))
    found = of_regression(rows, sums)
    gaps = gaps_of_errors(*(_spread(found[name], rows) for name in ("bias", "mae")))
    return _attribute(names, rows, {name: found[name] for name in ("bias", "mae", "rmse")}, gaps)


def _spread(rate: Estimate, rows: Numbers) -> Spread:
    errors = np.zeros_like(rate.value) if rate.sampling_error is None else rate.sampling_error
    return spread(rate.value[None], errors[None], rows[None], MINIMUM)


def _attribute(
    names: list[str], rows: Numbers, rates: Mapping[str, Estimate], gaps: Mapping[str, Estimate]
) -> AttributeFairness:
    present = [i for i in range(len(names)) if rows[i] > 0]
    return AttributeFairness(
        rows={names[i]: int(rows[i]) for i in present},
        groups={names[i]: measurements(rates, i) for i in present},
        judged=tuple(names[i] for i in present if rows[i] >= MINIMUM),
        differences=measurements(gaps),
    )


def _groups(reference: pl.DataFrame, current: pl.DataFrame, name: str) -> Sides[pl.Series | None]:
    """Return the group of every row; numbers with many values are cut at the quartiles of the reference."""
    columns = [side[name] if name in side.columns else None for side in (reference, current)]
    first = next(column for column in columns if column is not None)
    if first.dtype.is_numeric() and first.n_unique() > _MANY_VALUES:
        finite = first.cast(pl.Float64).filter(first.cast(pl.Float64).is_finite())
        cuts = (
            sorted({float(np.quantile(finite.to_numpy(), share)) for share in (0.25, 0.5, 0.75)})
            if len(finite)
            else []
        )
        return Sides(*(None if column is None else _cut(column, cuts) for column in columns))
    return Sides(*(None if column is None else texts(column).fill_null(_MISSING) for column in columns))


def _cut(column: pl.Series, cuts: list[float]) -> pl.Series:
    values = column.cast(pl.Float64, strict=False)
    ends = ["-inf", *(f"{cut:g}" for cut in cuts), "inf"]
    names = pl.Series([f"[{low}, {high})" for low, high in zip(ends[:-1], ends[1:], strict=True)])
    known = (values.is_not_null() & values.is_not_nan()).fill_null(False)
    places = np.searchsorted(np.array(cuts), values.fill_null(0.0).to_numpy(), side="right")
    return names.gather(places).set(~known, _MISSING)


def _crossed(groups: list[pl.Series | None]) -> pl.Series | None:
    if any(group is None for group in groups):
        return None
    return pl.select(
        pl.concat_str([group for group in groups if group is not None], separator=" & ")
    ).to_series()


def _largest(of: Sides[pl.Series | None]) -> list[str]:
    every = pl.concat([side for side in (of.reference, of.current) if side is not None])
    return every.value_counts().sort("count", pl.nth(0), descending=[True, False]).to_series(0).to_list()
