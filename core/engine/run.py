"""One run over the traffic: every statement counts all slices at once, all results share the same groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np
import polars as pl

from core.engine.slices import Dimension, Slice
from core.engine.statement import Relation, fetch


@dataclass(frozen=True)
class Run:
    """The traffic, its `slices` and their `groups` (see `slices.groups`): counts have a row for each."""

    connection: duckdb.DuckDBPyConnection
    traffic: Relation
    slices: tuple[Slice, ...]
    groups: pl.DataFrame

    @property
    def dimensions(self) -> list[Dimension]:
        """Every dimension of the slices."""
        return list({each.name: each for cut in self.slices for each in cut.dimensions}.values())

    @property
    def keys(self) -> list[str]:
        """The columns that name a group."""
        return ["slice", "window_start", *(each.name for each in self.dimensions)]

    def grouping(self, *by: Sequence[str]) -> tuple[str, str]:
        """Return SQL: the key columns, and the grouping sets of every slice with each of the lists `by`."""
        names = [each.name for each in self.dimensions]
        sets = [
            f"({', '.join(['window_start', *(d.name for d in cut.dimensions), *extra])})"
            for cut in self.slices
            for extra in by or ((),)
        ]
        number = "0"
        if names:
            masks = [_mask(names, {d.name for d in cut.dimensions}) for cut in self.slices]
            whens = " ".join(f"WHEN {mask} THEN {i}" for i, mask in enumerate(masks))
            number = f"CASE grouping({', '.join(names)}) {whens} END"
        return ", ".join([f"{number} AS slice", "window_start", *names]), f"GROUPING SETS ({', '.join(sets)})"

    def aggregate(
        self,
        items: Sequence[str],
        *,
        by: Sequence[str] = (),
        derived: Mapping[str, str] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> pl.DataFrame:
        """Return the aggregates `items` per group (and `by`); `derived` columns are computed first.

        Column ``group_row`` says which of `groups` a row belongs to.
        """
        extra = "".join(f",\n {expression} AS {name}" for name, expression in (derived or {}).items())
        keys, sets = self.grouping(by)
        rows = f"SELECT *{extra} FROM ({self.traffic.sql})"
        sql = f"SELECT {', '.join([keys, *by, *items])}\nFROM ({rows})\nGROUP BY {sets}"
        found = fetch(self.connection, sql, {**self.traffic.params, **(params or {})})
        return found.join(self.groups.with_row_index("group_row"), on=self.keys, nulls_equal=True)

    def first(self, count: int) -> "Run":
        """Return the run over the first slices alone; its groups are the first of this one's."""
        fewer = replace(self, slices=self.slices[:count])
        return replace(fewer, groups=self.groups.filter(pl.col("slice") < count).select(fewer.keys))

    def rows_of(self, result: pl.DataFrame) -> np.ndarray:
        """Return the row of `groups` each row of a result of `aggregate` belongs to."""
        return result["group_row"].to_numpy().astype(np.int64)


def _mask(names: Sequence[str], grouped: set[str]) -> int:
    """Return what grouping(names) says in the set that groups by `grouped`: a bit for each name not in it."""
    return sum(1 << i for i, name in enumerate(reversed(names)) if name not in grouped)
