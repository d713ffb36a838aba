import numpy as np
import pytest
from sklearn import metrics as sk

from core.errors import BinningError
from core.multiclass import multiclass
from tests.metrics.portfolio import multiclass as cell

AVERAGES = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}


def measured(predicted, label, classes, losses=0.0):
    found = cell(predicted, label, classes, losses)
    return multiclass([found["counts"]], classes, [found["sums"]])


def test_metrics_equal_scikit_learn():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 4, 2000)
    predicted = np.where(rng.random(2000) < 0.6, label, rng.integers(0, 4, 2000))
    found = measured(predicted, label, 4)
    assert found["accuracy"].value[0] == sk.accuracy_score(label, predicted)
    assert found["balanced_accuracy"].value[0] == pytest.approx(sk.balanced_accuracy_score(label, predicted))
    assert found["matthews_correlation"].value[0] == pytest.approx(sk.matthews_corrcoef(label, predicted))
    for name, oracle in AVERAGES.items():
        for average in ("macro", "micro", "weighted"):
            assert found[f"{name}_{average}"].value[0] == pytest.approx(
                oracle(label, predicted, average=average)
            )


def test_averages_leave_out_classes_their_rate_has_no_rows_of():
    predicted, label = [0, 0, 1, 1, 1], [0, 1, 1, 0, 2]  # class 2 never predicted, class 3 nowhere
    found = measured(predicted, label, 4)
    for name, oracle in AVERAGES.items():
        expected = oracle(label, predicted, labels=range(4), average="macro", zero_division=np.nan)
        assert found[f"{name}_macro"].value[0] == pytest.approx(expected), name


def test_an_unknown_class_is_wrong_and_two_unknown_ones_are_left_out():
    unknown = 2
    found = measured([0, 1, unknown, 0, unknown], [0, 1, 0, unknown, unknown], 2)
    assert found["accuracy"].n[0] == 4 and found["accuracy"].value[0] == 0.5


def test_unlabelled_rows_do_not_count():
    found = measured([0, 1, 0], [0, 0, 3], 2)
    assert found["accuracy"].n[0] == 2


def test_log_loss_is_the_mean_over_the_rows_it_was_summed_over():
    assert measured([0, 1], [0, 1], 2, losses=3.0)["log_loss"].value[0] == 1.5
    assert "log_loss" not in multiclass(np.ones((1, 12)), 2)


def test_accuracy_and_balanced_accuracy_have_the_error_repeated_windows_show():
    rng = np.random.default_rng(1)
    cells = []
    for _ in range(500):
        label = rng.choice(3, 300, p=[0.5, 0.3, 0.2])
        cells.append(
            cell(np.where(rng.random(300) < 0.7, label, rng.integers(0, 3, 300)), label, 3)["counts"]
        )
    found = multiclass(cells, 3)
    for name in ("accuracy", "balanced_accuracy"):
        assert found[name].sampling_error.mean() == pytest.approx(found[name].value.std(), rel=0.1)


def test_no_labels_give_no_numbers_and_a_reason():
    found = multiclass(np.zeros((1, 12)), 2, np.zeros((1, 3)))
    assert all(np.isnan(estimate.value[0]) and estimate.reason for estimate in found.values())


def test_one_class_has_no_correlation():
    found = measured([0, 0], [0, 0], 1)
    assert found["accuracy"].value[0] == 1 and np.isnan(found["matthews_correlation"].value[0])


def test_counts_of_other_classes_are_refused():
    with pytest.raises(BinningError, match="3 classes"):
        multiclass(np.ones((1, 12)), 3)


def test_fractions_of_rows_that_all_predict_one_class_have_no_correlation():
    # Estimated counts are fractions: n² − Σ predicted² must not fall below 0 by rounding.
    counts = np.zeros((300, 13, 14))
    counts[:, 0, :12] = np.random.default_rng(1).random((300, 12)) * 100
    found = multiclass(counts.reshape(300, -1), 12)["matthews_correlation"]
    assert np.isnan(found.value).all()
