"""Counts as numpy matrices with one row per group, and how they become CELLS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

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
    """Return the counts of labelled groups (see `slices.labels`) in the columns of CELLS, sorted by key.

    A group without rows has none.
    """
    windows = pl.DataFrame(
        {"window_start": list(ends.keys()), "window_end": list(ends.values())},
        schema={name: CELLS[name] for name in ("window_start", "window_end")},
    )
    labels = labels.with_columns(
        pl.col("window_start").cast(CELLS["window_start"]), reference_id=pl.lit(reference_id)
    ).join(windows, on="window_start", how="left", maintain_order="left")
    about_rows = next(each for each in counted if each.kind == Kind.ROWS)
    some = about_rows.tallies[:, 0] + about_rows.counts[:, 0] > 0  # a group can have duplicates alone
    kept = np.flatnonzero(some & labels["group"].is_not_null().to_numpy())
    in_order = sorted(counted, key=lambda each: (each.column, each.kind.value))
    found = []
    for first, last in pairwise([0, *sorted({len(each.tallies) for each in counted})]):
        rows = kept[(kept >= first) & (kept < last)]
        found.append(_table(labels, rows, [each for each in in_order if len(each.tallies) >= last]))
    return found[0] if len(found) == 1 else pl.concat(found).sort(CELL_KEYS)


def _table(labels: pl.DataFrame, rows: np.ndarray, counted: Sequence[Counts]) -> pl.DataFrame:
    """Return the cells of some groups, which have all these counts; those are sorted, the groups are not."""
    keys = [name for name in CELL_KEYS if name in labels.columns]
    groups = labels[rows].with_columns(row=rows).sort(keys)
    rows, places = groups["row"].to_numpy(), np.tile(np.arange(len(counted)), len(rows))

    def flat(name: str) -> np.ndarray:
        table = np.stack([getattr(each, name)[rows] for each in counted], axis=1)
        return table.reshape(len(places), *table.shape[2:])

    tallies = flat("tallies")
    return (
        groups[np.repeat(np.arange(len(rows)), len(counted))]
        .with_columns(
            pl.Series("column", [each.column for each in counted], dtype=pl.String).gather(places),
            pl.Series("kind", [each.kind.value for each in counted], dtype=pl.String).gather(places),
            *(pl.Series(name, tallies[:, i]) for i, name in enumerate(TALLIES)),
            *(
                pl.Series(name, np.where(np.isinf(values), np.nan, values), nan_to_null=True)
                for name, values in ((name, flat(name)) for name in ("low", "high"))
            ),
            _lists("counts", [each.counts[rows] for each in counted]),
            _lists("sums", [each.sums[rows] for each in counted]),
        )
        .select(*CELLS)
    )


def _lists(name: str, matrices: Sequence[np.ndarray]) -> pl.Series:
    """Return as lists the first row of each matrix, then the second of each, and so on."""
    widths = np.tile([matrix.shape[1] for matrix in matrices], len(matrices[0]))
    offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    values = pa.array(np.concatenate(matrices, axis=1).reshape(-1))
    return pl.Series(name, pa.LargeListArray.from_arrays(pa.array(offsets), values))
