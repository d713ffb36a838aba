"""A source opened: its files with their columns, checked against the declaration."""

from dataclasses import dataclass

import duckdb

from core.declaration import Declaration
from core.engine.files import Files, LogTable, require, require_time
from core.engine.roles import label_id, label_in_files
from core.entities import Source


@dataclass(frozen=True)
class Opened:
    """A source with its files open, checked against the declaration."""

    connection: duckdb.DuckDBPyConnection
    declaration: Declaration
    predictions: tuple[LogTable, ...]
    labels: tuple[tuple[LogTable, float], ...]

    @property
    def paths(self) -> list[str]:
        """The files, as the caller named them."""
        return [each.path for each in self.predictions] + [each.path for each, _ in self.labels]

    @property
    def has_columns(self) -> frozenset[str]:
        """Every column any prediction log has."""
        return frozenset(name for each in self.predictions for name in each.columns)


def opened(
    connection: duckdb.DuckDBPyConnection, files: Files, source: Source, declaration: Declaration
) -> Opened:
    """Open every file; LogError when one lacks what no row can do without."""
    predictions = tuple(files.open(path) for path in source.files)
    for table in predictions:
        check_predictions(table, declaration)
    labels = (
        tuple((files.open(path), mtime) for path, mtime in source.labels)
        if label_in_files(declaration)
        else ()
    )
    for table, _ in labels:
        check_labels(table, declaration)
    return Opened(connection, declaration, predictions, labels)


def check_predictions(table: LogTable, declaration: Declaration) -> None:
    """Refuse a prediction log without its timestamp, id, score or prediction."""
    declared = declaration.predictions
    require_time(table, declared.timestamp, "timestamp")
    if declared.prediction_id:
        require(table, declared.prediction_id, "prediction_id")
    if declared.prediction:
        require(table, declared.prediction, "prediction")
    for column in declared.scores:
        require(table, column, "score")


def check_labels(table: LogTable, declaration: Declaration) -> None:
    """Refuse a label file without its id or label, or whose times are none."""
    labels = declaration.labels
    require(table, label_id(declaration), "labels.prediction_id")
    require(table, declaration.actual or "", "labels.actual")
    for column, role in (
        (labels and labels.available_at, "labels.available_at"),
        (labels and labels.timestamp, "labels.timestamp"),
    ):
        if column:
            require_time(table, column, role)
