"""How well a binary classifier meets its labels, from counts by score bin, prediction and label."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import BinningError
from core.estimates import Estimate, Numbers, binomial_variance, measured, proportion, ratio, wilson
from core.score_curves import (
    average_precision,
    average_precision_variance,
    calibration_error_variance,
    expected_calibration_error,
    roc_auc,
    shifts,
    split,
)

NO_LABELS = "no labelled rows"
_BOTH = "needs labelled rows of both classes"
_NO_BINS = "scores have no bins while the reference is learning"


@dataclass(frozen=True)
class Confusion:
    """Labelled rows by prediction and label, each of shape (k,)."""

    tp: Numbers
    fp: Numbers
    fn: Numbers
    tn: Numbers

    @property
    def n(self) -> Numbers:
        """All labelled rows."""
        return self.tp + self.fp + self.fn + self.tn


def binary(
    counts: ArrayLike, sums: ArrayLike | None = None, edges: ArrayLike | None = None
) -> Mapping[str, Estimate]:
    """Return the performance of a binary classifier.

    Parameters
    ----------
    counts, sums : laid out as Kind.CLASSIFICATION says, shape (k, …); without `sums` the model has no score
    edges : of the score bins; None = each bin is one distinct score, so everything is exact; empty = one bin
        for all

    Raises
    ------
    BinningError
        If the counts do not fit the edges.
    """
    rows = _by_bin(counts, edges if sums is not None else None)
    table = rows[..., :2].sum(axis=1)
    result = decisions(Confusion(table[:, 1, 1], table[:, 1, 0], table[:, 0, 1], table[:, 0, 0]))
    every = rows.sum(axis=(1, 3))
    result["prediction_rate"] = proportion(every[:, 1], every.sum(axis=-1), "no rows in this window")
    return result if sums is None else result | _of_scores(rows, np.asarray(sums, dtype=np.float64), edges)


def decisions(c: Confusion) -> dict[str, Estimate]:
    """Return the metrics of the decisions alone."""
    positives, negatives = c.tp + c.fn, c.tn + c.fp
    return {
        "accuracy": proportion(c.tp + c.tn, c.n, NO_LABELS),
        "balanced_accuracy": _balanced_accuracy(c),
        "precision": proportion(c.tp, c.tp + c.fp, "no labelled row was predicted positive"),
        "recall": proportion(c.tp, positives, "no row has a positive label"),
        "specificity": proportion(c.tn, negatives, "no row has a negative label"),
        "f1": _f1(c),
        "matthews_correlation": _matthews_correlation(c),
        "label_rate": proportion(positives, c.n, NO_LABELS),
    }


def _by_bin(counts: ArrayLike, edges: ArrayLike | None) -> Numbers:
    """Return counts as (k, bins, predicted, label)."""
    rows = np.asarray(counts, dtype=np.float64)
    bins = max(len(np.asarray(edges)) - 1, 1) if edges is not None else rows.shape[-1] // 6
    if rows.ndim != 2 or rows.shape[-1] != bins * 6:
        raise BinningError(f"counts have shape {rows.shape}, expected (windows, {bins} score bins × 2 × 3)")
    return rows.reshape(len(rows), bins, 2, 3)


def _balanced_accuracy(c: Confusion) -> Estimate:
    value = (ratio(c.tp, c.tp + c.fn) + ratio(c.tn, c.tn + c.fp)) / 2
    variance = (binomial_variance(c.tp, c.tp + c.fn) + binomial_variance(c.tn, c.tn + c.fp)) / 4
    return measured(value, c.n, _BOTH, variance, (0, 1))


def _f1(c: Confusion) -> Estimate:
    # F1 = 2J / (1 + J) grows with the share J of hits among the rows that are positive or predicted so; J is
    # binomial, so its Wilson interval gives that of F1, and the delta method its standard error.
    among = c.tp + c.fp + c.fn
    slope = 2 / (1 + ratio(c.tp, among)) ** 2
    lower, upper = wilson(c.tp, among)
    return Estimate(
        ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn),
        c.n,
        "no labelled row is positive or predicted positive",
        slope * np.sqrt(binomial_variance(c.tp, among)),
        2 * lower / (1 + lower),
        2 * upper / (1 + upper),
    )


def _matthews_correlation(c: Confusion) -> Estimate:
    """Return the correlation with the delta-method variance Σ count · (∂/∂count)²."""
    yes, no, positive, negative = c.tp + c.fp, c.tn + c.fn, c.tp + c.fn, c.tn + c.fp
    root = np.sqrt(yes) * np.sqrt(no) * np.sqrt(positive) * np.sqrt(negative)
    value = ratio(c.tp * c.tn - c.fp * c.fn, root)
    slopes = (
        (c.tp, ratio(c.tn, root) - value / 2 * (ratio(1, yes) + ratio(1, positive))),
        (c.tn, ratio(c.tp, root) - value / 2 * (ratio(1, no) + ratio(1, negative))),
        (c.fp, -ratio(c.fn, root) - value / 2 * (ratio(1, yes) + ratio(1, negative))),
        (c.fn, -ratio(c.fp, root) - value / 2 * (ratio(1, no) + ratio(1, positive))),
    )
    variance = np.sum([count * slope**2 for count, slope in slopes], axis=0)
    return measured(value, c.n, "needs both classes among predictions and labels", variance, (-1, 1))


def calibration_gap(counts: ArrayLike, sums: ArrayLike, edges: ArrayLike | None = None) -> Estimate:
    """Return the mean score minus the rate of positive labels; 0 is best. Arguments as for `binary`."""
    sums = np.asarray(sums, dtype=np.float64)
    by_label, scores = _by_label(_by_bin(counts, edges), sums)
    return _calibration_gap(by_label, scores, sums[:, -2])


def _by_label(rows: Numbers, sums: Numbers) -> tuple[Numbers, Numbers]:
    """Return labelled rows and their summed scores by bin and label."""
    scores = sums[:, :-2].reshape(rows.shape)
    # Adding two slices is four times as fast as a sum over an axis of two.
    return rows[:, :, 0, :2] + rows[:, :, 1, :2], scores[:, :, 0, :2] + scores[:, :, 1, :2]


def _calibration_gap(by_label: Numbers, scores: Numbers, squares: Numbers) -> Estimate:
    labelled = by_label.sum(axis=(1, 2))
    gap = ratio(scores.sum(axis=(1, 2)) - by_label[..., 1].sum(axis=1), labelled)
    variance = ratio(ratio(squares, labelled) - gap**2, labelled)
    return measured(gap, labelled, NO_LABELS, variance, (-1, 1))


def _of_scores(rows: Numbers, sums: Numbers, edges: ArrayLike | None) -> dict[str, Estimate]:
    by_label, scores = _by_label(rows, sums)
    labelled = by_label.sum(axis=(1, 2))
    squares, losses = ratio(sums[:, -2], labelled), ratio(sums[:, -1], labelled)
    mean = ratio(scores, by_label)
    # The spread of a row's loss is read from the mean score of its bin.
    each_square = np.stack([mean[..., 0] ** 2, (1 - mean[..., 1]) ** 2], axis=-1)
    with np.errstate(divide="ignore"):
        each_loss = -np.log(np.clip(np.stack([1 - mean[..., 0], mean[..., 1]], axis=-1), 1e-15, 1.0))
    result = {
        "brier": measured(squares, labelled, NO_LABELS, _variance(each_square, by_label, labelled), (0, 1)),
        "log_loss": measured(
            losses, labelled, NO_LABELS, _variance(each_loss, by_label, labelled), (0, np.inf)
        ),
        "calibration_gap": _calibration_gap(by_label, scores, sums[:, -2]),
    }
    in_bins = np.where(by_label > 0, by_label * each_square, 0.0).sum(axis=-1)
    return result | _of_bins(by_label, scores, sums[:, -2], in_bins, edges)


def _of_bins(
    by_label: Numbers, scores: Numbers, squares: Numbers, in_bins: Numbers, edges: ArrayLike | None
) -> dict[str, Estimate]:
    negatives, positives, labelled = by_label[..., 0], by_label[..., 1], by_label.sum(axis=(1, 2))
    if edges is not None and len(np.asarray(edges)) < 3:
        unknown = measured(np.full(len(labelled), np.nan), labelled, _NO_BINS)
        return dict.fromkeys(("roc_auc", "average_precision", "expected_calibration_error"), unknown)
    if edges is None:
        auc, variance = roc_auc(positives, negatives)
        parts = positives, negatives
    else:
        # Σs² from Σ(s − y)² = Σs² − 2 Σs(y = 1) + Σy
        shift = shifts(by_label, scores, squares + (2 * scores - by_label)[..., 1].sum(axis=1), edges)
        auc, variance = roc_auc(positives, negatives, shift)
        parts = split(positives, negatives, shift)
    precision, of_precision = (
        average_precision(*parts, mixed=edges is not None),
        average_precision_variance(*parts),
    )
    of_bins = negatives + positives, positives, scores.sum(axis=-1)
    calibration, of_calibration = (
        expected_calibration_error(*of_bins),
        calibration_error_variance(*of_bins, in_bins),
    )
    return {
        "roc_auc": measured(auc, labelled, _BOTH, variance, (0, 1)),
        "average_precision": measured(
            precision, labelled, "no row has a positive label", of_precision, (0, 1)
        ),
        "expected_calibration_error": measured(calibration, labelled, NO_LABELS, of_calibration, (0, 1)),
    }


def _variance(each: Numbers, weights: Numbers, n: Numbers) -> Numbers:
    """Return the sampling variance of the mean of values given per bin and label with their rows."""
    values = np.where(weights > 0, each, 0.0)
    mean = ratio((weights * values).sum(axis=(1, 2)), n)
    return ratio(ratio((weights * values**2).sum(axis=(1, 2)), n) - mean**2, n)
