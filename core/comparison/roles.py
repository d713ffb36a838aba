"""What each column is for, the task and the positive class; what is guessed is told."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from core.comparison.kinds import CATEGORICAL, NUMERIC, kind_of, texts
from core.comparison.options import Options
from core.errors import ComparisonError

BINARY, MULTICLASS, REGRESSION = "binary_classification", "multiclass_classification", "regression"
MULTICLASS_LIMIT = 20
_TRUTH = {"1": "1", "true": "1", "0": "0", "false": "0"}


@dataclass(frozen=True)
class Roles:
    """The roles both sides are read with.

    `kinds` names the columns that are compared and how (numeric or categorical), `skipped` those left out
    and why, `told` the sentences that say what was given and what was guessed.
    """

    task: str | None
    kinds: Mapping[str, str]
    roles: Mapping[str, str]
    skipped: Mapping[str, str]
    positive: str | None
    classes: tuple[str, ...]
    told: tuple[str, ...]


def assign(reference: pl.DataFrame, current: pl.DataFrame, options: Options) -> Roles:
    """Return the roles of all columns of two files.

    Raises
    ------
    ComparisonError
        If the task or the positive class can neither be read from the options nor from the data.
    """
    task, told_task = _task(reference, current, options)
    classes = _classes(reference, current, options) if task in (BINARY, MULTICLASS) else ()
    positive = _positive(classes, options) if task == BINARY else None
    roles = _roles(options)
    kinds, skipped = _kinds(reference, current, options, task, roles)
    told = [f"{role} = {name}" for name, role in roles.items() if role != "feature"]
    told += [f"protected = {', '.join(options.protected)}"] if options.protected else []
    told += [f"segment = {options.segment}"] if options.segment else []
    told += (
        [f"task = {task} ({told_task})"]
        if task
        else ["task = none (no --prediction, --score or --actual): drift only"]
    )
    if positive is not None:
        told.append(f"positive class = {positive} ({'given' if options.positive else 'the default'})")
    if task == BINARY and options.score and not options.prediction:
        told.append("prediction = score of at least 0.5")
    return Roles(task, kinds, roles, skipped, positive, classes, tuple(told))


def class_names(column: pl.Series) -> pl.Series:
    """Return labels or predictions as class names: true and false are 1 and 0, so a flag meets a number."""
    names = texts(column)
    lower = names.str.to_lowercase()
    return (
        lower.replace_strict(_TRUTH, default=None) if lower.drop_nulls().is_in(list(_TRUTH)).all() else names
    )


def _roles(options: Options) -> dict[str, str]:
    roles = dict.fromkeys(options.scores.values(), "score")
    for name, role in (
        (options.prediction, "prediction"),
        (options.actual, "label"),
        (options.timestamp, "timestamp"),
    ):
        if name is not None:
            roles[name] = role
    return roles


def _kinds(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    options: Options,
    task: str | None,
    roles: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, str]]:
    kinds: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for name in reference.columns:
        role = roles.get(name, "feature")
        if name not in current.columns or role == "timestamp":
            continue
        if options.columns is not None and name not in options.columns:
            continue
        known = {"score": NUMERIC}.get(role) or (
            _kind_of_labels(task) if role in ("prediction", "label") else None
        )
        if name in options.categorical:
            known = CATEGORICAL
        guess = kind_of(
            reference[name], current[name], named=options.columns is not None or name in options.protected
        )
        kind = guess.name and (known or guess.name)
        if kind is None:
            skipped[name] = guess.reason
        else:
            kinds[name] = kind
    return kinds, skipped


def _kind_of_labels(task: str | None) -> str:
    return NUMERIC if task == REGRESSION else CATEGORICAL


def _present(side: pl.DataFrame, *names: str | None) -> list[pl.Series]:
    """Return those of the named columns that have a value on this side."""
    columns = [side[name].drop_nulls() for name in names if name in side.columns]
    return [column for column in columns if len(column)]


def _task(reference: pl.DataFrame, current: pl.DataFrame, options: Options) -> tuple[str | None, str]:
    if options.task is not None:
        return options.task, "given"
    if len(options.scores) > 1:
        return MULTICLASS, "guessed: one score per class"
    if options.scores:
        return BINARY, "guessed: one score"
    if not (options.prediction or options.actual):
        return None, ""
    columns = [_present(side, options.actual, options.prediction) for side in (reference, current)]
    judged, usual = [*columns[0], *columns[1]], columns[0] or columns[1]
    if not judged:
        raise ComparisonError("prediction and label hold no value, so the task cannot be guessed; say --task")
    if all(column.dtype.is_numeric() for column in usual):
        values = pl.concat([column.cast(pl.Float64) for column in usual]).drop_nulls().unique()
        if not (values % 1 == 0).all() or len(values) > MULTICLASS_LIMIT:
            return REGRESSION, "guessed: prediction and label are numbers"
    count = pl.concat([class_names(c) for c in judged]).drop_nulls().n_unique()
    return (BINARY if count <= 2 else MULTICLASS), f"guessed: {count} classes in prediction and label"


def _classes(reference: pl.DataFrame, current: pl.DataFrame, options: Options) -> tuple[str, ...]:
    found = {name for name in options.scores if name}
    for side in (reference, current):
        for column in _present(side, options.actual, options.prediction):
            found.update(class_names(column).drop_nulls().unique().to_list())
    return tuple(sorted(found))


def _positive(classes: tuple[str, ...], options: Options) -> str | None:
    if options.positive is not None:
        numbered = set(classes) <= {"0", "1"}
        wanted = _TRUTH.get(options.positive.lower(), options.positive) if numbered else options.positive
        if wanted in classes or len(classes) < 2:
            return wanted
        raise ComparisonError(
            f"--positive {options.positive!r} is no class; the classes are {', '.join(classes)}"
        )
    if not classes or set(classes) <= {"0", "1"}:
        return "1"
    if len(classes) > 2 and not options.task:
        raise ComparisonError(
            f"one score but {len(classes)} classes ({', '.join(classes[:6])}); say --positive, "
            "or give a score per class: --score CLASS=COLUMN,…"
        )
    raise ComparisonError(f"which class is positive? say --positive with one of {', '.join(classes[:6])}")
