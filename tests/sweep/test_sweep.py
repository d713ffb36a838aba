"""A sweep counts what is new, once, and only that."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from core.store import Store, audit, references, statistics
from core.windows import Calendar
from tests.sweep.conftest import Model, rows


def test_the_first_sweep_counts_every_window_and_freezes_the_reference(
    store: Store, make_model: Callable[[Store], Model]
) -> None:
    model = make_model(store)
    model.days(*range(15))
    result = model.sweep(15.5)
    assert (result.files, result.windows, result.rows) == (15, 15, 15 * 200)
    assert model.values("volume") == dict.fromkeys(range(15), 200)
    with store.read() as c:
        reference = references.current(c, "loans")
        actions = [entry.action for entry in audit.entries(c)][::-1]
    assert reference is not None and reference.frozen and reference.rows == 2000
    assert actions == ["model.registered", "reference.frozen", "model.state"]
    assert model.status().state == "healthy"


def test_a_sweep_with_nothing_new_does_nothing(store: Store, make_model: Callable[[Store], Model]) -> None:
    model = make_model(store)
    model.days(*range(15))
    model.sweep(15.5)
    before = (store.revision(), statistics.months(store, "loans", "metrics"))
    assert model.sweep(15.6).windows == 0
    assert (store.revision(), statistics.months(store, "loans", "metrics")) == before


def test_the_headline_is_scikit_learns_number(model: Model) -> None:
    model.sweep(15.5)
    day = rows(14)
    assert model.values("roc_auc")[14] == pytest.approx(roc_auc_score(day["actual"], day["score"]), abs=5e-3)
    assert model.status().headline == "roc_auc"


def test_only_the_new_day_is_counted(model: Model) -> None:
    model.sweep(15.5)
    model.days(15)
    result = model.sweep(16.5)
    assert (result.files, result.windows, result.rows) == (1, 1, 200)
    assert len(model.values("volume")) == 16


def test_late_rows_count_their_day_again(model: Model) -> None:
    model.sweep(15.5)
    model.write(rows(3, hour=12).with_columns(id="late-" + pl.col("id")), "late.parquet")
    assert model.sweep(15.6).windows == 1
    assert model.values("volume") == dict.fromkeys(range(15), 200) | {3: 400}


def test_a_rewritten_file_replaces_its_rows_also_where_it_has_none_any_more(model: Model) -> None:
    model.write(pl.concat([rows(20), rows(21)]), "weekend.parquet")
    model.sweep(22.5)
    assert {20, 21} <= model.values("volume").keys()
    model.write(rows(21, n=50), "weekend.parquet")
    assert model.sweep(22.6).windows == 2
    volume = model.values("volume")
    assert volume[21] == 50 and 20 not in volume


def test_a_repeated_prediction_id_counts_once_and_the_latest_file_wins(model: Model) -> None:
    model.sweep(15.5)
    model.write(rows(14).with_columns(amount=pl.lit(9.0)), "zz-again.parquet")
    model.sweep(15.6)
    assert model.values("volume")[14] == 200
    assert model.values("duplicate_share")[14] == pytest.approx(0.5)
    assert model.values("out_of_range_share", "amount")[14] == 1.0


def test_a_drifted_day_stands_out_and_a_quiet_one_does_not(model: Model) -> None:
    model.days(15, shift=1.0)
    model.sweep(16.5)
    distance = model.values("jensen_shannon", "amount")
    assert distance[15] > 2 * max(distance[day] for day in range(15))
    assert model.status().drift_column == "amount"


def test_a_new_declaration_counts_everything_on_a_new_grid(model: Model) -> None:
    model.sweep(15.5)
    model.declare(features={"numeric": ["amount"]})
    result = model.sweep(15.6)
    assert result.windows == 15
    assert model.values("jensen_shannon", "city") == {}
    assert len(model.values("jensen_shannon", "amount")) == 15


def test_a_model_without_enough_history_is_learning_and_still_counted(
    sqlite_store: Store, make_model
) -> None:
    model = make_model(sqlite_store)
    model.declare(reference=None)
    model.days(0, 1, 2)
    model.sweep(3.5)
    assert model.status().state == "learning"
    assert "0 of 28" in model.status().reasons[0]
    assert model.values("volume") == {0: 200, 1: 200, 2: 200}
    assert model.values("roc_auc")[1] == pytest.approx(
        roc_auc_score(rows(1)["actual"], rows(1)["score"]), abs=0.02
    )
    assert model.values("jensen_shannon", "amount") == {}


def test_a_silent_model_still_says_what_its_reference_waits_for(sqlite_store: Store, make_model) -> None:
    model = make_model(sqlite_store)
    model.declare(reference=None)
    model.days(0, 1, 2)
    model.sweep(30)
    state = model.status()
    assert state.state == "no_data" and "0 of 28" in state.reasons[1]


def test_a_model_that_fell_silent_has_no_data_since_its_last_prediction(model: Model) -> None:
    model.sweep(15.5)
    assert model.status().state == "healthy"
    model.sweep(17.5)
    status = model.status()
    assert status.state == "no_data"
    assert status.since == rows(14)["at"].max()
    assert "no predictions since 15 January 2024" in status.reasons[0]


@pytest.mark.parametrize(("before", "after"), [("1d", "1w"), ("1w", "1d"), ("1h", "1mo")])
def test_another_window_size_leaves_no_window_of_the_old_one(model: Model, before: str, after: str) -> None:
    model.days(*range(15, 40))
    model.declare(window=before, reference={"period": ["2024-01-01", "2024-02-01"]})
    model.sweep(45)
    model.declare(window=after, reference={"period": ["2024-01-01", "2024-02-01"]})
    model.sweep(45.1)
    calendar = Calendar(after, "UTC")
    stored = statistics.windows(model.store, model.name)
    assert all(calendar.containing(window.start) == window for window in stored)
    assert sum(v or 0 for v in model.values("volume").values()) == 40 * 200


@pytest.mark.parametrize("gone", [7, 3])
def test_windows_of_the_old_size_whose_log_is_gone_stay(model: Model, gone: int) -> None:
    model.sweep(15.5)
    for day in range(gone):
        (model.folder / f"{day:03}.parquet").unlink()
    model.declare(window="1w", reference={"period": ["2024-01-08", "2024-01-15"]})
    model.sweep(15.6)
    spans = [window.end - window.start for window in statistics.windows(model.store, model.name)]
    assert spans == [timedelta(days=1)] * 7 + [timedelta(days=7)] * 2


def test_a_reference_day_part_of_whose_log_is_gone_keeps_its_numbers_on_a_new_grid(model: Model) -> None:
    half = model.write(rows(5, hour=12).with_columns(id="late-" + pl.col("id")), "005-late.parquet")
    model.sweep(15.5)
    half.unlink()
    model.declare(segments=["city"])
    model.sweep(15.6)
    assert model.values("volume") == dict.fromkeys(range(15), 200) | {5: 400}
    assert model.values("volume", segment="city=Oslo").keys() == set(range(15)) - {5}
