"""What labels say about predictions: rows become counts, exact because every score is its own bin."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from core.comparison.answers import (
    Binary,
    Codes,
    Floats,
    Multiclass,
    Regression,
    binary,
    multiclass,
    regression,
)
from core.comparison.estimates import estimates
from core.comparison.options import Options
from core.comparison.results import Measurement, Performance, Sides
from core.comparison.roles import BINARY, MULTICLASS, Roles
from core.estimates import Estimate
from core.multiclass import multiclass as of_multiclass
from core.performance import binary as of_binary
from core.regression import QUANTILES, between_ranks, error_sums
from core.regression import regression as of_regression


def performance(
    reference: pl.DataFrame, current: pl.DataFrame, options: Options, roles: Roles
) -> tuple[Sides[Performance], list[str]]:
    """Return the performance on both sides, and what could not be done, one sentence each.

    Everything is empty without a task, or on a side without prediction and score.
    """
    if roles.task is None:
        return Sides(Performance(), Performance()), []
    told: list[str] = []
    sides = []
    for name, side in (("REFERENCE", reference), ("CURRENT", current)):
        found, odd = _of_side(side, options, roles)
        told += [f"{name} {sentence}" for sentence in odd]
        sides.append(found)
    if options.actual is not None and _unlabelled(current, options.actual):
        told_by_reference = measurements(estimates(reference, current, options, roles))
        sides[1] = replace(sides[1], metrics={**sides[1].metrics, **told_by_reference})
    return Sides(*sides), told


def measured(answers: Binary | Multiclass | Regression, classes: tuple[str, ...] = ()) -> Performance:
    """Return the performance of answers, exact because every score is a bin of its own.

    Parameters
    ----------
    classes : their names, in the order of the codes; of several classes only
    """
    match answers:
        case Binary():
            return Performance(_binary(answers.predicted, answers.label, answers.score))
        case Multiclass():
            return _multiclass(answers, classes)
        case Regression():
            return Performance(_regression(answers))


def measurements(found: Mapping[str, Estimate], at: int = 0) -> dict[str, Measurement]:
    """Return estimates of arrays as plain numbers, those at one position."""
    return {name: _measurement(estimate, at) for name, estimate in found.items()}


def _unlabelled(side: pl.DataFrame, actual: str) -> bool:
    return actual not in side.columns or side[actual].null_count() == len(side)


def _of_side(side: pl.DataFrame, options: Options, roles: Roles) -> tuple[Performance, tuple[str, ...]]:
    answers: Binary | Multiclass | Regression | None
    if roles.task == BINARY:
        answers = binary(side, options, roles)
    elif roles.task == MULTICLASS:
        answers = multiclass(side, options, roles)
    else:
        answers = regression(side, options)
    if answers is None:
        return Performance(), ("has neither prediction nor score, so there is no performance to give",)
    return measured(answers, roles.classes), answers.odd


def _binary(predicted: Codes, label: Codes, score: Floats | None) -> dict[str, Measurement]:
    cell = predicted * 3 + label
    if score is None:
        return measurements(of_binary(np.bincount(cell, minlength=6)[None]))
    if not len(score):
        return measurements(of_binary(np.zeros((1, 6)), np.zeros((1, 8))))
    scores, bins = np.unique(score, return_inverse=True)
    counts = np.bincount(bins * 6 + cell, minlength=6 * len(scores))
    known, truth = score[label < 2], label[label < 2]
    of_label = np.clip(np.where(truth == 1, known, 1 - known), 1e-15, 1.0)
    sums = np.concatenate(
        [counts * np.repeat(scores, 6), [((known - truth) ** 2).sum(), -np.log(of_label).sum()]]
    )
    return measurements(of_binary(counts[None], sums[None]))


def _multiclass(rows: Multiclass, classes: tuple[str, ...]) -> Performance:
    k = len(classes)
    counts = np.bincount(rows.predicted * (k + 2) + rows.label, minlength=(k + 1) * (k + 2))
    labelled = rows.label < k
    sums = None
    if rows.scores is not None:
        of_label = rows.scores[labelled, rows.label[labelled]]
        losses = -np.log(np.clip(of_label, 1e-15, 1.0))
        sums = np.array([[losses.sum(), labelled.sum(), (losses**2).sum()]])
    each = {}
    for i, name in enumerate(classes):
        label = np.where(rows.label > k, 2, rows.label == i)
        score = None if rows.scores is None else rows.scores[:, i]
        each[name] = _binary((rows.predicted == i).astype(np.int64), label.astype(np.int64), score)
    return Performance(measurements(of_multiclass(counts[None], k, sums)), each)


def _regression(rows: Regression) -> dict[str, Measurement]:
    found = measurements(
        of_regression(*error_sums(rows.predicted, rows.label, np.zeros(len(rows.label), dtype=np.int64), 1))
    )
    n = len(rows.label)
    if n == 0:
        return found | {name: Measurement(None, reason=found["mae"].reason) for name in QUANTILES}
    errors = np.sort(rows.predicted - rows.label)
    return found | measurements(
        {
            name: between_ranks(lambda at: np.quantile(errors, np.clip(at, 0, 1)), share, np.array([n * 1.0]))
            for name, share in QUANTILES.items()
        }
    )


def _measurement(found: Estimate, at: int) -> Measurement:
    numbers = [
        None if array is None else _finite(array[at]) for array in (found.value, found.lower, found.upper)
    ]
    error = None if found.sampling_error is None else _finite(found.sampling_error[at])
    reasons = np.broadcast_to(found.reason, found.value.shape)
    reason = str(reasons[at]) if numbers[0] is None else ""
    return Measurement(numbers[0], int(found.n[at]), numbers[1], numbers[2], error, reason)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
