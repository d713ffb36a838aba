import numpy as np
import pytest
from sklearn import metrics as sk

from core.regression import SUMS, error_quantiles, regression
from tests.metrics.portfolio import regression as cell

ORACLES = {
    "mae": sk.mean_absolute_error,
    "rmse": sk.root_mean_squared_error,
    "mape": sk.mean_absolute_percentage_error,
    "rmsle": sk.root_mean_squared_log_error,
    "r2": sk.r2_score,
    "bias": lambda y, p: (p - y).mean(),
}
EDGES = np.linspace(-40, 40, 161)


def measured(*cells):
    return regression([each["n"] for each in cells], [each["sums"] for each in cells])


def traffic(seed=0, n=500, bias=2.0):
    rng = np.random.default_rng(seed)
    label = rng.gamma(5, 20, n)
    return label + bias + rng.normal(scale=8, size=n).clip(-label + 1, None), label


@pytest.mark.parametrize("centre", [0.0, 100.0])
def test_metrics_equal_scikit_learn(centre):
    predicted, label = traffic()
    found = measured(cell(predicted, label, EDGES, centre))
    for name, oracle in ORACLES.items():
        assert found[name].value[0] == pytest.approx(oracle(label, predicted), rel=1e-9), name


def test_metrics_by_hand():
    found = {name: each.value[0] for name, each in measured(cell([2, 4, 3], [1, 5, 0], EDGES)).items()}
    assert found["mae"] == pytest.approx(5 / 3) and found["bias"] == 1
    assert found["rmse"] == pytest.approx((11 / 3) ** 0.5)
    assert found["mape"] == pytest.approx((1 + 0.2) / 2)  # the label 0 has no percentage
    assert found["r2"] == pytest.approx(1 - 11 / 14)


def test_error_quantiles_are_read_from_the_histogram():
    predicted, label = traffic(n=20_000)
    found = cell(predicted, label, EDGES)
    quantiles = error_quantiles([found["counts"]], EDGES, np.array([found["low"]]), np.array([found["high"]]))
    for name, share in {"error_p10": 0.1, "error_p50": 0.5, "error_p90": 0.9}.items():
        assert quantiles[name].value[0] == pytest.approx(np.quantile(predicted - label, share), abs=0.1)


@pytest.mark.parametrize("name", ["mae", "rmse", "bias"])
def test_sampling_errors_are_those_of_repeated_windows(name):
    found = measured(*(cell(*traffic(seed), EDGES) for seed in range(500)))[name]
    assert found.sampling_error.mean() == pytest.approx(found.value.std(), rel=0.1)


def test_no_rows_give_no_numbers_and_a_reason():
    found = regression([0], np.zeros((1, SUMS)))
    assert all(np.isnan(estimate.value[0]) and estimate.reason for estimate in found.values())


def test_one_row_has_errors_but_no_uncertainty_and_no_r2():
    found = measured(cell([3.0], [1.0], EDGES))
    assert found["mae"].value[0] == 2 and np.isnan(found["mae"].sampling_error[0])
    assert np.isnan(found["r2"].value[0])


@pytest.mark.parametrize("centre", [0.0, 7.3])
def test_a_constant_label_has_no_r2(centre):
    assert np.isnan(measured(cell([1.0, 2.0, 9.0], [7.1, 7.1, 7.1], EDGES, centre))["r2"].value[0])
