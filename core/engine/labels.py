"""Labels from files of their own: of several for one prediction, the one that became available last."""

import duckdb
import numpy as np
import polars as pl

from core.engine import dialect, traffic
from core.engine.instants import local_quarters
from core.engine.roles import Field, label_field, label_id
from core.engine.source import Opened
from core.engine.statement import Relation, fetch
from core.engine.traffic import FILE_STEP


def label_rows(source: Opened) -> Relation:
    """Return every row of the label files: id, label, `instant` (when it became available) and position."""
    declaration = source.declaration
    label = label_field(declaration)
    fields = [Field("id", label_id(declaration), "text"), *([label] if label else [])]
    available = declaration.labels.available_at if declaration.labels else None
    return traffic.rows([table for table, _ in source.labels], fields, available or "", prefix="labels")


def find_labels(source: Opened, bounds: tuple[int, int]) -> None:
    """Make table `labels`: for each id in the windows, the label that became available last, if any did."""
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
    available = "r.instant - coalesce(o.offset_us, 0)"
    order = f"(coalesce({available}, list_extract($mtimes, r.position // $step + 1)), r.position)"
    present = "label_number IS NOT NULL OR label_number_bad" if number else "label IS NOT NULL"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE labels AS SELECT r.id, "
        + ", ".join(
            f"arg_max_null(r.{column}, {order}) FILTER (WHERE {present}) AS {column}" for column in columns
        )
        + f"\nFROM ({raw.sql}) r LEFT JOIN label_offsets o ON r.local_time"
        f" AND o.quarter_hour = {dialect.quarter_hour('r.instant')}"
        f"\nWHERE r.id IN (SELECT id FROM ({ids.sql})) GROUP BY r.id",
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
