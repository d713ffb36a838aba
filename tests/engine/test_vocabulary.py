"""The values of a category: the frequent ones one by one, the rest together, and no more than fit."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core.engine.grids import KNOWN_VALUES
from core.measures import measure
from tests.engine.oracle import cell

START = datetime(2024, 5, 1, tzinfo=UTC)


def log(words: list[str], day: int = 0) -> dict[str, object]:
    return {"at": [START + timedelta(days=day)] * len(words), "word": words}


@pytest.fixture
def declaration(declare):
    return declare(features={"categorical": ["word"]})


def test_a_column_with_as_many_values_as_are_known_still_tells_new_ones(declaration, write, cells_of):
    reference = write(log([f"w{i}" for i in range(KNOWN_VALUES)]), "a.parquet")
    current = write(log(["new", "w0", f"w{KNOWN_VALUES - 1}"], day=1), "b.parquet")
    grid, cells = cells_of(declaration, current, reference=[reference])
    words = grid.categorical["word"]
    assert words.complete and words.seen_once == KNOWN_VALUES
    assert cell(cells, "word", "categorical")["counts"][-1] == 1


def test_of_a_column_like_an_id_only_the_frequent_values_are_kept(declaration, write, cells_of):
    values = [f"id{i}" for i in range(KNOWN_VALUES - 9)] + [f"often{i % 10}" for i in range(100)]
    reference = write(log(values), "a.parquet")
    current = write(log(["new", "often3", "often3", "id5"], day=1), "b.parquet")
    grid, cells = cells_of(declaration, current, reference=[reference])
    words = grid.categorical["word"]
    assert not words.complete and words.rest == () and words.seen_once is None
    assert words.kept[:10] == tuple(f"often{i}" for i in range(10))
    counted = cell(cells, "word", "categorical")
    assert counted["n"] == 4
    assert counted["counts"][words.kept.index("often3")] == 2
    assert sum(counted["counts"][:-2]) + counted["counts"][-2] == 4
    assert counted["counts"][-1] == 0


def test_what_no_one_can_know_of_a_column_like_an_id_is_null_with_the_reason(declaration, write, cells_of):
    values = [f"id{i}" for i in range(KNOWN_VALUES + 1)]
    reference = write(log(values), "a.parquet")
    current = write(log(["new", "id5"], day=1), "b.parquet")
    grid, cells = cells_of(declaration, current, reference=[reference])
    _, usual = cells_of(declaration, reference, reference=[reference])
    metrics = measure(cells, usual, grid, declaration).filter(pl.col("column") == "word")
    (unseen,) = metrics.filter(metric="unseen_share").to_dicts()
    assert unseen["value"] is None and unseen["n"] == 2
    assert unseen["reason"] == "the reference has too many different values to know a new one"
    (distance,) = metrics.filter(metric="jensen_shannon").to_dicts()
    assert distance["value"] is not None
