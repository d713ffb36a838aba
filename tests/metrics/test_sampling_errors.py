"""Every performance metric's sampling error against the spread of the metric over resampled raw rows."""

import numpy as np
import pytest
from sklearn import metrics as sk

from core.catalogue import CATALOGUE
from core.multiclass import multiclass
from core.performance import binary
from core.regression import SUMS, error_quantiles, regression
from tests.metrics import portfolio as p
from tests.metrics.test_performance import traffic

RESAMPLES = 600
ROWS = 1500
EDGES = np.linspace(-60, 60, 241)


def resampled(count, *arrays, seed=0):
    """Yield the rows as they are, then `count` bootstrap samples of them (Efron 1979)."""
    rng = np.random.default_rng(seed)
    yield arrays
    for _ in range(count):
        chosen = rng.integers(0, len(arrays[0]), len(arrays[0]))
        yield tuple(each[chosen] for each in arrays)


def of_cells(cells, name):
    return np.array([cell[name] for cell in cells], dtype=float)


def binary_metrics(prevalence=0.2, seed=4, drift=0.5):
    score, label = traffic(ROWS, prevalence, seed=seed, drift=drift)
    edges = p.score_edges(traffic(20_000, prevalence)[0])
    cells = [p.classification(s, s > 0.5, y, edges) for s, y in resampled(RESAMPLES, score, label)]
    return binary(of_cells(cells, "counts"), of_cells(cells, "sums"), edges)


def multiclass_metrics():
    rng = np.random.default_rng(7)
    label = rng.choice(4, ROWS, p=[0.55, 0.25, 0.15, 0.05])
    predicted = np.where(rng.random(ROWS) < 0.65, label, rng.choice(4, ROWS, p=[0.1, 0.2, 0.3, 0.4]))
    predicted[:20], label[20:40] = 4, 4  # classes nobody knows
    loss = -np.log(rng.beta(4, 2, ROWS))
    counts, sums = [], []
    for guess, truth, each in resampled(RESAMPLES, predicted, label, loss):
        known = truth < 4
        counts.append(p.multiclass(guess, truth, 4)["counts"])
        sums.append((each[known].sum(), known.sum(), (each[known] ** 2).sum()))
    return multiclass(counts, 4, sums)


def regression_metrics():
    rng = np.random.default_rng(8)
    label = rng.gamma(4, 10, ROWS)
    predicted = label + 2 + rng.standard_t(6, ROWS) * (2 + label / 10)
    cells = [
        p.regression(guess, truth, EDGES, centre=33.0)
        for guess, truth in resampled(RESAMPLES, np.maximum(predicted, -0.5), label)
    ]
    low, high = of_cells(cells, "low"), of_cells(cells, "high")
    quantiles = error_quantiles(of_cells(cells, "counts"), EDGES, low, high)
    return {**regression(of_cells(cells, "n"), of_cells(cells, "sums")), **quantiles}


@pytest.fixture(scope="module")
def everything():
    return {
        "binary": binary_metrics(),
        "rare": binary_metrics(0.05, seed=5, drift=0.0),
        "multiclass": multiclass_metrics(),
        "regression": regression_metrics(),
    }


LOOSE = {"error_p10": 0.25, "error_p50": 0.25, "error_p90": 0.25, "expected_calibration_error": 0.3}


@pytest.mark.parametrize("scenario", ["binary", "rare", "multiclass", "regression"])
def test_sampling_errors_are_those_of_resampled_rows(scenario, everything):
    for name, found in everything[scenario].items():
        spread = np.nanstd(found.value[1:])
        assert found.sampling_error[0] == pytest.approx(spread, rel=LOOSE.get(name, 0.12)), name
        assert found.lower[0] <= found.value[0] <= found.upper[0], name
        assert found.n[0] > 0, name


def test_every_performance_metric_of_these_models_was_looked_at(everything):
    # Value, estimates and shifts have tests of their own.
    looked_at = {name for found in everything.values() for name in found}
    expected = {name for name, info in CATALOGUE.items() if info.family == "performance"}
    assert {
        name for name in expected if not name.startswith(("estimated_", "value", "calibration_shift"))
    } == looked_at


def test_the_error_of_average_precision_is_that_of_scikit_learn_on_resampled_rows():
    score, label = traffic(1000, 0.1, seed=6)
    edges = p.score_edges(traffic(20_000, 0.1)[0])
    cell = p.classification(score, score > 0.5, label, edges)
    found = binary([cell["counts"]], [cell["sums"]], edges)["average_precision"]
    values = [sk.average_precision_score(y, s) for s, y in resampled(300, score, label)]
    assert found.sampling_error[0] == pytest.approx(np.std(values[1:]), rel=0.12)


def test_intervals_hold_the_truth_of_repeated_windows():
    edges = p.score_edges(traffic(20_000, 0.3)[0])
    windows = [traffic(400, 0.3, seed=seed, drift=0.7) for seed in range(400)]
    cells = [p.classification(s, s > 0.5, y, edges) for s, y in windows]
    found = binary(of_cells(cells, "counts"), of_cells(cells, "sums"), edges)
    for name in ("average_precision", "expected_calibration_error"):
        one = found[name]
        assert one.sampling_error.mean() == pytest.approx(one.value.std(), rel=0.15), name
        truth = one.value.mean()
        assert 0.92 < ((one.lower <= truth) & (truth <= one.upper)).mean() < 0.985, name


def test_the_quantiles_of_few_rows_have_no_bound_on_their_outer_side():
    cell = p.regression(np.arange(10.0), np.zeros(10), EDGES)
    found = error_quantiles([cell["counts"]], EDGES, np.array([0.0]), np.array([9.0]))
    # 0.1 + 1.96 √(0.09 / 10) = 0.286 of the rows: 0.86 of the way through the third row's bin (1.5, 2].
    assert np.isnan(found["error_p10"].lower[0])
    assert found["error_p10"].upper[0] == pytest.approx(1.93, abs=0.005)
    assert found["error_p10"].sampling_error[0] > 0
    assert np.isnan(found["error_p90"].upper[0]) and not np.isnan(found["error_p50"].lower[0])


@pytest.mark.parametrize("scale", [1.0, 1e7])
def test_sampling_errors_of_many_rows_shrink_with_their_root(scale):
    label = np.arange(200.0) % 37 + 5
    cell = p.regression(label + np.sin(label) * 3, label, EDGES, centre=20.0)
    found = regression([cell["n"] * scale], np.array([cell["sums"]]) * scale)
    once = regression([cell["n"]], [cell["sums"]])
    for name, estimate in found.items():
        expected = once[name].sampling_error[0] / scale**0.5
        assert estimate.sampling_error[0] == pytest.approx(expected, rel=0.01), name


def test_perfect_predictions_have_no_error_and_none_to_sample():
    label = np.array([1.0, 2.0, 5.0])
    cell = p.regression(label, label, EDGES)
    found = regression([3], [cell["sums"]])
    for name, best in (("rmse", 0.0), ("rmsle", 0.0), ("mape", 0.0), ("r2", 1.0)):
        assert (found[name].value[0], found[name].sampling_error[0]) == (best, 0.0), name


def test_sums_too_large_for_a_number_leave_the_error_unknown():
    sums = np.ones((1, SUMS)) * np.inf
    found = regression([5], sums)
    assert all(
        np.isnan(each.sampling_error[0]) or np.isinf(each.sampling_error[0]) for each in found.values()
    )
