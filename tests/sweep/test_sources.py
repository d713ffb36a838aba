"""The forms a prediction log comes in: files, folders, globs, partitions, CSV, local time, new columns."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from core.actions.models import rebuild
from core.errors import PathError
from core.store import Store, statistics
from tests.sweep.conftest import ACTOR, COLUMNS, FIRST, Model, rows

DAYS = range(12)


def volumes(model: Model) -> dict[int, float | None]:
    model.sweep(12.5)
    return model.values("volume")


@pytest.fixture
def empty(sqlite_store: Store, make_model) -> Model:
    return make_model(sqlite_store)


def test_one_file(empty: Model) -> None:
    empty.write(pl.concat(rows(day) for day in DAYS), "all.parquet")
    empty.declare(predictions={"path": "predictions/loans/all.parquet", **COLUMNS, "actual": "actual"})
    assert volumes(empty) == dict.fromkeys(DAYS, 200)


def test_a_glob_reads_only_what_matches(empty: Model) -> None:
    for day in DAYS:
        empty.write(rows(day), f"2024/{day:03}.parquet")
    empty.write(rows(99), "other/099.parquet")
    empty.declare(predictions={"path": "predictions/loans/20*/*.parquet", **COLUMNS, "actual": "actual"})
    assert volumes(empty) == dict.fromkeys(DAYS, 200)


def test_csv(empty: Model) -> None:
    for day in DAYS:
        rows(day).write_csv(empty.folder / f"{day:03}.csv")
    assert volumes(empty) == dict.fromkeys(DAYS, 200)
    assert empty.values("roc_auc")[5] is not None


def test_hive_partitions_are_columns(empty: Model) -> None:
    for day in DAYS:
        for city, part in rows(day).partition_by("city", as_dict=True, include_key=False).items():
            empty.write(part, f"city={city[0]}/{day:03}.parquet")
    empty.declare(segments=["city"])
    assert volumes(empty) == dict.fromkeys(DAYS, 200)
    oslo = rows(5).filter(pl.col("city") == "Oslo").height
    assert empty.values("volume", segment="city=Oslo")[5] == oslo


def test_columns_may_be_added_removed_and_retyped(empty: Model) -> None:
    for day in DAYS:
        frame = rows(day).with_columns(note=pl.lit("new"))
        if day < 4:
            frame = frame.drop("note").with_columns(pl.col("amount").cast(pl.String))
        if day > 8:
            frame = frame.drop("city").with_columns(pl.col("predicted").cast(pl.Float64))
        empty.write(frame, f"{day:03}.parquet")
    assert volumes(empty) == dict.fromkeys(DAYS, 200)
    assert empty.values("missing_share", "city") == {day: float(day > 8) for day in DAYS}
    assert set(empty.values("type_mismatch", "amount").values()) == {0.0}


def test_naive_local_time_and_the_days_the_clocks_change(empty: Model) -> None:
    zone = ZoneInfo("America/New_York")
    hours = pl.datetime_range(
        datetime(2024, 3, 1, tzinfo=zone),
        datetime(2024, 3, 31, tzinfo=zone),
        "1h",
        time_zone=str(zone),
        closed="left",
        eager=True,
    )
    log = pl.DataFrame({"at": hours.dt.replace_time_zone(None)}).with_columns(
        id=pl.int_range(pl.len()), version=pl.lit("v1"), score=pl.lit(0.5), predicted=pl.lit(1),
        amount=pl.lit(1.0), city=pl.lit("Oslo"), actual=pl.lit(1),
    )  # fmt: skip
    empty.write(log, "march.parquet")
    empty.declare(
        predictions={
            "path": "predictions/loans",
            **COLUMNS,
            "actual": "actual",
            "timezone": "America/New_York",
        },
        reference={"period": ["2024-03-01", "2024-03-05"]},
    )
    empty.sweep(100)
    found = statistics.read(
        empty.store, "loans", "metrics", metrics=["volume"], segment="", version="", variant=""
    )
    by_day = {
        start.astimezone(zone).day: value
        for start, value in found.select("window_start", "value").iter_rows()
    }
    assert by_day == dict.fromkeys(range(1, 31), 24) | {10: 23}
    lengths = found.select(pl.col("window_end") - pl.col("window_start")).to_series()
    assert sorted(set(lengths)) == [timedelta(hours=23), timedelta(hours=24)]
    assert found["window_start"][0] == datetime(2024, 3, 1, 5, tzinfo=UTC)


def test_a_prediction_made_of_the_score_is_known_from_the_reference_on(empty: Model) -> None:
    for day in DAYS:
        frame = rows(day).drop("predicted").with_columns(pl.col("actual").cast(pl.Boolean))
        empty.write(frame, f"{day:03}.parquet")
    columns = {key: name for key, name in COLUMNS.items() if key != "prediction"}
    empty.declare(predictions={"path": "predictions/loans", **columns, "actual": "actual"})
    empty.sweep(12.5)
    assert set(empty.values("unseen_share", "prediction").values()) == {0.0}
    assert set(empty.values("unseen_share", "actual").values()) == {0.0}


def test_rebuild_counts_a_compacted_log_from_its_new_files(empty: Model) -> None:
    empty.days(*DAYS)
    before = volumes(empty)
    for day in range(6):
        (empty.folder / f"{day:03}.parquet").unlink()
    empty.write(pl.concat(rows(day, n=100) for day in range(6)), "first-week.parquet")
    empty.sweep(12.6)
    assert empty.values("volume") == before  # a removed log alone changes nothing
    rebuild(empty.store, "loans", ACTOR, start=None, end=None)
    empty.sweep(12.7)
    assert empty.values("volume") == dict.fromkeys(range(6), 100) | dict.fromkeys(range(6, 12), 200)


def test_rebuild_leaves_windows_without_a_log_alone(empty: Model) -> None:
    empty.days(*DAYS)
    before = volumes(empty)
    (empty.folder / "003.parquet").unlink()
    rebuild(empty.store, "loans", ACTOR, start=FIRST, end=None)
    assert empty.sweep(12.6).windows == 11
    assert empty.values("volume") == before


def test_a_new_reference_is_counted_from_its_sample_when_its_logs_are_gone(empty: Model) -> None:
    empty.days(*DAYS)
    volumes(empty)
    for day in range(11):
        (empty.folder / f"{day:03}.parquet").unlink()
    empty.declare(segments=["city"])
    empty.sweep(12.6)
    assert empty.values("jensen_shannon", "amount", segment="city=Oslo").keys() == {11}
    assert empty.values("jensen_shannon", "amount").keys() == set(DAYS)


def test_a_reference_file_that_is_not_there_is_named(empty: Model) -> None:
    empty.days(*DAYS)
    empty.declare(reference={"path": "training.parquet"})
    with pytest.raises(PathError, match=r"reference.path: there is no file .*training.parquet"):
        empty.sweep(12.5)


def test_a_reference_file_needs_no_time(empty: Model) -> None:
    empty.days(*DAYS)
    pl.concat(rows(day) for day in range(100, 110)).drop("at").write_parquet(
        empty.store.root / "training.parquet"
    )
    empty.declare(reference={"path": "training.parquet"})
    empty.sweep(12.5)
    assert empty.values("jensen_shannon", "amount").keys() == set(DAYS)
    assert empty.status().state == "healthy"


def test_a_feature_that_came_after_the_reference_is_counted_from_then_on(model: Model) -> None:
    for day in (13, 14):
        model.write(
            rows(day).with_columns(limit=pl.col("amount") * 2, tier=pl.lit("gold")), f"{day:03}.parquet"
        )
    model.declare(
        features={"numeric": ["amount", "limit"], "categorical": ["city", "tier"]}, segments=["tier"]
    )
    model.sweep(15.5)
    assert model.values("missing_share", "limit") == dict.fromkeys(range(13), 1.0) | {13: 0.0, 14: 0.0}
    assert model.values("unseen_share", "tier")[14] == 1.0
    assert model.values("jensen_shannon", "limit")[14] is None
    assert model.values("jensen_shannon", "amount")[14] is not None
    assert model.values("volume", segment="tier=other")[14] == 200
