"""Whether an evaluation knows too much: rows of the training, rows of its time, and splits that flatter.

A prediction file cannot tell whether another split would have trained another model. It can tell whether the
rows it holds are new to the version, whether training promised more than they show, and, with a stand-in
model trained here on the same columns, how much a random split of such rows promises above one by time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from core.comparison.answers import Binary, Multiclass, Regression
from core.estimates import Numbers
from core.evaluation.answered import Answered
from core.evaluation.limits import Bar, direction
from core.evaluation.resampling import Interval, differences, drawn_alike, of_values
from core.evaluation.told import Judged, judged, number, shown, title
from core.records import Finding

ROWS, FOLDS, FEWEST = 10_000, 5, 500
_CATEGORIES = 250
_SEED = 20_130_101
_REPLICATES = 200


@dataclass(frozen=True)
class Training:
    """What is known of the training of a version.

    `ids` are prediction_ids of its training rows; `until` the end of its training period; `promised` what its
    run measured, by metric; `split` how its evaluation datasets say they were made.
    """

    ids: pl.Series | None = None
    until: datetime | None = None
    promised: dict[str, float] | None = None
    split: frozenset[str] = frozenset()


def leakage(rows: Answered, training: Training, bar: Bar) -> Judged:
    """Return the evidence ``leakage``: passed if the rows are shown to be new to the version.

    Where neither training rows nor training period are known, and nothing else speaks against it, it is
    noted, which a gate takes for not passed.
    """
    values = of_values(rows)
    headline = bar.headline(frozenset(name for name, value in values.items() if np.isfinite(value)))
    findings = [*_overlap(rows, training), *_promised(values, training, bar)]
    stand_in = split_gap(rows, headline) if headline else None
    if stand_in is not None and headline is not None:
        findings += _of_split(stand_in, headline, training)
    new = any(each.name in ("shared_rows", "rows_before_training_ended") for each in findings)
    said = _summary(findings, stand_in, headline)
    if not new and all(each.passed is not False for each in findings):
        return Judged(
            "leakage", "noted", f"whether these rows are new to it cannot be told; {said}", tuple(findings)
        )
    return judged("leakage", said, findings)


def _overlap(rows: Answered, training: Training) -> list[Finding]:
    n, found = len(rows), []
    if training.ids is not None:
        shared = int(rows.ids.is_in(training.ids.implode()).sum())
        note = "rows of the training data among those evaluated"
        found.append(
            Finding(name="shared_rows", value=shared, n=n, threshold=0, passed=shared == 0, note=note)
        )
    if training.until is not None:
        early = int((rows.times < training.until).sum())
        # Rows held out of the training period by time are in order, if none of them was learned from.
        fine = early == 0 or (training.ids is not None and training.split == {"time"})
        note = f"training ended on {training.until:%Y-%m-%d}"
        found.append(
            Finding(name="rows_before_training_ended", value=early, n=n, threshold=0, passed=fine, note=note)
        )
    return found


def _promised(values: dict[str, float], training: Training, bar: Bar) -> list[Finding]:
    limit, found = bar.of("promised_gap"), []
    for metric, promised in sorted((training.promised or {}).items()):
        better = direction(metric)
        if better and metric in values and np.isfinite(values[metric]):
            gap = better * (promised - values[metric])
            share = gap if metric not in ("mae", "rmse", "log_loss") else gap / max(abs(promised), 1e-12)
            found.append(
                Finding(
                    name="promised_gap",
                    value=number(share),
                    threshold=limit,
                    passed=None if limit is None else share <= limit,
                    about=metric,
                    note=f"its run promised {shown(promised)}, these rows show {shown(values[metric])}",
                )
            )
    return found


def _of_split(gap: Interval, metric: str, training: Training) -> list[Finding]:
    flatters = np.isfinite(gap.lower) and gap.lower > 0
    split = ", ".join(sorted(training.split)) or "not said"
    passed = False if flatters and "random" in training.split else None
    return [
        Finding(
            name="random_split_gap",
            value=number(gap.value),
            lower=number(gap.lower),
            upper=number(gap.upper),
            threshold=0,
            passed=passed,
            about=metric,
            note="what a random split promises above one by time, by a stand-in model trained on these "
            f"rows; the version's own split: {split}",
        )
    ]


def split_gap(rows: Answered, metric: str) -> Interval | None:
    """Return by how much five random folds promise more than five blocks of time, by a stand-in model.

    Above 0 a random split flatters. Both ask the same rows with the same number of rows to learn from, and
    both sides are drawn by the same windows. None where features or rows are too few.

    Source: Roberts et al. (2017), Cross-validation strategies for data with temporal structure.
    """
    features = _features(rows)
    if features is None or len(rows) < FEWEST or isinstance(rows.answers, Multiclass):
        return None
    rng = np.random.default_rng(_SEED)
    chosen = np.sort(rng.choice(len(rows), min(ROWS, len(rows)), replace=False))
    sample, matrix = rows.take(chosen), features[chosen]
    n = len(sample)
    # Rows are sorted by time: equal stretches of them are blocks.
    by_time, by_chance = np.arange(n) * FOLDS // n, rng.permutation(np.arange(n) * FOLDS // n)
    with threadpool_limits(1, "openmp"):  # its own threads wait for each other on a busy machine
        flattered, honest = (_stand_in(sample, matrix, fold) for fold in (by_chance, by_time))
    if flattered is None or honest is None:
        return None
    found = differences(*drawn_alike(flattered, honest), only=metric, replicates=_REPLICATES)[metric]
    if direction(metric) > 0:
        return found
    return Interval(-found.value, found.error, -found.upper, -found.lower)


def _features(rows: Answered) -> Numbers | None:
    declared, columns = rows.declaration.features, list[Numbers]()
    for name in declared.numeric if declared else ():
        if name in rows.frame.columns:
            columns.append(rows.frame[name].cast(pl.Float64, strict=False).to_numpy())
    for name in declared.categorical if declared else ():
        if name in rows.frame.columns:
            frequent = rows.frame[name].value_counts(sort=True)[name].head(_CATEGORIES).to_list()
            code = dict(zip(frequent, range(len(frequent)), strict=True))
            columns.append(
                rows.frame[name].replace_strict(code, default=None, return_dtype=pl.Float64).to_numpy()
            )
    return np.column_stack(columns).astype(np.float64) if columns else None


def _stand_in(rows: Answered, features: Numbers, fold: NDArray[np.int64]) -> Answered | None:
    """Return the rows answered by models that did not learn from their fold."""
    answers = rows.answers
    binary = isinstance(answers, Binary)
    predicted = np.full(len(rows), np.nan)
    for i in range(FOLDS):
        learn, ask = fold != i, fold == i
        label = answers.label[learn]
        if binary and len(np.unique(label)) < 2:
            return None
        kind = HistGradientBoostingClassifier if binary else HistGradientBoostingRegressor
        model = kind(max_iter=40, max_leaf_nodes=15, early_stopping=False, random_state=0)
        model.fit(features[learn], label)
        predicted[ask] = model.predict_proba(features[ask])[:, 1] if binary else model.predict(features[ask])
    if isinstance(answers, Regression):
        return replace(rows, answers=replace(answers, predicted=predicted))
    chosen = (predicted >= rows.declaration.threshold).astype(np.int64)
    return replace(rows, answers=Binary(chosen, answers.label, predicted, answers.kept, ()))


def _summary(findings: Sequence[Finding], gap: Interval | None, headline: str | None) -> str:
    told = []
    for each in findings:
        if each.name == "shared_rows":
            told.append(f"{each.value:,.0f} of {each.n:,} rows stand in the training data")
        elif each.name == "rows_before_training_ended":
            told.append(f"{each.value:,.0f} rows are from before training ended")
        elif each.name == "promised_gap" and each.passed is False:
            told.append(f"{title(each.about)}: {each.note}")
    if gap is not None and np.isfinite(gap.lower) and headline:
        told.append(
            f"a random split of such rows would promise {gap.value:+.3f} [{gap.lower:+.3f}, "
            f"{gap.upper:+.3f}] "
            f"{title(headline)} above one by time (stand-in model)"
        )
    return "; ".join(told)
