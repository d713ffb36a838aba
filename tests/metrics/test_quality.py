import numpy as np
import polars as pl
import pytest

from core.measures import measure
from tests.metrics import portfolio as p
from tests.metrics.portfolio import value

BINS = p.numeric_grid(np.arange(100.0))
WORDS = p.vocabulary("a", "b")
GRID = p.grid(numeric={"x": BINS}, categorical={"c": WORDS})
LABELLED = p.declaration(predictions={"prediction": "guess", "actual": "y"})


def measured(*cells, declaration=LABELLED):
    return measure(p.frame(*cells), p.frame(), GRID, declaration)


def test_shares_of_a_column_by_hand():
    specials = {"missing": 10, "nan": 3, "positive_infinity": 2, "negative_infinity": 1, "uncastable": 4}
    found = measured(p.numeric(np.arange(-5, 75), BINS, **specials))
    assert value(found, "missing_share") == 0.1
    assert value(found, "non_finite_share") == 0.06
    assert value(found, "type_mismatch") == 0.04
    assert value(found, "out_of_range_share") == 5 / 80


def test_shares_of_rows_by_hand():
    found = measured(p.rows(80, counts=[20, 0, 60], missing=35))
    assert value(found, "volume") == 80
    assert value(found, "duplicate_share") == 0.2
    assert value(found, "labelled_share") == 0.75  # 45 of the 60 rows that can get a label


def test_rows_that_can_get_no_label_have_no_labelled_share():
    found = measured(p.rows(80, counts=[0, 80, 0], missing=80))
    assert value(found, "labelled_share") is None


@pytest.mark.parametrize(
    ("cell", "constant"),
    [
        (p.numeric([3.0, 3.0], BINS), 1),
        (p.numeric([3.0, 3.0000001], BINS), 0),  # one bin is not one value
        (p.numeric([3.0], BINS), None),
        (p.numeric([], BINS), None),
        (p.categorical(["a", "a"], WORDS), 1),
        (p.categorical(["a", "b"], WORDS), 0),
        (p.categorical(["a", "new"], WORDS), 0),
        (p.categorical(["new", "newer"], WORDS), None),  # counted together: nobody can tell
        (p.categorical(["a"], WORDS), None),
    ],
)
def test_a_constant_column_is_seen(cell, constant):
    found = measured(cell)
    assert value(found, "constant") == constant
    if constant is None:
        assert found.filter(pl.col("metric") == "constant")["reason"][0]


def test_a_window_of_missing_values_alone_has_a_missing_share_of_1_and_nothing_else():
    found = measured(p.numeric([], BINS, missing=9), p.categorical([], WORDS, missing=9))
    assert found.filter(pl.col("metric") == "missing_share")["value"].to_list() == [1, 1]
    assert value(found, "out_of_range_share") is None and value(found, "unseen_share") is None


def test_shares_carry_a_wilson_interval():
    row = measured(p.numeric(np.arange(90), BINS, missing=10)).row(
        by_predicate=pl.col("metric") == "missing_share", named=True
    )
    assert (row["lower"], row["upper"], row["n"]) == (
        pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4), 100,
    )  # fmt: skip
