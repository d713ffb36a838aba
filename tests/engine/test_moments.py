"""Sums of products as the engine adds them up, against numpy on the rows of every slice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from core.cells import merge_cells
from core.entities import Source
from tests.engine.oracle import as_number, cell

START = datetime(2024, 5, 1, tzinfo=UTC)
NAMES = ["wind", "temp", "humid"]


def rows(n=70_000):
    """Two days, in no order, with every kind of value that is no number; `humid` is text."""
    rng = np.random.default_rng(1)
    temp = rng.normal(50, 20, n)
    wind = np.where(rng.random(n) < 0.1, np.nan, 5 - 0.1 * temp + rng.normal(size=n)).tolist()
    wind[:40] = [None] * 20 + [float("inf")] * 10 + [float("-inf")] * 10
    humid = [f"{value:.1f}" for value in rng.normal(80, 5, n) - 0.3 * temp]
    humid[:60] = ["n/a"] * 30 + [None] * 30
    temp = temp.tolist()
    temp[10:25] = [None] * 15
    return pl.DataFrame(
        {
            "at": [START + timedelta(seconds=int(s)) for s in rng.integers(0, 2 * 86_400, n)],
            "id": [f"id {i}" for i in range(n)],
            "origin": rng.choice(["JFK", "EWR"], n).tolist(),
            "version": rng.choice(["1", "2"], n).tolist(),
            "wind": pl.Series(wind, dtype=pl.Float64, strict=False),
            "temp": temp,
            "still": 3.0,
            "humid": humid,
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def products(frame, grid, names):
    """Return what a cell must hold: rows with any number, the others, and the upper triangle."""
    read = [[as_number(value)[0] for value in frame[name]] for name in names]
    raw = np.array(read, dtype=np.float64).T.reshape(-1, len(names))
    finite = np.isfinite(raw)
    centre, scale = (np.array([getattr(grid.numeric[n], of) for n in names]) for of in ("centre", "scale"))
    moved = np.where(finite, (raw - centre) / scale, 0.0)
    whole = np.array([[(a * b).sum() for b in moved.T] for a in moved.T])
    some = int(finite.any(axis=1).sum())
    return some, len(frame) - some, whole[np.triu_indices(len(names))]


@pytest.fixture
def model(declare):
    return declare(
        columns={"prediction_id": "id", "version": "version"},
        features={"numeric": [*NAMES, "still"], "categorical": []},
        segments=["origin"],
        protected=["origin"],
        pca=True,
    )


def counted(engine, declaration, *files):
    source = Source(files)
    windows = list(engine.windows_of(source, declaration))
    grid = engine.build_grid(source, declaration, windows, reference_id="r", frozen=True)
    return grid, engine.profile(source, declaration, grid, windows)


def test_every_slice_has_the_products_that_numpy_finds(engine, model, write):
    frame = rows()
    grid, cells = counted(engine, model, write(frame))
    assert grid.together == tuple(NAMES)  # `still` does not vary
    days = frame.with_columns(day=pl.col("at").dt.truncate("1d"))
    slices = [{}, {"segment": "JFK"}, {"segment": "EWR"}, {"version": "1"}, {"version": "2"}]
    for day in days["day"].unique():
        for kept in slices:
            column = {"segment": "origin", "version": "version"}
            mine = [pl.col(column[part]) == value for part, value in kept.items()]
            here = days.filter(pl.col("day") == day, *mine)
            named = {part: f"origin={v}" if part == "segment" else v for part, v in kept.items()}
            found = cell(cells, "", "moments", window_start=day, **named)
            some, none, sums = products(here, grid, NAMES)
            assert (found["n"], found["missing"], found["counts"]) == (some, none, [])
            assert found["sums"] == pytest.approx(sums.tolist(), rel=1e-9)
    assert cells.filter(pl.col("kind") == "moments").height == 2 * len(slices)  # none of protected groups


def test_windows_roll_up_by_adding(engine, model, write):
    frame = rows(3_000)
    grid, cells = counted(engine, model, write(frame))
    merged = cell(merge_cells(cells), "", "moments")
    some, none, sums = products(frame, grid, NAMES)
    assert (merged["n"], merged["missing"]) == (some, none)
    assert merged["sums"] == pytest.approx(sums.tolist(), rel=1e-9)


def test_a_row_that_comes_twice_counts_once(engine, model, write):
    frame = rows(2_000)
    grid, cells = counted(engine, model, write(frame), write(frame.head(500), "again.parquet"))
    some, none, sums = products(frame, grid, NAMES)
    merged = cell(merge_cells(cells), "", "moments")
    assert (merged["n"], merged["missing"]) == (some, none)
    assert merged["sums"] == pytest.approx(sums.tolist(), rel=1e-9)


def test_values_too_large_to_square_spoil_their_window_alone(engine, model, write):
    frame = rows(3_000)
    grid, _ = counted(engine, model, write(frame))
    first = pl.col("at") == pl.col("at").min()
    moved = write(frame.with_columns(temp=pl.when(first).then(1e200).otherwise("temp")), "moved.parquet")
    source = Source((moved,))
    cells = engine.profile(source, model, grid, list(engine.windows_of(source, model)))
    spoilt, sound = (cell(cells, "", "moments", window_start=START + timedelta(days=day)) for day in (0, 1))
    assert not np.isfinite(spoilt["sums"]).all()
    assert np.isfinite(sound["sums"]).all()


@pytest.mark.parametrize("change", ["not declared", "one feature", "too many", "learning"])
def test_nothing_is_added_up_where_it_is_not_asked_or_cannot_be(engine, model, write, change):
    source = Source((write(rows(500)),))
    windows = list(engine.windows_of(source, model))
    declaration = model.model_copy(update={"pca": False}) if change == "not declared" else model
    learning = change == "learning"
    grid = engine.build_grid(source, declaration, windows, reference_id="r", frozen=not learning)
    if change == "one feature":
        grid = replace(grid, together=("temp",))
    if change == "too many":
        grid = replace(grid, together=tuple(f"x{i}" for i in range(51)))
    if change in ("not declared", "learning"):
        assert grid.together == ()
    cells = engine.profile(source, declaration, grid, windows)
    assert cells.height and cells.filter(pl.col("kind") == "moments").is_empty()


def test_everything_else_is_counted_as_without_it(engine, model, write):
    path = write(rows(5_000))
    _, cells = counted(engine, model, path)
    _, plain = counted(engine, model.model_copy(update={"pca": False}), path)
    kept = cells.filter(pl.col("kind") != "moments")
    assert kept.drop("sums").equals(plain.drop("sums"))
    for ours, theirs in zip(kept["sums"].to_list(), plain["sums"].to_list(), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12)
