"""Times in letters: a day, a moment, and how long ago."""

from datetime import datetime
from zoneinfo import ZoneInfo


def count(n: int, thing: str) -> str:
    """Return so many of a thing."""
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def day(instant: str, zone: ZoneInfo) -> str:
    """Name a window by its start: the day, and the time where it is not midnight."""
    local = datetime.fromisoformat(instant).astimezone(zone)
    named = f"{local:%a} {local.day} {local:%b %Y}"
    return named if (local.hour, local.minute) == (0, 0) else f"{named}, {local:%H:%M %Z}"


def moment(instant: str, zone: ZoneInfo) -> str:
    """Return an instant with its day and time of day."""
    local = datetime.fromisoformat(instant).astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y}, {local:%H:%M %Z}"


def age(since: str, now: str) -> str:
    """Say how long ago something was, in the largest unit that fits.

    Examples
    --------
    >>> age("2024-01-01T00:00:00+00:00", "2024-01-04T12:00:00+00:00")
    '3 days'
    """
    seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()
    days, hours = int(seconds // 86400), int(seconds // 3600)
    if days:
        return count(days, "day")
    return count(hours, "hour") if hours else count(max(0, int(seconds // 60)), "minute")
