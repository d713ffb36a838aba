"""Counts as numpy matrices with one row per group of a pass, and how they become CELLS."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa

from core.engine.slices import Summary
from core.entities import CELL_KEYS, CELLS, Kind

TALLIES = ("n", "missing", "nan", "positive_infinity", "negative_infinity", "uncastable")


@dataclass(frozen=True)
class Counts:
    """What one cell kind counted of one column, a row per group of the pass.

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
    pieces: Iterable[tuple[Summary, Sequence[Counts]]], ends: Mapping[datetime, datetime], reference_id: str
) -> pl.DataFrame:
    """Add up the groups of each slice and return all cells, in the columns of CELLS, sorted by key."""
    frames = [_frame(part, each) for part, counted in pieces if part.keep.size for each in counted]
    found = pl.concat(frames) if frames else pl.DataFrame(schema={name: CELLS[name] for name in _FRAME})
    windows = pl.DataFrame(
        {"window_start": list(ends.keys()), "window_end": list(ends.values())},
        schema={name: CELLS[name] for name in ("window_start", "window_end")},
    )
    return (
        found.with_columns(pl.col("window_start").cast(CELLS["window_start"]))
        .join(windows, on="window_start", how="left", maintain_order="left")
        .with_columns(reference_id=pl.lit(reference_id))
        .select(*CELLS)
        .sort(*CELL_KEYS)
    )


_FRAME = [name for name in CELLS if name not in ("window_end", "reference_id")]


def _frame(part: Summary, each: Counts) -> pl.DataFrame:
    added = [
        np.add.reduceat(matrix[part.order], part.starts)[part.keep]
        for matrix in (each.tallies, each.counts, each.sums)
    ]
    low = np.minimum.reduceat(each.low[part.order], part.starts)[part.keep]
    high = np.maximum.reduceat(each.high[part.order], part.starts)[part.keep]
    return part.labels.with_columns(
        pl.lit(each.column).alias("column"),
        pl.lit(each.kind.value).alias("kind"),
        *(pl.Series(name, added[0][:, i]) for i, name in enumerate(TALLIES)),
        pl.Series("low", np.where(np.isinf(low), np.nan, low)).fill_nan(None),
        pl.Series("high", np.where(np.isinf(high), np.nan, high)).fill_nan(None),
        _lists("counts", added[1]),
        _lists("sums", added[2]),
    ).select(_FRAME)


def _lists(name: str, matrix: np.ndarray) -> pl.Series:
    offsets = np.arange(matrix.shape[0] + 1, dtype=np.int64) * matrix.shape[1]
    values = pa.array(np.ascontiguousarray(matrix).reshape(-1))
    return pl.Series(name, pa.LargeListArray.from_arrays(pa.array(offsets), values))
