"""How well all features together tell the rows of one file from those of the other."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.comparison.columns import FEW_ROWS
from core.comparison.kinds import CATEGORICAL, NUMERIC, texts
from core.comparison.results import Measurement
from core.score_curves import roc_auc

Floats = NDArray[np.float64]

ROWS, FEW_OF_MANY_COLUMNS, VALUES = 10_000, 1_000, 300_000  # of a side: about a second
FOLDS = 5
# Folds share rows to learn from: Nadeau and Bengio's variance is 1/k + 1/(k−1) of a fold's instead of 1/k.
_SHARED_ROWS = 1 + FOLDS / (FOLDS - 1)
_CATEGORIES = 250  # HistGradientBoosting takes 255 categories of a column
_SEED = 20_130_101


def domain_classifier_auc(
    reference: pl.DataFrame, current: pl.DataFrame, kinds: Mapping[str, str]
) -> Measurement:
    """Return the ROC AUC of a classifier that tells current rows from reference rows.

    0.5 means that nothing tells them apart, 1 that everything does. Unlike the distances of single columns
    it sees changes in how columns go together. Gradient boosted trees learn on four fifths of the rows and
    score the last fifth, five times; the value is the mean of the five, each weighted by its pairs of rows.
    The sampling error is DeLong's, widened for the rows the five have in common. A missing value is a value
    of its own, and so is each of the 250 most frequent categories. Of each side at most 10,000 rows are
    used, drawn with a fixed seed, fewer of more than 30 columns; equal inputs give equal numbers.

    Parameters
    ----------
    reference, current : each with the columns of `kinds`
    kinds : ``numeric`` or ``categorical`` of each feature

    Returns
    -------
    A value of None with a reason where a side has fewer than 100 rows or there is no feature; `n` is the
    number of rows used.

    Source: Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests; the error of cross-validation
    by Nadeau and Bengio (2003), Inference for the generalization error.
    """
    if reason := _why_not(reference, current, kinds):
        return Measurement(None, reason=reason)
    rng = np.random.default_rng(_SEED)
    rows = min(ROWS, max(FEW_OF_MANY_COLUMNS, VALUES // len(kinds)))
    sides = [_drawn(side.select(list(kinds)), rows, rng) for side in (reference, current)]
    side = np.repeat([0, 1], [len(drawn) for drawn in sides])
    features = np.column_stack([_codes(kind, [s[name] for s in sides]) for name, kind in kinds.items()])
    categorical = [kind == CATEGORICAL for kind in kinds.values()]
    return _cross_validated(features, side, _folds(features, side, rng), categorical)


def _why_not(reference: pl.DataFrame, current: pl.DataFrame, kinds: Mapping[str, str]) -> str:
    if not kinds:
        return "no feature is compared"
    for name, side in (("REFERENCE", reference), ("CURRENT", current)):
        if len(side) < FEW_ROWS:
            return f"{name} has {len(side):,} row{'' if len(side) == 1 else 's'}; it needs {FEW_ROWS}"
    return ""


def _drawn(side: pl.DataFrame, rows: int, rng: np.random.Generator) -> pl.DataFrame:
    return side if len(side) <= rows else side[np.sort(rng.choice(len(side), rows, replace=False))]


def _codes(kind: str, sides: Sequence[pl.Series]) -> Floats:
    """Return a column of both sides as the classifier reads it: ranks or category codes, 0 = missing."""
    if kind == NUMERIC:  # trees see the order alone, and ranks are finite where values are not
        both = pl.concat([side.cast(pl.Float64, strict=False) for side in sides])
        codes = both.fill_nan(None).rank("dense")
    else:
        both = pl.concat([_names(side, sides) for side in sides])
        counts = both.drop_nulls().value_counts(name="rows").sort("rows", pl.nth(0), descending=[True, False])
        frequent = {name: code for code, name in enumerate(counts.to_series(0).head(_CATEGORIES), 1)}
        rare = pl.Series(np.full(len(both), len(frequent) + 1)).set(both.is_null(), None)
        codes = both.replace_strict(frequent, default=rare, return_dtype=pl.Int64)
    return codes.cast(pl.Float64).fill_null(0.0).to_numpy()


def _names(side: pl.Series, sides: Sequence[pl.Series]) -> pl.Series:
    flag = any(each.dtype == pl.Boolean for each in sides)  # true here and True in another file
    return texts(side).str.to_lowercase() if flag else texts(side)


def _folds(features: Floats, side: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the fold of each row; a row that stands in both files is in the same fold for both.

    Otherwise the classifier would learn a row of one file and be asked about its twin in the other, and a
    file compared with itself would come out far below 0.5.
    """
    named = pl.DataFrame(features, schema=[str(i) for i in range(features.shape[1])])
    keys = [*named.columns, "occurrence"]
    table = (
        named.with_columns(side=pl.Series(side))
        .with_columns(occurrence=pl.int_range(pl.len()).over([*named.columns, "side"]))
        .with_row_index("row")
        .group_by(keys, maintain_order=True)
        .agg("row", pl.col("side").mean())
        .select("row", "side")
    )
    table = table[rng.permutation(len(table))].sort("side", maintain_order=True)  # equal parts of each side
    spread = table.with_columns(fold=pl.int_range(pl.len()) % FOLDS).explode("row").sort("row")
    return spread["fold"].to_numpy()


def _cross_validated(
    features: Floats, side: NDArray[np.int64], folds: NDArray[np.int64], categorical: Sequence[bool]
) -> Measurement:
    from sklearn.ensemble import HistGradientBoostingClassifier  # costs a second, and few ask for it
    from threadpoolctl import threadpool_limits

    classifier = HistGradientBoostingClassifier(
        categorical_features=categorical, max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=0
    )
    found = []
    with threadpool_limits(1):  # threads add floats in any order
        for fold in range(FOLDS):
            asked = folds == fold
            classifier.fit(features[~asked], side[~asked])
            scores = classifier.decision_function(features[asked])
            found.append(_one_fold(scores, side[asked] == 1))
    auc, variance, pairs = np.array(found).T
    weights = pairs / pairs.sum()
    value, error = float(auc @ weights), math.sqrt(_SHARED_ROWS * float(variance @ weights**2))
    lower, upper = max(value - 1.96 * error, 0.0), min(value + 1.96 * error, 1.0)
    return Measurement(value, len(side), lower, upper, error)


def _one_fold(scores: Floats, current: NDArray[np.bool_]) -> tuple[float, float, int]:
    """Return AUC, its sampling variance and the number of pairs of rows."""
    distinct, at = np.unique(scores, return_inverse=True)
    positives, negatives = (np.bincount(at[of], minlength=len(distinct)) for of in (current, ~current))
    auc, variance = roc_auc(positives, negatives)
    return float(auc), float(variance), int(positives.sum() * negatives.sum())
