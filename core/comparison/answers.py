"""The model's answers and the labels as arrays, row by row, without the rows that cannot be judged."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.comparison.options import Options
from core.comparison.roles import Roles, class_names
from core.errors import ComparisonError

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

THRESHOLD = 0.5


@dataclass(frozen=True)
class Binary:
    """Predicted (0, 1), label (0, 1, 2 = unlabelled), score of the `kept` rows; `odd`: what is left out."""

    predicted: Codes
    label: Codes
    score: Floats | None
    kept: NDArray[np.bool_]
    odd: tuple[str, ...]


@dataclass(frozen=True)
class Multiclass:
    """Predicted class (k = unknown), label (k = unknown, k + 1 = unlabelled) and the score of each class."""

    predicted: Codes
    label: Codes
    scores: Floats | None
    kept: NDArray[np.bool_]
    odd: tuple[str, ...]


@dataclass(frozen=True)
class Regression:
    """Prediction and label of the `kept` rows, those that have both."""

    predicted: Floats
    label: Floats
    kept: NDArray[np.bool_]
    odd: tuple[str, ...]


def binary(side: pl.DataFrame, options: Options, roles: Roles) -> Binary | None:
    """Return the answers of a binary classifier; None where the side has neither prediction nor score."""
    score_column, prediction = options.scores.get(""), options.prediction
    score = _floats(side, score_column)
    if score is None and (prediction is None or prediction not in side.columns):
        return None
    kept = np.ones(len(side), dtype=np.bool_)
    odd: list[str] = []
    if score is not None:
        fits = (score >= 0) & (score <= 1)
        _refuse_other_scores(score, fits, str(score_column))
        odd += _left_out(~fits, f"no probability from 0 to 1 as {score_column}")
        kept &= fits
    if prediction is not None and prediction in side.columns:
        names = class_names(side[prediction])
        predicted = (names == roles.positive).fill_null(False).to_numpy()
        present = names.is_not_null().to_numpy()
        odd += _left_out(kept & ~present, f"no {prediction}")
        kept &= present
    else:
        assert score is not None
        predicted = score >= THRESHOLD
    label = np.full(len(side), 2)
    if options.actual is not None and options.actual in side.columns:
        names = class_names(side[options.actual])
        label = (names == roles.positive).cast(pl.Int64).fill_null(2).to_numpy()
    odd += _unlabelled(label == 2, options)
    return Binary(
        predicted.astype(np.int64)[kept],
        label[kept],
        None if score is None else score[kept],
        kept,
        tuple(odd),
    )


def multiclass(side: pl.DataFrame, options: Options, roles: Roles) -> Multiclass | None:
    """Return the answers of a classifier of several classes; None without predictions and scores."""
    k = len(roles.classes)
    columns = [options.scores.get(name) for name in roles.classes]
    scored = bool(options.scores) and all(column is not None and column in side.columns for column in columns)
    scores = (
        np.column_stack([side[str(c)].cast(pl.Float64, strict=False).to_numpy() for c in columns])
        if scored
        else None
    )
    odd: list[str] = []
    kept = np.ones(len(side), dtype=np.bool_)
    if scores is not None:
        kept &= np.logical_and.reduce((scores >= 0) & (scores <= 1), axis=1)
        odd += _left_out(~kept, "a class whose score is no probability from 0 to 1")
    if options.prediction is not None and options.prediction in side.columns:
        predicted = _codes(side[options.prediction], roles.classes, missing=-1)
        odd += _left_out(kept & (predicted < 0), f"no {options.prediction}")
        kept &= predicted >= 0
    elif scores is not None:
        predicted = np.where(kept, np.nan_to_num(scores).argmax(axis=1), 0)
    else:
        return None
    label = np.full(len(side), k + 1)
    if options.actual is not None and options.actual in side.columns:
        label = _codes(side[options.actual], roles.classes, missing=k + 1)
    odd += _unlabelled(label == k + 1, options)
    return Multiclass(
        predicted[kept], label[kept], None if scores is None else scores[kept], kept, tuple(odd)
    )


def regression(side: pl.DataFrame, options: Options) -> Regression | None:
    """Return predictions and labels that are finite numbers; None where the side has no predictions."""
    predicted, label = _floats(side, options.prediction), _floats(side, options.actual)
    if predicted is None:
        return None
    given = np.isfinite(predicted)
    odd = _left_out(~given, f"no usable {options.prediction}")
    labelled = np.isfinite(np.full(len(side), np.nan) if label is None else label)
    odd += _unlabelled(~labelled, options)
    kept = given & labelled
    return Regression(
        predicted[kept], label[kept] if label is not None else predicted[kept], kept, tuple(odd)
    )


def _floats(side: pl.DataFrame, column: str | None) -> Floats | None:
    if column is None or column not in side.columns:
        return None
    return side[column].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()


def _codes(column: pl.Series, classes: tuple[str, ...], missing: int) -> Codes:
    codes = {name: code for code, name in enumerate(classes)}
    names = class_names(column)
    return (
        names.replace_strict(codes, default=len(classes), return_dtype=pl.Int64)
        .set(names.is_null(), missing)
        .to_numpy()
    )


def _refuse_other_scores(score: Floats, fits: NDArray[np.bool_], column: str) -> None:
    """Raise ComparisonError for a score of another kind, e.g. log odds; a few odd rows are left out."""
    finite = score[np.isfinite(score)]
    if fits.sum() * 2 < len(finite):
        raise ComparisonError(
            f"--score {column!r} goes from {finite.min():.4g} to {finite.max():.4g}; "
            "expected probabilities of the positive class, from 0 to 1"
        )


def _left_out(rows: NDArray[np.bool_], why: str) -> list[str]:
    count = int(rows.sum())
    return [f"has {count:,} rows with {why}; performance and fairness leave them out"] if count else []


def _unlabelled(rows: NDArray[np.bool_], options: Options) -> list[str]:
    count = int(rows.sum())
    if options.actual is None or count == 0:
        return []
    if count == len(rows):
        return ["has no labels, so what rests on labels cannot be given there"]
    return [f"has {count:,} of {len(rows):,} rows without a label"]
