"""What the reference rows hold, read for the grid: moments and values of numbers, counts of categories."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from core.engine.chunks import Chunk
from core.engine.roles import Counted
from core.engine.slices import Dimension
from core.engine.source import Opened
from core.engine.statement import fetch
from core.windows import Window

KNOWN_VALUES = (
    50_000  # a category has at most as many (a country's postcodes); a column with more is like an id
)
_VALUES = 1_000_000  # more values than this do not move a percentile noticeably


@dataclass
class Numbers:
    """A numeric column's finite values (all, or an even sample), with the exact moments and range of all."""

    values: list[np.ndarray] = field(default_factory=list)
    n: int = 0
    mean: float = 0.0
    squares: float = 0.0  # sum of (x - mean)²
    low: float = np.inf
    high: float = -np.inf

    def add(self, n: int, mean: float, squares: float, low: float, high: float) -> None:
        """Take in the moments of more values (Chan, Golub and LeVeque 1979)."""
        step, total = mean - self.mean, self.n + n
        self.squares += squares + step * step * self.n * n / total
        self.mean += step * n / total
        self.n, self.low, self.high = total, min(self.low, low), max(self.high, high)


def add_numbers(
    source: Opened, chunk: Chunk, columns: Sequence[Counted], found: dict[str, Numbers], one_in: int
) -> None:
    """Read the numeric columns of a chunk: moments of all rows, values of one row in `one_in`."""
    connection, relation = source.connection, chunk.traffic
    for each in columns:
        finite = f"SELECT {each.alias} AS x, position FROM ({relation.sql}) WHERE isfinite({each.alias})"
        moments = fetch(
            connection,
            "SELECT count(*) AS n, avg(x) AS mean, var_pop(x) * count(*) AS squares, min(x) AS low,"
            f" max(x) AS high FROM ({finite})",
            relation.params,
        ).row(0)
        numbers = found.setdefault(each.column, Numbers())
        if not moments[0]:
            continue
        numbers.add(*moments)
        # a multiplicative hash of the row number (Knuth): the same rows whatever the order of reading
        sampled = (
            f" WHERE position % 4294967296 * 1640531527 % 4294967296 < {4294967296 // one_in}"
            if one_in > 1
            else ""
        )
        numbers.values.append(
            fetch(connection, f"SELECT x FROM ({finite}){sampled}", relation.params)["x"].to_numpy()
        )


def one_in(rows: int) -> int:
    """Return how many rows stand behind one whose values are read."""
    return -(-rows // _VALUES) or 1


def value_counts(source: Opened, chunk: Chunk, alias: str, odd: Sequence[Window]) -> pl.DataFrame:
    """Return ``value``, ``n`` and ``chosen``: rows in all windows and in the windows `odd`.

    Of a column with more than KNOWN_VALUES values only one more comes back, the most frequent ones.
    """
    relation = chunk.traffic
    return fetch(
        source.connection,
        "SELECT value, CAST(sum(n) AS BIGINT) AS n, CAST(coalesce(sum(n) FILTER (WHERE window_start IN"
        " (SELECT unnest(CAST($odd AS BIGINT[])))), 0) AS BIGINT) AS chosen"
        f"\nFROM (SELECT window_start, {alias} AS value, count(*) AS n FROM ({relation.sql})"
        f" WHERE {alias} IS NOT NULL GROUP BY ALL) GROUP BY value"
        f"\nORDER BY chosen DESC, n DESC, value LIMIT {KNOWN_VALUES + 1}",
        {**relation.params, "odd": [int(w.start.timestamp()) * 1_000_000 for w in odd]},
    )


def combinations(source: Opened, chunk: Chunk, cuts: Sequence[Dimension]) -> pl.DataFrame:
    """Return the combinations of the dimensions' values and their rows ``n``."""
    names = ", ".join(cut.name for cut in cuts)
    sql = f"SELECT {names}, count(*) AS n FROM ({chunk.traffic.sql}) GROUP BY ALL"
    return fetch(source.connection, sql, chunk.traffic.params)


def merged(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Add up counts of the same values, most frequent first, then by value."""
    keys = [name for name in frames[0].columns if name not in ("n", "chosen")]
    added = pl.concat(frames).group_by(keys).agg(pl.exclude(keys).sum())
    return added.sort("n", *keys, descending=[True, *[False] * len(keys)])
