"""Every formula of the `auto` verdict against numbers worked out by hand or by scipy."""

import numpy as np
import pytest
from scipy import stats

from core.auto import decision, scores, season, shares, wobble


def test_three_equal_bins_have_the_scores_of_their_mid_ranks() -> None:
    found, exists = scores.orthonormal(np.full((1, 3), 1 / 3), np.array([90.0]))
    # Φ⁻¹(1/6), 0, Φ⁻¹(5/6) standardised are −√1.5, 0, √1.5; the square is √½, −√2, √½.
    assert found[0, 0] == pytest.approx([-np.sqrt(1.5), 0, np.sqrt(1.5)])
    assert found[0, 1] == pytest.approx([np.sqrt(0.5), -np.sqrt(2), np.sqrt(0.5)])
    assert exists.tolist() == [[True, True, False]]


@pytest.mark.parametrize("shares_", [[0.7, 0.1, 0.1, 0.1], [0.01, 0.02, 0.9, 0.07], [0.2] * 5])
def test_scores_are_orthonormal_for_any_law(shares_) -> None:
    p = np.array([shares_])
    found, exists = scores.orthonormal(p, np.array([1000.0]))
    c = found[0][exists[0]]
    assert (c * p) @ c.T == pytest.approx(np.eye(len(c)), abs=1e-9)
    assert (c * p).sum(axis=1) == pytest.approx(np.zeros(len(c)), abs=1e-9)


def test_a_constant_column_has_no_scores() -> None:
    found, exists = scores.orthonormal(np.array([[1.0, 0.0]]), np.array([50.0]))
    assert not exists.any() and not found.any()


def test_groups_hold_equal_mass() -> None:
    groups = scores.grouping(np.full((1, 100), 0.01))[0]
    assert groups.shape == (100, 20)
    assert groups.sum(axis=0).tolist() == [5.0] * 20 and groups.sum(axis=1).tolist() == [1.0] * 100


def test_variance_is_chance_wobble_and_the_reference_s_own_error() -> None:
    found = wobble.variances(np.array([400.0]), np.array([200.0]), np.array([0.1]))
    rho, n, h = 2.0, 400.0, 0.1
    expected = [1 + g * rho + h * rho * (1 + g) + n * 0.0001 for g in wobble.GRID]
    assert found[0] == pytest.approx(expected)


def test_without_wobble_the_tails_are_those_of_the_textbook() -> None:
    alone = np.zeros((1, wobble.GRID.size))
    alone[0, 0] = 1.0
    one = np.ones((1, wobble.GRID.size))
    assert wobble.normal_tail(np.array([1.959964]), alone, one) == pytest.approx([0.05], rel=1e-5)
    chi = wobble.chi_squared_tail(np.array([9.4877]), np.array([4.0]), alone, one)
    assert chi == pytest.approx([0.05], rel=1e-4)
    t = wobble.student_tail(np.array([2.0]), np.array([0.0]), np.array([1.0]), np.array([4.0]))
    assert t == pytest.approx([stats.t.sf(2 / np.sqrt(1.25), 3)])


def test_the_wobble_is_learned_where_it_is() -> None:
    freedom = np.full(20, 29.0)
    quiet, loud = (wobble.weights(factor * freedom, freedom) for factor in (1.0, 11.0))
    assert (quiet @ wobble.GRID < 0.3).all()
    assert (loud @ wobble.GRID).mean() == pytest.approx(10.0, rel=0.1)
    assert quiet.sum(axis=1) == pytest.approx(np.ones(20))


def test_columns_lend_each_other_what_they_know() -> None:
    spread, freedom = np.array([1.0, *[2.0] * 19]), np.full(20, 2.0)
    alone = wobble.weights(spread[:1], freedom[:1])[0] @ wobble.GRID
    together = wobble.weights(spread, freedom)[0] @ wobble.GRID
    assert together < alone / 5


def test_nothing_known_of_the_wobble_leaves_the_prior() -> None:
    found = wobble.weights(np.zeros(1), np.zeros(1))[0]
    assert found == pytest.approx(wobble.PRIOR)


def test_a_rare_share_is_judged_by_the_exact_binomial() -> None:
    found = shares.deviation(np.array(4.0), np.array(200.0), np.array(0.0), np.array(6000.0))
    assert found == pytest.approx(-stats.norm.ppf(stats.binom.sf(3, 4, 200 / 6200)))
    fewer = shares.deviation(np.array(0.0), np.array(200.0), np.array(200.0), np.array(6000.0))
    assert fewer == pytest.approx(stats.norm.ppf(stats.binom.cdf(0, 200, 200 / 6200)))


def test_a_frequent_share_is_judged_by_the_likelihood_ratio() -> None:
    found = shares.deviation(np.array(60.0), np.array(100.0), np.array(500.0), np.array(1000.0))
    e = 560 * 100 / 1100
    x = 60 - 0.5
    table = [x, 560 - x, 100 - x, 440 + x]
    usual = [e, 560 - e, 100 - e, 440 + e]
    g = 2 * sum(o * np.log(o / u) for o, u in zip(table, usual, strict=True))
    assert found == pytest.approx(np.sqrt(g))


def test_rows_out_of_range_are_as_rare_as_their_share_of_all_rows() -> None:
    found = shares.at_least(np.array(3.0), np.array(200.0), np.array(0.0), np.array(5800.0))
    assert found == pytest.approx((200 / 6000) ** 3)
    seen = shares.at_least(np.array(3.0), np.array(200.0), np.array(5.0), np.array(5800.0))
    assert seen == pytest.approx(stats.binom.sf(2, 8, 200 / 6000))


def test_rows_that_come_in_clumps_count_once_each() -> None:
    weights = np.zeros((1, wobble.GRID.size))
    place = 20
    weights[0, place] = 1.0
    g = wobble.GRID[place]
    hits, rows, total = np.array([[30.0]]), np.array([[200.0]]), np.array([5800.0])
    found = shares.at_least_wobbling(hits, rows, np.zeros(1), total, weights)
    assert found[0, 0] == pytest.approx((200 / 6000) ** (30 / (1 + g)))


def test_many_looks_follow_benjamini_and_hochberg() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(size=(50, 20)) ** 3
    corrected = np.array([stats.false_discovery_control(row) for row in p])
    assert (decision.discoveries(p) == (corrected <= decision.FALSE_DISCOVERIES)).all()


def test_p_values_of_columns_are_combined_by_cauchy() -> None:
    p = np.array([0.01, 0.2, 0.9])
    by_hand = 0.5 - np.arctan(np.tan((0.5 - p) * np.pi).mean()) / np.pi
    assert season.cauchy(p) == pytest.approx(by_hand)


def test_a_weekly_wave_is_found_and_fitted() -> None:
    days = np.arange(28.0)
    rng = np.random.default_rng(2)
    counted = np.ones((28, 5), dtype=bool)
    noise = rng.normal(0, 0.05, (28, 5))
    wave = 0.1 * np.sin(2 * np.pi * days / 7)[:, None] + noise
    assert season.is_weekly(days, wave, counted) and not season.is_weekly(days, noise, counted)
    terms = season.design(days, seasonal=True)
    found = season.fitted(terms, season.inverse(terms, counted), wave, counted)
    by_numpy = np.linalg.lstsq(terms, wave, rcond=None)[0].T
    assert found == pytest.approx(by_numpy)


@pytest.mark.parametrize("days", [np.arange(13.0), 7 * np.arange(20.0)])
def test_too_short_or_weekly_windows_have_no_week(days) -> None:
    wave = np.sin(2 * np.pi * days / 7)[:, None] + np.random.default_rng(3).normal(0, 0.01, (len(days), 1))
    assert not season.is_weekly(days, wave, np.ones((len(days), 1), dtype=bool))


def test_the_corrected_distance_is_free_of_what_chance_shows() -> None:
    assert decision.corrected(np.array([0.14, 0.1]), np.array([0.14, 0.06])) == pytest.approx([0.0, 0.08])
