"""Rows themselves, under their declared names: the sample kept of a reference, and a window's newest."""

from collections.abc import Sequence

import polars as pl

from core.engine import dialect
from core.engine.chunks import chunks
from core.engine.features import features
from core.engine.files import reading
from core.engine.quarters import rows_per_window
from core.engine.roles import Field, label_field, protected_columns, scores
from core.engine.source import Opened
from core.engine.statement import fetch
from core.windows import Window


def sample(source: Opened, windows: Sequence[Window], limit: int) -> pl.DataFrame:
    """Return rows chosen by a hash of their id; see `DuckDBEngine.sample`."""
    total = sum(rows_per_window(source, windows)) if windows and source.predictions else 0
    key = "id" if source.declaration.predictions.prediction_id else "CAST(position AS VARCHAR)"
    chosen = dialect.stable_hash(f"coalesce({key}, '')")
    share = int(min(1.0, 1.1 * limit / max(total, 1)) * 0xFFFFFFFF)
    return _read(source, windows, f"{chosen} <= {share}", {"chosen": chosen, "position": "position"}, limit)


def rows(source: Opened, window: Window, limit: int) -> pl.DataFrame:
    """Return the newest rows of a window; see `DuckDBEngine.rows`."""
    return _read(source, [window], "TRUE", {"newest": "-instant", "latest": "-position"}, limit)


def _read(
    source: Opened, windows: Sequence[Window], where: str, order: dict[str, str], limit: int
) -> pl.DataFrame:
    """Return the first `limit` rows by the columns `order`, all chunks together."""
    names = _names(source)
    timestamp = source.declaration.predictions.timestamp
    items = [
        "instant",
        *(f"{alias}" for alias in names.values()),
        *(f"{sql} AS {name}" for name, sql in order.items()),
    ]
    schema = {timestamp: pl.Datetime("us", "UTC")} | {name: pl.String() for name in names}
    frames = []
    for chunk in chunks(source, windows, _fields(source, names)) if source.predictions and windows else ():
        chosen = f"SELECT {', '.join(items)} FROM ({chunk.traffic.sql}) WHERE {where}"
        sql = f"{chosen} ORDER BY {', '.join(order)} LIMIT {limit}"
        with reading(source.connection, source.paths):
            frames.append(fetch(source.connection, sql, chunk.traffic.params))
    if not frames:
        return pl.DataFrame(schema=schema)
    found = pl.concat(frames).sort(*order).head(limit)
    return found.select(
        pl.col("instant").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias(timestamp),
        *(pl.col(alias).alias(name) for name, alias in names.items()),
    )


def _names(source: Opened) -> dict[str, str]:
    """Return declared name → alias of the traffic, label last."""
    label = label_field(source.declaration)
    names = {name: f"column_{i}" for i, name in enumerate(_readings(source))}
    return names | ({label.column: label.alias} if label else {})


def _fields(source: Opened, names: dict[str, str]) -> list[Field]:
    readings = _readings(source)
    return [Field(names[name], name, read_as) for name, read_as in readings.items()]


def _readings(source: Opened) -> dict[str, str]:
    """Return declared column → how it is read; the timestamp and the label are read anyway."""
    declaration, inputs = source.declaration, features(source)
    declared, operations = declaration.predictions, declaration.operations
    numbers = [*inputs.numeric, *scores(declaration).values(), operations.latency_ms, operations.cost_usd]
    categories = [*inputs.categorical, operations.status, *declaration.segments, *declaration.sensitive]
    pairs = [(column, "text") for column in (declared.prediction_id, declared.version, declared.variant)]
    pairs += [(column, "number") for column in numbers]
    pairs += [(declared.prediction, "number" if declaration.task == "regression" else "category")]
    pairs += [(each.column, "number") for each in declaration.custom.values() if each.kind == "numeric"]
    pairs += [(column, "number") for column, cuts in protected_columns(declaration) if cuts]
    pairs += [(column, "category") for column in categories]
    pairs += [(column, "category") for column, cuts in protected_columns(declaration) if not cuts]
    pairs += [(each.column, "category") for each in declaration.custom.values() if each.kind == "rate"]
    readings: dict[str, str] = {}
    for column, read_as in pairs:
        if column and column not in (declared.timestamp, declaration.actual):
            readings.setdefault(column, read_as)
    return readings
