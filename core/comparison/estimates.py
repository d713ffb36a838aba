"""What a side without labels probably performs like, told by the labels of the reference."""

import numpy as np
import polars as pl

from core import estimation
from core.comparison.answers import Codes, Floats, binary, multiclass
from core.comparison.kinds import CATEGORICAL, NUMERIC
from core.comparison.options import Options
from core.comparison.roles import BINARY, MULTICLASS, Roles
from core.estimates import Estimate
from core.loss_tree import grow, leaf_of

_WORDS = 100  # most frequent values of a category that are told apart


def estimates(
    reference: pl.DataFrame, current: pl.DataFrame, options: Options, roles: Roles
) -> dict[str, Estimate]:
    """Return ``estimated_<metric>`` of the current rows; empty where the reference cannot tell.

    Every score is a bin of its own.
    """
    if roles.task == BINARY:
        past, now = (binary(side, options, roles) for side in (reference, current))
        if past is None or now is None or past.score is None or now.score is None or not len(now.score):
            return {}
        calibration = _calibration(past.score, past.label)
        rows = _by_score(now.score, now.predicted)
        return {} if calibration is None else dict(estimation.binary(*rows, calibration))
    if roles.task == MULTICLASS:
        return _several(reference, current, options, roles)
    return _errors(reference, current, options, roles)


def _several(
    reference: pl.DataFrame, current: pl.DataFrame, options: Options, roles: Roles
) -> dict[str, Estimate]:
    past, now = (multiclass(side, options, roles) for side in (reference, current))
    if past is None or now is None or past.scores is None or now.scores is None or not len(now.scores):
        return {}
    k = len(roles.classes)
    calibrations, each = {}, []
    for i in range(k):
        label = np.where(past.label > k, 2, past.label == i)
        if (calibration := _calibration(past.scores[:, i], label)) is None:
            return {}
        calibrations[i] = calibration
        each.append(_by_score(now.scores[:, i], (now.predicted == i).astype(np.int64)))
    widest = max(rows.shape[1] for rows, _ in each)
    filled = [
        [np.pad(values, ((0, 0), (0, widest - values.shape[1]), (0, 0))) for values in pair] for pair in each
    ]
    rows, scores = (np.stack(part, axis=1) for part in zip(*filled, strict=True))
    return dict(estimation.several(rows, scores, calibrations))


def _errors(
    reference: pl.DataFrame, current: pl.DataFrame, options: Options, roles: Roles
) -> dict[str, Estimate]:
    prediction, actual = options.prediction, options.actual
    if prediction is None or actual is None or not {prediction, actual} <= set(reference.columns):
        return {}
    inputs = [name for name in roles.kinds if name != actual and name in current.columns]
    numeric = [name for name in inputs if roles.kinds[name] == NUMERIC]
    categories = {
        name: _frequent(reference[name].cast(pl.String))
        for name in inputs
        if roles.kinds[name] == CATEGORICAL
    }
    tree = grow(reference, numeric, categories, (prediction, actual))
    if tree is None:
        return {}
    usable = current.filter(current[prediction].cast(pl.Float64, strict=False).is_finite().fill_null(False))
    fallen = np.bincount(leaf_of(tree.splits, usable), minlength=len(tree.losses))
    return dict(estimation.regression(fallen[None], tree.losses))


def _frequent(values: pl.Series) -> list[str]:
    counted = values.drop_nulls().alias("value").value_counts(sort=True)
    return counted["value"].head(_WORDS).to_list()


def _calibration(score: Floats, label: Codes) -> estimation.Calibration | None:
    """Return what scores mean where labels (0, 1; 2 = none) are known."""
    return estimation.calibrate(*(each[0] for each in _by_score(score[label < 2], label[label < 2])))


def _by_score(score: Floats, of: Codes) -> tuple[Floats, Floats]:
    """Return rows and their summed scores by distinct score and a yes or no, shape (1, scores, 2)."""
    scores, place = np.unique(score, return_inverse=True)
    rows = np.bincount(place * 2 + of, minlength=2 * len(scores)).reshape(1, -1, 2).astype(np.float64)
    return rows, rows * scores[:, None]
