"""Performance before labels come: from scores calibrated on the reference (CBPE), or its errors (DLE)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from core.estimates import Estimate, Numbers, measured, ratio
from core.multiclass import multiclass
from core.performance import Confusion, decisions
from core.regression import regression as errors
from core.score_curves import average_precision, average_precision_variance, roc_auc
from core.value import value

NO_SCORES = "no rows with a score"
_ROUNDS = 30  # of fitting a confusion to its margins
_LEAST = 1e-15


@dataclass(frozen=True)
class Calibration:
    """What scores meant in the reference: the rate of positive labels at some increasing scores."""

    scores: Numbers
    rates: Numbers

    def of(self, scores: Numbers) -> Numbers:
        """Return the rate at any scores, between the known ones in a straight line."""
        return np.interp(scores, self.scores, self.rates)


def calibrate(rows: ArrayLike, scores: ArrayLike) -> Calibration | None:
    """Return the rates of positive labels as a never decreasing function of the score; None without labels.

    Parameters
    ----------
    rows, scores : labelled rows of the reference and their summed scores by score bin and label, (bins, 2)

    Source: Zadrozny and Elkan (2002), KDD (isotonic regression).

    Examples
    --------
    >>> calibrate([[9, 1], [5, 5], [6, 4]], [[0.9, 0.1], [2.5, 2.5], [5.4, 3.6]]).rates.tolist()
    [0.1, 0.45, 0.45]
    """
    counted, summed = np.asarray(rows, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    n = counted.sum(axis=-1)
    filled = n > 0
    if not filled.any():
        return None
    at = summed.sum(axis=-1)[filled] / n[filled]
    found = isotonic_regression(counted[filled, 1] / n[filled], weights=n[filled])
    return Calibration(at, np.asarray(found.x, dtype=np.float64))


def binary(
    rows: ArrayLike, scores: ArrayLike, calibration: Calibration, costs: ArrayLike | None = None
) -> Mapping[str, Estimate]:
    """Return the performance of a binary classifier as its calibrated scores let expect, labelled or not.

    Of the rows of a bin the calibrated share is thought positive. The sampling error is that of the realised
    metric on so many rows; how uncertain the calibration is comes on top.

    Parameters
    ----------
    rows, scores : rows and their summed scores by score bin and prediction (no, yes), shape (k, bins, 2)
    costs : of a row by prediction and label, for `value`

    Source: NannyML, Confidence-based performance estimation (2021).
    """
    n, summed = np.asarray(rows, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    mean = ratio(summed, n)
    yes, no = _labels(n, mean, calibration)
    (fn, tp), (tn, fp) = yes.sum(axis=1).T, no.sum(axis=1).T
    found = decisions(Confusion(tp, fp, fn, tn))
    if costs is not None:
        found["value"] = value(np.stack([tn, fn, fp, tp], axis=-1).reshape(-1, 2, 2), costs)
    return _named(found | _of_scores(yes, no, mean))


def several(
    rows: ArrayLike, scores: ArrayLike, calibrations: Mapping[int, Calibration]
) -> Mapping[str, Estimate]:
    """Return the performance over all classes; each class is calibrated against the rest.

    Parameters
    ----------
    rows, scores : rows and summed scores by class, score bin and prediction of that class (no, yes), shape
        (k, classes, bins, 2)
    calibrations : of every class
    """
    n, summed = np.asarray(rows, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    mean, classes = ratio(summed, n), n.shape[1]
    yes = np.stack([_labels(n[:, i], mean[:, i], calibrations[i])[0] for i in range(classes)], axis=1)
    predicted, labelled = n[..., 1].sum(axis=2), yes.sum(axis=(2, 3))
    total = predicted.sum(axis=1, keepdims=True)
    labelled = np.nan_to_num(labelled * ratio(total, labelled.sum(axis=1, keepdims=True)))
    hits = np.minimum(yes[..., 1].sum(axis=2), np.minimum(predicted, labelled))
    table = np.zeros((len(n), classes + 1, classes + 2))
    table[:, :classes, :classes] = _confusion(hits, predicted, labelled)
    found = {**multiclass(table.reshape(len(n), -1), classes)}
    each = -np.log(np.clip(np.where(n > 0, mean, 1.0), _LEAST, 1.0))
    weight = yes.sum(axis=(1, 2, 3))
    loss, squares = (ratio((yes * power).sum(axis=(1, 2, 3)), weight) for power in (each, each**2))
    found["log_loss"] = measured(loss, total[:, 0], NO_SCORES, ratio(squares - loss**2, weight), (0, np.inf))
    return _named(found)


def regression(leaves: ArrayLike, losses: ArrayLike) -> Mapping[str, Estimate]:
    """Return a regression's errors as those of the reference let expect, leaf by leaf of its loss tree.

    Parameters
    ----------
    leaves : rows by leaf, shape (k, leaves)
    losses : sums of Kind.REGRESSION per row of each leaf

    Source: NannyML, Direct loss estimation (2022).
    """
    rows = np.asarray(leaves, dtype=np.float64)
    found = errors(rows.sum(axis=-1), rows @ np.asarray(losses, dtype=np.float64))
    return _named({name: each for name, each in found.items() if name != "r2"})


def _labels(n: Numbers, mean: Numbers, calibration: Calibration) -> tuple[Numbers, Numbers]:
    """Return how many rows of each cell are thought positive, and how many negative."""
    yes = n * np.where(n > 0, calibration.of(np.nan_to_num(mean)), 0.0)
    return yes, n - yes


def _of_scores(yes: Numbers, no: Numbers, mean: Numbers) -> dict[str, Estimate]:
    positives, negatives = yes.sum(axis=-1), no.sum(axis=-1)
    n = (positives + negatives).sum(axis=-1)
    auc, of_auc = roc_auc(positives, negatives)
    precision = average_precision(positives, negatives, mixed=True)
    of_precision = average_precision_variance(positives, negatives)
    score = np.nan_to_num(mean)
    right = {"yes": np.clip(score, _LEAST, 1.0), "no": np.clip(1 - score, _LEAST, 1.0)}
    both = "needs scores that are neither all positive nor all negative"
    return {
        "roc_auc": measured(auc, n, both, of_auc, (0, 1)),
        "average_precision": measured(precision, n, both, of_precision, (0, 1)),
        "log_loss": _mean(yes, no, -np.log(right["yes"]), -np.log(right["no"]), n, (0, np.inf)),
        "brier": _mean(yes, no, (1 - score) ** 2, score**2, n, (0, 1)),
        "calibration_gap": _mean(yes, no, score - 1, score, n, (-1, 1)),
    }


def _mean(
    yes: Numbers, no: Numbers, if_yes: Numbers, if_no: Numbers, n: Numbers, bounds: tuple[float, float]
) -> Estimate:
    """Return the mean of what a row counts if its label is positive and if it is negative."""
    mean, squares = (ratio((yes * if_yes**power + no * if_no**power).sum(axis=(1, 2)), n) for power in (1, 2))
    return measured(mean, n, NO_SCORES, ratio(squares - mean**2, n), bounds)


def _confusion(hits: Numbers, predicted: Numbers, labelled: Numbers) -> Numbers:
    """Return a confusion with these hits and margins: mistakes in proportion to both margins of theirs.

    Source: Deming and Stephan (1940), Annals of Mathematical Statistics 11 (iterative proportional fitting).
    """
    rows, columns = predicted - hits, labelled - hits
    off = 1 - np.eye(hits.shape[1])
    wrong = rows[:, :, None] * columns[:, None, :] * off
    for _ in range(_ROUNDS):
        wrong *= np.nan_to_num(ratio(rows, wrong.sum(axis=2)))[:, :, None]
        wrong *= np.nan_to_num(ratio(columns, wrong.sum(axis=1)))[:, None, :]
    return wrong + hits[:, :, None] * np.eye(hits.shape[1])


def _named(found: Mapping[str, Estimate]) -> Mapping[str, Estimate]:
    return {f"estimated_{name}": each for name, each in found.items()}
