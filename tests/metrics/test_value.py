import numpy as np
import pytest

from core.measures import measure
from core.value import cost_table, value
from tests.metrics import portfolio as p

CLASSES = ("early", "on time", "late")
COSTS = {"late": {"on time": 20.0, "early": 40.0}, "early": {"late": 3.0}, "never": {"early": 9.0}}
BINARY = {"false_positive": 3.0, "false_negative": 20.0}


def values(cells, grid, declaration):
    metrics = measure(p.frame(*cells), p.frame(), grid, declaration)
    return metrics.filter(metrics["metric"] == "value").to_dicts()


def test_a_binary_models_mistakes_are_priced():
    cell = p.decisions([1] * 10 + [0] * 10 + [1, 0], [1] * 7 + [0] * 3 + [0] * 8 + [1] * 2 + [2, 2])
    declaration = p.declaration(predictions={"prediction": "d", "actual": "y"}, costs=BINARY)
    (found,) = values([p.rows(22), cell], p.grid(), declaration)
    assert (found["value"], found["n"]) == (3 * 3 + 2 * 20, 20)
    # Σ cost² − (Σ cost)² / n over the labelled rows
    assert found["sampling_error"] == pytest.approx((3 * 9 + 2 * 400 - 49**2 / 20) ** 0.5)


def test_several_classes_are_priced_by_label_and_prediction():
    cell = p.multiclass([1, 0, 2, 2, 3, 0], [2, 2, 0, 2, 2, 4], 3)
    declaration = p.declaration(
        "multiclass_classification", {"prediction": "d", "actual": "y"}, costs={"late": COSTS["late"]}
    )
    (found,) = values([p.rows(6), cell], p.grid(classes=CLASSES), declaration)
    assert (found["value"], found["n"]) == (60.0, 4)  # rows of unknown classes and without label are left out


def test_pairs_nobody_names_and_unknown_classes_cost_nothing():
    assert cost_table(COSTS, CLASSES).tolist() == [[0, 0, 40], [0, 0, 20], [3, 0, 0]]


def test_the_sampling_error_holds_the_expected_cost_in_95_of_100_windows():
    rng = np.random.default_rng(3)
    shares, costs = np.array([0.6, 0.1, 0.05, 0.25]), np.array([[0, 20.0], [3.0, 0]])
    windows = rng.multinomial(500, shares, 2000).reshape(-1, 2, 2)
    found = value(windows, costs)
    truth = 500 * (shares.reshape(2, 2) * costs).sum()
    assert 0.935 < ((found.lower <= truth) & (truth <= found.upper)).mean() < 0.965


def test_no_labels_have_no_value_and_right_decisions_cost_nothing():
    found = value([[[0, 0], [0, 0]], [[10, 0], [0, 10**7]]], [[0, 20], [3, 0]])
    assert np.isnan(found.value[0]) and found.reason
    assert (found.value[1], found.sampling_error[1], found.lower[1], found.upper[1]) == (0, 0, 0, 0)
