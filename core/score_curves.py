"""What the order and the size of scores are worth: ROC AUC, average precision and calibration."""

import numpy as np
from numpy.typing import ArrayLike

from core.estimates import Numbers, ratio

_CALIBRATION_BINS = 20


def roc_auc(
    positives: ArrayLike, negatives: ArrayLike, within: ArrayLike | None = None
) -> tuple[Numbers, Numbers]:
    """Return the chance that a positive row scores higher than a negative one, and its sampling variance.

    Ties count half; with one bin per distinct score this is exact. 0.5 is guessing, 1 is best.

    Parameters
    ----------
    positives, negatives : rows per score bin, scores increasing; shape (..., bins)
    within : the same chance for two rows of one bin (default: half, ties), see `within_bins`

    Source: Hanley and McNeil (1982), Radiology 143; variance by DeLong, DeLong and Clarke-Pearson (1988).

    Examples
    --------
    >>> float(roc_auc([1, 2, 3], [3, 2, 1])[0])
    0.7222222222222222
    """
    p, q = np.asarray(positives, dtype=np.float64), np.asarray(negatives, dtype=np.float64)
    inside = np.asarray(0.5 if within is None else within, dtype=np.float64)
    n, m = p.sum(axis=-1, keepdims=True), q.sum(axis=-1, keepdims=True)
    beaten = ratio(
        np.cumsum(q, axis=-1) - q * (1 - inside), m
    )  # share of negatives below a positive of the bin
    beating = ratio(
        n - np.cumsum(p, axis=-1) + p * inside, n
    )  # share of positives above a negative of the bin
    auc = ratio((p * beaten).sum(axis=-1, keepdims=True), n)
    of_positives = (p * (beaten - auc) ** 2).sum(axis=-1)
    of_negatives = (q * (beating - auc) ** 2).sum(axis=-1)
    n, m = n[..., 0], m[..., 0]
    return auc[..., 0], ratio(of_positives, n * (n - 1)) + ratio(of_negatives, m * (m - 1))


def within_bins(
    positives: Numbers,
    negatives: Numbers,
    positive_scores: Numbers,
    negative_scores: Numbers,
    edges: ArrayLike,
) -> Numbers:
    """Return, for each bin, the chance that its positive rows score higher than its negative ones.

    From the summed scores: ½ plus the distance of the mean scores in bin widths, exact where the density of
    both is linear across the bin. It takes the error of the AUC from bins from 3e-4 to 3e-5 at 0.5 %
    prevalence.

    Parameters
    ----------
    positives, negatives, positive_scores, negative_scores : rows and summed scores per bin, shape (..., bins)
    edges : shape (bins + 1,)
    """
    apart = ratio(positive_scores, positives) - ratio(negative_scores, negatives)
    return np.clip(0.5 + np.nan_to_num(apart / np.diff(np.asarray(edges, dtype=np.float64))), 0.0, 1.0)


def average_precision(positives: ArrayLike, negatives: ArrayLike, *, mixed: bool = False) -> Numbers:
    """Return the precision averaged over the positive rows in order of score; 1 is best.

    Parameters
    ----------
    positives, negatives : rows per score bin, scores increasing; shape (..., bins)
    mixed : the scores of a bin differ and its rows are thought evenly mixed, so precision runs along the bin;
        else a bin is one score, and this equals scikit-learn

    Source: Davis and Goadrich (2006), ICML; the area under their interpolation between two points.

    Examples
    --------
    >>> round(float(average_precision([1, 2, 3], [3, 2, 1])), 4)
    0.6667
    """
    p, q = (np.asarray(rows, dtype=np.float64)[..., ::-1] for rows in (positives, negatives))
    hits, rows = np.cumsum(p, axis=-1), np.cumsum(p + q, axis=-1)
    if mixed:
        # ∫ h / (a h + c) dh over the hits h of the bin: the rows seen grow by a per hit, c = rows − a hits.
        growth = np.where(p > 0, ratio(p + q, p), 1.0)
        before = rows - p - q
        offset = before - growth * (hits - p)
        log = np.log(np.where(before > 0, ratio(rows, before), 1.0))
        gained = np.where(p > 0, p / growth - offset / growth**2 * log, 0.0)
    else:
        gained = np.where(p > 0, p * ratio(hits, rows), 0.0)
    return ratio(gained.sum(axis=-1), hits[..., -1])


def expected_calibration_error(rows: ArrayLike, positives: ArrayLike, scores: ArrayLike) -> Numbers:
    """Return the mean |mean score − rate of positives| over 20 equal-width bins, weighted by rows.

    Parameters
    ----------
    rows, positives, scores : rows, positive rows and summed scores per score bin that does not cross k/20,
        shape (..., bins)

    Source: Guo, Pleiss, Sun and Weinberger (2017), ICML.

    Examples
    --------
    >>> round(float(expected_calibration_error([10, 10], [2, 9], [1.0, 8.0])), 4)
    0.1
    """
    n, y, s = (np.asarray(values, dtype=np.float64) for values in (rows, positives, scores))
    # A mean exactly on an edge belongs to the bin below; summing may have put it a rounding error above.
    mean = np.nan_to_num(ratio(s, n))
    place = np.clip(np.ceil(mean * _CALIBRATION_BINS - 1e-9) - 1, 0, _CALIBRATION_BINS - 1)
    gap = sum(np.abs(np.where(place == each, s - y, 0.0).sum(axis=-1)) for each in range(_CALIBRATION_BINS))
    return ratio(gap, n.sum(axis=-1))
