import numpy as np
import pytest

from core.calibration_shift import calibration_shift

BINS = 100
RATE = np.linspace(0.01, 0.9, BINS)
EVEN = np.full(BINS, 1 / BINS)
OTHER_SCORES = np.r_[np.ones(50) * 0.4, np.ones(50) * 1.6] / BINS


def rows(rng, n, windows, rate=RATE, shares=EVEN):
    count = rng.multinomial(n, shares, windows)
    positive = rng.binomial(count, rate)
    return np.stack([count - positive, positive], axis=-1)


def test_a_shift_by_hand():
    # Both groups are one bin: weights 100 · 50 / 150, changes +0.2 and -0.1.
    found = calibration_shift([[[80, 20], [50, 50]]], [[[30, 20], [30, 20]]])
    assert found.value[0] == pytest.approx(0.15)
    # χ² = (E − O)² / V of two fourfold tables, V = 100 · 50 · m (150 − m) / (150² · 149)
    statistic = sum(
        (100 / 3 * change) ** 2 / (5000 * m * (150 - m) / (150**2 * 149))
        for change, m in ((0.2, 40), (-0.1, 70))
    )
    assert found.p_value[0] == pytest.approx(np.exp(-statistic / 2))  # two degrees of freedom
    assert found.n[0] == 100


@pytest.mark.parametrize("n", [100, 1000, 20_000])
def test_without_a_shift_the_p_value_is_even_and_the_value_as_chance_expects(n):
    rng = np.random.default_rng(1)
    found = calibration_shift(rows(rng, 30_000, 1500), rows(rng, n, 1500, shares=OTHER_SCORES))
    assert 0.035 < (found.p_value < 0.05).mean() < 0.068
    assert found.value.mean() == pytest.approx(found.expected.mean(), rel=0.05)
    assert 0.9 < found.sampling_error.mean() / found.value.std() < 1.25


def test_a_shift_is_found_and_measured_although_scores_moved_too():
    rng = np.random.default_rng(2)
    shifted = rows(rng, 2000, 300, np.clip(RATE + 0.1, 0, 1), OTHER_SCORES)
    found = calibration_shift(rows(rng, 30_000, 300), shifted)
    assert (found.p_value < 0.001).mean() > 0.99
    assert found.value.mean() == pytest.approx(0.1, abs=0.01)
    assert found.sampling_error.mean() == pytest.approx(found.value.std(), rel=0.2)


def test_twenty_million_rows_and_a_single_one():
    past, now = np.full((2, 4, 2), 10**7), np.zeros((2, 4, 2))
    now[0], now[1, 0, 1] = 10**6, 1
    found = calibration_shift(past, now)
    assert found.value.tolist() == pytest.approx([0.0, 0.5]) and found.p_value[0] == pytest.approx(1.0)
    assert np.isfinite(found.p_value).all()


@pytest.mark.parametrize(
    ("past", "now", "reason"),
    [
        ([[0, 0], [0, 0]], [[3, 2], [1, 1]], "the reference has no labelled rows with such scores"),
        ([[5, 0], [0, 0]], [[0, 0], [1, 1]], "the reference has no labelled rows with such scores"),
        ([[5, 5], [5, 5]], [[0, 0], [0, 0]], "no labelled rows"),
    ],
)
def test_nothing_to_compare_gives_no_number_and_a_reason(past, now, reason):
    found = calibration_shift([past], [now])
    assert np.isnan(found.value[0]) and np.isnan(found.p_value[0]) and found.reason[0] == reason


def test_one_class_alone_cannot_have_shifted():
    found = calibration_shift([[[50, 0], [70, 0]]], [[[5, 0], [7, 0]]])
    assert (found.value[0], found.p_value[0], found.expected[0]) == (0.0, 1.0, 0.0)
