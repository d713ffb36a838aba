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
    heights = [each.tallies.shape[0] for each in counted]
    tallies = np.concatenate([each.tallies for each in counted])
    low, high = (np.concatenate([getattr(each, name) for each in counted]) for name in ("low", "high"))
    windows = pl.DataFrame(
        {"window_start": list(ends.keys()), "window_end": list(ends.values())},
        schema={name: CELLS[name] for name in ("window_start", "window_end")},
    )
    frame = labels[np.concatenate([np.arange(height) for height in heights])].with_columns(
        pl.col("window_start").cast(CELLS["window_start"]),
        pl.Series("column", np.repeat([each.column for each in counted], heights), dtype=pl.String),
        pl.Series("kind", np.repeat([each.kind.value for each in counted], heights), dtype=pl.String),
        *(pl.Series(name, tallies[:, i]) for i, name in enumerate(TALLIES)),
        *(
            pl.Series(name, np.where(np.isinf(values), np.nan, values), nan_to_null=True)
            for name, values in (("low", low), ("high", high))
        ),
        _lists("counts", [each.counts for each in counted]),
        _lists("sums", [each.sums for each in counted]),
        reference_id=pl.lit(reference_id),
    )
    ended = frame.filter("kept").join(windows, on="window_start", how="left", maintain_order="left")
    return ended.select(*CELLS).sort(*CELL_KEYS)


def _lists(name: str, matrices: Sequence[np.ndarray]) -> pl.Series:
    """Return the rows of all matrices as lists, each as wide as its matrix."""
    widths = np.concatenate([np.full(len(matrix), matrix.shape[1]) for matrix in matrices])
    offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    values = pa.array(np.concatenate([matrix.reshape(-1) for matrix in matrices]))
    return pl.Series(name, pa.LargeListArray.from_arrays(pa.array(offsets), values))
