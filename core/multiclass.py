"""How well the predictions of a classifier of several classes meet their labels, from their confusion."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import BinningError
from core.estimates import Estimate, Numbers, binomial_variance, measured, proportion, ratio
from core.performance import NO_LABELS

_AVERAGED = {
    "precision": "no labelled row has a prediction among the known classes",
    "recall": "no row has a label among the known classes",
    "f1": "no row has a label or a prediction among the known classes",
}


def multiclass(counts: ArrayLike, classes: int, sums: ArrayLike | None = None) -> Mapping[str, Estimate]:
    """Return the performance over all classes.

    A row whose label or prediction is a class the reference does not know is wrong, unless both are: nobody
    can tell then, and it is left out. Averages leave out classes without the rows that their rate rests on.

    Parameters
    ----------
    counts, sums : laid out as Kind.MULTICLASS says, shape (k, …); without `sums` the model has no scores
    classes : how many are known

    Raises
    ------
    BinningError
        If the counts do not fit the number of classes.
    """
    table = confusion(counts, classes)[:, :, :-1]
    table[:, -1, -1] = 0
    n, right = table.sum(axis=(1, 2)), np.trace(table[:, :-1, :-1], axis1=1, axis2=2)
    result = {
        "accuracy": proportion(right, n, NO_LABELS),
        "balanced_accuracy": _balanced_accuracy(table, n),
        "matthews_correlation": _matthews_correlation(table, n, right),
        **_averages(table, n),
    }
    if sums is not None:
        losses, scored, squares = np.asarray(sums, dtype=np.float64).T
        loss = ratio(losses, scored)
        variance = ratio(ratio(squares, scored) - loss**2, scored)
        result["log_loss"] = measured(loss, scored, "no labelled rows with scores", variance, (0, np.inf))
    return result


def confusion(counts: ArrayLike, classes: int) -> Numbers:
    """Return counts as (k, predicted: classes, unknown; label: classes, unknown, unlabelled)."""
    rows = np.array(counts, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[-1] != (classes + 1) * (classes + 2):
        expected = (classes + 1) * (classes + 2)
        raise BinningError(
            f"counts have shape {rows.shape}, expected (windows, {expected}) for {classes} classes"
        )
    return rows.reshape(len(rows), classes + 1, classes + 2)


def _balanced_accuracy(table: Numbers, n: Numbers) -> Estimate:
    hits = np.diagonal(table, axis1=1, axis2=2)[:, :-1]
    labelled = table.sum(axis=1)[:, :-1]
    known = (labelled > 0).sum(axis=-1)
    value = ratio(np.nansum(ratio(hits, labelled), axis=-1), known)
    variance = ratio(np.nansum(binomial_variance(hits, labelled), axis=-1), known**2)
    return measured(value, n, _AVERAGED["recall"], variance, (0, 1))


@dataclass(frozen=True)
class _Slopes:
    """How a metric moves with a row more in cell (i, j): `right` if i = j, less `row` i and `column` j."""

    right: Numbers
    row: Numbers
    column: Numbers


def _averages(table: Numbers, n: Numbers) -> dict[str, Estimate]:
    hits = np.diagonal(table, axis1=1, axis2=2)[:, :-1]
    predicted, labelled = table.sum(axis=2)[:, :-1], table.sum(axis=1)[:, :-1]
    rests_on = {  # what a rate is of: hits of the predictions, of the labels, or of both
        "precision": (1, 1, 0),
        "recall": (1, 0, 1),
        "f1": (2, 1, 1),
    }
    result: dict[str, Estimate] = {}
    for name, (times, by_row, by_column) in rests_on.items():
        top, bottom = times * hits, by_row * predicted + by_column * labelled
        known = bottom > 0
        rates = np.where(known, ratio(top, bottom), 0.0)
        of_labels = labelled * known
        weights = {
            "macro": ratio(known, known.sum(axis=-1, keepdims=True)),
            "micro": ratio(bottom, bottom.sum(axis=-1, keepdims=True)),
            "weighted": ratio(of_labels, of_labels.sum(axis=-1, keepdims=True)),
        }
        for how, weight in weights.items():
            value = (weight * rates).sum(axis=-1)
            each = np.nan_to_num(ratio(weight, bottom))
            # The micro average is the rate of all together; the weights of the weighted one are counts too.
            rate = value[:, None] if how == "micro" else rates
            gained = ratio((rates - value[:, None]) * known, of_labels.sum(axis=-1, keepdims=True))
            slopes = _Slopes(
                times * each,
                by_row * each * rate,
                by_column * each * rate - (gained if how == "weighted" else 0.0),
            )
            variance = _delta_variance(table, slopes)
            result[f"{name}_{how}"] = measured(value, n, _AVERAGED[name], variance, (0, 1))
    return result


def _matthews_correlation(table: Numbers, n: Numbers, right: Numbers) -> Estimate:
    predicted, labelled = table.sum(axis=2), table.sum(axis=1)
    of_predicted, of_labelled = (_spread(margin, n) for margin in (predicted, labelled))
    root = np.sqrt(of_predicted * of_labelled)
    value = ratio(right * n - (predicted * labelled).sum(axis=-1), root)
    # d value = d(right n − Σ predicted labelled) / root − value (d of_predicted / 2 of_predicted + …)
    turned = (value * ratio(n, of_predicted))[:, None] - ratio(value, of_predicted)[:, None] * predicted
    other = (value * ratio(n, of_labelled))[:, None] - ratio(value, of_labelled)[:, None] * labelled
    slopes = _Slopes(
        ratio(n, root)[:, None] * np.ones_like(predicted),
        ratio(labelled - right[:, None], root[:, None]) + turned,
        ratio(predicted, root[:, None]) + other,
    )
    variance = _delta_variance(table, slopes)
    return measured(value, n, "needs two classes among predictions and among labels", variance, (-1, 1))


def _spread(margin: Numbers, n: Numbers) -> Numbers:
    """Return n² − Σ margin², 0 where it is rounding alone."""
    spread = n**2 - (margin**2).sum(axis=-1)
    return np.where(spread > 1e-12 * n**2, spread, 0.0)


def _delta_variance(table: Numbers, slopes: _Slopes) -> Numbers:
    """Return Σ rows · slope²: the variance of a metric that stays the same when all rows are doubled."""
    right, row, column = (
        np.pad(each, ((0, 0), (0, table.shape[1] - each.shape[1]))) for each in vars(slopes).values()
    )
    hits = np.diagonal(table, axis1=1, axis2=2)
    wrong = (row**2 * table.sum(axis=2)).sum(axis=1) + (column**2 * table.sum(axis=1)).sum(axis=1)
    wrong += 2 * np.einsum("ka,kab,kb->k", row, table, column)
    return wrong + (hits * right * (right - 2 * (row + column))).sum(axis=1)
