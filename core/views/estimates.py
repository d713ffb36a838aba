"""How far estimated performance was off in the past, where labels have come since."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl


@dataclass(frozen=True)
class EstimateError:
    """The mean |estimated − realised| over so many complete windows."""

    mean: float
    windows: int


def estimate_error(
    realised: pl.DataFrame, estimated: pl.DataFrame, *, after: datetime | None, fewest: int
) -> EstimateError | None:
    """Return how far a metric's estimates were off; None where no window has both.

    Parameters
    ----------
    realised, estimated : one metric's windows, as `series` returns them
    after : the end of the reference, on whose own labels the estimates were made; they are no test
    fewest : labelled rows without which a window says more about chance
    """
    complete = realised.filter((pl.col("phase") == "closed") & (pl.col("n") >= fewest))
    if after is not None:
        complete = complete.filter(pl.col("window_start") >= after)
    both = complete.join(estimated.select("window_start", told="value"), on="window_start")
    off = (both["value"] - both["told"]).abs().drop_nulls()
    return EstimateError(float(off.mean()), off.len()) if off.len() else None  # type: ignore[arg-type]
