"""Whatever two files hold, a comparison says something sensible in JSON, text and HTML, without a warning."""

import json

import numpy as np
import polars as pl
import pytest

from core.comparison import Comparison, Options, compare, to_json, to_text
from core.documents.comparison import comparison_html

RNG = np.random.default_rng(1)
PLAIN = {"x": RNG.normal(size=400).tolist(), "c": ["a", "b"] * 200}
NOTHING: dict[str, list[float]] = {}
LABELLED = {"s": RNG.random(400), "y": RNG.integers(0, 2, 400), "g": ["F", "M"] * 200}


def compared(a, b, options=Options()) -> Comparison:  # noqa: B008
    found = compare(pl.DataFrame(a, strict=False), pl.DataFrame(b, strict=False), options)
    json.dumps(to_json(found), allow_nan=False)
    assert to_text(found) and comparison_html(found).startswith("<!doctype html>")
    return found


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (NOTHING, NOTHING, "too_few_rows"),
        (PLAIN, NOTHING, "too_few_rows"),
        (PLAIN, {"x": [], "c": []}, "too_few_rows"),
        ({"x": [1.0]}, {"x": [1.0]}, "too_few_rows"),
        (PLAIN, {"x": [None] * 400, "c": [None] * 400}, "drift"),
        ({"x": [None] * 400, "c": [None] * 400}, PLAIN, "drift"),
        (PLAIN, {"x": [float("nan")] * 400, "c": ["a", "b"] * 200}, "drift"),
        (PLAIN, {"x": [float("inf"), float("-inf"), 1e308, -1e308] * 100, "c": ["a", "b"] * 200}, "drift"),
        ({"x": [1e308, -1e308] * 200}, {"x": [1e308, -1e308, 0.0, 5.0] * 100}, "drift"),
        ({"x": (RNG.uniform(-1, 1, 400) * 1.7e308).tolist()}, {"x": [1.7e308] * 400}, "drift"),
        ({"x": [5e-324 * i for i in range(200)]}, {"x": [5e-324 * i for i in range(200)]}, "no_drift"),
        ({"x": [0.0, -0.0] * 200}, {"x": [-0.0] * 400}, "no_drift"),
        ({"x": [2**63 - i % 9 for i in range(300)]}, {"x": [2**63 - i % 9 for i in range(300)]}, "no_drift"),
        (PLAIN, {"x": ["much", "little"] * 200, "c": [1, 2] * 200}, "drift"),
        ({"x": ["a", "b"] * 200}, {"x": [[1], [2]] * 200}, "too_few_rows"),
        ({"x": [1, 2] * 200}, {"x": [{"a": 1}] * 400}, "too_few_rows"),
        ({"": ["", " "] * 200}, {"": ["", " "] * 200}, "no_drift"),
        ({"größe ✓ 身長": [1.0, 2.0] * 200}, {"größe ✓ 身長": [1.0, 2.0] * 200}, "no_drift"),
    ],
)
def test_odd_files(a, b, verdict):
    assert compared(a, b).verdict == verdict


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.clear(),
        lambda frame: frame.head(1),
        lambda frame: frame.drop("y"),
        lambda frame: frame.drop("s"),
        lambda frame: frame.drop("g"),
        lambda frame: frame.with_columns(y=pl.lit(None)),
        lambda frame: frame.with_columns(s=pl.lit(None)),
        lambda frame: frame.with_columns(s=pl.lit("high")),
        lambda frame: frame.with_columns(y=pl.lit(1)),
        lambda frame: frame.with_columns(g=pl.lit(None, dtype=pl.String)),
        lambda frame: pl.DataFrame(),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_odd_predictions_and_labels(change, swapped):
    sides = [LABELLED, change(pl.DataFrame(LABELLED))]
    options = Options(score="s", actual="y", protected=("g",), segment="g")
    compared(*(reversed(sides) if swapped else sides), options)


def test_labels_that_are_not_there_are_no_numbers():
    found = compared(
        LABELLED, pl.DataFrame(LABELLED).drop("y"), Options(score="s", actual="y", protected=("g",))
    )
    assert found.performance.current.metrics["f1"].value is None
    assert found.performance.current.metrics["f1"].reason
    assert "CURRENT has no labels, so what rests on labels cannot be given there" in found.notes


def test_an_attribute_with_very_many_values_shows_fifty_groups():
    side = LABELLED | {"g": [f"g{i % 80}" for i in range(400)]}
    found = compared(side, side, Options(score="s", actual="y", protected=("g",)))
    assert len(to_json(found)["fairness"]["g"]["groups"]) == 50
    assert "g has 80 groups; the 50 largest are shown" in found.notes
