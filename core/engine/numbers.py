"""The kernel for numbers: moments by one wide aggregate, bins by one stream through numpy; rates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from core.engine.binning import lookup
from core.engine.counts import Counts, blank
from core.engine.histograms import Binned
from core.engine.roles import Counted
from core.engine.run import Run
from core.entities import LATENCY_EDGES_MS, Kind, NumericGrid

_COLUMNS_PER_STATEMENT = 64


def numeric_bins(columns: Sequence[Counted], grids: Mapping[str, NumericGrid]) -> dict[str, Binned]:
    """Return by alias how numeric columns are binned: [below, bins (a, b] …, above, not finite]."""
    return {
        each.alias: _on(each.alias, grids[each.column].edges) for each in columns if grids[each.column].edges
    }


def latency_bins(alias: str) -> dict[str, Binned]:
    """Return how a latency is binned: log-spaced, the same for all models."""
    return {alias: _on(alias, LATENCY_EDGES_MS)}


def numeric(
    run: Run,
    columns: Sequence[Counted],
    grids: Mapping[str, NumericGrid],
    histograms: Mapping[str, np.ndarray],
) -> list[Counts]:
    """Count numeric columns on their grids, given the histograms of those that have one."""
    found = []
    for start in range(0, len(columns), _COLUMNS_PER_STATEMENT):
        part = columns[start : start + _COLUMNS_PER_STATEMENT]
        counted = _moments(run, part, [grids[each.column].centre for each in part])
        found += [_with_bins(each, histograms.get(of.alias)) for each, of in zip(counted, part, strict=True)]
    return found


def latency(run: Run, column: Counted, histogram: np.ndarray) -> Counts:
    """Count a latency."""
    (found,) = _moments(run, [column], [0.0])
    return replace(_with_bins(found, histogram), kind=Kind.LATENCY, sums=found.sums[:, :1])


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


def _on(alias: str, edges: Sequence[float]) -> Binned:
    table = lookup(edges)
    return Binned(f"t.{alias}", table.nowhere + 1, table)


def _with_bins(counted: Counts, histogram: np.ndarray | None) -> Counts:
    return counted if histogram is None else replace(counted, counts=histogram[:, :-1])


def _moments(run: Run, columns: Sequence[Counted], centres: Sequence[float]) -> list[Counts]:
    """Return all but the bins: one wide aggregate."""
    derived: dict[str, str] = {}
    items = ["count(*) AS all_rows"]
    for i, each in enumerate(columns):
        alias, finite = each.alias, f"isfinite({each.alias})"
        derived[f"finite_{i}"] = (
            f"CASE WHEN {finite} THEN {alias} END"  # NaN and infinity would spoil the sums
        )
        derived[f"centred_{i}"] = f"CASE WHEN {finite} THEN {alias} - CAST($centre_{i} AS DOUBLE) END"
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
    params = {f"centre_{i}": centre for i, centre in enumerate(centres)}
    frame = run.aggregate(items, derived=derived, params=params)
    rows = run.rows_of(frame)
    return [
        _column(frame, rows, i, blank(each.column, Kind.NUMERIC, run.groups.height, 0, 2))
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
    sums = [frame[f"{name}_{i}"].fill_null(0.0).to_numpy() for name in ("sum", "squares")]
    found.sums[rows] = np.column_stack(sums)
    return found
