"""Every kind of rubbish a log can hold, counted by the engine and by an oracle that shares no code."""

import math
import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core.entities import CELL_KEYS, CELLS, LATENCY_EDGES_MS
from tests.engine import oracle
from tests.engine.oracle import assert_cell, cell

START = datetime(2024, 5, 1, tzinfo=UTC)
HOSTILE = [0.0, -0.0, math.nan, math.inf, -math.inf, None, 5e-324, 1.5e150, -1e149, 1e-300]
WORDS = [
    "",
    " ",
    "Ärger",
    "日本語",
    "🙂",
    "a'b\"c",
    "NULL",
    "null",
    "nan",
    "1",
    "1.0",
    "x.0",
    "true",
    "True",
    None,
]


def traffic(rows, seed, days=3):
    """Return rows as dicts of raw Python values, `at` in epoch seconds."""
    rng = random.Random(seed)
    ties = [float(i) for i in range(40)]  # the reference's own quantiles: every tie lies on an edge
    found = []
    for i in range(rows):
        at = START + timedelta(seconds=rng.randrange(days * 86_400), microseconds=rng.randrange(1_000_000))
        score = rng.choice([rng.random(), round(rng.random(), 2), 0.0, 1.0, *HOSTILE[:6], -0.1, 1.5])
        found.append(
            {
                "at": at.timestamp(),
                "number": rng.choice([rng.choice(ties), rng.gauss(20, 10), rng.choice(HOSTILE)]),
                "text_number": rng.choice(
                    ["1.5", "-2", "", "abc", " 7 ", "1e3", "NaN", "inf", "-Infinity", None, str(i % 17)]
                ),
                "constant": 3.0,
                "word": rng.choice([*WORDS, f"c{i % 5000}", f"c{i % 7}"]),
                "flag": rng.choice([True, False, None]),
                "score": score,
                "label": rng.choice(["1", "0", "true", "false", "yes", "2", None]),
                "status": rng.choice(
                    ["ok", "OK", "success", "succeeded", "true", "200", "299", "300", "500", "error", None]
                ),
                "ms": rng.choice(
                    [0.0, 0.1, rng.choice(LATENCY_EDGES_MS), rng.expovariate(0.01), 1e7, -5.0, math.nan, None]
                ),
                "done": rng.choice([True, False, None]),
                "origin": rng.choice(["JFK", "EWR", "LGA", None]),
                "build": rng.choice(["1.0", "1", "2.0", None]),
            }
        )
    return found


def frame(rows):
    at = pl.Series(
        "at", [datetime.fromtimestamp(row["at"], UTC) for row in rows], dtype=pl.Datetime("us", "UTC")
    )
    return pl.DataFrame(
        {name: pl.Series(name, [row[name] for row in rows]) for name in rows[0]}
    ).with_columns(at)


@pytest.fixture
def counted(declare, write, cells_of):
    declaration = declare(
        "binary_classification",
        columns={"score": "score", "actual": "label", "version": "build"},
        features={"numeric": ["number", "text_number", "constant"], "categorical": ["word", "flag"]},
        operations={"status": "status", "latency_ms": "ms"},
        custom={"done_rate": {"column": "done", "kind": "rate"}},
        segments=["origin"],
    )
    reference, current = traffic(8_000, 1), traffic(8_000, 2)
    first, second = write(frame(reference), "a.parquet"), write(frame(current), "b.parquet")
    grid, cells = cells_of(declaration, second, reference=[first])
    return grid, cells, current


def slices(rows):
    """Yield (window start, keys of the slice, its rows)."""
    for day in range(3):
        start = START + timedelta(days=day)
        here = [row for row in rows if start.timestamp() <= row["at"] < start.timestamp() + 86_400]
        yield start, {}, here
        for value in ("JFK", "EWR", "LGA", None):
            segment = f"origin={'missing' if value is None else value}"
            yield start, {"segment": segment}, [row for row in here if row["origin"] == value]
        for value in ("1.0", "1", "2.0", None):
            yield start, {"version": value or "missing"}, [row for row in here if row["build"] == value]


def column(rows, name):
    return [row[name] for row in rows]


def test_every_cell_of_hostile_traffic_equals_the_oracle(counted):
    grid, cells, current = counted
    seen = 0
    for start, keys, rows in slices(current):
        here = cells.filter(window_start=start)
        for name in ("number", "text_number", "constant", "score"):
            expected = oracle.numeric(column(rows, name), grid.numeric[name].edges, grid.numeric[name].centre)
            assert_cell(cell(here, name, **keys), expected)
        for name in ("word", "flag", "status"):
            assert_cell(
                cell(here, name, "categorical", **keys),
                oracle.categorical(column(rows, name), grid.categorical[name]),
            )
        assert_cell(cell(here, "ms", "latency", **keys), oracle.latency(column(rows, "ms")))
        done = column(rows, "done")
        rate = {
            "tallies": [len(done) - done.count(None), done.count(None), 0, 0, 0, 0],
            "counts": [done.count(True)],
            "sums": [],
        }
        assert_cell(cell(here, "done_rate", "rate", **keys), rate)
        assert_cell(cell(here, "", "rows", **keys), oracle.rows(rows, [], "label", "status"))
        assert_cell(cell(here, "", "classification", **keys), binary(rows, grid))
        seen += len(rows)
    assert seen == 3 * len(current)


def binary(rows, grid):
    meaning = {"1": 1, "true": 1, "0": 0, "false": 0}
    labels = [
        None if oracle.failed(r["status"]) or r["label"] is None else meaning.get(r["label"], -1)
        for r in rows
    ]
    predicted = [None if r["score"] is None else int(r["score"] >= 0.5) for r in rows]
    return oracle.classification(column(rows, "score"), predicted, labels, list(grid.score_edges))


def test_predictions_derived_from_scores_and_labels_of_good_rows_are_counted_as_categories(counted):
    grid, cells, current = counted
    labels = [None if oracle.failed(row["status"]) else row["label"] for row in current]
    derived = [
        None if s is None or not math.isfinite(s) else "1" if s >= 0.5 else "0"
        for s in column(current, "score")
    ]
    for name, values in (("label", labels), ("prediction", derived)):
        found = cells.filter(pl.col("column") == name, kind="categorical", segment="", version="")
        expected = oracle.categorical(values, grid.categorical[name])
        assert sum(found["n"]) == expected["tallies"][0]
        assert [sum(part) for part in zip(*found["counts"].to_list(), strict=True)] == expected["counts"]


def test_cells_have_the_declared_columns_and_unique_sorted_keys(counted):
    _, cells, _ = counted
    assert dict(cells.schema) == dict(CELLS)
    keys = cells.select(CELL_KEYS)
    assert keys.is_unique().all()
    assert keys.equals(keys.sort(*CELL_KEYS))


def test_five_thousand_categories_keep_a_hundred_and_know_the_unseen(counted):
    grid, _, _ = counted
    words = grid.categorical["word"]
    assert len(words.kept) == 100
    assert len(set(words.kept) & set(words.rest)) == 0
    assert {"日本語", "🙂", "Ärger", ""} <= set(words.kept)


def test_bins_begin_just_below_the_minimum_and_end_at_the_maximum(counted):
    grid, _, _ = counted
    edges = grid.numeric["number"].edges
    assert edges[0] == math.nextafter(-1e149, -math.inf)
    assert edges[-1] == 1.5e150
    assert all(a < b for a, b in zip(edges, edges[1:], strict=False))
    assert grid.numeric["constant"].edges == (math.nextafter(3.0, -math.inf), 3.0)


def test_retyped_columns_keep_their_values(declare, write, cells_of):
    declaration = declare(features={"numeric": ["amount"], "categorical": ["kind", "yes"]})
    at = [START] * 3
    files = [
        write({"at": at, "amount": [1, 2, 3], "kind": [1, 2, 3], "yes": [True, False, True]}, "a.parquet"),
        write(
            {"at": at, "amount": [1.5, None, 3.0], "kind": [1.0, 2.0, None], "yes": ["true", "False", None]},
            "b.parquet",
        ),
        write({"at": at, "amount": ["4", "oops", None], "kind": ["1", "2.0", "4"]}, "c.parquet"),
    ]
    grid, cells = cells_of(declaration, *files)
    assert set(grid.categorical["kind"].kept) == {"1", "2", "3", "4"}
    assert set(grid.categorical["yes"].kept) == {"true", "false"}
    amount = cell(cells, "amount")
    assert (amount["n"], amount["missing"], amount["uncastable"]) == (6, 2, 1)
    yes = cell(cells, "yes", "categorical")
    assert (yes["n"], yes["missing"]) == (5, 4)
