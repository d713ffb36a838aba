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
    windows = pl.DataFrame(
        {"window_start": list(ends.keys()), "window_end": list(ends.values())},
        schema={name: CELLS[name] for name in ("window_start", "window_end")},
    )
    labels = labels.with_columns(pl.col("window_start").cast(CELLS["window_start"]))
    labels = labels.join(windows, on="window_start", how="left", maintain_order="left")
    group, column, order = _order(labels, counted)
    tallies = np.concatenate([each.tallies for each in counted])[order]
    low, high = (np.concatenate([getattr(each, name) for each in counted])[order] for name in ("low", "high"))
    names, kinds = [each.column for each in counted], [each.kind.value for each in counted]
    return (
        labels[group]
        .with_columns(
            pl.Series("column", names, dtype=pl.String).gather(column),
            pl.Series("kind", kinds, dtype=pl.String).gather(column),
            *(pl.Series(name, tallies[:, i]) for i, name in enumerate(TALLIES)),
            *(
                pl.Series(name, np.where(np.isinf(values), np.nan, values), nan_to_null=True)
                for name, values in (("low", low), ("high", high))
            ),
            _lists("counts", [each.counts for each in counted]).gather(order),
            _lists("sums", [each.sums for each in counted]).gather(order),
            reference_id=pl.lit(reference_id),
        )
        .select(*CELLS)
    )


def _order(labels: pl.DataFrame, counted: Sequence[Counts]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the group, the place in `counted` and the row in all of them together of each cell kept, sorted.

    Groups and columns are sorted by themselves: there are few of either, and many cells.
    """
    keys = [name for name in CELL_KEYS if name in labels.columns]
    rank = np.empty(labels.height, dtype=np.int64)
    rank[labels.with_row_index("row").sort(keys)["row"].to_numpy()] = np.arange(labels.height)
    names = sorted(range(len(counted)), key=lambda i: (counted[i].column, counted[i].kind.value))
    heights = [len(each.tallies) for each in counted]
    group = np.concatenate([np.arange(height) for height in heights])
    column = np.repeat(np.arange(len(counted)), heights)
    order = np.argsort(rank[group] * len(counted) + np.argsort(names)[column])
    order = order[labels["kept"].to_numpy()[group[order]]]
    return group[order], column[order], order


def _lists(name: str, matrices: Sequence[np.ndarray]) -> pl.Series:
    """Return the rows of all matrices as lists, each as wide as its matrix."""
    widths = np.concatenate([np.full(len(matrix), matrix.shape[1]) for matrix in matrices])
    offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    values = pa.array(np.concatenate([matrix.reshape(-1) for matrix in matrices]))
    return pl.Series(name, pa.LargeListArray.from_arrays(pa.array(offsets), values))
