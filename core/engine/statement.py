"""SQL text with the parameters it binds, and running it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb
import polars as pl
from polars import selectors


@dataclass(frozen=True)
class Relation:
    """SQL text with the parameters it binds."""

    sql: str
    params: Mapping[str, object] = field(default_factory=dict)


def fetch(
    connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, object] | None = None
) -> pl.DataFrame:
    """Run a query and return its rows, in no order.

    A temporary table takes them first: `connection.sql` would read and plan a long statement twice, which
    costs more than counting a day.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {sql}", dict(params or {}))
    found: pl.DataFrame = connection.sql("FROM answer").pl()
    connection.execute("DROP TABLE answer")
    return found.with_columns(
        selectors.by_dtype(pl.Decimal, pl.Int128).cast(pl.Int64)
    )  # sums of counts are 128 bits
