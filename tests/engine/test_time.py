"""Timestamps of every kind become UTC microseconds and land in the right local window."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from core.entities import Source

NEW_YORK = "America/New_York"


def windows(engine, declaration, path):
    return engine.windows_of(Source((path,)), declaration)


def test_instants_in_utc_fall_into_local_days(engine, declare, write):
    at = pl.Series(["2024-07-01T03:59:59.999999", "2024-07-01T04:00:00"]).str.to_datetime(time_zone="UTC")
    found = windows(engine, declare(timezone=NEW_YORK), write({"at": at}))
    assert [(w.start.isoformat(), n) for w, n in found.items()] == [
        ("2024-06-30T04:00:00+00:00", 1),
        ("2024-07-01T04:00:00+00:00", 1),
    ]


@pytest.mark.parametrize(
    "zone", [NEW_YORK, "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC"]
)
@pytest.mark.parametrize("size", ["1h", "1d", "1mo"])
def test_naive_local_times_equal_zoneinfo_with_fold_zero(engine, declare, write, zone, size):
    naive = [datetime(2011, 12, 28) + timedelta(hours=7.3) * i for i in range(1_200)]
    naive += [datetime(2024, 3, 10, 1) + timedelta(minutes=7) * i for i in range(40)]
    naive += [datetime(2024, 11, 3, 0) + timedelta(minutes=7) * i for i in range(40)]
    declaration = declare(timezone=zone, window=size)
    path = write({"at": naive})
    calendar, info = declaration.calendar, ZoneInfo(zone)
    expected: dict[datetime, int] = {}
    for local in naive:
        start = calendar.containing(local.replace(tzinfo=info).astimezone(UTC)).start
        expected[start] = expected.get(start, 0) + 1
    found = windows(engine, declaration, path)
    assert {w.start: n for w, n in found.items()} == expected
    grid = engine.build_grid(Source((path,)), declaration, list(found), reference_id="r", frozen=True)
    cells = engine.profile(Source((path,)), declaration, grid, list(found)).filter(kind="rows")
    assert {row["window_start"]: row["n"] for row in cells.iter_rows(named=True)} == expected


def test_ambiguous_and_non_existent_local_times_are_counted(engine, declare, write):
    naive = [datetime(2024, 3, 10, 2, 30), datetime(2024, 11, 3, 1, 30), datetime(2024, 11, 3, 2, 30), None]
    facts = engine.scan(write({"at": naive}), declare(timezone=NEW_YORK))
    assert facts.problems == {"timestamp missing": 1, "ambiguous local time": 1, "non-existent local time": 1}
    assert facts.rows == 4
    assert facts.first == datetime(2024, 3, 10, 7, 30, tzinfo=UTC)  # moved forward, as fold=0 says
    assert facts.last == datetime(2024, 11, 3, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-07-01T12:00:00Z", "2024-07-01T12:00:00"),
        ("2024-07-01T12:00:00+02:00", "2024-07-01T10:00:00"),
        ("2024-07-01 12:00:00.123456-0330", "2024-07-01T15:30:00.123456"),
        ("2024-07-01T12:00+01", "2024-07-01T11:00:00"),
        ("2024-07-01T12:00:00", "2024-07-01T16:00:00"),
        ("2024-07-01 12:00", "2024-07-01T16:00:00"),
        ("2024-07-01", "2024-07-01T04:00:00"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59"),
    ],
)
def test_iso_texts_keep_their_offset_or_are_local(engine, declare, write, text, instant):
    facts = engine.scan(write({"at": [text]}), declare(timezone=NEW_YORK))
    assert facts.first == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert len(windows(engine, declare(timezone=NEW_YORK), write({"at": [text]}))) == 1


def test_texts_that_are_no_time_are_counted_not_guessed(engine, declare, write):
    texts = [
        "yesterday",
        "2024-13-01",
        "01/02/2024",
        "2024-07-01T12:00:00 America/New_York",
        "epoch",
        "",
        None,
        "2024-07-01",
    ]
    facts = engine.scan(write({"at": texts}), declare())
    assert facts.problems == {"timestamp missing": 1, "timestamp unreadable": 6}


def test_dates_and_every_precision_are_read(engine, declare, write):
    assert engine.scan(write({"at": [date(2024, 7, 1)]}), declare(timezone=NEW_YORK)).first == datetime(
        2024, 7, 1, 4, tzinfo=UTC
    )
    for unit, zone in product(("ms", "us", "ns"), (None, "UTC")):
        at = pl.Series([datetime(2024, 7, 1, 12, 0, 0, 5000)], dtype=pl.Datetime(unit)).dt.replace_time_zone(
            zone
        )
        assert engine.scan(write({"at": at}), declare()).first == datetime(
            2024, 7, 1, 12, 0, 0, 5000, tzinfo=UTC
        )


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_the_nanoseconds_of_pandas_are_counted(engine, declare, write, cells_of, zone):
    at = pl.Series([datetime(2024, 7, 1, 12)] * 3, dtype=pl.Datetime("ns")).dt.replace_time_zone(zone)
    _, cells = cells_of(declare(), write({"at": at}))
    assert cells.filter(kind="rows")["n"].to_list() == [3]


def test_files_with_different_kinds_of_time_are_counted_together(engine, declare, write, cells_of):
    declaration = declare(timezone=NEW_YORK)
    files = [
        write({"at": [datetime(2024, 7, 1, 12)]}, "a.parquet"),
        write(
            {"at": pl.Series([datetime(2024, 7, 1, 16, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC"))},
            "b.parquet",
        ),
        write({"at": ["2024-07-01T18:00:00+02:00"]}, "c.parquet"),
    ]
    _, cells = cells_of(declaration, *files)
    rows = cells.filter(kind="rows").row(0, named=True)
    assert (rows["n"], rows["low"], rows["high"]) == (
        3,
        rows["high"],
        datetime(2024, 7, 1, 16, tzinfo=UTC).timestamp(),
    )
