import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from core import drift
from core.errors import BinningError

few = settings(max_examples=15, deadline=None, derandomize=True)
COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(lambda counts: sum(counts) > 0)
PAIRS = st.integers(2, 12).flatmap(
    lambda bins: st.tuples(
        *(st.lists(st.integers(0, 500), min_size=bins, max_size=bins).filter(any) for _ in range(2))
    )
)
ON_SHARES = [function for function, _ in drift.ON_SHARES.values()]
ON_COUNTS = [*ON_SHARES, drift.kolmogorov_smirnov, lambda p, q: drift.chi_squared(p, q)[0]]


def test_distances_of_two_bins_by_hand():
    reference, current = [8, 2], [5, 5]  # shares .8 .2 against .5 .5
    assert drift.total_variation(reference, current) == pytest.approx(0.3)
    assert drift.l_infinity(reference, current) == pytest.approx(0.3)
    assert drift.kolmogorov_smirnov(reference, current) == pytest.approx(0.3)
    assert drift.hellinger(reference, current) == pytest.approx((1 - 0.4**0.5 - 0.1**0.5) ** 0.5)
    # half a row in each bin: 8.5/11, 2.5/11 against 5.5/11 twice
    assert drift.psi(reference, current) == pytest.approx(
        3 / 11 * np.log(8.5 / 5.5) + 3 / 11 * np.log(5.5 / 2.5)
    )
    assert drift.jensen_shannon(reference, current) == pytest.approx(
        (
            0.5
            * (
                0.8 * np.log2(0.8 / 0.65)
                + 0.2 * np.log2(0.2 / 0.35)
                + 0.5 * np.log2(0.5 / 0.65)
                + 0.5 * np.log2(0.5 / 0.35)
            )
        )
        ** 0.5
    )


@few
@given(PAIRS)
def test_distances_equal_scipy(pair):
    p, q = (np.array(counts) for counts in pair)
    values = np.arange(len(p))
    rows, other = np.repeat(values, p), np.repeat(values, q)
    assert drift.jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, 2), abs=1e-7)
    assert drift.kolmogorov_smirnov(p, q) == pytest.approx(
        stats.ks_2samp(rows, other, method="asymp").statistic
    )
    assert drift.wasserstein(p, q, values) == pytest.approx(
        stats.wasserstein_distance(rows, other), abs=1e-12
    )


@few
@given(PAIRS)
def test_chi_squared_equals_scipy_on_the_bins_that_exist(pair):
    table = np.array(pair)[:, np.array(pair).sum(axis=0) > 0]
    expected = stats.chi2_contingency(table, correction=False)
    statistic, p_value = drift.chi_squared(*pair)
    assert statistic == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue)


def test_the_p_value_of_kolmogorov_smirnov_equals_the_limit_law():
    assert drift.kolmogorov_smirnov_p_value(0.1, 1000, 500) == pytest.approx(
        stats.kstwobign.sf(0.1 * np.sqrt(1000 * 500 / 1500))
    )


@pytest.mark.parametrize("distance", ON_COUNTS)
@few
@given(counts=COUNTS)
def test_equal_shares_have_no_distance(distance, counts):
    counts = np.array(counts)
    assert distance(counts, counts) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("distance", ON_COUNTS)
@few
@given(pair=PAIRS)
def test_distances_are_symmetric(distance, pair):
    assert distance(*pair) == pytest.approx(distance(*reversed(pair)), abs=1e-9)


@pytest.mark.parametrize("distance", [*ON_SHARES, ON_COUNTS[-1]])
@few
@given(pair=PAIRS, seed=st.integers(0, 99))
def test_distances_on_shares_ignore_the_order_of_bins_and_bins_without_rows(distance, pair, seed):
    order = np.random.default_rng(seed).permutation(len(pair[0]) + 2)
    mixed = (np.append(counts, [0, 0])[order] for counts in pair)
    assert distance(*mixed) == pytest.approx(distance(*pair), abs=1e-9)


@pytest.mark.parametrize("distance", [*ON_SHARES[1:], drift.kolmogorov_smirnov])
@few
@given(pair=PAIRS)
def test_distances_depend_on_shares_alone(distance, pair):
    assert distance(np.array(pair[0]) * 10**7, pair[1]) == pytest.approx(distance(*pair), abs=1e-7)


@pytest.mark.parametrize("distance", [*ON_SHARES[1:], drift.kolmogorov_smirnov])
def test_disjoint_sides_are_as_far_apart_as_can_be(distance):
    assert distance([3, 0], [0, 5]) == 1


def test_an_empty_bin_costs_psi_a_finite_price():
    assert 2 < drift.psi([1000, 0], [500, 500]) < 5


def test_psi_converges_to_the_textbook_formula_for_many_rows():
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.4, 0.2])
    textbook = ((q - p) * np.log(q / p)).sum()
    assert drift.psi(p * 10**9, q * 10**9) == pytest.approx(textbook, rel=1e-6)


@pytest.mark.parametrize("distance", ON_COUNTS)
@pytest.mark.parametrize("pair", [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([0, 0], [0, 0])])
def test_a_side_without_rows_has_no_distance(distance, pair):
    assert np.isnan(distance(*pair))


@pytest.mark.parametrize("distance", ON_COUNTS)
def test_one_bin_cannot_drift(distance):
    assert distance([7], [3]) == 0


@pytest.mark.parametrize("distance", ON_COUNTS)
def test_windows_are_measured_together_as_one_by_one(distance):
    rng = np.random.default_rng(0)
    reference, windows = rng.integers(0, 50, 12), rng.integers(0, 9, (5, 12))
    assert distance(reference, windows).tolist() == [distance(reference, window) for window in windows]


@pytest.mark.parametrize("distance", ON_COUNTS)
@pytest.mark.parametrize("bad", [[1, -1], [1, np.nan], [1, 2, 3], 5])
def test_what_is_no_count_on_the_same_bins_is_refused(distance, bad):
    with pytest.raises(BinningError):
        distance([1, 2], bad)


def drawn(bins=20, n=400, reference=4000, windows=2000):
    rng = np.random.default_rng(7)
    shares = rng.dirichlet(np.full(bins, 5))
    return rng.multinomial(reference, shares, windows), rng.multinomial(n, shares, windows)


@pytest.mark.parametrize("name", [name for name, (_, expected) in drift.ON_SHARES.items() if expected])
def test_the_expected_distance_is_what_sampling_alone_shows(name):
    distance, expected = drift.ON_SHARES[name]
    pair = drawn()
    seen, foreseen = distance(*pair), expected(*pair)
    if name in ("jensen_shannon", "hellinger"):  # their square is what has a simple mean
        seen, foreseen = seen**2, foreseen**2
    assert seen.mean() == pytest.approx(foreseen.mean(), rel=0.04)


def test_expected_chi_squared_kolmogorov_smirnov_and_wasserstein_are_what_sampling_alone_shows():
    pair = drawn(bins=200)
    assert drift.chi_squared(*pair)[0].mean() == pytest.approx(
        drift.expected_chi_squared(*pair).mean(), rel=0.02
    )
    # on bins the largest difference is missed a little
    assert drift.kolmogorov_smirnov(*pair).mean() == pytest.approx(
        drift.expected_kolmogorov_smirnov(*pair).mean(), rel=0.06
    )
    at = np.linspace(-3, 3, 200) ** 3
    assert drift.wasserstein(*pair, at).mean() == pytest.approx(
        drift.expected_wasserstein(*pair, at).mean(), rel=0.05
    )
