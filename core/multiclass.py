"""How well the predictions of a classifier of several classes meet their labels, from their confusion."""

from collections.abc import Mapping

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
        losses, scored = np.asarray(sums, dtype=np.float64).T
        result["log_loss"] = measured(ratio(losses, scored), scored, "no labelled rows with scores")
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


def _averages(table: Numbers, n: Numbers) -> dict[str, Estimate]:
    hits = np.diagonal(table, axis1=1, axis2=2)[:, :-1]
    predicted, labelled = table.sum(axis=2)[:, :-1], table.sum(axis=1)[:, :-1]
    rests_on = {
        "precision": (hits, predicted),
        "recall": (hits, labelled),
        "f1": (2 * hits, predicted + labelled),
    }
    result: dict[str, Estimate] = {}
    for name, (top, bottom) in rests_on.items():
        rates = ratio(top, bottom)
        known = ~np.isnan(rates)
        each = np.where(known, rates, 0.0)
        averages = {
            "macro": ratio(each.sum(axis=-1), known.sum(axis=-1)),
            "micro": ratio(top.sum(axis=-1), bottom.sum(axis=-1)),
            "weighted": ratio((each * labelled).sum(axis=-1), (labelled * known).sum(axis=-1)),
        }
        result |= {f"{name}_{how}": measured(value, n, _AVERAGED[name]) for how, value in averages.items()}
    return result


def _matthews_correlation(table: Numbers, n: Numbers, right: Numbers) -> Estimate:
    predicted, labelled = table.sum(axis=2), table.sum(axis=1)
    spread = (n**2 - (predicted**2).sum(axis=-1)) * (n**2 - (labelled**2).sum(axis=-1))
    value = ratio(right * n - (predicted * labelled).sum(axis=-1), np.sqrt(spread))
    return measured(value, n, "needs two classes among predictions and among labels")
