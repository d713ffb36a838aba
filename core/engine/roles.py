"""Which columns of a log are read, and what each is counted as: the declaration seen by the engine."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.declaration import BinnedAttribute, Declaration, Scalar
from core.entities import Grid

CLASSIFICATION = ("binary_classification", "multiclass_classification")
_OPPOSITE = {"1": ("0", "false"), "true": ("0", "false"), "0": ("1", "true"), "false": ("1", "true")}


@dataclass(frozen=True)
class Field:
    """A column as the kernel wants it: `reading` is number, flag, category or text (see core.engine.dialect).

    Numbers and flags also give `<alias>_bad`: there is a value, but it cannot be read as one.
    """

    alias: str
    column: str
    reading: str


@dataclass(frozen=True)
class Counted:
    """A column of the result: the kernel counts `alias` of the traffic under the name `column`."""

    column: str
    alias: str


@dataclass(frozen=True)
class BinaryClasses:
    """The texts that mean yes and no; `negative` empty means every other value is a no."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]

    @property
    def names(self) -> tuple[str, str]:
        """How a derived prediction is written: (no, yes)."""
        yes = self.positive[0]
        return (self.negative[0] if self.negative else f"not {yes}"), yes


def canonical(value: Scalar) -> str:
    """Return a declared value as the text the kernel compares with."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.lower() if isinstance(value, str) and value.lower() in ("true", "false") else str(value)


def binary_classes(declaration: Declaration, classes: Iterable[str]) -> BinaryClasses:
    """Return what counts as the positive and the negative class, given the values the reference has shown."""
    declared = canonical(1 if declaration.positive is None else declaration.positive)
    others = tuple(value for value in classes if value != declared)
    if declared not in _OPPOSITE:
        return BinaryClasses((declared,), others)
    negative = _OPPOSITE[declared]
    twin = _OPPOSITE[negative[0]]
    learned = tuple(value for value in others if value not in twin)
    return BinaryClasses(
        (declared, *(value for value in twin if value != declared)),
        tuple(dict.fromkeys((*learned, *negative))),
    )


def label_in_files(declaration: Declaration) -> bool:
    """Say whether labels come in files of their own."""
    return bool(declaration.labels and declaration.labels.path and declaration.labels.actual)


def label_id(declaration: Declaration) -> str:
    """Return the id column of the label files."""
    labels = declaration.labels
    return (labels and labels.prediction_id) or declaration.predictions.prediction_id or ""


def scores(declaration: Declaration) -> dict[str, str]:
    """Return alias → column of the declared scores."""
    declared = declaration.predictions.score
    if isinstance(declared, dict):
        return {f"score_{i}": column for i, column in enumerate(declared.values())}
    return {"score": declared} if declared else {}


def label_field(declaration: Declaration) -> Field | None:
    """Return how the label is read: a number for regression, a class otherwise."""
    if declaration.actual is None:
        return None
    if declaration.task == "regression":
        return Field("label_number", declaration.actual, "number")
    return Field("label", declaration.actual, "category")


def outcome_fields(declaration: Declaration) -> list[Field]:
    """Return score, prediction, status and (where it is in the log) label."""
    fields = [Field(alias, column, "number") for alias, column in scores(declaration).items()]
    if declaration.predictions.prediction:
        regression = declaration.task == "regression"
        fields.append(
            Field("prediction_number", declaration.prediction, "number")
            if regression
            else Field("prediction", declaration.prediction, "category")
        )
    if declaration.operations.status:
        fields.append(Field("status", declaration.operations.status, "category"))
    label = label_field(declaration)
    if label and not label_in_files(declaration):
        fields.append(label)
    return fields


def numeric_columns(declaration: Declaration) -> dict[str, str]:
    """Return name → column of the numbers besides the features: scores, regression, cost, custom."""
    names = {column: column for column in scores(declaration).values()}
    if declaration.task == "regression" and declaration.predictions.prediction:
        names[declaration.prediction] = declaration.prediction
    if declaration.task == "regression" and declaration.actual:
        names[declaration.actual] = declaration.actual
    if declaration.operations.cost_usd:
        names[declaration.operations.cost_usd] = declaration.operations.cost_usd
    custom = {name: metric.column for name, metric in declaration.custom.items() if metric.kind == "numeric"}
    return names | custom


def categorical_columns(declaration: Declaration) -> dict[str, str]:
    """Return name → column of the categories besides the features: predicted class, label, status."""
    names = {}
    if declaration.task in CLASSIFICATION:
        names[declaration.prediction] = declaration.prediction
        if declaration.actual:
            names[declaration.actual] = declaration.actual
    if declaration.operations.status:
        names[declaration.operations.status] = declaration.operations.status
    return names


def protected_columns(declaration: Declaration) -> list[tuple[str, tuple[float, ...]]]:
    """Return (column, cut points) of the protected attributes; no cut points = a category."""
    return [
        (each.column, tuple(sorted(each.bins))) if isinstance(each, BinnedAttribute) else (each, ())
        for each in declaration.protected
    ]


def measured(declaration: Declaration, grid: Grid) -> tuple[list[Field], list[Counted], list[Counted]]:
    """Return the extra fields the grid's columns need, and what is counted as (numeric, categorical)."""
    own = {(field.column, field.reading): field.alias for field in outcome_fields(declaration)}
    label = label_field(declaration)
    if label:
        own[(label.column, label.reading)] = label.alias
    if declaration.task in CLASSIFICATION and not declaration.predictions.prediction:
        own[(declaration.prediction, "category")] = "prediction"
    fields: list[Field] = []

    def counted(names: Iterable[str], columns: dict[str, str], reading: str) -> list[Counted]:
        found = []
        for i, name in enumerate(names):
            column = columns.get(name, name)
            alias = own.get((column, reading))
            if alias is None:
                alias = f"{reading}_{i}"
                fields.append(Field(alias, column, reading))
            found.append(Counted(name, alias))
        return found

    numeric = counted(grid.numeric, numeric_columns(declaration), "number")
    categorical = counted(grid.categorical, categorical_columns(declaration), "category")
    return fields, numeric, categorical
