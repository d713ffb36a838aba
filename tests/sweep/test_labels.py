"""Labels that arrive in files of their own, late, again or never."""

from datetime import timedelta

import polars as pl
import pytest

from core.actions.models import rebuild
from core.store import ledger
from core.survey import WITHOUT_PREDICTION
from tests.sweep.conftest import ACTOR, COLUMNS, FIRST, Model, rows

LABELS = {
    "path": "labels/loans",
    "prediction_id": "id",
    "actual": "actual",
    "available_at": "landed_at",
    "delay": "2d",
}


def labels(day: int, *, landed: float | None = None) -> pl.DataFrame:
    landed_at = FIRST + timedelta(days=day + 1 if landed is None else landed)
    return rows(day).select("id", "actual").with_columns(landed_at=pl.lit(landed_at))


def deliver(model: Model, *days: int) -> None:
    for day in days:
        model.write(labels(day), f"{day:03}.parquet", folder="labels/loans")


@pytest.fixture
def labelled(model: Model) -> Model:
    """The model with its labels in files of their own: ten reference days have theirs, the last five wait."""
    for day in range(15):
        model.write(rows(day, actual=False), f"{day:03}.parquet")
    model.declare(
        predictions={"path": "predictions/loans", **COLUMNS},
        labels=LABELS,
        reference={"period": ["2024-01-01", "2024-01-11"]},
    )
    deliver(model, *range(10))
    model.sweep(15.5)
    return model


def test_labels_touch_exactly_the_windows_they_speak_of(labelled: Model) -> None:
    assert labelled.values("labelled_share") == {day: float(day < 10) for day in range(15)}
    deliver(labelled, 12)
    assert labelled.sweep(15.6).windows == 1
    assert labelled.values("labelled_share")[12] == 1.0
    assert labelled.values("roc_auc")[12] is not None


def test_numbers_do_not_depend_on_where_the_label_came_from(labelled: Model, model: Model) -> None:
    apart = labelled.values("roc_auc")
    for day in range(15):
        model.write(rows(day), f"{day:03}.parquet")
    model.declare()
    model.sweep(15.7)
    together = model.values("roc_auc")
    assert [together[day] for day in range(10)] == pytest.approx([apart[day] for day in range(10)], rel=1e-12)


def test_a_label_that_came_empty_will_never_come(labelled: Model) -> None:
    empty = labels(12).with_columns(actual=pl.when(pl.int_range(pl.len()) >= 50).then("actual"))
    labelled.write(empty, "012.parquet", folder="labels/loans")
    labelled.sweep(15.6)
    assert labelled.values("labelled_share")[12] == 1.0  # of the 150 that can have one
    labelled.write(labels(12, landed=14), "late.parquet", folder="labels/loans")
    labelled.write(
        empty.with_columns(landed_at=FIRST + timedelta(days=14.5)), "again.parquet", folder="labels/loans"
    )
    labelled.sweep(15.7)
    assert labelled.values("labelled_share")[12] == 1.0
    before, after = rows(12)["actual"].mean(), labelled.values("label_rate")[12]
    assert after == pytest.approx(before)  # an empty answer never takes a label back


def test_the_latest_label_wins(labelled: Model) -> None:
    changed = labels(3, landed=9).with_columns(actual=1 - pl.col("actual"))
    before = labelled.values("label_rate")[3]
    labelled.write(changed, "corrected.parquet", folder="labels/loans")
    labelled.sweep(15.6)
    assert before is not None
    assert labelled.values("label_rate")[3] == pytest.approx(1 - before)


def test_labels_that_come_before_their_predictions_are_kept(labelled: Model) -> None:
    deliver(labelled, 15)
    labelled.sweep(15.9)
    labelled.days(15, actual=False)
    labelled.sweep(16.5)
    assert labelled.values("labelled_share")[15] == 1.0


def test_rebuild_counts_only_its_period(labelled: Model) -> None:
    rebuild(labelled.store, "loans", ACTOR, start=FIRST + timedelta(days=3), end=FIRST + timedelta(days=5))
    assert labelled.sweep(15.6).windows == 2
    assert labelled.values("labelled_share")[3] == 1.0


def test_labels_older_than_the_lookback_are_told_and_taken_by_a_rebuild(labelled: Model) -> None:
    declared = {**LABELS, "lookback": "3d"}
    columns = {"path": "predictions/loans", **COLUMNS}
    labelled.declare(predictions=columns, labels=declared)
    path = labelled.write(labels(11, landed=16), "late.parquet", folder="labels/loans")
    assert labelled.sweep(16.5).windows == 0
    with labelled.store.read() as c:
        problems = {entry.file.path: entry.problems for entry in ledger.entries(c, "loans")}
    assert problems[str(path)] == {WITHOUT_PREDICTION: 200}
    rebuild(labelled.store, "loans", ACTOR, start=None, end=None)
    labelled.sweep(16.6)
    assert labelled.values("labelled_share")[11] == 1.0


def test_removed_logs_freeze_their_windows(labelled: Model) -> None:
    deliver(labelled, *range(10, 15))
    labelled.sweep(17.5)
    names = ("roc_auc", "volume", "labelled_share")
    before = {name: labelled.values(name) for name in names}
    for day in range(5):
        (labelled.folder / f"{day:03}.parquet").unlink()
    labelled.sweep(17.6)
    labelled.write(
        labels(2, landed=17).with_columns(actual=1 - pl.col("actual")), "late.parquet", folder="labels/loans"
    )
    labelled.write(rows(3, n=7, actual=False).with_columns(id="x" + pl.col("id")), "late.parquet")
    assert labelled.sweep(17.7).windows == 0
    assert {name: labelled.values(name) for name in names} == before
