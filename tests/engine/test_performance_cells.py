"""Multiclass, regression and fairness groups against the oracle."""

import math
import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core.entities import Source
from core.windows import Window
from tests.engine import oracle
from tests.engine.oracle import assert_cell, cell

START = datetime(2024, 5, 1, tzinfo=UTC)
CLASSES = ("early", "late", "on_time")


def at(n, seed=0):
    rng = random.Random(seed)
    return pl.Series(
        [START + timedelta(seconds=rng.randrange(86_400)) for _ in range(n)], dtype=pl.Datetime("us", "UTC")
    )


def choices(n, values, seed):
    rng = random.Random(seed)
    return [rng.choice(values) for _ in range(n)]


def probability(seed, n=900):
    rng = random.Random(seed)
    return [rng.choice([rng.random(), 0.0, 1.0, math.nan, math.inf, None, 1.25]) for _ in range(n)]


def test_multiclass_cells_equal_the_oracle(declare, write, cells_of):
    n = 900
    data = {
        "at": at(n),
        "said": choices(n, [*CLASSES, "martian", None], 1),
        "truth": choices(n, [*CLASSES, "martian", None], 2),
        **{f"p_{class_}": probability(i) for i, class_ in enumerate(CLASSES)},
    }
    declaration = declare(
        "multiclass_classification",
        columns={"score": {c: f"p_{c}" for c in CLASSES}, "prediction": "said", "actual": "truth"},
    )
    grid, cells = cells_of(declaration, write(data))
    assert grid.classes == CLASSES
    probabilities = {c: data[f"p_{c}"] for c in CLASSES}
    assert_cell(
        cell(cells, "", "multiclass"), oracle.multiclass(data["said"], data["truth"], probabilities, CLASSES)
    )
    for class_ in CLASSES:
        predicted = [None if said is None else int(said == class_) for said in data["said"]]
        labels = [None if y is None else int(y == class_) if y in CLASSES else -1 for y in data["truth"]]
        expected = oracle.classification(data[f"p_{class_}"], predicted, labels, list(grid.score_edges))
        assert_cell(cell(cells, class_, "classification"), expected)


def test_a_multiclass_model_that_logs_only_scores_predicts_the_largest(declare, write, cells_of):
    data = {
        "at": at(3),
        "p_early": [0.7, 0.1, None],
        "p_late": [0.3, 0.9, 0.5],
        "truth": ["early", "early", "late"],
    }
    scores = {"early": "p_early", "late": "p_late"}
    declaration = declare("multiclass_classification", columns={"score": scores, "actual": "truth"})
    _, cells = cells_of(declaration, write(data))
    found = cell(cells, "", "multiclass")
    assert (found["n"], found["missing"]) == (2, 1)
    assert found["counts"] == [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]


def test_regression_cells_equal_the_oracle(declare, write, cells_of):
    n, rng = 1_500, random.Random(3)
    special = [None, math.nan, math.inf, -math.inf, 0.0, -0.0, -1.0, -5.0]
    data = {
        "at": at(n),
        "guess": [rng.choice([rng.gauss(100, 30), *special]) for _ in range(n)],
        "truth": [rng.choice([rng.gauss(100, 30), *special]) for _ in range(n)],
    }
    declaration = declare("regression", columns={"prediction": "guess", "actual": "truth"})
    grid, cells = cells_of(declaration, write(data))
    centre = grid.numeric["truth"].centre
    expected = oracle.regression(data["guess"], data["truth"], grid.error_edges, centre)
    assert_cell(cell(cells, "", "regression"), expected)
    for name in ("guess", "truth"):
        expected = oracle.numeric(data[name], grid.numeric[name].edges, grid.numeric[name].centre)
        assert_cell(cell(cells, name), expected)


def test_a_window_without_rows_has_no_cells(declare, write, engine):
    data = {
        "at": at(40),
        "guess": [float(i) for i in range(40)],
        "truth": [float(i + i % 3) for i in range(40)],
    }
    declaration = declare(
        "regression",
        columns={"prediction": "guess", "actual": "truth"},
        segments=["guess"],
        protected=["truth"],
    )
    source = Source((write(data),))
    (window,) = engine.windows_of(source, declaration)
    grid = engine.build_grid(source, declaration, [window], reference_id="r", frozen=True)
    tomorrow = Window(window.end, window.end + timedelta(days=1))
    assert engine.profile(source, declaration, grid, [tomorrow]).is_empty()
    both = engine.profile(source, declaration, grid, [window, tomorrow])
    assert both.equals(engine.profile(source, declaration, grid, [window]))


def test_an_intersection_the_reference_has_not_shown_is_not_counted(declare, write, cells_of):
    reference = {"at": at(4), "score": [0.1, 0.2, 0.8, 0.9], "sex": ["F", "F", "M", "M"], "age": ["old"] * 4}
    log = {
        "at": at(4),
        "score": [0.1, 0.2, 0.8, 0.9],
        "sex": ["F", "F", "M", "X"],
        "age": ["old", "young", *["old"] * 2],
    }
    declaration = declare("binary_classification", columns={"score": "score"}, protected=["sex", "age"])
    _, cells = cells_of(declaration, write(log), reference=[write(reference, "reference.parquet")])
    rows = cells.filter((pl.col("kind") == "rows") & (pl.col("group") != ""))
    assert dict(rows.select("group", "n").iter_rows()) == {
        "age=old": 3, "age=other": 1, "sex=F": 2, "sex=M": 1, "sex=other": 1,
        "sex=F & age=old": 1, "sex=M & age=old": 1,
    }  # fmt: skip


def test_group_cells_hold_rows_and_performance_of_each_group_and_intersection(declare, write, cells_of):
    n = 2_000
    data = {
        "at": at(n),
        "score": [i / n for i in range(n)],
        "label": choices(n, [0, 1, None], 4),
        "sex": choices(n, ["F", "M", None], 5),
        "age": choices(n, [20, 25, 39.5, 40, 90, None], 6),
        "release": choices(n, ["a", "b"], 7),
    }
    declaration = declare(
        "binary_classification",
        columns={"score": "score", "actual": "label", "version": "release"},
        protected=["sex", {"column": "age", "bins": [25, 40]}],
    )
    grid, cells = cells_of(declaration, write(data))
    assert set(grid.groups["sex"]) == {"sex=F", "sex=M", "sex=missing"}
    assert set(grid.groups["age"]) == {"age=<25", "age=[25, 40)", "age=≥40", "age=missing"}
    assert len(grid.groups["sex & age"]) == 12
    grouped = cells.filter(pl.col("group") != "")
    assert set(grouped["kind"]) == {"rows", "classification"}
    ages = {20: "<25", 25: "[25, 40)", 39.5: "[25, 40)", 40: "≥40", 90: "≥40", None: "missing"}
    rows = [dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True)]
    for group in grid.groups["sex & age"]:
        for version in ("", "a", "b"):
            here = [
                row
                for row in rows
                if f"sex={row['sex'] or 'missing'} & age={ages[row['age']]}" == group
                and row["release"] in (version or "ab")
            ]
            scores, labels = [row["score"] for row in here], [row["label"] for row in here]
            predicted = [int(score >= 0.5) for score in scores]
            expected = oracle.classification(scores, predicted, labels, list(grid.score_edges))
            assert_cell(cell(cells, "", "classification", group=group, version=version), expected)
    women = cell(cells, "", "rows", group="sex=F")
    assert women["n"] == data["sex"].count("F")


def test_the_positive_class_is_compared_by_its_text_and_unknown_classes_are_counted(declare, write, cells_of):
    data = {
        "at": at(6),
        "said": ["bad", "good", "good", "ugly", "bad", None],
        "truth": ["bad", "bad", "good", "good", "ugly", "good"],
    }
    declaration = declare(
        "binary_classification",
        columns={"prediction": "said", "actual": "truth"},
        positive="bad",
        features={},
    )
    grid, cells = cells_of(declaration, write(data))
    assert grid.classes == ("good", "bad")
    found = cell(cells, "", "classification")
    assert found["counts"] == [1, 1, 0, 0, 1, 0]
    assert (found["n"], found["missing"], found["uncastable"]) == (3, 1, 2)


def test_a_model_without_score_has_no_sums_of_scores(declare, write, cells_of):
    data = {"at": at(3), "said": [1, 0, 1], "truth": [1, 1, None]}
    declaration = declare(
        "binary_classification", columns={"prediction": "said", "actual": "truth"}, features={}
    )
    _, cells = cells_of(declaration, write(data))
    found = cell(cells, "", "classification")
    assert found["counts"] == [0, 1, 0, 0, 1, 1]
    assert found["sums"] == [0.0] * 8


def test_a_feature_that_is_also_segment_or_protected_attribute_is_counted_as_each(declare, write, cells_of):
    data = {"at": at(5), "origin": ["a", "a", "b", None, "b"], "age": [20.0, 30.0, None, 20.0, 50.0]}
    declaration = declare(
        features={"numeric": ["age"], "categorical": ["origin"]},
        segments=["origin"],
        protected=["origin", {"column": "age", "bins": [25, 40]}],
    )
    _, cells = cells_of(declaration, write(data))
    assert cell(cells, "origin", "categorical")["n"] == 4
    assert cell(cells, "age", segment="origin=a")["sums"][0] == pytest.approx(50 - 2 * 30)
    assert cell(cells, "age")["n"] == 4
    groups = cells.filter(kind="rows").filter(pl.col("group") != "")
    assert dict(zip(groups["group"], groups["n"], strict=True)) == {
        "origin=a": 2,
        "origin=b": 2,
        "origin=missing": 1,
        "age=<25": 2,
        "age=[25, 40)": 1,
        "age=≥40": 1,
        "age=missing": 1,
        "origin=a & age=<25": 1,
        "origin=a & age=[25, 40)": 1,
        "origin=b & age=missing": 1,
        "origin=b & age=≥40": 1,
        "origin=missing & age=<25": 1,
    }


def test_segments_beyond_the_fifty_most_frequent_are_other(declare, write, cells_of):
    values = [f"v{i:03d}" for i in range(60) for _ in range(60 - i)] + [None]
    declaration = declare(segments=["origin"], features={"numeric": ["x"]})
    data = {"at": at(len(values)), "origin": values, "x": [float(i) for i in range(len(values))]}
    grid, cells = cells_of(declaration, write(data))
    assert grid.segments["origin"] == tuple(f"v{i:03d}" for i in range(50))
    segments = cells.filter(kind="rows").filter(pl.col("segment") != "")
    assert segments.height == 52
    assert cell(cells, "x", segment="origin=other")["n"] == sum(60 - i for i in range(50, 60))
    assert cell(cells, "x", segment="origin=missing")["n"] == 1
    assert segments["n"].sum() == len(values)


def test_a_learning_model_has_counts_of_rows_missing_values_and_performance(declare, write, cells_of):
    data = {
        "at": at(4),
        "x": [1.0, None, 3.0, 4.0],
        "c": ["a", "b", None, "a"],
        "score": [0.2, 0.8, 0.9, 0.1],
        "y": [0, 1, 0, None],
    }
    declaration = declare(
        "binary_classification",
        columns={"score": "score", "actual": "y"},
        features={"numeric": ["x"], "categorical": ["c"]},
    )
    grid, cells = cells_of(declaration, write(data), frozen=False)
    assert not grid.frozen and grid.classes == ("0", "1")
    number, word = cell(cells, "x"), cell(cells, "c", "categorical")
    assert (number["n"], number["missing"], number["counts"]) == (3, 1, [])
    assert (word["n"], word["missing"], word["counts"]) == (3, 1, [])
    found = cell(cells, "", "classification")
    assert found["n"] == 4 and sum(found["counts"]) == 4
