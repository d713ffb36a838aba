"""What is usual: how the reference's own windows vary around the reference as a whole."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Normal:
    """What the reference windows showed: the middle value, and the range of nine in ten of them."""

    middle: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, windows: pl.DataFrame) -> "Normal | None":
        """Return what these windows showed, or None when none of them has a value."""
        values = windows["value"].drop_nulls()
        if not values.len():
            return None
        low, middle, high = (values.quantile(share, "linear") for share in (0.05, 0.5, 0.95))
        return cls(float(middle or 0.0), low, high)


def with_usual(frame: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """Return values of one metric beside what is usual for their column.

    A single day always differs from a whole quarter (one weekday, one weather), so a distance says little
    without the distances of the reference's own windows.

    Parameters
    ----------
    frame, reference : METRICS of one metric, of the windows to look at and of the reference's windows

    Returns
    -------
    The frame with ``usual``, which nineteen of twenty reference windows stay below, and ``excess``: how far
    the value lies above both it and what chance alone shows, negative below; both null where the reference
    has no windows of this column.
    """
    usual = reference.group_by("column").agg(usual=pl.col("value").quantile(0.95, "linear"))
    bar = pl.max_horizontal("usual", "expected")
    excess = pl.when(pl.col("usual").is_not_null()).then(pl.col("value") - bar)
    return frame.join(usual, on="column", how="left").with_columns(excess=excess)
