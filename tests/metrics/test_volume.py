"""What volume is usual: windows alike, of the past only, each slice for itself."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core.volume import reach, with_usual
from core.windows import Calendar

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
DAILY = Calendar("1d", "UTC")


def volumes(
    values: list[float | None], step: timedelta = timedelta(days=1), start: datetime = MONDAY, **slices: str
) -> pl.DataFrame:
    fixed = dict.fromkeys(("segment", "version", "variant"), "") | slices
    frame = pl.DataFrame(
        {"window_start": [start + i * step for i in range(len(values))], "value": values},
        schema_overrides={"window_start": pl.Datetime("us", "UTC"), "value": pl.Float64},
    )
    return frame.with_columns(pl.lit(value).alias(name) for name, value in fixed.items())


def usual(frame: pl.DataFrame, calendar: Calendar = DAILY) -> list[float | None]:
    return with_usual(frame, calendar)["usual"].to_list()


def test_days_are_compared_with_the_median_of_the_same_weekday_before_them() -> None:
    weeks = [[100.0, 10.0], [120.0, 20.0], [110.0, 30.0], [5.0, 40.0], [1000.0, 50.0]]
    found = usual(volumes([value for week in weeks for value in [week[0], *[50.0] * 5, week[1]]]))
    assert found[:21] == [None] * 21, "three of the same weekday are needed"
    assert (found[21], found[27]) == (110.0, 20.0)
    assert (found[28], found[34]) == (105.0, 25.0), "the middle of 100, 120, 110, 5 and of 10, 20, 30, 40"


def test_no_more_than_eight_weeks_are_remembered_and_one_outage_moves_nothing() -> None:
    weekly = volumes([1.0, *[100.0] * 3, 0.0, *[100.0] * 8], timedelta(weeks=1))
    assert usual(weekly)[5:] == [100.0] * 8
    grown = volumes([*[10.0] * 8, *[90.0] * 9], timedelta(weeks=1))
    assert usual(grown)[-1] == 90.0


def test_hours_are_compared_with_the_same_hour_of_the_zone() -> None:
    by_hour = [float(hour) for _ in range(5) for hour in range(24)]
    start = datetime(2024, 3, 29, tzinfo=UTC)  # the clocks of Paris change on the 31st
    found = with_usual(volumes(by_hour, timedelta(hours=1), start), Calendar("1h", "Europe/Paris"))
    last = found.filter(pl.col("window_start") == datetime(2024, 4, 2, 10, tzinfo=UTC))
    # 12 o'clock in Paris was 11 UTC on the 29th and 30th, and 10 UTC after that.
    assert last["usual"].to_list() == [10.5]
    assert found["usual"].null_count() == 72


def test_longer_windows_are_compared_with_all_before() -> None:
    assert usual(volumes([1.0, 2.0, 9.0, 4.0], timedelta(weeks=1)), Calendar("1w", "UTC")) == [
        None, None, None, 2.0,
    ]  # fmt: skip


def test_slices_have_a_past_of_their_own_and_order_does_not_matter() -> None:
    one = volumes([100.0] * 4, timedelta(weeks=1), segment="city=Oslo")
    other = volumes([7.0] * 4, timedelta(weeks=1), version="v2")
    mixed = pl.concat([other, one]).sample(fraction=1, shuffle=True, seed=1)
    known = with_usual(mixed, DAILY).drop_nulls("usual")
    assert dict(known.select("segment", "usual").iter_rows()) == {"city=Oslo": 100.0, "": 7.0}


@pytest.mark.parametrize("values", [[], [None] * 5, [1.0]])
def test_nobody_knows_what_is_usual_without_a_past(values: list[float | None]) -> None:
    assert usual(volumes(values, timedelta(weeks=1))) == [None] * len(values)


def test_ten_million_times_the_rows_are_ten_million_times_as_usual() -> None:
    few = [3.0, 4.0, 5.0, 6.0]
    many = usual(volumes([1e7 * value for value in few], timedelta(weeks=1)))
    assert many[-1] == 1e7 * usual(volumes(few, timedelta(weeks=1)))[-1]


def test_the_past_that_must_be_read_holds_eight_windows_alike() -> None:
    assert reach(DAILY) >= timedelta(weeks=8) and reach(Calendar("1h", "UTC")) >= timedelta(days=8)
