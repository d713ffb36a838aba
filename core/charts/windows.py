"""Windows as points on a time axis: fewer of them, with their gaps, in wall time."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from core.charts.style import MAX_POINTS


def thinned(frame: pl.DataFrame, limit: int = MAX_POINTS) -> pl.DataFrame:
    """Return at most `limit` rows: of each bucket of neighbouring windows the lowest and the highest value.

    Examples
    --------
    >>> thinned(pl.DataFrame({"value": [0, 9, 1, 1, 5, 5, 2, 7]}), 4)["value"].to_list()
    [0, 9, 2, 7]
    """
    if frame.height <= limit:
        return frame
    buckets = max(limit // 2, 1)
    numbered = frame.with_row_index("_row").with_columns(_bucket=pl.col("_row") * buckets // frame.height)
    value = pl.col("value")
    kept = numbered.filter(
        (pl.col("_row") == pl.col("_row").sort_by(value, nulls_last=True).first().over("_bucket"))
        | (pl.col("_row") == pl.col("_row").sort_by(value, nulls_last=False).last().over("_bucket"))
    )
    return kept.drop("_row", "_bucket")


def with_gaps(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with an empty one wherever windows are missing between two of them."""
    frame = frame.sort("window_start")
    ends, nexts = frame["window_end"].head(-1), frame["window_start"].tail(-1)
    missing = nexts > ends
    if not missing.any():
        return frame
    holes = pl.DataFrame({"window_start": ends.filter(missing), "window_end": nexts.filter(missing)})
    return pl.concat([frame, holes], how="diagonal").sort("window_start")


def window_middle() -> pl.Expr:
    """Return where the bar of a window stands."""
    return pl.col("window_start") + (pl.col("window_end") - pl.col("window_start")) / 2


def whole_days(frame: pl.DataFrame) -> bool:
    """Return whether the windows are so long that the hour says nothing (a day has 23 hours in spring)."""
    hours = (frame["window_end"] - frame["window_start"]).dt.total_hours()
    return bool((hours >= 23).all())


def wall_time(instant: Any, zone: str) -> datetime:
    """Return an aware instant as the zone's wall time without a zone: all that plotly can draw."""
    local: datetime = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return local


def wall_times(instants: pl.Series, zone: str) -> "np.ndarray[Any, Any]":
    """Return aware instants as the zone's wall times, in milliseconds: plotly sends those in binary."""
    local = instants.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return local.dt.epoch("ms").cast(pl.Float64).to_numpy()
