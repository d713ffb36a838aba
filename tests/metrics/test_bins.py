import numpy as np
import pytest

from core.bins import coarse_ends, joined, positions, quantile
from core.drift import jensen_shannon, wasserstein
from tests.metrics.portfolio import counted, numeric_grid


def test_every_five_of_a_hundred_bins_become_one():
    ends = coarse_ends([0, *[10] * 100, 0])
    coarse = joined([[3, *[1] * 100, 4]], ends[None])
    assert coarse.tolist() == [[8, *[5] * 18, 9]]


@pytest.mark.parametrize("share", [0.99, 0.98, 0.5, 0.02, 0.01])
def test_a_flag_keeps_its_two_values_apart(share):
    reference = np.repeat([0.0, 1.0], [int(share * 1000), 1000 - int(share * 1000)])
    bins = numeric_grid(reference)
    usual, now = (counted(values, bins.edges) for values in (reference, 1 - reference))
    ends = coarse_ends(usual)[None]
    distance = jensen_shannon(joined(usual[None], ends), joined(now[None], ends))
    assert distance > 0 if share != 0.5 else distance == 0


def test_a_column_half_zeros_has_coarse_bins_of_a_twentieth_beside_the_zeros():
    rng = np.random.default_rng(0)
    values = np.where(rng.random(20_000) < 0.5, 0.0, rng.exponential(size=20_000))
    bins = numeric_grid(values)
    counts = counted(values, bins.edges)
    shares = joined(counts[None], coarse_ends(counts)[None])[0] / 20_000
    assert shares[0] == pytest.approx(0.5, abs=0.01)
    assert 10 <= len(shares) <= 13
    assert shares[1:].max() < 0.06


@pytest.mark.parametrize("counts", [[5], [1, 2], [0, 9, 0]])
def test_a_reference_of_one_bin_or_none_is_one_coarse_bin(counts):
    assert coarse_ends(counts).tolist() == [len(counts)]


@pytest.mark.parametrize("law", ["normal", "uniform", "exponential", "lognormal"])
def test_the_binned_wasserstein_distance_of_a_shift_is_near_the_exact_one(law):
    rng = np.random.default_rng(1)
    draw = {
        "normal": rng.normal,
        "uniform": rng.uniform,
        "exponential": rng.exponential,
        "lognormal": rng.lognormal,
    }[law]
    reference, window = draw(size=50_000), draw(size=20_000) * 1.3
    bins = numeric_grid(reference)
    usual, now = (counted(values, bins.edges) for values in (reference, window))
    places = positions(bins.edges, usual)
    places[-1] = (bins.edges[-1] + window.max()) / 2
    exact = np.abs(
        np.quantile(reference, np.linspace(0, 1, 9999)) - np.quantile(window, np.linspace(0, 1, 9999))
    ).mean()
    assert wasserstein(usual, now, places) == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_quantiles_are_read_from_bins(share):
    values = np.random.default_rng(2).normal(size=50_000)
    edges = np.linspace(-5, 5, 201)
    found = quantile(counted(values, edges)[None], edges, share, values.min(), values.max())
    assert found[0] == pytest.approx(np.quantile(values, share), abs=0.01)


def test_a_quantile_beyond_the_edges_needs_the_extremes():
    counts = np.array([[0.0, 1.0, 9.0]])
    assert np.isnan(quantile(counts, [0.0, 1.0], 0.5, np.array([np.nan]), np.array([np.nan])))[0]
    assert 1 < quantile(counts, [0.0, 1.0], 0.5, np.array([0.5]), np.array([3.0]))[0] < 3


def test_no_rows_have_no_quantile():
    assert np.isnan(quantile(np.zeros((1, 3)), [0.0, 1.0], 0.5, np.zeros(1), np.ones(1)))[0]
