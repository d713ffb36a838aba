"""The range that is usual for a metric: its formula, and how often quiet windows leave it."""

import math
import statistics

import numpy as np
import pytest
from scipy import stats

from core.auto.usual_range import usual_range
from core.reconstruction import components, pca_reconstruction

FEATURES, WINDOWS, MONITORED = 8, 30, 20


def test_it_is_the_prediction_interval_of_the_logarithm():
    values, rows = [1.4, 1.5, 1.6, 1.5, 1.4, 1.7], [500, 480, 520, 500, 510, 490]
    logs = [math.log(value) for value in values]
    for monitored in (100, 500, 20_000):
        wider = max(statistics.harmonic_mean(rows) / monitored, 1)
        spread = math.sqrt(statistics.variance(logs) * (1 / 6 + wider) + 0.01**2)
        expected = np.exp(stats.t.interval(0.99, 5, statistics.mean(logs), spread))
        low, high = usual_range(values, rows, [monitored])
        assert [low[0], high[0]] == pytest.approx(expected.tolist(), rel=1e-3)


def test_windows_with_hardly_a_row_or_no_value_do_not_count():
    values, rows = [1.4, 1.5, 1.6, 1.5], [500, 480, 520, 500]
    more = usual_range([*values, 40.0, np.nan], [*rows, 3, 500], [500])
    assert np.array_equal(more, usual_range(values, rows, [500]))


def test_two_windows_say_nothing_and_equal_ones_leave_room_for_three_percent():
    assert np.isnan(usual_range([1.4, 1.5], [500, 500], [500])).all()
    low, high = usual_range([2.0] * 30, [500] * 30, [500])
    assert low[0] == pytest.approx(2 / 1.028, rel=0.005) and high[0] == pytest.approx(2 * 1.028, rel=0.005)


def test_an_error_of_a_hundredth_is_none():
    """Features that are one lose nothing but what rounding leaves."""
    low, high = usual_range([1e-9, 3e-8, 2e-9, 1e-8], [500] * 4, [500])
    assert low[0] == 0 and 1e-4 < high[0] < 0.01


def rows(rng, n, mixing, jitter):
    x = rng.normal(size=(n, 4)) @ mixing + 0.7 * rng.standard_t(5, size=(n, FEATURES))
    return x + 1.5 * jitter * rng.normal(size=FEATURES)


def errors(windows, mean, found):
    sums = np.stack([(each - mean).T @ (each - mean) for each in windows])
    return pca_reconstruction(sums, [len(each) for each in windows], found).value


def shares_outside(jitter, monitored_rows, change=lambda window, rng: window):
    outside = []
    for seed in range(60):
        rng = np.random.default_rng([seed, 11])
        mixing = rng.normal(0, 0.6, (4, FEATURES))
        usual = [rows(rng, 200, mixing, jitter) for _ in range(WINDOWS)]
        every = np.vstack(usual)
        mean = every.mean(axis=0)
        found = components((every - mean).T @ (every - mean), len(every))
        windows = [change(rows(rng, monitored_rows, mixing, jitter), rng) for _ in range(MONITORED)]
        values = errors(windows, mean, found)
        low, high = usual_range(errors(usual, mean, found), [200] * WINDOWS, [monitored_rows] * MONITORED)
        outside.append(((values < low) | (values > high)).mean())
    return float(np.mean(outside))


@pytest.mark.parametrize("jitter", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("monitored_rows", [100, 200, 2_000])
def test_of_quiet_windows_about_one_in_a_hundred_is_outside(jitter, monitored_rows):
    assert shares_outside(jitter, monitored_rows) <= 0.025


def test_a_feature_that_no_longer_goes_with_the_others_is_outside_more_often_than_not():
    def parted(window, rng):
        return np.column_stack([rng.permutation(window[:, 0]), window[:, 1:]])

    assert shares_outside(0.0, 200, parted) > 0.5
