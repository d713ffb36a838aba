"""What files hold before anything is counted: columns, rows, first and last timestamp, windows."""

from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from core.declaration import Declaration
from core.engine import traffic
from core.engine.files import FileFacts, Files, LogTable, reading
from core.engine.instants import instant
from core.engine.labels import label_rows
from core.engine.quarters import by_window, quarter_counts
from core.engine.roles import Field
from core.engine.source import Opened, check_labels, check_predictions
from core.engine.statement import fetch
from core.errors import LogError
from core.windows import QUARTER_HOUR_US, Window


def scan(
    connection: duckdb.DuckDBPyConnection,
    files: Files,
    paths: Sequence[str],
    declaration: Declaration,
    kind: str,
) -> dict[str, FileFacts | LogError]:
    """Look at files; see `DuckDBEngine.scan`."""
    found: dict[str, FileFacts | LogError] = {}
    tables = []
    for path in paths:
        try:
            tables.append(_checked(files, path, declaration, kind))
        except LogError as error:
            found[path] = error
    try:
        return found | _facts(connection, tables, declaration, kind)
    except LogError as error:
        if len(tables) == 1:
            return found | {tables[0].path: error}
    # One of them is damaged further inside: which one, they say alone.
    for table in tables:
        found |= scan(connection, files, [table.path], declaration, kind)
    return found


def _checked(files: Files, path: str, declaration: Declaration, kind: str) -> LogTable:
    table = files.open(path)
    check = check_labels if kind == "labels" else check_predictions
    check(table, declaration)
    return table


def _facts(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[LogTable], declaration: Declaration, kind: str
) -> dict[str, FileFacts | LogError]:
    if not tables:
        return {}
    timestamp, labels = declaration.predictions.timestamp, declaration.labels
    if kind == "labels":
        timestamp = (labels and (labels.timestamp or labels.available_at)) or ""
    with reading(connection, [table.path for table in tables]):
        raw = traffic.rows(tables, [], timestamp)
        counted = quarter_counts(connection, raw, declaration.predictions.timezone, by_file=True)
    of_file = {int(file): part for (file,), part in counted.partition_by("file", as_dict=True).items()}
    nothing = counted.clear()
    return {
        table.path: _told(table, of_file.get(number, nothing), bool(timestamp))
        for number, table in enumerate(tables)
    }


def _told(table: LogTable, found: pl.DataFrame, timed: bool) -> FileFacts:
    rows = int(found["n"].sum())
    if not timed:
        return FileFacts(table.columns, rows)
    unusable = found.filter(pl.col("quarter_hour").is_null())
    problems = {
        "timestamp missing": unusable.filter(~pl.col("unreadable"))["n"].sum(),
        "timestamp unreadable": unusable.filter("unreadable")["n"].sum(),
        "ambiguous local time": found["ambiguous"].sum(),
        "non-existent local time": found["non_existent"].sum(),
    }
    first, last = found["first"].min(), found["last"].max()
    return FileFacts(
        table.columns,
        rows,
        instant(first) if isinstance(first, int) else None,
        instant(last) if isinstance(last, int) else None,
        {reason: int(count) for reason, count in problems.items() if count},
    )


def windows_of(source: Opened) -> dict[Window, int]:
    """Return the rows of each window that holds any; see `DuckDBEngine.windows_of`."""
    if not source.predictions:
        return {}
    declared = source.declaration.predictions
    with reading(source.connection, source.paths):
        found = quarter_counts(
            source.connection, traffic.rows(source.predictions, [], declared.timestamp), declared.timezone
        )
    windows = _windows(source.declaration, found)
    return dict(zip(windows, by_window(found, windows), strict=True))


def label_windows(source: Opened) -> tuple[list[Window], int]:
    """Return the labels' windows and how many have no prediction; see `DuckDBEngine.label_windows`."""
    if not source.labels:
        return [], 0
    declared, connection = source.declaration.predictions, source.connection
    labels = label_rows(source)
    with reading(source.connection, source.paths):
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE label_ids AS"
            f" SELECT DISTINCT id FROM ({labels.sql}) WHERE id IS NOT NULL",
            dict(labels.params),
        )
        if not source.predictions:
            return [], _count(connection, "SELECT count(*) FROM label_ids")
        raw = traffic.rows(
            source.predictions, [Field("id", declared.prediction_id or "", "text")], declared.timestamp
        )
        matched = "id IN (SELECT id FROM label_ids)"
        found = quarter_counts(connection, raw, declared.timezone, where=matched)
        known = f"SELECT id FROM ({raw.sql}) WHERE id IS NOT NULL"
        sql = f"SELECT count(*) FROM label_ids WHERE id NOT IN ({known})"
        return _windows(source.declaration, found), _count(connection, sql, raw.params)


def _windows(declaration: Declaration, found: pl.DataFrame) -> list[Window]:
    quarters = found["quarter_hour"].drop_nulls().unique().to_list()
    return declaration.calendar.of(instant(quarter * QUARTER_HOUR_US) for quarter in quarters)


def _count(
    connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, object] | None = None
) -> int:
    return int(fetch(connection, sql, params).item())
