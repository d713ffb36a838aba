"""What the order and the size of scores are worth: ROC AUC, average precision and calibration."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from core.estimates import Numbers, ratio

_CALIBRATION_BINS = 20
_PARTS = 8
_FAR = 8.0  # standard deviations: apart


def roc_auc(
    positives: ArrayLike, negatives: ArrayLike, shift: ArrayLike | None = None
) -> tuple[Numbers, Numbers]:
    """Return the chance that a positive row scores higher than a negative one, and its sampling variance.

    Ties count half; with one bin per distinct score this is exact. 0.5 is guessing, 1 is best.

    Parameters
    ----------
    positives, negatives : rows per score bin, scores increasing; shape (..., bins)
    shift : of the positive rows of a bin against its negative ones, see `shifts`; default: none, ties

    Source: Hanley and McNeil (1982), Radiology 143; variance by DeLong, DeLong and Clarke-Pearson (1988).

    Examples
    --------
    >>> float(roc_auc([1, 2, 3], [3, 2, 1])[0])
    0.7222222222222222
    """
    p, q = np.asarray(positives, dtype=np.float64), np.asarray(negatives, dtype=np.float64)
    inside = 0.5 if shift is None else ndtr(np.asarray(shift) / np.sqrt(2))  # the same chance within a bin
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


def shifts(rows: Numbers, scores: Numbers, squares: Numbers, edges: ArrayLike) -> Numbers:
    """Return how far the positive rows of a bin lie above its negative ones, in standard deviations.

    Bins forget the order of their rows, but the mean scores are known, and the spread inside all bins
    together: what the squares leave beyond the means. It is shared out by the bins' widths.

    Parameters
    ----------
    rows, scores : rows and summed scores by bin and label, shape (k, bins, 2)
    squares : summed squared scores of all these rows, shape (k,)
    edges : shape (bins + 1,)
    """
    width = np.diff(np.asarray(edges, dtype=np.float64))
    mean = ratio(scores, rows)
    inside = squares - np.where(rows > 0, scores * mean, 0.0).sum(axis=(1, 2))
    if_even = (rows * width[:, None] ** 2 / 12).sum(axis=(1, 2))
    concentration = np.sqrt(np.clip(ratio(inside, if_even), 1e-12, 3.0))  # 3: half of the rows at either edge
    spread = concentration[:, None] * width / np.sqrt(12)
    return np.nan_to_num(np.clip((mean[..., 1] - mean[..., 0]) / spread, -_FAR, _FAR))


def split(positives: Numbers, negatives: Numbers, shift: Numbers) -> tuple[Numbers, Numbers]:
    """Return the counts of every bin cut into 8, as if two normal curves `shift` apart."""
    tail = np.linspace(1, 0, _PARTS + 1)  # the share of negatives above each cut, of positives below
    tail_of_positives = ndtr(ndtri(tail) + shift[..., None])
    shape = (*positives.shape[:-1], -1)
    parts = (positives[..., None] * -np.diff(tail_of_positives), negatives[..., None] * -np.diff(tail))
    return parts[0].reshape(shape), parts[1].reshape(shape)


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


def average_precision_variance(positives: ArrayLike, negatives: ArrayLike) -> Numbers:
    """Return the sampling variance of the average precision, from each row's influence on it.

    A positive row brings its own precision and raises that of all positives below it; every row lowers the
    precision of the positives below it.

    Parameters
    ----------
    positives, negatives : rows per score bin, scores increasing; shape (..., bins)

    Source: the delta method with influence functions, Hampel (1974), Journal of the American Statistical
    Association 69.

    Examples
    --------
    >>> round(float(average_precision_variance([1, 2, 3], [3, 2, 1])) ** 0.5, 4)
    0.1818
    """
    p, q = (np.asarray(rows, dtype=np.float64) for rows in (positives, negatives))
    hits, rows = (np.cumsum(each[..., ::-1], axis=-1)[..., ::-1] for each in (p, p + q))
    precision = np.nan_to_num(ratio(hits, rows))
    each = np.nan_to_num(ratio(p, rows))
    raised, lowered = np.cumsum(each, axis=-1), np.cumsum(each * precision, axis=-1)
    total = p.sum(axis=-1)
    mean = ratio((p * precision).sum(axis=-1), total)[..., None]
    squares = p * (precision + raised - lowered - mean) ** 2 + q * lowered**2
    return ratio(squares.sum(axis=-1), total**2)


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
    (gap,) = _in_equal_bins(n, s, s - y)
    return ratio(np.abs(gap).sum(axis=-1), n.sum(axis=-1))


def calibration_error_variance(
    rows: ArrayLike, positives: ArrayLike, scores: ArrayLike, squares: ArrayLike
) -> Numbers:
    """Return the sampling variance of the expected calibration error.

    The gap of each of the 20 bins is normal around its own true gap, of which the error takes the size: near
    0 that folds half of the curve over, so a calibrated model's error varies less than its gaps do.

    Parameters
    ----------
    rows, positives, scores : as for `expected_calibration_error`
    squares : Σ(score − label)² per score bin

    Source: Leone, Nelson and Nottingham (1961), Technometrics 3 (the folded normal distribution).
    """
    n, y, s, s2 = (np.asarray(values, dtype=np.float64) for values in (rows, positives, scores, squares))
    gap, total, spread = _in_equal_bins(n, s, s - y, n, s2)
    variance = np.maximum(spread - np.nan_to_num(ratio(gap**2, total)), 0.0)
    true = np.sqrt(np.maximum(gap**2 - variance, 0.0))  # what chance adds to the size of a gap is taken off
    error = np.sqrt(variance)
    away = np.where(error > 0, np.minimum(np.nan_to_num(ratio(true, error)), _FAR), _FAR)
    folded = error * np.sqrt(2 / np.pi) * np.exp(-(away**2) / 2) + true * (1 - 2 * ndtr(-away))
    sizes = np.maximum(true**2 + variance - folded**2, 0.0).sum(axis=-1)
    rows_in_all = n.sum(axis=-1)
    # How many rows fall into each bin is chance too.
    shares = np.nan_to_num(ratio(true**2, total)).sum(axis=-1) - ratio(true.sum(axis=-1) ** 2, rows_in_all)
    return ratio(sizes + shares, rows_in_all**2)


def _in_equal_bins(rows: Numbers, scores: Numbers, *values: Numbers) -> list[Numbers]:
    """Return values added up over 20 equal-width bins of the mean score; shape (..., 20)."""
    # A mean exactly on an edge belongs to the bin below; summing may have put it a rounding error above.
    mean = np.nan_to_num(ratio(scores, rows))
    place = np.clip(np.ceil(mean * _CALIBRATION_BINS - 1e-9) - 1, 0, _CALIBRATION_BINS - 1).astype(np.intp)
    outer = rows.shape[:-1]
    windows = mean.size // mean.shape[-1]
    at = (place.reshape(windows, -1) + _CALIBRATION_BINS * np.arange(windows)[:, None]).ravel()
    size = windows * _CALIBRATION_BINS
    added = (np.bincount(at, each.ravel(), size).astype(np.float64) for each in values)
    return [each.reshape(*outer, _CALIBRATION_BINS) for each in added]
