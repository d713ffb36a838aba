"""How many rows are usual: traffic has weekdays and hours, so a window is compared with those alike."""

from datetime import timedelta

import polars as pl

from core.windows import Calendar

VOLUME = "volume"
REMEMBERED = 8  # windows alike
FEWEST = 3  # below it nobody knows what is usual
_ALIKE_EVERY = {"1h": timedelta(days=1), "1d": timedelta(weeks=1)}
_SLICES = ("segment", "version", "variant")


def with_usual(volumes: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Return volumes with `usual`, the median of up to eight earlier windows alike (null: fewer than three).

    Alike are days of the same weekday and hours of the same hour, in the model's zone; of longer windows all.
    A window without rows is none of them: how long nothing came is what freshness says.

    Parameters
    ----------
    volumes : METRICS of the volume, closed windows, of any slices

    Examples
    --------
    >>> from datetime import UTC, datetime, timedelta
    >>> weeks = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=i) for i in range(4)]
    >>> slices = dict.fromkeys(("segment", "version", "variant"), "")
    >>> rows = pl.DataFrame({"window_start": weeks, "value": [100.0, 120.0, 110.0, 50.0]})
    >>> with_usual(rows.with_columns(**{n: pl.lit("") for n in slices}), Calendar("1d", "UTC"))["usual"][-1]
    110.0
    """
    local = pl.col("window_start").dt.convert_time_zone(calendar.zone).dt
    alike = {"1d": local.weekday(), "1h": local.hour()}.get(calendar.size, pl.lit(0, pl.Int8))
    before = pl.col("value").shift(1).rolling_median(REMEMBERED, min_samples=FEWEST)
    ordered = volumes.with_columns(_alike=alike).sort("window_start")
    return ordered.with_columns(usual=before.over(*_SLICES, "_alike")).drop("_alike")


def reach(calendar: Calendar) -> timedelta:
    """Return how far back what is usual may look, some missing windows allowed for."""
    return 2 * REMEMBERED * _ALIKE_EVERY.get(calendar.size, calendar.nominal)
