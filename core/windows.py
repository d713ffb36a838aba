"""Calendar windows of a model: half-open, in the model's time zone, written as UTC instants."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

QUARTER_HOUR_US = 900_000_000
_NOMINAL = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "1w": timedelta(weeks=1),
    "1mo": timedelta(days=30),
    "1y": timedelta(days=365),
}


@dataclass(frozen=True, order=True)
class Window:
    """A half-open stretch of time [start, end), both aware UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Calendar:
    """Cuts time into windows of one size in one zone.

    Parameters
    ----------
    size : ``1h``, ``1d``, ``1w`` (Monday to Monday), ``1mo`` or ``1y``
    zone : IANA name, e.g. ``America/New_York``

    Examples
    --------
    A New York day in winter starts at 05:00 UTC:

    >>> calendar = Calendar("1d", "America/New_York")
    >>> calendar.containing(datetime(2013, 1, 5, 12, tzinfo=UTC)).start.isoformat()
    '2013-01-05T05:00:00+00:00'
    """

    size: str
    zone: str

    def containing(self, instant: datetime) -> Window:
        """Return the window that holds an aware instant."""
        if self.size == "1h":  # hours have no calendar, only the zone's offset (a quarter hour at the finest)
            offset = instant.astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta()
            local = instant.astimezone(UTC) + offset
            start = local.replace(minute=0, second=0, microsecond=0) - offset
            return Window(start, start + timedelta(hours=1))
        local_start = _floor(instant.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None), self.size)
        return Window(self._utc(local_start), self._utc(_next(local_start, self.size)))

    def covering(self, start: datetime, end: datetime) -> list[Window]:
        """Return every window that overlaps [start, end], in time order."""
        windows = [self.containing(start)]
        while windows[-1].end <= end:
            windows.append(self.containing(windows[-1].end))
        return windows

    def first_within(self, start: datetime, end: datetime) -> Window | None:
        """Return the first window that lies wholly between two instants; None where none does."""
        window = self.containing(start)
        if window.start < start:
            window = self.containing(window.end)
        return window if window.end <= end else None

    def of(self, instants: Iterable[datetime]) -> list[Window]:
        """Return the distinct windows that hold these instants, in time order."""
        found: list[Window] = []
        for instant in sorted(instants):
            if not found or instant >= found[-1].end:
                found.append(self.containing(instant))
        return found

    def back(self, instant: datetime, count: int) -> datetime:
        """Return the start of the window `count` windows before the one that holds `instant`."""
        start = self.containing(instant).start
        for _ in range(count):
            start = self.containing(start - timedelta(microseconds=1)).start
        return start

    def month(self, window: Window) -> str:
        """Return the month ``yyyy-mm`` of the window's start in the zone: the name of its statistics file."""
        return window.start.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m")

    def ordinals(self, starts: pl.Series) -> pl.Series:
        """Return the number of each window, so that windows next to each other differ by one.

        Examples
        --------
        >>> day = pl.Series([datetime(2013, 3, 9, 5, tzinfo=UTC), datetime(2013, 3, 11, 4, tzinfo=UTC)])
        >>> Calendar("1d", "America/New_York").ordinals(day).diff()[1]
        2
        """
        if self.size == "1h":
            return starts.dt.epoch("s") // 3600
        local = starts.dt.convert_time_zone(self.zone).dt
        match self.size:
            case "1d" | "1w":
                days = local.date().cast(pl.Int64)
                return days if self.size == "1d" else days // 7
            case "1mo":
                return local.year().cast(pl.Int64) * 12 + local.month()
        return local.year().cast(pl.Int64)

    @property
    def nominal(self) -> timedelta:
        """How long a window is, leaving aside clock changes and the length of months."""
        return _NOMINAL[self.size]

    def count(self, length: timedelta) -> int:
        """Return how many windows make up a length: 48 h are two days, also when the clocks change.

        Examples
        --------
        >>> Calendar("1d", "UTC").count(timedelta(hours=48))
        2
        """
        return max(1, -(-length // self.nominal))

    def _utc(self, local: datetime) -> datetime:
        return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)


def overlapping(windows: Iterable[Window], others: Sequence[Window]) -> list[Window]:
    """Return the windows that share time with one of the others, which are in time order and apart.

    Examples
    --------
    >>> hours = [datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in range(4)]
    >>> found = overlapping(map(Window, hours, hours[1:]), [Window(hours[1], hours[2])])
    >>> [window.start.hour for window in found]
    [1]
    """
    starts = [other.start for other in others]

    def shares(window: Window) -> bool:
        at = bisect_left(starts, window.end)  # the last other that begins before the window ends
        return at > 0 and others[at - 1].end > window.start

    return [window for window in windows if shares(window)]


def quarter_hours(windows: Sequence[Window]) -> pl.DataFrame:
    """Return the table that maps every UTC quarter hour of the windows to its window.

    Every zone offset in use is a multiple of a quarter hour, so joining on it gives exact local days,
    months and years.

    Returns
    -------
    Columns ``quarter_hour`` (Int64, microseconds since 1970 // 900,000,000) and ``window_start`` (Int64,
    microseconds since 1970).
    """
    bounds = [[_microseconds(end) // QUARTER_HOUR_US for end in (w.start, w.end)] for w in windows]
    frames = [
        pl.DataFrame({"quarter_hour": pl.int_range(first, last, eager=True)}).with_columns(
            window_start=pl.lit(first * QUARTER_HOUR_US, dtype=pl.Int64)
        )
        for first, last in bounds
    ]
    empty = pl.DataFrame(schema={"quarter_hour": pl.Int64, "window_start": pl.Int64})
    return pl.concat([empty, *frames])


def duration(text: str) -> timedelta:
    """Return the length of ``15m``, ``48h``, ``2d`` or ``1w``.

    Examples
    --------
    >>> duration("48h")
    datetime.timedelta(days=2)
    """
    match = re.fullmatch(r"(\d+)\s*([smhdw])", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration; write a number and s, m, h, d or w, e.g. 15m, 48h, 2d")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[match[2]]
    return timedelta(**{unit: int(match[1])})


def _floor(local: datetime, size: str) -> datetime:
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    match size:
        case "1d":
            return day
        case "1w":
            return day - timedelta(days=day.weekday())
        case "1mo":
            return day.replace(day=1)
        case "1y":
            return day.replace(month=1, day=1)
    raise ValueError(f"{size!r} is no window size; expected 1h, 1d, 1w, 1mo or 1y")


def _next(local_start: datetime, size: str) -> datetime:
    match size:
        case "1d":
            return local_start + timedelta(days=1)
        case "1w":
            return local_start + timedelta(days=7)
        case "1mo":
            return (local_start + timedelta(days=32)).replace(day=1)
    return local_start.replace(year=local_start.year + 1)


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
