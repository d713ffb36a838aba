"""Counts as numpy matrices with one row per group, and how they become CELLS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa

from core.entities import CELL_KEYS, CELLS, Kind

TALLIES = ("n", "missing", "nan", "positive_infinity", "negative_infinity", "uncastable")


@dataclass(frozen=True)
class Counts:
    """What one cell kind counted of one column: a row for each of a run's first groups.

    `tallies` has the columns TALLIES; `low` and `high` are infinite where a group has no value.
    """

    column: str
    kind: Kind
    tallies: np.ndarray
    low: np.ndarray
    high: np.ndarray
    counts: np.ndarray
    sums: np.ndarray


def blank(column: str, kind: Kind, groups: int, counts: int, sums: int) -> Counts:
    """Return counts of nothing, to be filled in place."""
    return Counts(
        column,
        kind,
        np.zeros((groups, len(TALLIES)), dtype=np.int64),
        np.full(groups, np.inf),
        np.full(groups, -np.inf),
        np.zeros((groups, counts), dtype=np.int64),
        np.zeros((groups, sums)),
    )


def cells(
    labels: pl.DataFrame, counted: Sequence[Counts], ends: Mapping[datetime, datetime], reference_id: str
) -> pl.DataFrame:
    """Return the counts of labelled groups (see `slices.labels`) in the columns of CELLS, sorted by key."""
    if labels.is_empty():
        return pl.DataFrame(schema=dict(CELLS))
    windows = pl.DataFrame(
        {"window_start": list(ends.keys()), "window_end": list(ends.values())},
        schema={name: CELLS[name] for name in ("window_start", "window_end")},
    )
    return (
        pl.concat([_frame(labels.head(each.tallies.shape[0]), each) for each in counted])
        .with_columns(pl.col("window_start").cast(CELLS["window_start"]))
        .join(windows, on="window_start", how="left", maintain_order="left")
        .with_columns(reference_id=pl.lit(reference_id))
        .select(*CELLS)
        .sort(*CELL_KEYS)
    )


def _frame(labels: pl.DataFrame, each: Counts) -> pl.DataFrame:
    frame = labels.with_columns(
        pl.lit(each.column).alias("column"),
        pl.lit(each.kind.value).alias("kind"),
        *(pl.Series(name, each.tallies[:, i]) for i, name in enumerate(TALLIES)),
        pl.Series("low", np.where(np.isinf(each.low), np.nan, each.low)).fill_nan(None),
        pl.Series("high", np.where(np.isinf(each.high), np.nan, each.high)).fill_nan(None),
        _lists("counts", each.counts),
        _lists("sums", each.sums),
    )
    return frame.drop("kept") if labels["kept"].all() else frame.filter("kept").drop("kept")


def _lists(name: str, matrix: np.ndarray) -> pl.Series:
    offsets = np.arange(matrix.shape[0] + 1, dtype=np.int64) * matrix.shape[1]
    values = pa.array(np.ascontiguousarray(matrix).reshape(-1))
    return pl.Series(name, pa.LargeListArray.from_arrays(pa.array(offsets), values))
