"""How a version treats protected groups: rates with Wilson intervals, and the gaps between groups."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from core import fairness as rates
from core.comparison.answers import Codes, Multiclass, Regression
from core.comparison.labels import measurements
from core.comparison.results import Measurement
from core.declaration import Declaration
from core.engine.roles import binary_classes, canonical, protected_columns
from core.estimates import Estimate, Numbers
from core.evaluation.answered import Answered, Answers
from core.evaluation.limits import Bar, within
from core.evaluation.told import Judged, finding, judged, shown, title
from core.records import Finding
from core.regression import error_sums, regression

GROUPS = 50
_MISSING = "(missing)"


def fairness(rows: Answered, bar: Bar) -> Judged | None:
    """Return the evidence ``fairness``; None where the declaration names nothing to look at.

    Each protected attribute by itself, and all of them crossed. A gap fails if its value breaks its limit:
    fairness is not a question of chance to those it concerns, but the intervals say how sure it is. Groups
    with fewer rows than `minimum_group_size` are shown and not judged.
    """
    declaration = bar.declaration
    if not declaration.protected or _unfavourable(declaration):
        return None
    findings: list[Finding] = []
    for attribute, groups in _attributes(rows):
        counted = groups.value_counts(name="rows").sort("rows", "group", descending=[True, False])
        names = counted["group"].head(GROUPS).sort().to_list()
        place = dict(zip(names, range(len(names)), strict=True))
        of_row = groups.replace_strict(place, default=-1, return_dtype=pl.Int64).to_numpy()
        findings += _of_attribute(attribute, names, of_row, rows.answers, bar, rows.classes)
    return judged("fairness", _summary(findings, declaration), findings)


def _unfavourable(declaration: Declaration) -> bool:
    """Tell whether nobody said which of several classes people want."""
    return declaration.task == "multiclass_classification" and declaration.favourable is None


def _attributes(rows: Answered) -> Iterator[tuple[str, pl.Series]]:
    """Yield each attribute with the group of every row, e.g. ``age=[25, 40)``."""
    groups: dict[str, pl.Series] = {}
    for column, cuts in protected_columns(rows.declaration):
        values = rows.frame[column]
        text = _cut(values, cuts) if cuts else values.cast(pl.String).fill_null(_MISSING)
        groups[column] = (pl.Series([f"{column}="]) + text).alias("group")
    yield from groups.items()
    if len(groups) > 1:
        crossed = pl.select(pl.concat_str(list(groups.values()), separator=" & ")).to_series().alias("group")
        yield " & ".join(groups), crossed


def _cut(values: pl.Series, cuts: tuple[float, ...]) -> pl.Series:
    ends = ["-inf", *(f"{cut:g}" for cut in cuts), "inf"]
    names = pl.Series([f"[{low}, {high})" for low, high in zip(ends[:-1], ends[1:], strict=True)])
    numbers = values.cast(pl.Float64, strict=False).fill_nan(None)
    places = np.searchsorted(np.array(cuts), numbers.fill_null(0.0).to_numpy(), side="right")
    return names.gather(places).set(numbers.is_null(), _MISSING)


def _of_attribute(
    attribute: str, names: list[str], group: Codes, answers: Answers, bar: Bar, classes: tuple[str, ...]
) -> Iterator[Finding]:
    kept = group >= 0
    if isinstance(answers, Regression):
        n, sums = error_sums(answers.predicted[kept], answers.label[kept], group[kept], len(names))
        every = regression(n, sums)
        of_groups = {name: every[name] for name in ("bias", "mae")}
        spreads = _spreads(of_groups, n, bar)
        gaps: Mapping[str, Estimate] = rates.gaps_of_errors(spreads["bias"], spreads["mae"])
    else:
        table = _table(answers, group, len(names), bar.declaration, classes)
        n = table.sum(axis=(1, 2))
        of_groups = {**rates.selection(table), **rates.outcomes(table)}
        spreads = _spreads(of_groups, n, bar)
        gaps = {
            **rates.gaps_of_selection(spreads["selection_rate"]),
            **rates.gaps_of_outcomes(spreads["tpr"], spreads["fpr"], spreads["precision"]),
        }
    for metric, gap in measurements(gaps).items():
        yield _gap(metric, gap, bar.of(metric, attribute), attribute)
    minimum = bar.declaration.minimum_group_size
    for i, name in enumerate(names):
        note = "" if n[i] >= minimum else f"fewer than {minimum} rows: shown, not judged"
        for metric, rate in measurements(of_groups, i).items():
            yield finding(metric, rate, about=name, note=note)


def _gap(metric: str, gap: Measurement, limit: float | None, attribute: str) -> Finding:
    passed = None if limit is None or gap.value is None else within(metric, gap.value, limit)
    return finding(metric, gap, threshold=limit, passed=passed, about=attribute)


def _spreads(of_groups: Mapping[str, Estimate], n: Numbers, bar: Bar) -> dict[str, rates.Spread]:
    minimum = bar.declaration.minimum_group_size
    return {
        name: rates.spread(
            rate.value[None],
            (np.zeros_like(rate.value) if rate.sampling_error is None else rate.sampling_error)[None],
            n[None],
            minimum,
        )
        for name, rate in of_groups.items()
    }


def _table(
    answers: Answers, group: Codes, groups: int, declaration: Declaration, classes: tuple[str, ...]
) -> Numbers:
    """Return counts of group × favourable predicted × favourable label (no, yes, unlabelled)."""
    chosen, wanted = answers.predicted, answers.label
    if isinstance(answers, Multiclass):
        place = classes.index(canonical(declaration.favourable or ""))
        chosen, wanted = (chosen == place).astype(np.int64), (wanted == place).astype(np.int64)
    kept = group >= 0
    cell = (group * 6 + chosen * 3 + wanted)[kept].astype(np.int64)
    table = np.bincount(cell, minlength=6 * groups).reshape(-1, 2, 3).astype(np.float64)
    positive = binary_classes(declaration, ()).positive
    favoured = declaration.favourable is None or canonical(declaration.favourable) in positive
    return rates.oriented(table, favourable_is_positive=favoured or isinstance(answers, Multiclass))


def _summary(findings: list[Finding], declaration: Declaration) -> str:
    asked = [each for each in findings if each.passed is not None]
    broken = [each for each in asked if not each.passed]
    if broken:
        return "; ".join(
            f"{title(e.name)} of {e.about} is {shown(e.value)}, the limit is {e.threshold:g}"
            for e in broken[:4]
        )
    if not asked:
        gaps = ", ".join(sorted({e.name for e in findings if e.name.endswith("difference")}))
        return f"no limit is set for {gaps}; set one as a monitor or in the policy's floors"
    looked = ", ".join(column for column, _ in protected_columns(declaration))
    worst = [f"{title(e.name)} {shown(e.value)}" for e in asked if " & " not in e.about][:2]
    return f"groups of {looked} within their limits" + (f": {', '.join(worst)}" if worst else "")
