"""The traffic of a source, a stretch of windows at a time: temporary tables of windows, repeated rows and labels beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl

from core.declaration import Declaration
from core.engine import dialect, traffic
from core.engine.files import Files, LogTable, reading, require, require_time
from core.engine.instants import AMBIGUOUS, NON_EXISTENT, join_table, local_quarters, microseconds
from core.engine.outcomes import argmax_prediction, threshold_prediction
from core.engine.roles import Field, label_field, label_id, label_in_files, outcome_fields
from core.engine.slices import Dimension
from core.engine.statement import Relation, fetch
from core.engine.traffic import FILE_STEP
from core.entities import Grid, Source
from core.windows import QUARTER_HOUR_US, Window

_ROWS_PER_CHUNK = 2_000_000  # rows whose ids are held in memory at once


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


@dataclass(frozen=True)
class Chunk:
    """The traffic of some windows; `duplicates` are the rows left out, None where there are none."""

    windows: tuple[Window, ...]
    traffic: Relation
    duplicates: Relation | None


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
    for column in declared.score.values() if isinstance(declared.score, dict) else [declared.score]:
        if column:
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


def quarter_counts(
    connection: duckdb.DuckDBPyConnection, raw: Relation, zone: str, *, where: str = "TRUE", ctes: str = ""
) -> pl.DataFrame:
    """Return ``quarter_hour`` (UTC), ``n``, ``first``, ``last`` (microseconds UTC), ``ambiguous`` and ``non_existent`` rows.

    Rows without a usable timestamp have a null quarter hour and ``unreadable`` says why.
    """
    sql = (
        f"{ctes}SELECT local_time, {dialect.quarter_hour('instant')} AS quarter_hour, unreadable, count(*) AS n,"
        f" min(instant) AS first, max(instant) AS last\nFROM ({raw.sql}) WHERE {where} GROUP BY ALL"
    )
    found = fetch(connection, sql, raw.params)
    local = (found["local_time"] & found["quarter_hour"].is_not_null()).to_numpy()
    offset, state = np.zeros(found.height, dtype=np.int64), np.zeros(found.height, dtype=np.int64)
    if local.any():
        looked_up = local_quarters(found["quarter_hour"].fill_null(0).to_numpy()[local], zone)
        offset[local], state[local] = looked_up.offset_us, looked_up.state
    shifted = [pl.col(name) - pl.Series(offset) for name in ("first", "last")]
    return found.select(
        pl.col("quarter_hour") - pl.Series(offset // QUARTER_HOUR_US),
        "n",
        *shifted,
        "unreadable",
        ambiguous=pl.col("n") * pl.Series(state == AMBIGUOUS),
        non_existent=pl.col("n") * pl.Series(state == NON_EXISTENT),
    )


def rows_per_window(source: Opened, windows: Sequence[Window]) -> list[int]:
    """Return how many rows each window holds, duplicates included."""
    raw = traffic.rows(
        source.predictions, [], source.declaration.predictions.timestamp, bounds=_bounds(windows)
    )
    return by_window(quarter_counts(source.connection, raw, source.declaration.predictions.timezone), windows)


def by_window(found: pl.DataFrame, windows: Sequence[Window]) -> list[int]:
    """Return the rows of `quarter_counts` that lie in each window."""
    counted = found.drop_nulls("quarter_hour")
    quarters, n = counted["quarter_hour"].to_numpy(), counted["n"].to_numpy()
    order = np.argsort(quarters, kind="stable")
    total = np.concatenate([[0], np.cumsum(n[order])])
    first, last = (
        np.searchsorted(quarters[order], [microseconds(time) // QUARTER_HOUR_US for time in times])
        for times in ([w.start for w in windows], [w.end for w in windows])
    )
    return [int(count) for count in total[last] - total[first]]


def chunks(
    source: Opened,
    grid: Grid,
    windows: Sequence[Window],
    fields: Sequence[Field],
    dimensions: Sequence[Dimension] = (),
    *,
    windows_at_once: int | None = None,
) -> Iterator[Chunk]:
    """Yield the traffic of the windows, so many at a time that ids fit in memory."""
    declaration, connection = source.declaration, source.connection
    wanted = dict.fromkeys(
        [*fields, *outcome_fields(declaration), *(f for d in dimensions for f in d.fields)]
    )
    with_id = declaration.predictions.prediction_id is not None
    if with_id:
        wanted[Field("id", declaration.predictions.prediction_id or "", "text")] = None
    label, logged = label_field(declaration), False
    if label and label_in_files(declaration) and label.column in source.has_columns:
        wanted[Field("logged_label", label.column, label.reading)], logged = None, True
    with reading(source.connection, source.paths):
        for some in _split(source, windows, windows_at_once, with_id):
            bounds = _bounds(some)
            connection.register("quarters", join_table(some, declaration.predictions.timezone))
            raw = traffic.rows(
                source.predictions, list(wanted), declaration.predictions.timestamp, bounds=bounds
            )
            relation, left_out = traffic.in_windows(raw), None
            if with_id and _find_repeated(connection, relation):
                left_out, relation = relation, traffic.once(relation)
            if label and label_in_files(declaration):
                _find_labels(source, bounds)
                relation = traffic.labelled(relation, label.alias, logged=logged)
            derived = {d.name: d.expression for d in dimensions}
            own = argmax_prediction(declaration) or threshold_prediction(declaration, grid)
            if own and declaration.task != "regression":
                derived = {"prediction": own, **derived}
            yield Chunk(
                tuple(some),
                _with_params(traffic.judged(relation, declaration, derived), dimensions),
                _with_params(_left_out(left_out, derived), dimensions) if left_out else None,
            )


def _with_params(relation: Relation, dimensions: Sequence[Dimension]) -> Relation:
    return Relation(
        relation.sql, {**relation.params, **{k: v for d in dimensions for k, v in d.params.items()}}
    )


def _left_out(relation: Relation, derived: dict[str, str]) -> Relation:
    columns = "".join(
        f", {expression} AS {name}" for name, expression in derived.items() if name != "prediction"
    )
    return Relation(
        f"SELECT r.window_start{columns} FROM ({relation.sql}) r JOIN repeated d"
        " ON d.window_start = r.window_start AND d.id = r.id WHERE d.last_position <> r.position",
        relation.params,
    )


def _split(
    source: Opened, windows: Sequence[Window], windows_at_once: int | None, with_id: bool
) -> Iterator[Sequence[Window]]:
    largest = windows_at_once or len(windows)
    counts = rows_per_window(source, windows) if with_id and len(windows) > 1 else [0] * len(windows)
    start, held = 0, 0
    for i, count in enumerate(counts):
        if i > start and (held + count > _ROWS_PER_CHUNK or i - start >= largest):
            yield windows[start:i]
            start, held = i, 0
        held += count
    if start < len(windows):
        yield windows[start:]


def _find_repeated(connection: duckdb.DuckDBPyConnection, relation: Relation) -> bool:
    """Make table `repeated`: ids that come more than once in a window, with the position of the row that counts."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE repeated AS SELECT window_start, id, max(position) AS last_position"
        f"\nFROM ({relation.sql}) WHERE id IS NOT NULL GROUP BY window_start, id HAVING count(*) > 1",
        dict(relation.params),
    )
    return not fetch(connection, "SELECT id FROM repeated LIMIT 1").is_empty()


def label_rows(source: Opened) -> Relation:
    """Return every row of the label files: id, label, `instant` (when it became available) and position."""
    declaration = source.declaration
    label = label_field(declaration)
    fields = [Field("id", label_id(declaration), "text"), *([label] if label else [])]
    available = declaration.labels.available_at if declaration.labels else None
    return traffic.rows([table for table, _ in source.labels], fields, available or "", prefix="labels")


def _find_labels(source: Opened, bounds: tuple[int, int]) -> None:
    """Make table `labels`: for each id in the windows, the label that became available last."""
    declaration, connection = source.declaration, source.connection
    number = declaration.task == "regression"
    columns = ["label_number", "label_number_bad"] if number else ["label"]
    if not source.labels:
        types = "label_number DOUBLE, label_number_bad BOOLEAN" if number else "label VARCHAR"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE labels (id VARCHAR, {types})")
        return
    raw, zone = label_rows(source), declaration.predictions.timezone
    connection.register("label_offsets", _label_offsets(connection, raw, zone))
    ids = traffic.in_windows(
        traffic.rows(
            source.predictions,
            [Field("id", declaration.predictions.prediction_id or "", "text")],
            declaration.predictions.timestamp,
            prefix="ids",
            bounds=bounds,
        )
    )
    order = "(coalesce(r.instant - coalesce(o.offset_us, 0), list_extract($mtimes, r.position // $step + 1)), r.position)"
    present = "label_number IS NOT NULL OR label_number_bad" if number else "label IS NOT NULL"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE labels AS SELECT r.id, "
        + ", ".join(f"arg_max(r.{column}, {order}) AS {column}" for column in columns)
        + f"\nFROM ({raw.sql}) r LEFT JOIN label_offsets o ON r.local_time"
        f" AND o.quarter_hour = {dialect.quarter_hour('r.instant')}"
        f"\nWHERE ({present}) AND r.id IN (SELECT id FROM ({ids.sql})) GROUP BY r.id",
        {
            **raw.params,
            **ids.params,
            "mtimes": [int(mtime * 1e6) for _, mtime in source.labels],
            "step": FILE_STEP,
        },
    )


def _label_offsets(connection: duckdb.DuckDBPyConnection, raw: Relation, zone: str) -> pl.DataFrame:
    found = fetch(
        connection,
        f"SELECT DISTINCT {dialect.quarter_hour('instant')} AS quarter_hour FROM ({raw.sql})"
        " WHERE local_time AND instant IS NOT NULL",
        raw.params,
    )
    quarters = found["quarter_hour"].cast(pl.Int64).to_numpy()
    offset = local_quarters(quarters, zone).offset_us if quarters.size else np.zeros(0, dtype=np.int64)
    return pl.DataFrame(
        {"quarter_hour": quarters, "offset_us": offset},
        schema=dict.fromkeys(("quarter_hour", "offset_us"), pl.Int64),
    )


def _bounds(windows: Sequence[Window]) -> tuple[int, int]:
    return int(min(w.start for w in windows).timestamp()), int(max(w.end for w in windows).timestamp())
