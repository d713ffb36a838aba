"""When something is due: every so long, or at the times of a cron line in a time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core.windows import duration

_FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 7),
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_WAIT_DAYS = 366 * 9  # from 29 February 2096 to that of 2104


@dataclass(frozen=True)
class Cron:
    """A cron line of five fields, read as crontab(5) does: Sunday is 0 or 7, two day fields mean either."""

    line: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @classmethod
    def parse(cls, line: str) -> "Cron":
        """Return the cron line.

        Raises
        ------
        ValueError
            If it has not five fields, one is out of its bounds, or the day never comes.
        """
        fields = line.split()
        if len(fields) != len(_FIELDS):
            raise ValueError(
                f"{line!r} is no cron line; expected minute hour day month weekday, e.g. 0 8 * * 1-5"
            )
        minutes, hours, days, months, weekdays = (
            _values(text, *field, line) for text, field in zip(fields, _FIELDS, strict=True)
        )
        weekdays = frozenset(day % 7 for day in weekdays)
        both = not fields[2].startswith("*") and not fields[4].startswith("*")
        cron = cls(line, minutes, hours, days, months, weekdays, both)
        cron._next_day(datetime(2000, 1, 1))  # refuses 30 February now instead of when it is due
        return cron

    def next_after(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """Return the first time after an aware instant, in UTC; a time the clocks skip comes after it."""
        after = instant.astimezone(UTC)
        day = instant.astimezone(zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        while True:
            day = self._next_day(day)
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    candidate = day.replace(hour=hour, minute=minute, tzinfo=zone).astimezone(UTC)
                    if candidate > after:
                        return candidate
            day += timedelta(days=1)

    def _next_day(self, day: datetime) -> datetime:
        for days in range(_LONGEST_WAIT_DAYS):
            later = day + timedelta(days=days)
            if later.month in self.months and self._on(later):
                return later
        raise ValueError(f"{self.line!r} never comes; no such day is in the months it names")

    def _on(self, day: datetime) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return in_month or in_week if self.either_day else in_month and in_week


def schedule(text: str) -> timedelta | Cron:
    """Return a schedule: a duration such as ``15m`` or a cron line such as ``0 8 * * 1-5``.

    Raises
    ------
    ValueError
        If it is neither, or the duration is shorter than a minute.
    """
    if len(text.split()) > 2:
        return Cron.parse(text)
    length = duration(text)
    if length < timedelta(minutes=1):
        raise ValueError(f"{text!r} is too often; expected at least 1m")
    return length


def next_run(text: str, after: datetime, zone: ZoneInfo) -> datetime:
    """Return when a schedule is due next, aware UTC.

    Examples
    --------
    >>> next_run("0 8 * * 1-5", datetime(2024, 1, 5, 12, tzinfo=UTC), ZoneInfo("UTC")).isoformat()
    '2024-01-08T08:00:00+00:00'
    """
    when = schedule(text)
    return when.next_after(after, zone) if isinstance(when, Cron) else after.astimezone(UTC) + when


def _values(text: str, name: str, low: int, high: int, line: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        try:
            if match is None:
                raise ValueError
            first = low if match[1] is None else _number(match[1], name)
            last = _number(match[2], name) if match[2] else high if match[1] is None or match[3] else first
            step = int(match[3] or 1)
            if not (low <= first <= last <= high and step >= 1):
                raise ValueError
        except ValueError:
            raise ValueError(
                f"{part!r} is no {name} of the cron line {line!r}; expected {low} to {high}"
            ) from None
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, name: str) -> int:
    if name == "month" and text.lower() in _MONTHS:
        return _MONTHS.index(text.lower()) + 1
    if name == "day of week" and text.lower() in _DAYS:
        return _DAYS.index(text.lower())
    return int(text)
