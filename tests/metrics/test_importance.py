"""How much of the predictions each input explains, on data whose answer is known."""

import numpy as np
import polars as pl
import pytest

from core.declaration import Declaration
from core.entities import Grid, NumericGrid, Vocabulary
from core.importance import association

ROWS = 4000
RNG = np.random.default_rng(7)
EDGES = tuple(np.linspace(-4.0, 4.0, 21))
NUMBERS = {"a": NumericGrid(EDGES), "b": NumericGrid(EDGES)}
GRID = Grid("r", True, NUMBERS, {"c": Vocabulary(("x", "y"))}, classes=("k", "l"))
BINARY = {"score": "p"}


def declared(task: str = "binary_classification", **predictions) -> Declaration:
    return Declaration.model_validate(
        {
            "model": "m",
            "owner": "o@example.com",
            "task": task,
            "risk_tier": 3,
            "predictions": {"path": "m", "timestamp": "at", "actual": "z", **(predictions or BINARY)},
        }
    )


def rows(**columns) -> pl.DataFrame:
    a, b = RNG.normal(size=(2, ROWS))
    inputs = {"a": a, "b": b, "c": np.where(RNG.random(ROWS) < 0.5, "x", "y")}
    return pl.DataFrame(inputs | {name: make(inputs) for name, make in columns.items()})


def test_a_step_by_one_input_is_explained_by_it_and_by_no_other() -> None:
    found = association(rows(p=lambda i: (i["c"] == "x") * 0.5), declared(), GRID)
    assert found["c"] == pytest.approx(1.0)
    assert found["a"] < 0.01 and found["b"] < 0.01


def test_two_inputs_share_the_variance_as_they_make_it() -> None:
    """2a + b has variance 5, of which a makes 4 and b makes 1, less what lies within a bin."""
    found = association(rows(p=lambda i: 2 * i["a"] + i["b"]), declared(), GRID)
    assert found["a"] == pytest.approx(0.8, abs=0.03)
    assert found["b"] == pytest.approx(0.2, abs=0.03)


def test_by_hand() -> None:
    """Two values with two rows each, scores 0, 1 | 2, 3: within 1, total 5, so 1 - (1/2)/(5/3) = 0.7."""
    frame = pl.DataFrame({"c": ["x", "x", "y", "y"], "p": [0.0, 1.0, 2.0, 3.0]})
    assert association(frame, declared(), GRID) == pytest.approx({"c": 0.7})


def test_predicted_classes_and_numbers_count_like_scores() -> None:
    classes = rows(k=lambda i: np.where(i["a"] > 0, "k", "l"))
    found = association(classes, declared("multiclass_classification", prediction="k"), GRID)
    assert found["a"] > 0.9 and found["b"] < 0.05 and "k" not in found
    numbers = rows(n=lambda i: 3.0 * i["b"])
    assert association(numbers, declared("regression", prediction="n"), GRID)["b"] > 0.9


def test_missing_values_are_a_value_of_their_own() -> None:
    frame = rows(p=lambda i: np.isnan(i["a"]) * 0.5)
    hidden = frame.with_columns(a=pl.when(pl.col("c") == "x").then(pl.col("a")), p=(pl.col("c") == "x") * 0.5)
    assert association(hidden, declared(), GRID)["a"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    "frame",
    [
        rows(p=lambda i: np.full(ROWS, 0.5)),
        rows(p=lambda i: np.full(ROWS, np.nan)),
        rows(p=lambda i: i["a"]).clear(),
        rows(p=lambda i: i["a"]).head(1),
        rows(q=lambda i: i["a"]),
    ],
    ids=["constant", "missing", "empty", "one row", "no score"],
)
def test_predictions_that_tell_nothing_give_nothing(frame: pl.DataFrame) -> None:
    assert association(frame, declared(), GRID) == {}


def test_an_input_with_a_value_per_row_explains_nothing() -> None:
    frame = rows(p=lambda i: i["a"]).with_columns(c=pl.int_range(ROWS).cast(pl.String))
    assert association(frame, declared(), GRID)["c"] == 0.0
