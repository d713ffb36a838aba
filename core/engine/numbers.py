"""The kernel for numbers: features and other numeric columns on their grids, latency, and rates."""

from collections.abc import Container, Mapping, Sequence

from core.engine.binning import lookup
from core.engine.counts import Counts, blank
from core.engine.histograms import Binned, Histogram
from core.engine.roles import Counted
from core.engine.run import Run
from core.entities import LATENCY_EDGES_MS, Kind, NumericGrid

_NO_EDGES = (0.0,)  # a learning model's numbers fall into bins that nobody reads


def numeric_bins(
    columns: Sequence[Counted], grids: Mapping[str, NumericGrid], doubtful: Container[str]
) -> dict[str, Binned]:
    """Return by alias how numeric columns are binned; `doubtful` ones can hold what is no number."""
    return {each.alias: _binned(each.alias, grids[each.column], each.alias in doubtful) for each in columns}


def latency_bins(alias: str) -> dict[str, Binned]:
    """Return how a latency is binned: log-spaced, the same for all models."""
    return {alias: _binned(alias, NumericGrid(edges=LATENCY_EDGES_MS), doubtful=True)}


def numeric(
    columns: Sequence[Counted], grids: Mapping[str, NumericGrid], histograms: Mapping[str, Histogram]
) -> list[Counts]:
    """Count numeric columns on their grids, given their histograms."""
    return [
        _counts(each.column, Kind.NUMERIC, histograms[each.alias], bool(grids[each.column].edges))
        for each in columns
    ]


def latency(column: Counted, histogram: Histogram) -> Counts:
    """Count a latency, given its histogram."""
    return _counts(column.column, Kind.LATENCY, histogram, binned=True)


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


def _binned(alias: str, grid: NumericGrid, doubtful: bool) -> Binned:
    table = lookup(grid.edges or _NO_EDGES)
    bad = f"t.{alias}_bad" if doubtful else ""
    return Binned(f"t.{alias}", table.nowhere + 1, table, grid.centre, bad)


def _counts(column: str, kind: Kind, histogram: Histogram, binned: bool) -> Counts:
    bins = histogram.bins[:, :-1]  # the last holds what is not finite, which the tallies tell apart
    tallies = histogram.tallies.copy()
    tallies[:, 0] = bins.sum(axis=1)
    sums = histogram.sums[:, :1] if kind == Kind.LATENCY else histogram.sums
    counts = bins if binned else bins[:, :0]
    return Counts(column, kind, tallies, histogram.low, histogram.high, counts, sums)
