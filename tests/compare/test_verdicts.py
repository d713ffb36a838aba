"""A verdict needs enough rows, a change that chance would not make, and a change that matters."""

import numpy as np
import polars as pl
import pytest

from core.comparison import Options, compare


def compared(a, b, **options):
    return compare(pl.DataFrame(a, strict=False), pl.DataFrame(b, strict=False), Options(**options))


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_below_a_hundred_rows_there_is_no_verdict(rng):
    found = compared({"x": rng.normal(size=99)}, {"x": rng.normal(5, 1, 5_000)})
    assert found.verdict == found.columns["x"].verdict == "too_few_rows"
    assert found.columns["x"].reason == "REFERENCE has 99 rows; a verdict needs 100"
    assert found.columns["x"].drift["kolmogorov_smirnov"] > 0.9, "the distance is shown all the same"


def test_a_significant_change_of_no_size_is_no_drift(rng):
    found = compared({"x": rng.normal(size=200_000)}, {"x": rng.normal(0.02, 1, 200_000)}).columns["x"]
    assert found.p_value < 0.001 and found.distance < 0.05 and found.verdict == "no_drift"


def test_a_large_change_is_drift_and_is_told_in_words(rng):
    found = compared({"x": rng.normal(size=1_000)}, {"x": rng.normal(1, 1, 1_000)})
    assert found.verdict == "drift" and found.drifted == ["x"]
    assert found.columns["x"].reason.startswith("median ")


def test_values_that_stop_coming_are_drift(rng):
    a, b = rng.normal(size=1_000), list(rng.normal(size=1_000))
    found = compared({"x": a}, {"x": [*b[:950], *[None] * 50]}).columns["x"]
    assert found.verdict == "drift" and found.reason == "rows without a usable value 0 % → 5.0 %"


def test_less_than_a_point_of_missing_values_is_no_drift(rng):
    a = rng.normal(size=50_000)
    found = compared({"x": a}, {"x": [*a[:49_600], *[None] * 400]}).columns["x"]
    assert found.p_value < 0.001 and found.verdict == "no_drift"


def test_a_constant_that_changes_is_drift():
    assert compared({"x": [1.0] * 200}, {"x": [2.0] * 200}).verdict == "drift"


def test_labels_that_have_not_come_yet_are_no_drift(rng):
    score = rng.random(1_000)
    label = (rng.random(1_000) < score).astype(int)
    late = [*label[:500], *[None] * 500]
    found = compared({"s": score, "y": label}, {"s": score, "y": late}, score="s", actual="y")
    assert found.verdict == "no_drift" and "CURRENT has 500 of 1,000 rows without a label" in found.notes


@pytest.mark.parametrize("rows", [150, 1_000, 5_000])
def test_quiet_files_rarely_alarm_however_many_columns_they_have(rng, rows):
    alarms = sum(
        compared(*({f"x{i}": rng.normal(size=rows) for i in range(20)} for _ in range(2))).verdict == "drift"
        for _ in range(10)
    )
    assert alarms <= 1


def test_a_type_that_changes_is_told_and_its_unreadable_values_count_as_missing():
    found = compared({"x": [1.0, 2.0] * 200}, {"x": ["1.0", "two"] * 200})
    assert found.verdict == "drift"
    assert found.schema.retyped["x"].current == "String"
    assert "x: 50.0 % of CURRENT cannot be read as a number" in found.notes


def test_columns_on_one_side_only_are_schema_changes(rng):
    found = compared({"x": [1] * 200, "old": [1] * 200}, {"x": [1] * 200, "new": [1] * 200})
    assert (found.schema.added, found.schema.removed) == (("new",), ("old",))
    assert list(found.columns) == ["x"] and "only in CURRENT: new" in found.notes


def test_columns_come_worst_first(rng):
    sides = [
        {"same": rng.normal(size=2_000), "bit": rng.normal(m / 3, 1, 2_000), "far": rng.normal(m, 1, 2_000)}
        for m in (0, 1)
    ]
    assert list(compared(*sides).columns) == ["far", "bit", "same"]


def test_a_segment_shows_where_the_drift_is(rng):
    def side(shift):
        return {
            "origin": ["JFK", "EWR"] * 1_000 + [f"rare-{i}" for i in range(30)],
            "x": np.where(np.arange(2_030) % 2 == 0, rng.normal(shift, 1, 2_030), rng.normal(size=2_030)),
        }

    found = compared(side(0), side(2), segment="origin")
    assert (found.segments["JFK"].verdict, found.segments["EWR"].verdict) == ("drift", "no_drift")
    assert (
        len(found.segments) == 20
        and "origin has 32 values; the 20 most frequent are shown as segments" in found.notes
    )
