"""How fast a prediction log grows, and the windows and the reference that suit it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast

import polars as pl

from core.reference import DEFAULT_MINIMUM_ROWS, DEFAULT_WINDOWS
from core.windows import Calendar

MINIMUM_WINDOW_ROWS = 100  # below it a window says more about chance than about the model
_DAYS = {"1h": 1 / 24, "1d": 1, "1w": 7, "1mo": 30, "1y": 365}
_REFERENCE_WINDOWS = {"1h": 14 * 24, "1d": DEFAULT_WINDOWS, "1w": 12, "1mo": 6, "1y": 3}


@dataclass(frozen=True)
class Pace:
    """A log's first instant (as written, without zone) and about how many rows it gains a day."""

    first: datetime
    rows_per_day: float

    @property
    def window(self) -> str:
        """The smallest window of a day, week or month that holds enough rows."""
        return self.window_from("1d")

    def window_from(self, smallest: str) -> str:
        """Return the smallest window, from this size on, that holds enough rows; a month where none does."""
        sizes = list(_DAYS)
        possible = sizes[sizes.index(smallest) :]
        enough = (size for size in possible if self.rows_per_day * _DAYS[size] >= MINIMUM_WINDOW_ROWS)
        return next(enough, max("1mo", smallest, key=sizes.index))

    @property
    def suits_default_reference(self) -> bool:
        """Whether the windows are large enough for the reference Steward chooses by itself."""
        return self.rows_per_day * _DAYS[self.window] >= DEFAULT_MINIMUM_ROWS

    def reference_period(self, size: str | None = None) -> tuple[date, date]:
        """Return the first whole windows of the log, of this size or the one that suits it, as [from, to)."""
        size = size or self.window
        calendar, needed = Calendar(size, "UTC"), _REFERENCE_WINDOWS[size]
        midnight = self.first.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
        window = calendar.containing(midnight)
        if window.start < midnight:  # the log begins in the middle of it
            window = calendar.containing(window.end)
        start = window.start
        for _ in range(needed - 1):
            window = calendar.containing(window.end)
        return start.date(), window.end.date()


def pace(times: Sequence[pl.Series]) -> Pace | None:
    """Return the pace of a log from the timestamps of some of its files, each read from its beginning."""
    dated = [series for each in times if len(series := _clock(each).drop_nulls())]
    if not dated:
        return None
    firsts = [cast(datetime, series.min()) for series in dated]
    lasts = [cast(datetime, series.max()) for series in dated]
    days = [max((last - first) / timedelta(days=1), 1.0) for first, last in zip(firsts, lasts, strict=True)]
    return Pace(min(firsts), max(len(series) / span for series, span in zip(dated, days, strict=True)))


def _clock(series: pl.Series) -> pl.Series:
    """Return timestamps, or ISO text, as they stand: without zone."""
    if series.dtype != pl.String:
        return series.cast(pl.Datetime("us"))
    return series.str.slice(0, 19).str.replace(" ", "T").str.to_datetime(strict=False)
