"""Rubbish in the log gets a clear message; the other files and what was accepted stay as they are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from core.entities import LedgerEntry
from core.errors import InputError, PathError
from core.store import ledger, statistics
from tests.sweep.conftest import FIRST, Model, rows


def entry(model: Model, path: Path) -> LedgerEntry:
    with model.store.read() as c:
        return next(e for e in ledger.entries(c, model.name) if e.file.path == str(path))


def good_days(model: Model) -> dict[int, float | None]:
    volume = model.values("volume")
    return {day: volume[day] for day in range(15)}


@pytest.fixture
def swept(model: Model) -> Model:
    model.sweep(15.5)
    return model


def whole_file(frame: pl.DataFrame, path: Path) -> bytes:
    frame.write_parquet(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(lambda whole: b"not parquet at all", "corrupt or still being written", id="corrupt"),
        pytest.param(
            lambda whole: whole[: len(whole) // 2], "corrupt or still being written", id="half-written"
        ),
        pytest.param(lambda whole: b"", "0 bytes", id="empty"),
    ],
)
def test_an_unreadable_file_is_skipped_and_read_when_it_is_whole(
    swept: Model, tmp_path: Path, content, says: str
) -> None:
    whole = whole_file(rows(15), tmp_path / "whole.parquet")
    path = swept.folder / "015.parquet"
    path.write_bytes(content(whole))
    swept.days(16)
    assert swept.sweep(17.5).windows == 1
    found = entry(swept, path)
    assert found.state == "bad" and str(path) in str(found.error) and says in str(found.error)
    assert "1 file could not be read" in swept.status().reasons
    assert good_days(swept) == dict.fromkeys(range(15), 200)
    path.write_bytes(whole)
    swept.sweep(17.6)
    assert swept.values("volume")[15] == 200
    assert entry(swept, path).state == "read"


def test_a_good_file_that_turns_bad_keeps_its_numbers(swept: Model) -> None:
    path = swept.folder / "007.parquet"
    path.write_bytes(b"rubbish")
    swept.sweep(15.6)
    assert entry(swept, path).state == "bad"
    assert good_days(swept) == dict.fromkeys(range(15), 200)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        pytest.param(rows(15).drop("at"), ["at", "timestamp"], id="missing timestamp"),
        pytest.param(rows(15).drop("score"), ["score"], id="missing score"),
        pytest.param(
            rows(15).with_columns(at=pl.lit(20240116)), ["at", "timestamp"], id="timestamp of numbers"
        ),
    ],
)
def test_a_file_without_what_the_declaration_names_says_so(
    swept: Model, frame: pl.DataFrame, says: list[str]
) -> None:
    path = swept.write(frame, "015.parquet")
    swept.sweep(16.5)
    found = entry(swept, path)
    assert found.state == "bad"
    assert all(word in str(found.error) for word in says)
    assert good_days(swept) == dict.fromkeys(range(15), 200)


def test_timestamps_in_the_future_wait_until_their_time_comes(swept: Model) -> None:
    swept.write(pl.concat([rows(15), rows(40)]), "015.parquet")
    swept.sweep(16.5)
    assert 40 not in swept.values("volume")
    assert "1 file with timestamps in the future" in swept.status().reasons
    assert swept.status().last_timestamp == rows(15)["at"].max()
    swept.sweep(41.5)
    assert swept.values("volume")[40] == 200


def test_unparsable_timestamps_are_counted_and_their_rows_left_out(swept: Model) -> None:
    text = rows(15).with_columns(at=pl.col("at").dt.to_string("iso:strict"))
    text = text.with_columns(at=pl.when(pl.int_range(pl.len()) < 20).then(pl.lit("soon")).otherwise("at"))
    path = swept.write(text, "015.parquet")
    swept.sweep(16.5)
    assert swept.values("volume")[15] == 180
    assert sum(entry(swept, path).problems.values()) == 20
    assert "20 rows have no readable timestamp and are in no window" in swept.status().reasons


def test_scores_outside_zero_and_one_and_unknown_classes_are_counted_apart(swept: Model) -> None:
    strange = rows(15).with_columns(
        score=pl.when(pl.int_range(pl.len()) < 10).then(1.5).otherwise("score"),
        actual=pl.when(pl.int_range(pl.len()) >= 190).then(7).otherwise("actual"),
    )
    swept.write(strange, "015.parquet")
    swept.sweep(16.5)
    assert swept.values("invalid_outcome_share")[15] == pytest.approx(0.1)
    assert any(
        "10% of the rows" in reason and "outside 0 to 1" in reason for reason in swept.status().reasons
    )
    assert swept.values("volume")[15] == 200
    assert swept.values("roc_auc")[15] is not None


def test_nan_and_infinity_are_counted_and_spoil_no_other_number(swept: Model) -> None:
    numbers = pl.int_range(pl.len())
    strange = rows(15).with_columns(
        amount=pl.when(numbers < 10)
        .then(float("nan"))
        .when(numbers < 30)
        .then(float("inf"))
        .otherwise("amount")
    )
    swept.write(strange, "015.parquet")
    swept.sweep(16.5)
    assert swept.values("non_finite_share", "amount")[15] == pytest.approx(0.15)
    distance = swept.values("jensen_shannon", "amount")
    assert distance[15] is not None and distance[15] < 2 * max(distance[day] or 0 for day in range(10, 15))


def test_a_file_with_no_rows_is_no_error(swept: Model) -> None:
    path = swept.write(rows(15).clear(), "015.parquet")
    swept.sweep(16.5)
    assert entry(swept, path).rows == 0
    assert good_days(swept) == dict.fromkeys(range(15), 200)


def test_a_feature_that_no_file_has_is_named_with_the_nearest_column(swept: Model) -> None:
    swept.declare(features={"numeric": ["amonut"]})
    with pytest.raises(InputError, match=r"amonut.*amount"):
        swept.sweep(15.6)
    assert good_days(swept) == dict.fromkeys(range(15), 200)


def test_a_link_that_leads_outside_the_roots_is_refused(swept: Model, tmp_path: Path) -> None:
    outside = tmp_path / "outside.parquet"
    rows(15).write_parquet(outside)
    (swept.folder / "015.parquet").symlink_to(outside)
    with pytest.raises(PathError, match="outside the"):
        swept.sweep(16.5)
    assert good_days(swept) == dict.fromkeys(range(15), 200)


def test_files_that_are_still_written_are_left_alone(swept: Model) -> None:
    swept.write(rows(15), "_temporary/015.parquet")
    swept.write(rows(15), ".015.parquet.tmp.parquet")
    assert swept.sweep(15.6).files == 0


def test_a_folder_that_does_not_exist_is_no_data_with_the_path(sqlite_store, make_model) -> None:
    model = make_model(sqlite_store)
    model.declare(
        predictions={"path": "predictions/elsewhere", "timestamp": "at", "score": "score", "actual": "actual"}
    )
    model.sweep(1)
    assert model.status().state == "no_data"
    assert "predictions/elsewhere" in model.status().reasons[0]


def test_since_is_kept_while_the_state_stays(swept: Model) -> None:
    since = swept.status().since
    swept.days(15)
    swept.sweep(16.5)
    assert swept.status().since == since
    assert swept.status().updated_at == FIRST + timedelta(days=16.5)
    assert isinstance(since, datetime)


@pytest.mark.parametrize("mature", [{"delay": "3d"}, {"share": 0.9}])
def test_labels_of_no_class_are_told_although_the_newest_windows_have_no_labels_yet(
    sqlite_store, make_model, mature
) -> None:
    model = make_model(sqlite_store)
    log = {"path": "predictions/loans", "timestamp": "at", "score": "score", "prediction_id": "id"}
    labels = {"path": "labels", "prediction_id": "id", "actual": "actual"}
    model.declare(predictions=log, labels=labels | mature)
    for day in range(15):
        frame = rows(day)
        model.write(frame.drop("actual"), f"{day:03}.parquet")
        if day < 12:
            told = frame.select(
                "id", actual=pl.when(pl.col("actual") == 1).then(pl.lit("Y")).otherwise(pl.lit("N"))
            )
            model.write(told, f"{day:03}.parquet", folder="labels")
    model.sweep(15.5)
    assert any("100% of the rows have" in reason for reason in model.status().reasons)


def test_no_data_is_told_since_the_last_prediction(swept: Model) -> None:
    swept.sweep(18.5)
    assert (swept.status().state, swept.status().since) == ("no_data", rows(14)["at"].max())
    swept.days(15)
    swept.sweep(18.6)
    assert (swept.status().state, swept.status().since) == ("no_data", rows(15)["at"].max())


def far_off(day: int) -> pl.DataFrame:
    """Return a day's rows, one of them in 1970 and one in the year 9990."""
    first, second = (pl.int_range(pl.len()) == i for i in range(2))
    ages = [datetime(1970, 1, 1, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)]
    return rows(day).with_columns(at=pl.when(first).then(ages[0]).when(second).then(ages[1]).otherwise("at"))


def test_a_file_with_rows_from_far_off_can_be_corrected(swept: Model) -> None:
    swept.declare(window="1h", reference={"period": ["2024-01-01", "2024-01-03"]})
    swept.write(far_off(15), "015.parquet")
    swept.sweep(16.5)
    assert swept.values("volume")[-19723] == 1
    swept.write(rows(15), "015.parquet")
    swept.sweep(16.6)
    stored = statistics.windows(swept.store, swept.name)
    assert stored[0].start == FIRST and len(stored) == 16 * 4  # the rows of a day lie in its first four hours


def test_a_removed_file_with_rows_from_far_off_freezes_what_was_counted_and_no_more(swept: Model) -> None:
    path = swept.write(far_off(15), "015.parquet")
    swept.sweep(16.5)
    path.unlink()
    swept.days(16)
    swept.sweep(17.5)
    volume = swept.values("volume")
    assert (volume[14], volume[15], volume[16]) == (200, 198, 200)
