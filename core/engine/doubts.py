"""What a log holds that its declaration does not expect: for `steward check`, nothing is counted here."""

from dataclasses import dataclass

from core.engine import dialect, traffic
from core.engine.files import reading
from core.engine.labels import label_rows
from core.engine.roles import CLASSIFICATION, Field, label_field, label_in_files, numeric_columns, scores
from core.engine.source import Opened
from core.engine.statement import fetch


@dataclass(frozen=True)
class ScoreRange:
    """The finite values of a score column: all rows of the log, those outside 0 to 1, minimum and maximum."""

    rows: int
    outside: int
    low: float
    high: float


@dataclass(frozen=True)
class Unreadable:
    """Values of a numeric column that are no numbers: rows of the log, how many of them, and one example."""

    rows: int
    n: int
    example: str


def score_ranges(source: Opened) -> dict[str, ScoreRange]:
    """Return what each score column holds; see `DuckDBEngine.score_ranges`."""
    declaration = source.declaration
    columns = scores(declaration)
    if not source.predictions or not columns:
        return {}
    fields = [Field(alias, column, "number") for alias, column in columns.items()]
    raw = traffic.rows(source.predictions, fields, declaration.predictions.timestamp)
    told = ", ".join(
        f"count(*) FILTER (WHERE isfinite({a}) AND {a} NOT BETWEEN 0 AND 1) AS outside_{a},"
        f" min({a}) FILTER (WHERE isfinite({a})) AS low_{a},"
        f" max({a}) FILTER (WHERE isfinite({a})) AS high_{a}"
        for a in columns
    )
    with reading(source.connection, source.paths):
        found = fetch(source.connection, f"SELECT count(*) AS n, {told} FROM ({raw.sql})", raw.params)
    row = found.row(0, named=True)
    return {
        column: ScoreRange(row["n"], *(row[f"{name}_{alias}"] for name in ("outside", "low", "high")))
        for alias, column in columns.items()
        if row[f"low_{alias}"] is not None
    }


def unreadable_numbers(source: Opened) -> dict[str, Unreadable]:
    """Return what is no number where one is declared; see `DuckDBEngine.unreadable_numbers`."""
    declaration = source.declaration
    features = declaration.features.numeric if declaration.features else ()
    columns = {**dict.fromkeys(features), **dict.fromkeys(numeric_columns(declaration).values())}
    doubtful = [
        column
        for column in columns
        if any(dialect.is_text(table.columns.get(column, "")) for table in source.predictions)
    ]
    if not doubtful:
        return {}
    fields = [Field(f"number_{i}", column, "number") for i, column in enumerate(doubtful)]
    fields += [Field(f"text_{i}", column, "text") for i, column in enumerate(doubtful)]
    raw = traffic.rows(source.predictions, fields, declaration.predictions.timestamp)
    told = ", ".join(
        f"count(*) FILTER (WHERE number_{i}_bad) AS n_{i},"
        f" min(text_{i}) FILTER (WHERE number_{i}_bad) AS text_{i}"
        for i in range(len(doubtful))
    )
    with reading(source.connection, source.paths):
        found = fetch(source.connection, f"SELECT count(*) AS n, {told} FROM ({raw.sql})", raw.params)
    row = found.row(0, named=True)
    return {
        column: Unreadable(row["n"], row[f"n_{i}"], row[f"text_{i}"])
        for i, column in enumerate(doubtful)
        if row[f"n_{i}"]
    }


def label_values(source: Opened, limit: int) -> list[str]:
    """Return the most frequent labels; see `DuckDBEngine.label_values`."""
    declaration, label = source.declaration, label_field(source.declaration)
    if label is None or declaration.task not in CLASSIFICATION:
        return []
    in_files = label_in_files(declaration)
    if not (source.labels if in_files else source.predictions):
        return []
    timestamp = declaration.predictions.timestamp
    raw = label_rows(source) if in_files else traffic.rows(source.predictions, [label], timestamp)
    sql = f"SELECT label FROM ({raw.sql}) WHERE label IS NOT NULL GROUP BY label"
    with reading(source.connection, source.paths):
        sql += f" ORDER BY count(*) DESC, label LIMIT {limit}"
        return sorted(fetch(source.connection, sql, raw.params)["label"].to_list())
