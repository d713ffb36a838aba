"""The rows of one version as its declaration reads them: answers beside labels, ready to be counted."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.comparison.answers import Binary, Floats, Multiclass, Regression, binary, multiclass, regression
from core.comparison.options import Options
from core.comparison.roles import Roles
from core.declaration import Declaration
from core.engine.roles import binary_classes, canonical
from core.errors import LogError

Answers = Binary | Multiclass | Regression
Places = NDArray[Any]  # row numbers, or a mask of rows

_CLASS = "predicted class"  # never the name of a declared column: those are what a log calls them


@dataclass(frozen=True)
class Answered:
    """Labelled rows with a usable answer.

    `frame` has the declared columns, sorted by time; `answers` its rows in the same order; `classes` their
    names where there are several; `odd` sentences about what was left out.
    """

    declaration: Declaration
    frame: pl.DataFrame
    answers: Answers
    classes: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.frame.height

    def take(self, rows: Places) -> "Answered":
        """Return some of the rows."""
        places = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return replace(self, frame=self.frame[places], answers=_taken(self.answers, places))

    @property
    def ids(self) -> pl.Series:
        """The prediction_ids, as text; row numbers where none is declared."""
        name = self.declaration.predictions.prediction_id
        return self.frame[name].cast(pl.String) if name else pl.Series(np.arange(len(self)).astype(str))

    @property
    def times(self) -> pl.Series:
        """When the rows were predicted, UTC."""
        return self.frame[self.declaration.predictions.timestamp]


def answered(
    frame: pl.DataFrame, declaration: Declaration, *, name: str, classes: tuple[str, ...] = ()
) -> Answered:
    """Return the rows that can be judged.

    Parameters
    ----------
    frame : declared columns as `DuckDBEngine.sample` returns them
    name : what messages call the rows
    classes : of several, if they are known already: those of the version it is compared with

    Raises
    ------
    LogError
        If no row has both a label and an answer.
    """
    log, label = declaration.predictions, declaration.actual
    if label is None:
        raise LogError(f"{declaration.model} declares no label; name predictions.actual or labels.actual")
    order = [column for column in (log.timestamp, log.prediction_id) if column]
    frame = frame.sort(order, maintain_order=True)
    found: Answers | None
    if declaration.task == "binary_classification":
        found = _binary(frame, declaration, label)
    elif declaration.task == "multiclass_classification":
        classes = classes or _classes(frame, declaration, label)
        scores = log.score if isinstance(log.score, dict) else {}
        pairs = ",".join(f"{canonical(each)}={column}" for each, column in scores.items())
        options = Options(prediction=log.prediction, score=pairs or None, actual=label)
        found = multiclass(frame, options, _roles("multiclass_classification", classes=classes))
    else:
        found = regression(frame, Options(prediction=log.prediction, actual=label))
    if found is None:
        raise LogError(f"{name} has none of the columns of the score or prediction that is declared")
    kept = np.flatnonzero(found.kept)
    unlabelled = {Binary: 2, Multiclass: len(classes) + 1}.get(type(found))
    labelled = np.flatnonzero(found.label != unlabelled) if unlabelled is not None else np.arange(len(kept))
    rows = Answered(declaration, frame[kept], found, classes, found.odd).take(labelled)
    if not len(rows):
        raise LogError(
            f"{name}: none of its {frame.height:,} rows has both an answer and a label ({label}); "
            "evaluate on rows whose labels are known"
        )
    return rows


def paired(candidate: Answered, champion: Answered) -> tuple[Answered, Answered]:
    """Return the rows that both versions answered, joined by prediction_id, in the candidate's order."""
    theirs = pl.DataFrame({"id": champion.ids, "theirs": np.arange(len(champion))}).unique("id", keep="last")
    ours = pl.DataFrame({"id": candidate.ids, "ours": np.arange(len(candidate))})
    both = ours.join(theirs, on="id").sort("ours")
    of_candidate = candidate.take(both["ours"].to_numpy())
    of_champion = champion.take(both["theirs"].to_numpy())
    # One truth for both sides, the candidate's: labels may have been corrected between two readings.
    truth: Any = of_candidate.answers.label
    return of_candidate, replace(of_champion, answers=replace(of_champion.answers, label=truth))


def _binary(frame: pl.DataFrame, declaration: Declaration, label: str) -> Binary | None:
    log, known = declaration.predictions, binary_classes(declaration, ())
    score = log.score if isinstance(log.score, str) else None
    if log.prediction is None and score is not None:
        frame = frame.with_columns((pl.col(score) >= declaration.threshold).cast(pl.Int8).alias(_CLASS))
    elif log.prediction is not None:
        frame = frame.with_columns(_yes(pl.col(log.prediction), known.positive, known.negative).alias(_CLASS))
    frame = frame.with_columns(_yes(pl.col(label), known.positive, known.negative).alias(label))
    options = Options(prediction=_CLASS, score=score, actual=label, positive="1")
    return binary(frame, options, _roles("binary_classification", positive="1"))


def _yes(column: pl.Expr, positive: tuple[str, ...], negative: tuple[str, ...]) -> pl.Expr:
    """Return 1 for the positive class and 0 for the other, null where a value is neither."""
    no = column.is_in(negative) if negative else column.is_not_null()
    return pl.when(column.is_in(positive)).then(1).when(no).then(0)


def _classes(frame: pl.DataFrame, declaration: Declaration, label: str) -> tuple[str, ...]:
    score = declaration.predictions.score
    if isinstance(score, dict):
        return tuple(canonical(each) for each in score)
    seen = pl.concat([frame[label].cast(pl.String), frame[declaration.prediction].cast(pl.String)])
    return tuple(sorted(seen.drop_nulls().unique().to_list()))


def _roles(task: str, *, positive: str | None = None, classes: tuple[str, ...] = ()) -> Roles:
    return Roles(task, {}, {}, {}, positive, classes, ())


def _taken(answers: Answers, places: Places) -> Answers:
    kept = np.ones(len(places), dtype=np.bool_)
    match answers:
        case Binary(predicted=predicted, label=label, score=score):
            return Binary(predicted[places], label[places], _at(score, places), kept, ())
        case Multiclass(predicted=predicted, label=label, scores=scores):
            return Multiclass(predicted[places], label[places], _at(scores, places), kept, ())
    return Regression(answers.predicted[places], answers.label[places], kept, ())


def _at(values: Floats | None, places: Places) -> Floats | None:
    return None if values is None else values[places]
