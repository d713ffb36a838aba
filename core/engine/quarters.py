"""When rows happened: how many in each quarter hour and each window, and what clock changes did to them."""

from collections.abc import Sequence

import duckdb
import numpy as np
import polars as pl

from core.engine import dialect, traffic
from core.engine.instants import AMBIGUOUS, NON_EXISTENT, local_quarters, microseconds
from core.engine.source import Opened
from core.engine.statement import Relation, fetch
from core.windows import QUARTER_HOUR_US, Window


def quarter_counts(
    connection: duckdb.DuckDBPyConnection,
    raw: Relation,
    zone: str,
    *,
    where: str = "TRUE",
    by_file: bool = False,
) -> pl.DataFrame:
    """Return the rows by quarter hour of UTC, and how many local times are ambiguous or do not exist.

    Columns ``quarter_hour``, ``n``, ``first``, ``last`` (microseconds), ``ambiguous``, ``non_existent``; rows
    without a usable timestamp have no quarter hour, and ``unreadable`` says whether there was one. With
    `by_file` also ``file``, the number of the table in the relation.
    """
    file = f"position // {traffic.FILE_STEP} AS file, " if by_file else ""
    sql = (
        f"SELECT {file}local_time, {dialect.quarter_hour('instant')} AS quarter_hour, unreadable,"
        " count(*) AS n, min(instant) AS first, max(instant) AS last"
        f"\nFROM ({raw.sql}) WHERE {where} GROUP BY ALL"
    )
    found = fetch(connection, sql, raw.params)
    local = (found["local_time"] & found["quarter_hour"].is_not_null()).to_numpy()
    offset, state = np.zeros(found.height, dtype=np.int64), np.zeros(found.height, dtype=np.int64)
    if local.any():
        looked_up = local_quarters(found["quarter_hour"].fill_null(0).to_numpy()[local], zone)
        offset[local], state[local] = looked_up.offset_us, looked_up.state
    shifted = [pl.col(name) - pl.Series(offset) for name in ("first", "last")]
    return found.select(
        *(["file"] if by_file else []),
        pl.col("quarter_hour") - pl.Series(offset // QUARTER_HOUR_US),
        "n",
        *shifted,
        "unreadable",
        ambiguous=pl.col("n") * pl.Series(state == AMBIGUOUS),
        non_existent=pl.col("n") * pl.Series(state == NON_EXISTENT),
    )


def rows_per_window(source: Opened, windows: Sequence[Window]) -> list[int]:
    """Return how many rows each window holds, duplicates included."""
    raw = traffic.rows(
        source.predictions, [], source.declaration.predictions.timestamp, bounds=bounds_of(windows)
    )
    return by_window(quarter_counts(source.connection, raw, source.declaration.predictions.timezone), windows)


def by_window(found: pl.DataFrame, windows: Sequence[Window]) -> list[int]:
    """Return the rows of `quarter_counts` that lie in each window."""
    counted = found.drop_nulls("quarter_hour")
    quarters, n = counted["quarter_hour"].to_numpy(), counted["n"].to_numpy()
    order = np.argsort(quarters, kind="stable")
    total = np.concatenate([[0], np.cumsum(n[order])])
    first, last = (
        np.searchsorted(quarters[order], [microseconds(time) // QUARTER_HOUR_US for time in times])
        for times in ([w.start for w in windows], [w.end for w in windows])
    )
    return [int(count) for count in total[last] - total[first]]


def bounds_of(windows: Sequence[Window]) -> tuple[int, int]:
    """Return the seconds since 1970 between which the windows lie."""
    return int(min(w.start for w in windows).timestamp()), int(max(w.end for w in windows).timestamp())
