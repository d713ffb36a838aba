"""One prediction counts once, and its label is the one that became available last."""

import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core.engine import chunks
from core.entities import Source
from tests.engine.oracle import cell

START = datetime(2024, 5, 1, tzinfo=UTC)


def moments(*hours):
    return pl.Series([START + timedelta(hours=h) for h in hours], dtype=pl.Datetime("us", "UTC"))


@pytest.fixture
def flights(declare):
    return declare(
        "regression",
        columns={"prediction": "eta", "prediction_id": "flight"},
        labels={
            "path": "labels",
            "prediction_id": "flight_id",
            "actual": "minutes",
            "available_at": "landed",
        },
        features={"numeric": ["x"]},
        segments=["origin"],
    )


def log(write, name, hours, flights, x, origin=None):
    columns = {
        "at": moments(*hours),
        "flight": flights,
        "eta": [float(v) for v in x],
        "x": [float(v) for v in x],
    }
    return write(columns | {"origin": origin or ["JFK"] * len(x)}, name)


def test_of_rows_with_one_id_in_a_window_the_last_file_wins_then_the_last_row(declare, write, cells_of):
    declaration = declare(columns={"prediction_id": "id"}, features={"numeric": ["x"]}, segments=["origin"])
    day = moments(1, 2, 3)
    first = write(
        {"at": day, "id": ["a", "b", None], "x": [1.0, 2.0, 3.0], "origin": ["JFK", "JFK", "EWR"]},
        "a.parquet",
    )
    second = write(
        {"at": day, "id": ["a", "a", None], "x": [10.0, 20.0, 30.0], "origin": ["EWR"] * 3}, "b.parquet"
    )
    _, cells = cells_of(declaration, first, second)
    rows, x = cell(cells, "", "rows"), cell(cells, "x")
    assert (rows["n"], rows["counts"]) == (4, [2, 0, 4])
    assert (x["n"], x["low"], x["high"]) == (4, 2.0, 30.0)
    assert cell(cells, "", "rows", segment="origin=JFK")["counts"] == [1, 0, 1]
    assert cell(cells, "", "rows", segment="origin=EWR")["counts"] == [1, 0, 3]
    _, other_way = cells_of(declaration, second, first)
    assert cell(other_way, "x")["high"] == 30.0 and cell(other_way, "x")["low"] == 1.0


def test_the_same_id_in_another_window_is_another_prediction(declare, write, cells_of):
    declaration = declare(columns={"prediction_id": "id"}, features={"numeric": ["x"]})
    _, cells = cells_of(declaration, write({"at": moments(1, 30), "id": ["a", "a"], "x": [1.0, 2.0]}))
    assert cells.filter(kind="rows")["n"].to_list() == [1, 1]


def test_the_label_available_last_wins_then_the_latest_file(write, flights, cells_of):
    path = log(write, "log.parquet", [1, 2, 3, 4], ["a", "b", "c", "d"], [10, 10, 10, 10])
    first = write(
        {"flight_id": ["a", "b", "zz"], "minutes": [5.0, 5.0, 1.0], "landed": moments(50, 40, 40)},
        "l1.parquet",
    )
    second = write(
        {"flight_id": ["a", "b", "c"], "minutes": [7, 7, None], "landed": moments(45, 40, 40)}, "l2.parquet"
    )
    _, cells = cells_of(flights, path, labels=[(first, 0.0), (second, 1.0)])
    assert cell(cells, "", "rows")["missing"] == 2
    labels = cell(cells, "minutes")
    assert (labels["low"], labels["high"], labels["n"]) == (5.0, 7.0, 2)
    assert cell(cells, "", "regression")["sums"][4] == 8.0  # (10 - 5) + (10 - 7)


def test_labels_that_state_no_time_are_as_old_as_their_file(write, flights, cells_of):
    path = log(write, "log.parquet", [1], ["a"], [10])
    stated = write({"flight_id": ["a"], "minutes": [5.0], "landed": moments(1)}, "l1.parquet")
    unstated = write(
        {"flight_id": ["a"], "minutes": [7.0], "landed": pl.Series([None], dtype=pl.Datetime("us"))},
        "l2.parquet",
    )
    before, after = START.timestamp(), START.timestamp() + 7_200
    for mtime, wanted in ((before, 5.0), (after, 7.0)):
        _, cells = cells_of(flights, path, labels=[(unstated, mtime), (stated, 0.0)])
        assert cell(cells, "minutes")["high"] == wanted


def test_label_windows_are_those_of_the_predictions_and_the_rest_is_counted(engine, write, flights):
    path = log(write, "log.parquet", [1, 30, 55], ["a", "b", "c"], [1, 2, 3])
    labels = write(
        {"flight_id": ["b", "b", "c", "nobody", None], "minutes": [1.0] * 5, "landed": moments(*range(5))},
        "l.parquet",
    )
    windows, unmatched = engine.label_windows(Source((path,), ((labels, 0.0),)), flights)
    assert [w.start for w in windows] == [START + timedelta(days=1), START + timedelta(days=2)]
    assert unmatched == 1


def test_rows_with_an_error_status_get_no_label(declare, write, cells_of):
    declaration = declare(
        "binary_classification",
        columns={"score": "p", "actual": "y"},
        operations={"status": "status"},
    )
    _, cells = cells_of(
        declaration,
        write({"at": moments(1, 2, 3), "p": [0.9, 0.9, 0.9], "y": [1, 1, None], "status": [200, 500, 200]}),
    )
    rows = cell(cells, "", "rows")
    assert (rows["n"], rows["missing"], rows["counts"]) == (3, 2, [0, 1, 2])


def test_a_kept_sample_is_a_log_that_brings_its_labels(engine, write, flights, cells_of):
    path = log(write, "log.parquet", [1, 2, 30], ["a", "b", "c"], [10, 20, 30])
    labels = write({"flight_id": ["a", "c"], "minutes": [9.0, 28.0], "landed": moments(40, 41)}, "l.parquet")
    source = Source((path,), ((labels, 0.0),))
    windows = list(engine.windows_of(source, flights))
    kept = write(engine.sample(source, flights, windows), "kept.parquet")
    grid = engine.build_grid(source, flights, windows, reference_id="r", frozen=True)
    again = engine.profile(Source((kept,)), flights, grid, windows)
    assert again.equals(engine.profile(source, flights, grid, windows))


def test_a_sample_depends_on_the_ids_alone(engine, write, declare):
    declaration = declare(columns={"prediction_id": "id"}, features={"numeric": ["x"]})
    n = 5_000
    columns = {
        "at": moments(*([1] * n)),
        "id": [f"id{i}" for i in range(n)],
        "x": [float(i) for i in range(n)],
    }
    frame = pl.DataFrame(columns)
    samples = []
    for name, shuffled in (
        ("a.parquet", frame),
        ("b.parquet", frame.sample(fraction=1.0, shuffle=True, seed=1)),
    ):
        source = Source((write(shuffled, name),))
        samples.append(engine.sample(source, declaration, list(engine.windows_of(source, declaration)), 500))
    assert samples[0].height == 500
    assert set(samples[0]["id"]) == set(samples[1]["id"])


def test_windows_counted_in_many_small_chunks_give_the_same_cells(engine, write, flights, monkeypatch):
    rng = random.Random(1)
    hours = sorted(rng.uniform(0, 24 * 12) for _ in range(3_000))
    ids = [f"f{rng.randrange(2_500)}" for _ in hours]
    path = log(
        write, "log.parquet", hours, ids, [rng.gauss(0, 1) for _ in hours], [rng.choice("ABC") for _ in hours]
    )
    labels = write(
        {
            "flight_id": ids[:2_000],
            "minutes": [rng.gauss(0, 1) for _ in range(2_000)],
            "landed": moments(*range(2_000)),
        },
        "l.parquet",
    )
    source = Source((path,), ((labels, 0.0),))
    windows = list(engine.windows_of(source, flights))
    grid = engine.build_grid(source, flights, windows, reference_id="r", frozen=True)
    whole = engine.profile(source, flights, grid, windows)
    monkeypatch.setattr(chunks, "_ROWS_PER_CHUNK", 300)
    parts = engine.profile(source, flights, grid, windows)
    floats = ["sums"]
    assert parts.drop(floats).equals(whole.drop(floats))
    gap = (parts["sums"].explode() - whole["sums"].explode()).abs().max()
    assert gap < 1e-9


def test_the_newest_rows_of_a_window_come_with_their_labels(engine, write, flights):
    path = log(write, "log.parquet", [1, 2, 3], ["a", "b", "c"], [10, 20, 30])
    labels = write({"flight_id": ["c"], "minutes": [31.0], "landed": moments(40)}, "l.parquet")
    source = Source((path,), ((labels, 0.0),))
    window = next(iter(engine.windows_of(source, flights)))
    found = engine.rows(source, flights, window, limit=2)
    assert found["flight"].to_list() == ["c", "b"]
    assert found["minutes"].to_list() == [31.0, None]
    assert found["at"].to_list() == [START + timedelta(hours=3), START + timedelta(hours=2)]


def test_a_sample_holds_the_columns_that_outcomes_are_made_of_too(engine, write, declare):
    declaration = declare(
        task="binary_classification",
        columns={"score": "p", "actual": "y"},
        features={"numeric": ["p2"], "categorical": ["status"]},
        operations={"status": "status"},
        segments=["status"],
        protected=["status"],
        sensitive=["status"],
        threshold=0.25,
    )
    log = {"at": moments(1, 2, 3), "p": [0.9, 0.1, 0.5], "p2": [1.0, 2.0, 3.0], "y": [1, 0, 1]}
    path = write(log | {"status": [200, 500, 200]})
    source = Source((path,))
    windows = list(engine.windows_of(source, declaration))
    kept = engine.sample(source, declaration, windows).sort("at")
    assert kept["p"].to_list() == [0.9, 0.1, 0.5]
    assert kept["status"].cast(pl.String).to_list() == ["200", "500", "200"]
    grid = engine.build_grid(source, declaration, windows, reference_id="r", frozen=True)
    again = engine.profile(Source((write(kept, "kept.parquet"),)), declaration, grid, windows)
    assert again.equals(engine.profile(source, declaration, grid, windows))
