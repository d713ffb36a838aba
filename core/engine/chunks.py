"""The traffic of a source, some windows at a time, beside tables of windows, repeated rows and labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from core.engine import traffic
from core.engine.files import reading
from core.engine.instants import join_table
from core.engine.labels import find_labels
from core.engine.outcomes import argmax_prediction, threshold_prediction
from core.engine.quarters import bounds_of, rows_per_window
from core.engine.roles import Field, label_field, label_in_files, outcome_fields
from core.engine.slices import Dimension
from core.engine.source import Opened
from core.engine.statement import Relation, fetch
from core.windows import Window

_ROWS_PER_CHUNK = 2_000_000  # rows whose ids are held in memory at once
_VALUES_STAGED = 20_000_000  # values of a chunk that is copied into memory
_FILES_READ_AGAIN = 4  # more files than this are opened once, not in every pass


@dataclass(frozen=True)
class Chunk:
    """The traffic of some windows; `duplicates` are the rows left out, None where there are none."""

    windows: tuple[Window, ...]
    traffic: Relation
    duplicates: Relation | None


def chunks(
    source: Opened,
    windows: Sequence[Window],
    fields: Sequence[Field],
    dimensions: Sequence[Dimension] = (),
) -> Iterator[Chunk]:
    """Yield the traffic of the windows, so many at a time that ids fit in memory."""
    wanted, twins = _wanted(source, fields, dimensions)
    # Many files, or a join with labels: the rows are read once and copied, else every pass would do it again.
    staged = label_in_files(source.declaration) or len(source.paths) > _FILES_READ_AGAIN
    most = _ROWS_PER_CHUNK if source.declaration.predictions.prediction_id else None
    if staged:
        most = min(_ROWS_PER_CHUNK, _VALUES_STAGED // len(wanted))
    with reading(source.connection, source.paths):
        for some in _split(source, windows, most):
            source.connection.execute("DROP TABLE IF EXISTS staged")
            chunk = _chunk(source, some, wanted, twins, dimensions)
            yield replace(chunk, traffic=_stage(source.connection, chunk.traffic)) if staged else chunk


def _wanted(
    source: Opened, fields: Sequence[Field], dimensions: Sequence[Dimension]
) -> tuple[list[Field], dict[str, str]]:
    """Return every field the traffic needs, and alias → alias of those that read the same as another."""
    declaration, label = source.declaration, label_field(source.declaration)
    first: dict[tuple[str, str], Field] = {}
    twins = {}
    # Outcomes and dimensions come first: expressions speak of them by name, of the others nothing does.
    for each in (*outcome_fields(declaration), *(f for d in dimensions for f in d.fields), *fields):
        other = first.setdefault((each.column, each.reading), each)
        if other.alias != each.alias:
            twins[each.alias] = other.alias
            if each.reading in ("number", "flag"):
                twins[f"{each.alias}_bad"] = f"{other.alias}_bad"
    wanted = list(first.values())
    if declaration.predictions.prediction_id:
        wanted.append(Field("id", declaration.predictions.prediction_id, "text"))
    if label and label_in_files(declaration) and label.column in source.has_columns:
        wanted.append(Field("logged_label", label.column, label.reading))
    return wanted, twins


def _chunk(
    source: Opened,
    windows: Sequence[Window],
    wanted: Sequence[Field],
    twins: Mapping[str, str],
    dimensions: Sequence[Dimension],
) -> Chunk:
    declaration, connection, label = source.declaration, source.connection, label_field(source.declaration)
    bounds = bounds_of(windows)
    connection.register("quarters", join_table(windows, declaration.predictions.timezone))
    raw = traffic.rows(source.predictions, wanted, declaration.predictions.timestamp, bounds=bounds)
    relation, left_out = traffic.in_windows(raw), None
    if declaration.predictions.prediction_id and _find_repeated(connection, relation):
        left_out, relation = relation, traffic.once(relation)
    joined = label is not None and label_in_files(declaration)
    if label and joined:
        find_labels(source, bounds)
        logged = any(field.alias == "logged_label" for field in wanted)
        relation = traffic.labelled(relation, label.alias, logged=logged)
    own = argmax_prediction(declaration) or threshold_prediction(declaration)
    predicted = {"prediction": own} if own and declaration.task != "regression" else {}
    # A name must stand before what is made of it.
    derived = {**twins, **predicted, **{d.name: d.expression for d in dimensions}}
    judged = traffic.judged(relation, declaration, derived, joined=joined)
    return Chunk(
        tuple(windows),
        _with_params(judged, dimensions),
        _with_params(_left_out(left_out, derived), dimensions) if left_out else None,
    )


def _stage(connection: duckdb.DuckDBPyConnection, relation: Relation) -> Relation:
    """Copy the rows into table `staged`."""
    connection.execute(f"CREATE TEMP TABLE staged AS {relation.sql}", dict(relation.params))
    return Relation("SELECT * FROM staged")


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


def _split(source: Opened, windows: Sequence[Window], most: int | None) -> Iterator[Sequence[Window]]:
    """Yield consecutive windows that hold no more than `most` rows together."""
    counts = rows_per_window(source, windows) if most and len(windows) > 1 else [0] * len(windows)
    start, held = 0, 0
    for i, count in enumerate(counts):
        if i > start and most and held + count > most:
            yield windows[start:i]
            start, held = i, 0
        held += count
    if start < len(windows):
        yield windows[start:]


def _find_repeated(connection: duckdb.DuckDBPyConnection, relation: Relation) -> bool:
    """Make table `repeated`: ids that come more than once in a window, with the row that counts."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE repeated AS SELECT window_start, id, max(position) AS last_position"
        f"\nFROM ({relation.sql}) WHERE id IS NOT NULL GROUP BY window_start, id HAVING count(*) > 1",
        dict(relation.params),
    )
    return not fetch(connection, "SELECT id FROM repeated LIMIT 1").is_empty()
