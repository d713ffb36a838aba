"""The `auto` verdict on whole models: quiet ones, drifting ones, and odd ones."""

from dataclasses import replace

import numpy as np
import pytest

from core.auto import decision, model
from core.auto.numeric import NumericCounts
from tests.auto.simulated import (
    binned,
    categories,
    categories_only,
    edges_of,
    no_categories,
    no_numbers,
    numbers_only,
)

K, W, COLUMNS, ROWS = 30, 40, 10, 200


def judged(reference: np.ndarray, current: np.ndarray, days: np.ndarray | None = None) -> model.Answers:
    edges = edges_of(reference)
    at = np.arange(float(len(reference) + len(current))) if days is None else days
    fit = model.fit(numbers_only(binned(reference, edges), at[: len(reference)]))
    return model.judge(fit, binned(current, edges), no_categories(len(current)), at[len(reference) :])


def normal(seed: int, windows: int = K, rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(windows, columns, rows))


def test_p_values_of_quiet_windows_are_no_smaller_than_uniform() -> None:
    found = np.concatenate([judged(normal(s), normal(s + 100, W)).p_value.ravel() for s in range(6)])
    for level in (0.01, 0.05, 0.2):
        assert (found < level).mean() < 1.25 * level


@pytest.mark.parametrize(
    ("change", "question"),
    [
        (lambda x: x + 0.5, "location"),
        (lambda x: 1.5 * x, "scale"),
        (lambda x: np.where(x > 0, np.abs(x) * 0.7 + 0.3, -np.abs(x) * 0.7 - 0.3), "rest"),
    ],
)
def test_the_question_that_answers_names_the_change(change, question) -> None:
    current = normal(2, W, 1000)
    current[:, 3] = change(current[:, 3])
    found = judged(normal(1, K, 1000), current)
    alarms = decision.discoveries(found.p_value)
    assert alarms[:, 3].mean() > 0.9 and alarms[:, :3].mean() < 0.05
    assert (found.question[:, 3][alarms[:, 3]] == question).mean() > 0.8


def test_missing_values_and_values_out_of_range_are_asked_about() -> None:
    edges = edges_of(normal(1))
    reference, current = binned(normal(1), edges), binned(normal(2, 1), edges)
    fit = model.fit(numbers_only(reference))
    missing, outside = current.missing.copy(), current.outside.copy()
    missing[0, 0], outside[0, 1] = 6, 8
    found = model.judge(
        fit, replace(current, missing=missing, outside=outside), no_categories(1), np.zeros(1)
    )
    assert found.question[0, 0] == "missing" and found.question[0, 1] == "out of range"
    assert decision.discoveries(found.p_value)[0, :2].all() and found.matters[0, :2].all()


def test_a_wobble_of_the_reference_is_no_drift() -> None:
    rng = np.random.default_rng(5)
    wobbling = normal(3, K + W, 2000) + rng.normal(0, 0.1, (K + W, COLUMNS))[..., None]
    found = judged(wobbling[:K], wobbling[K:])
    assert decision.discoveries(found.p_value).any(axis=1).mean() < 0.12
    assert decision.discoveries(judged(normal(3, K, 2000), wobbling[K:]).p_value).any(axis=1).mean() > 0.9


def test_a_week_of_the_reference_is_no_drift() -> None:
    days = np.arange(float(K + W))
    wave = normal(4, K + W, 1000) + 0.3 * np.sin(2 * np.pi * days / 7)[:, None, None]
    found = judged(wave[:K], wave[K:], days)
    assert decision.discoveries(found.p_value).any(axis=1).mean() < 0.1


def test_rows_counted_ten_million_times_stay_finite_and_alarm_for_what_is_large() -> None:
    edges = edges_of(normal(1))
    reference, current = binned(normal(1), edges), binned(normal(2, W) + 1, edges)
    large = [NumericCounts(c.bins * 1e7, c.missing * 1e7, c.outside * 1e7) for c in (reference, current)]
    fit = model.fit(numbers_only(large[0]))
    found = model.judge(fit, large[1], no_categories(W), np.zeros(W))
    assert np.isfinite(found.p_value).all() and decision.discoveries(found.p_value).all()


def test_the_order_of_columns_and_of_reference_windows_does_not_matter() -> None:
    reference, current = normal(1), normal(2, 5) + 0.2
    plain = judged(reference, current)
    turned = judged(reference[::-1, ::-1], current[:, ::-1])
    assert turned.p_value[:, ::-1] == pytest.approx(plain.p_value, rel=1e-6)


def test_windows_are_judged_alike_alone_and_together() -> None:
    reference, current = normal(1), normal(2, 5)
    edges = edges_of(reference)
    fit = model.fit(numbers_only(binned(reference, edges)))
    together = model.judge(fit, binned(current, edges), no_categories(5), np.arange(5.0))
    for at in range(5):
        alone = model.judge(fit, binned(current[at : at + 1], edges), no_categories(1), np.array([float(at)]))
        assert alone.p_value[0] == pytest.approx(together.p_value[at], rel=1e-9)


@pytest.mark.parametrize("windows", [1, 2, 3])
def test_few_reference_windows_are_not_calibrated_and_do_not_break(windows) -> None:
    edges = edges_of(normal(1, windows))
    fit = model.fit(numbers_only(binned(normal(1, windows), edges)))
    found = model.judge(fit, binned(normal(2, 3), edges), no_categories(3), np.zeros(3))
    assert not fit.calibrated and np.isfinite(found.p_value).all()


@pytest.mark.parametrize("bins", [np.zeros((1, 1, 4)), np.array([[[1.0, 0, 0, 0]]])])
def test_an_empty_window_and_one_row_are_no_drift(bins) -> None:
    reference = NumericCounts(np.full((10, 1, 4), 25.0), np.zeros((10, 1)), np.zeros((10, 1)))
    found = model.judge(
        model.fit(numbers_only(reference)),
        NumericCounts(bins, np.zeros((1, 1)), np.zeros((1, 1))),
        no_categories(1),
        np.zeros(1),
    )
    assert found.p_value[0, 0] > 0.1


def test_a_constant_column_drifts_only_by_leaving_its_value() -> None:
    counts = NumericCounts(np.full((10, 1, 1), 100.0), np.zeros((10, 1)), np.zeros((10, 1)))
    fit = model.fit(numbers_only(counts))
    same = NumericCounts(counts.bins[:1], counts.missing[:1], counts.outside[:1])
    assert model.judge(fit, same, no_categories(1), np.zeros(1)).p_value.tolist() == [[1.0]]
    left = replace(same, outside=np.full((1, 1), 50.0))
    found = model.judge(fit, left, no_categories(1), np.zeros(1))
    assert found.question[0, 0] == "out of range" and found.p_value[0, 0] < 1e-9


def test_a_column_that_goes_missing_altogether_alarms() -> None:
    counts = NumericCounts(np.full((10, 1, 4), 25.0), np.zeros((10, 1)), np.zeros((10, 1)))
    gone = NumericCounts(np.zeros((1, 1, 4)), np.full((1, 1), 100.0), np.zeros((1, 1)))
    found = model.judge(model.fit(numbers_only(counts)), gone, no_categories(1), np.zeros(1))
    assert found.question[0, 0] == "missing" and found.p_value[0, 0] < 1e-9 and found.matters[0, 0]


def test_a_large_window_is_compared_with_blocks_of_reference_windows() -> None:
    counts = binned(normal(1), edges_of(normal(1)))
    reference = numbers_only(counts)
    assert model.block_sizes(reference, np.array([200.0, 2000.0, 5000.0, 1e9])).tolist() == [1, 1, 4, 10]
    blocks = model.in_blocks(reference, 5)
    assert len(blocks.at) == 6 and blocks.numeric.bins.sum() == counts.bins.sum()
    assert model.in_blocks(reference, 1) is reference


def zipf(rng: np.random.Generator, windows: int, rows: int, values: int = 5000) -> np.ndarray:
    share = 1 / np.arange(1, values + 1)
    return rng.choice(values, size=(windows, rows), p=share / share.sum())


def long_tail(rng: np.random.Generator, current: np.ndarray, rows: int = 500) -> model.Answers:
    reference = zipf(rng, K, rows)
    seen, counts = np.unique(reference, return_counts=True)
    chosen = np.bincount(reference[::2].ravel(), minlength=5000)
    kept = np.argsort(-chosen, kind="stable")[:100]
    fit = model.fit(categories_only(categories(reference, kept, seen), float((counts == 1).sum())))
    return model.judge(fit, no_numbers(len(current)), categories(current, kept, seen), np.zeros(len(current)))


def test_a_category_of_five_thousand_values_does_not_alarm_for_ever() -> None:
    alarms = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        alarms.append(decision.discoveries(long_tail(rng, zipf(rng, W, 500)).p_value).mean())
    assert np.mean(alarms) < 0.06


def test_new_values_in_a_long_tail_are_noticed() -> None:
    rng = np.random.default_rng(1)
    current = zipf(rng, W, 500)
    current[:, :100] = 10_000 + rng.integers(0, 50, (W, 100))
    found = long_tail(rng, current)
    assert decision.discoveries(found.p_value).all()
    assert set(found.question.ravel()) <= {"unseen", "one value", "mix"}


def test_two_values_that_change_places_are_a_change_of_the_mix_or_of_one_value() -> None:
    rng = np.random.default_rng(3)
    usual, now = [0.5, 0.3, 0.1, 0.1], [0.5, 0.1, 0.3, 0.1]
    kept = np.arange(4)
    reference = rng.choice(4, size=(K, ROWS), p=usual)
    fit = model.fit(categories_only(categories(reference, kept, kept)))
    for p, low, high in ((usual, 0.0, 0.15), (now, 0.95, 1.0)):
        counts = categories(rng.choice(4, size=(W, ROWS), p=p), kept, kept)
        found = model.judge(fit, no_numbers(W), counts, np.zeros(W))
        assert low <= decision.discoveries(found.p_value).mean() <= high
