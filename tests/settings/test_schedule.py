"""Schedules: durations and cron lines, in the zone they are meant in."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.schedule import next_run, schedule

NEW_YORK = ZoneInfo("America/New_York")


def test_a_duration_is_due_that_much_later():
    assert next_run("15m", datetime(2024, 1, 1, tzinfo=UTC), NEW_YORK) == datetime(
        2024, 1, 1, 0, 15, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        ("0 8 * * 1-5", "2024-01-05T08:00", "2024-01-08T08:00"),  # Friday 8:00 → Monday
        ("*/20 * * * *", "2024-01-05T08:41", "2024-01-05T09:00"),
        ("0 0 1 jan *", "2024-01-01T00:00", "2025-01-01T00:00"),
        ("30 6 * * sun", "2024-01-01T00:00", "2024-01-07T06:30"),
        ("30 6 * * 7", "2024-01-01T00:00", "2024-01-07T06:30"),
        ("0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00"),
        ("0 0 13 * 5", "2024-01-01T00:00", "2024-01-05T00:00"),  # the 13th or a Friday, as crontab(5) has it
        ("0 0 */10 * *", "2024-01-12T00:00", "2024-01-21T00:00"),
    ],
)
def test_a_cron_line_is_due_at_its_next_local_time(line, after, expected):
    due = next_run(line, datetime.fromisoformat(after).replace(tzinfo=NEW_YORK), NEW_YORK)
    assert due.tzinfo is UTC
    assert due.astimezone(NEW_YORK).replace(tzinfo=None) == datetime.fromisoformat(expected)


def test_a_time_the_clocks_skip_comes_an_hour_later():
    due = next_run("30 2 * * *", datetime(2024, 3, 10, 5, 30, tzinfo=UTC), NEW_YORK)
    assert due == datetime(2024, 3, 10, 7, 30, tzinfo=UTC)  # 02:30 does not exist on that day; this is 03:30


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("often", "'often' is no duration"),
        ("30s", "too often; expected at least 1m"),
        ("* * * *", "no cron line; expected minute hour day month weekday"),
        ("61 * * * *", "'61' is no minute"),
        ("* * * * funday", "'funday' is no day of week"),
        ("5-1 * * * *", "'5-1' is no minute"),
        ("*/0 * * * *", r"'\*/0' is no minute"),
        ("0 0 30 2 *", "never comes"),
    ],
)
def test_what_is_no_schedule_is_told_why(text, message):
    with pytest.raises(ValueError, match=message):
        schedule(text)


def test_a_schedule_of_minutes_is_a_length():
    assert schedule("90m") == timedelta(minutes=90)
