"""Statistics files: readers follow the current generation, and a crash leaves it as it was."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from core.entities import CELLS, METRIC_KEYS, METRICS
from core.errors import StoreError
from core.store import leases, models, references, statistics
from core.store.references import Reference

PROGRAM = Path(__file__).with_name("crash_before_commit.py")
APRIL = datetime(2013, 4, 1, 4, tzinfo=UTC)  # a New York midnight
DAY = timedelta(days=1)
SOON = datetime.now(UTC) + timedelta(hours=1)
# For what concerns the files alone, one database is enough.
ONE_DATABASE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def published(store, month: str, frame: pl.DataFrame, model: str = "delay-30") -> Path:
    name = statistics.write(store, model, month, "metrics", frame)
    with store.write() as c:
        statistics.publish(c, model, month, "metrics", name)
    return statistics.months(store, model, "metrics")[month]


@pytest.fixture
def year(registered, metrics):
    """The store with the twelve months of 2013, daily windows."""
    starts = [datetime(2013, month, 1, 5, tzinfo=UTC) for month in range(1, 13)]
    for start in starts:
        published(registered, f"{start:%Y-%m}", metrics(start, 28, value=start.month))
    return registered


@ONE_DATABASE
def test_what_is_written_comes_back_sorted_with_its_types(registered, metrics):
    frame = metrics(
        APRIL, 3, metrics=("psi", "accuracy"), columns=("temp", "dep_delay"), segments=("", "origin=é")
    )
    path = published(registered, "2013-04", frame.sample(fraction=1, shuffle=True, seed=0))
    found = statistics.read(registered, "delay-30", "metrics")
    assert found.schema == pl.Schema(METRICS)
    assert found.equals(frame.sort(METRIC_KEYS))
    assert pl.read_parquet(path).equals(found)
    assert path.parent.name == "delay-30"


def test_cells_come_back_with_their_counts(registered, cells):
    name = statistics.write(registered, "delay-30", "2013-04", "counts", cells)
    with registered.write() as c:
        statistics.publish(c, "delay-30", "2013-04", "counts", name)
    found = statistics.read(registered, "delay-30", "counts", columns=["temp"])
    assert found.schema == pl.Schema(CELLS)
    assert found.equals(cells.filter(pl.col("column") == "temp"))


@ONE_DATABASE
@pytest.mark.parametrize(
    "filters, rows",
    [
        ({}, 16),
        ({"metrics": ["psi"]}, 8),
        ({"metrics": ["psi", "accuracy"], "columns": ["temp"]}, 8),
        ({"segment": ""}, 8),
        ({"segment": "origin=JFK", "columns": ["temp"]}, 4),
        ({"version": "", "variant": "", "group": ""}, 16),
        ({"group": "sex=F"}, 0),
        ({"metrics": []}, 0),
        ({"columns": ["temp'; DROP TABLE x"]}, 0),
        ({"start": APRIL + timedelta(days=1)}, 8),
        ({"end": APRIL + timedelta(days=1)}, 8),
        ({"start": APRIL, "end": APRIL}, 0),
    ],
)
def test_filters_keep_what_they_name_and_none_keeps_all(registered, metrics, filters, rows):
    frame = metrics(APRIL, 2, ("psi", "accuracy"), ("temp", "visib"), ("", "origin=JFK"))
    published(registered, "2013-04", frame)
    found = statistics.read(registered, "delay-30", "metrics", **filters)
    assert found.height == rows
    assert found.schema == pl.Schema(METRICS)


@ONE_DATABASE
def test_a_model_without_statistics_gives_an_empty_frame(registered):
    assert statistics.read(registered, "delay-30", "counts").schema == pl.Schema(CELLS)


def test_readers_follow_the_published_generation(registered, metrics):
    old = published(registered, "2013-04", metrics(APRIL, 1, value=1.0))
    statistics.write(registered, "delay-30", "2013-04", "metrics", metrics(APRIL, 1, value=2.0))
    assert statistics.read(registered, "delay-30", "metrics")["value"].to_list() == [1.0]
    new = published(registered, "2013-04", metrics(APRIL, 1, value=3.0))
    assert statistics.read(registered, "delay-30", "metrics")["value"].to_list() == [3.0]
    assert old.exists() and new.exists()


def test_a_crash_between_the_file_and_the_commit_leaves_the_old_generation(registered, metrics, tmp_path):
    old = published(registered, "2013-04", metrics(APRIL, 1, value=1.0))
    metrics(APRIL, 1, value=2.0).write_parquet(tmp_path / "next.parquet")
    command = [sys.executable, str(PROGRAM), str(registered.root), str(tmp_path / "next.parquet")]
    assert subprocess.run(command, timeout=60).returncode == -9
    assert statistics.months(registered, "delay-30", "metrics") == {"2013-04": old}
    left = statistics.unreferenced(registered, SOON)
    assert len(left) == 1
    assert pl.read_parquet(left[0])["value"].to_list() == [2.0]
    published(registered, "2013-04", metrics(APRIL, 1, value=3.0))  # the next sweep gets through


def test_only_old_unreferenced_files_of_models_at_rest_are_removed(registered, metrics, declared, now):
    with registered.write() as c:
        models.put(c, declared("busy"), text="", now=now)
    current = published(registered, "2013-04", metrics(APRIL, 1))
    for model in ("delay-30", "busy"):
        statistics.write(registered, model, "2013-04", "metrics", metrics(APRIL, 1))
    half_written = current.with_name(".2013-04.metrics.x.parquet.y.tmp")
    half_written.write_bytes(b"PAR1")
    lease = leases.acquire(registered, "busy", "elsewhere:1:a")
    assert statistics.remove_unreferenced(registered, datetime.now(UTC) - timedelta(hours=1)) == []
    removed = statistics.remove_unreferenced(registered, SOON)
    assert len(removed) == 2 and half_written in removed and current not in removed
    leases.release(registered, lease)
    assert [path.parent.name for path in statistics.remove_unreferenced(registered, SOON)] == ["busy"]
    assert statistics.unreferenced(registered, SOON) == []


@ONE_DATABASE
def test_ninety_days_are_read_from_three_or_four_files(year):
    start = datetime(2013, 6, 10, 4, tzinfo=UTC)
    files = statistics.months(year, "delay-30", "metrics")
    wanted = statistics.files_between(files, start, start + timedelta(days=90))
    assert len(wanted) in (3, 4)
    for path in set(files.values()) - set(wanted):
        path.unlink()  # nobody may touch them
    found = statistics.read(year, "delay-30", "metrics", start=start, end=start + timedelta(days=90))
    assert found["value"].unique(maintain_order=True).to_list() == [6.0, 7.0, 8.0, 9.0]


@ONE_DATABASE
@pytest.mark.parametrize("zone_hours", [-12, 14])
def test_a_month_that_starts_elsewhere_is_still_found(registered, metrics, zone_hours):
    first = datetime(2013, 4, 1, tzinfo=UTC) - timedelta(hours=zone_hours)
    published(registered, "2013-04", metrics(first, 1))
    found = statistics.read(registered, "delay-30", "metrics", start=first, end=first + timedelta(minutes=1))
    assert found.height == 1


@ONE_DATABASE
def test_a_frame_with_other_columns_is_refused(registered, metrics):
    with pytest.raises(StoreError, match=r"delay-30 2013-04: .*missing or unknown: \['colour', 'p_value'\]"):
        frame = metrics(APRIL, 1).rename({"p_value": "colour"})
        statistics.write(registered, "delay-30", "2013-04", "metrics", frame)


@ONE_DATABASE
def test_a_row_that_stands_twice_is_refused(registered, metrics):
    frame = metrics(APRIL, 1)
    with pytest.raises(StoreError, match="two metrics rows have the same metric, column"):
        statistics.write(registered, "delay-30", "2013-04", "metrics", pl.concat([frame, frame]))


@ONE_DATABASE
def test_a_damaged_or_missing_file_is_named_with_the_command_that_makes_it_again(registered, metrics):
    published(registered, "2013-03", metrics(APRIL - timedelta(days=20), 1))
    path = published(registered, "2013-04", metrics(APRIL, 1))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=rf"{path}.*run: steward rebuild delay-30"):
        statistics.read(registered, "delay-30", "metrics")
    path.unlink()
    with pytest.raises(StoreError, match=rf"{path} is gone; run: steward rebuild delay-30"):
        statistics.read(registered, "delay-30", "metrics")


@ONE_DATABASE
def test_the_reader_opens_nothing_outside_the_workspace(registered, tmp_path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "outside.parquet")
    with registered.parquet() as cursor, pytest.raises(Exception, match="disabled|Permission"):
        cursor.sql(f"SELECT * FROM read_parquet('{tmp_path / 'outside.parquet'}')").fetchall()


def test_expired_months_are_let_go_but_those_of_the_reference(year):
    reference = Reference("delay-30", "r1", True, APRIL + DAY, APRIL + 27 * DAY, 1, APRIL)
    with year.write() as c:
        references.put(c, reference)
        assert statistics.expire(c, datetime(2013, 7, 15, tzinfo=UTC)) == 5
        assert statistics.expire(c, datetime(2013, 7, 15, tzinfo=UTC)) == 0
    left = ["2013-04", *(f"2013-{month:02}" for month in range(7, 13))]
    assert list(statistics.months(year, "delay-30", "metrics")) == left
