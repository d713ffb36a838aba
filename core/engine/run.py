"""Running one pass of the kernel: aggregate the traffic by its keys, all results on the same groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import numpy as np
import polars as pl

from core.engine.slices import Pass
from core.engine.statement import Relation, fetch


@dataclass(frozen=True)
class Run:
    """A pass over `traffic`, whose groups are the rows of `groups` (its keys), the same for all results."""

    connection: duckdb.DuckDBPyConnection
    traffic: Relation
    plan: Pass
    groups: pl.DataFrame = field(default_factory=pl.DataFrame)

    def aggregate(
        self,
        items: Sequence[str],
        *,
        by: Sequence[str] = (),
        derived: Mapping[str, str] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> pl.DataFrame:
        """Return the aggregates `items` per key (and `by`); `derived` columns are computed first."""
        extra = "".join(f",\n {expression} AS {name}" for name, expression in (derived or {}).items())
        keys = ", ".join([*self.plan.keys, *by])
        rows = f"SELECT *{extra} FROM ({self.traffic.sql})"
        return self.query(f"SELECT {keys}, {', '.join(items)}\nFROM ({rows})\nGROUP BY {keys}", params)

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> pl.DataFrame:
        """Return the rows of a statement that reads the traffic."""
        return fetch(self.connection, sql, {**self.traffic.params, **(params or {})})

    def over(self, *results: pl.DataFrame) -> "Run":
        """Return this run with the groups these results have."""
        keys = self.plan.keys
        return replace(self, groups=pl.concat([each.select(keys) for each in results]).unique().sort(keys))

    def rows_of(self, result: pl.DataFrame) -> np.ndarray:
        """Return the row of `groups` each row of a result belongs to."""
        numbered = self.groups.with_row_index("group_row")
        found = result.select(self.plan.keys).join(
            numbered, on=self.plan.keys, how="left", maintain_order="left"
        )
        return found["group_row"].to_numpy().astype(np.int64)
