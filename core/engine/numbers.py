"""The kernel for numbers: one wide aggregate counts every numeric column, latency and rate in frozen bins."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from core.engine import dialect
from core.engine.counts import Counts, blank
from core.engine.roles import Counted
from core.engine.run import Run
from core.entities import LATENCY_EDGES_MS, Kind, NumericGrid

_COLUMNS_PER_STATEMENT = 64  # bounds the histograms held at once


def numeric(run: Run, columns: Sequence[Counted], grids: Mapping[str, NumericGrid]) -> list[Counts]:
    """Count numeric columns on their grids."""
    found: list[Counts] = []
    for start in range(0, len(columns), _COLUMNS_PER_STATEMENT):
        part = columns[start : start + _COLUMNS_PER_STATEMENT]
        found += _wide(run, part, {each.column: grids[each.column] for each in part}, Kind.NUMERIC)
    return found


def latency(run: Run, column: Counted) -> Counts:
    """Count a latency on the log-spaced bins all models share."""
    grid = NumericGrid(edges=LATENCY_EDGES_MS)
    counted = _wide(run, [column], {column.column: grid}, Kind.LATENCY)[0]
    return Counts(
        counted.column,
        Kind.LATENCY,
        counted.tallies,
        counted.low,
        counted.high,
        counted.counts,
        counted.sums[:, :1],
    )


def rate(run: Run, column: Counted) -> Counts:
    """Count how often a flag is set."""
    alias = column.alias
    frame = run.aggregate(
        [
            "count(*) AS all_rows",
            f"count({alias}) AS n",
            f"count(CASE WHEN {alias} = 1 THEN 1 END) AS hits",
            f"count(CASE WHEN {alias}_bad THEN 1 END) AS bad",
        ]
    )
    rows, found = run.rows_of(frame), blank(column.column, Kind.RATE, run.groups.height, 1, 0)
    n, bad = frame["n"].to_numpy(), frame["bad"].to_numpy()
    found.tallies[rows, 0], found.tallies[rows, 5] = n, bad
    found.tallies[rows, 1] = frame["all_rows"].to_numpy() - n - bad
    found.counts[rows, 0] = frame["hits"].to_numpy()
    return found


def _wide(run: Run, columns: Sequence[Counted], grids: Mapping[str, NumericGrid], kind: Kind) -> list[Counts]:
    derived: dict[str, str] = {}
    items: list[str] = ["count(*) AS all_rows"]
    params: dict[str, object] = {}
    for i, each in enumerate(columns):
        grid, alias = grids[each.column], each.alias
        # NaN and infinity would land in the outer bins and spoil the sums
        derived[f"finite_{i}"] = f"CASE WHEN isfinite({alias}) THEN {alias} END"
        derived[f"centred_{i}"] = (
            f"CASE WHEN isfinite({alias}) THEN {alias} - CAST($centre_{i} AS DOUBLE) END"
        )
        params[f"centre_{i}"] = grid.centre
        items += [
            f"count(finite_{i}) AS n_{i}",
            f"count({alias}) AS numbers_{i}",
            f"count(CASE WHEN isnan({alias}) THEN 1 END) AS nan_{i}",
            f"count(CASE WHEN {alias} = CAST('inf' AS DOUBLE) THEN 1 END) AS positive_{i}",
            f"count(CASE WHEN {alias}_bad THEN 1 END) AS bad_{i}",
            f"min(finite_{i}) AS low_{i}",
            f"max(finite_{i}) AS high_{i}",
            f"sum(centred_{i}) AS sum_{i}",
            f"sum(centred_{i} * centred_{i}) AS squares_{i}",
        ]
        if grid.edges:
            params[f"edges_{i}"] = list(grid.edges)
            items.append(
                f"{dialect.histogram(f'finite_{i}', f'$edges_{i}', len(grid.edges) + 1)} AS bins_{i}"
            )
    frame = run.aggregate(items, derived=derived, params=params)
    rows = run.rows_of(frame)
    return [
        _column(frame, rows, i, blank(each.column, kind, run.groups.height, _width(grids[each.column]), 2))
        for i, each in enumerate(columns)
    ]


def _column(frame: pl.DataFrame, rows: np.ndarray, i: int, found: Counts) -> Counts:
    numbers, n, nan, positive, bad = (
        frame[f"{name}_{i}"].to_numpy() for name in ("numbers", "n", "nan", "positive", "bad")
    )
    missing = frame["all_rows"].to_numpy() - numbers - bad
    found.tallies[rows] = np.column_stack([n, missing, nan, positive, numbers - n - nan - positive, bad])
    found.low[rows] = frame[f"low_{i}"].fill_null(np.inf).to_numpy()
    found.high[rows] = frame[f"high_{i}"].fill_null(-np.inf).to_numpy()
    found.sums[rows] = np.column_stack(
        [frame[f"{name}_{i}"].fill_null(0.0).to_numpy() for name in ("sum", "squares")]
    )
    if found.counts.shape[1]:
        found.counts[rows] = frame[f"bins_{i}"].explode().to_numpy().reshape(frame.height, -1)
    return found


def _width(grid: NumericGrid) -> int:
    return len(grid.edges) + 1 if grid.edges else 0
