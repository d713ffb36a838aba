"""Distances of columns are exact: they equal scipy's on the rows."""

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from core.comparison import Options, compare
from core.comparison.counting import on_quantiles
from core.engine.grids import numeric_grid
from core.engine.reference import Numbers

TIGHT = {"rel": 1e-9, "abs": 1e-12}


def compared(a, b, **options):
    frames = (pl.DataFrame({"x": side}, strict=False) for side in (a, b))
    return compare(*frames, Options(columns=("x",), **options)).columns["x"]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("law", ["normal", "ties", "heavy", "constant"])
@pytest.mark.parametrize("rows", [(500, 431), (12_000, 900)])
def test_distances_on_values_equal_scipy(rng, law, rows):
    draw = {
        "normal": lambda n: rng.normal(size=n),
        "ties": lambda n: rng.integers(0, 7, n).astype(float),
        "heavy": lambda n: rng.standard_cauchy(n),
        "constant": lambda n: np.full(n, 3.0),
    }[law]
    a, b = draw(rows[0]), draw(rows[1])
    drift = compared(a, b).drift
    theirs = stats.ks_2samp(a, b)
    assert drift["kolmogorov_smirnov"] == pytest.approx(theirs.statistic, **TIGHT)
    assert drift["kolmogorov_smirnov_p_value"] == pytest.approx(theirs.pvalue, **TIGHT)
    assert drift["wasserstein"] == pytest.approx(stats.wasserstein_distance(a, b), **TIGHT)
    scaled = (
        None if law == "constant" else pytest.approx(stats.wasserstein_distance(a, b) / np.std(a), **TIGHT)
    )
    assert drift["wasserstein_normed"] == scaled


def test_shares_of_numbers_rest_on_twenty_quantile_bins_of_the_reference(rng):
    a, b = rng.normal(size=10_000), rng.normal(0.2, 1, 4_000)
    edges = np.quantile(a, np.arange(5, 100, 5) / 100, method="inverted_cdf")
    p, q = (np.bincount(np.searchsorted(edges, side), minlength=20) / len(side) for side in (a, b))
    drift = compared(a, b).drift
    assert drift["jensen_shannon"] == pytest.approx(jensenshannon(p, q, base=2), **TIGHT)
    assert drift["total_variation"] == pytest.approx(np.abs(p - q).sum() / 2, **TIGHT)
    assert drift["hellinger"] == pytest.approx(
        np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / math.sqrt(2), **TIGHT
    )
    assert drift["l_infinity"] == pytest.approx(np.abs(p - q).max(), **TIGHT)


@pytest.mark.parametrize("rows", [1, 7, 100, 999, 10_000])
def test_the_bins_are_those_of_the_sweep(rng, rows):
    a, b = np.sort(np.round(rng.normal(size=rows), 2)), np.sort(rng.normal(size=500))
    squares = ((a - a.mean()) ** 2).sum()
    grid = numeric_grid(Numbers(n=rows, mean=a.mean(), squares=squares, low=a[0], high=a[-1], values=[a]))
    for found, side in zip(on_quantiles(a, b), (a, b), strict=True):
        expected = np.bincount(np.searchsorted(grid.edges, side), minlength=len(grid.edges) + 1)
        assert found.tolist() == expected.tolist()


def test_categories_are_compared_on_the_full_vocabulary(rng):
    names = np.array([f"tail-{i}" for i in range(5_000)])
    a, b = rng.choice(names, 20_000), rng.choice(np.append(names, "new"), 3_000)
    vocabulary = np.union1d(a, b)
    table = np.array(
        [np.bincount(np.searchsorted(vocabulary, side), minlength=len(vocabulary)) for side in (a, b)]
    )
    theirs = stats.chi2_contingency(table, correction=False)
    found = compared(a, b)
    assert found.drift["chi_squared"]["statistic"] == pytest.approx(theirs.statistic, **TIGHT)
    assert found.drift["chi_squared"]["p_value"] == pytest.approx(theirs.pvalue, **TIGHT)
    assert found.drift["jensen_shannon"] == pytest.approx(jensenshannon(*table, base=2), **TIGHT)
    assert found.verdict == "no_drift", "a long tail seen in few rows is no drift"


def test_distances_are_of_values_that_are_there(rng):
    a = rng.normal(size=400)
    with_gaps = [*a, *[None] * 100, float("nan"), float("inf"), float("-inf")]
    found = compared(with_gaps, a)
    assert found.drift["kolmogorov_smirnov"] == 0.0 and found.drift["wasserstein"] == 0.0
    assert found.missing_share.reference == pytest.approx(100 / 503)
    assert found.quality["non_finite_share"].reference == pytest.approx(3 / 503)


def test_out_of_range_and_unseen_values_are_quality(rng):
    found = compared([*range(100), *range(100)], [*range(90), *[1000] * 10], categorical=())
    assert found.quality["out_of_range_share"].current == pytest.approx(0.1)
    found = compared(["a", "b"] * 100, ["a", "c"] * 100)
    assert found.quality["unseen_share"].current == pytest.approx(0.5)


def test_the_same_rows_in_another_order_show_nothing(rng):
    a = rng.normal(size=3_000)
    found = compared(a, rng.permutation(a))
    distances = {name: value for name, value in found.drift.items() if "p_value" not in name}
    assert set(distances.values()) == {0.0} and found.drift["kolmogorov_smirnov_p_value"] == 1.0


def test_a_change_of_unit_changes_the_wasserstein_distance_alone(rng):
    a, b = rng.normal(size=800), rng.normal(0.3, 1, 700)
    metres, feet = compared(a, b).drift, compared(a * 4.0, b * 4.0).drift
    assert feet["wasserstein"] == pytest.approx(4 * metres["wasserstein"], **TIGHT)
    assert {n: v for n, v in feet.items() if n != "wasserstein"} == pytest.approx(
        {n: v for n, v in metres.items() if n != "wasserstein"}, **TIGHT
    )


@pytest.mark.parametrize(
    ("a", "b", "kind", "verdict"),
    [
        ([1, 2], [1.5, 2.5], "numeric", "drift"),
        ([True, False], ["True", "False"], "categorical", "no_drift"),
        ([True, False], [1, 0], "numeric", "no_drift"),
        (["1", "2"], [1, 2], "numeric", "no_drift"),
        (["a", "b"], [1, 2], "categorical", "drift"),
    ],
)
def test_the_reference_decides_how_a_column_is_read(a, b, kind, verdict):
    found = compared(a * 100, b * 100)
    assert (found.kind, found.verdict) == (kind, verdict)


def test_integers_named_categorical_are_counted_as_categories():
    assert compared([1, 2] * 100, [1, 2] * 100, categorical=("x",)).kind == "categorical"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([f"id-{i}" for i in range(200)], "identifier"),
        (list(range(1000, 1200)), "identifier"),
        (pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 7, 1), eager=True), "date or time"),
        ([[1, 2]] * 200, "no distribution"),
        ([None] * 200, "no value"),
    ],
)
def test_what_has_no_distribution_to_compare_is_left_out_with_a_reason(values, why):
    side = pl.DataFrame({"x": values, "y": ["a"] * len(values)})
    found = compare(side, side, Options())
    assert list(found.columns) == ["y"] and why in found.roles.skipped["x"]


def test_an_identifier_asked_for_by_name_is_compared():
    assert compared(list(range(200)), list(range(100, 300))).drift["kolmogorov_smirnov"] == 0.5
