import numpy as np
import pytest
from sklearn import metrics as sk

from core.errors import BinningError
from core.performance import binary
from core.score_curves import average_precision, expected_calibration_error, roc_auc
from tests.metrics.portfolio import EQUAL_WIDTH, classification, decisions, score_edges

DECISIONS = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "specificity": lambda y, p: sk.recall_score(y, p, pos_label=0),
    "f1": sk.f1_score,
    "matthews_correlation": sk.matthews_corrcoef,
    "label_rate": lambda y, p: y.mean(),
    "prediction_rate": lambda y, p: p.mean(),
}
SCORES = {
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
    "calibration_gap": lambda y, s: s.mean() - y.mean(),
}
EXACT = {"roc_auc": sk.roc_auc_score, "average_precision": sk.average_precision_score}


def traffic(n, prevalence, separation=2.0, seed=0, drift=0.0):
    """Scores and labels of a calibrated model; `drift` moves all log odds."""
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < prevalence).astype(int)
    evidence = separation * (rng.normal(size=n) + separation * label - separation / 2)
    return 1 / (1 + np.exp(-evidence - np.log(prevalence / (1 - prevalence)) - drift)), label


def measured(*cells, edges=None):
    counts, sums = (np.array([cell[name] for cell in cells], dtype=float) for name in ("counts", "sums"))
    return binary(counts, sums, edges)


def of_decisions(tp, fp, fn, tn):
    return binary([[tn, fn, 0, fp, tp, 0]])


def test_a_confusion_by_hand():
    found = {name: estimate.value[0] for name, estimate in of_decisions(tp=40, fp=10, fn=20, tn=30).items()}
    assert found == pytest.approx(
        {
            "accuracy": 0.7,
            "balanced_accuracy": (40 / 60 + 30 / 40) / 2,
            "precision": 0.8,
            "recall": 40 / 60,
            "specificity": 0.75,
            "f1": 80 / 110,
            "matthews_correlation": (40 * 30 - 10 * 20) / (50 * 60 * 40 * 50) ** 0.5,
            "label_rate": 0.6,
            "prediction_rate": 0.5,
        }
    )


@pytest.mark.parametrize("prevalence", [0.02, 0.3])
def test_decisions_and_losses_equal_scikit_learn(prevalence):
    score, label = traffic(5000, prevalence)
    predicted, edges = (score >= 0.5).astype(int), score_edges(score)
    found = measured(classification(score, predicted, label, edges), edges=edges)
    for name, oracle in DECISIONS.items():
        assert found[name].value[0] == pytest.approx(oracle(label, predicted), rel=1e-12), name
    for name, oracle in SCORES.items():
        assert found[name].value[0] == pytest.approx(oracle(label, score), rel=1e-9), name


@pytest.mark.parametrize("separation", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("prevalence", [0.005, 0.2])
@pytest.mark.parametrize("drift", [-2.0, 0.0, 2.0])
def test_curves_from_bins_are_near_scikit_learn(separation, prevalence, drift):
    edges = score_edges(traffic(50_000, prevalence, separation, seed=1)[0])
    score, label = traffic(30_000, prevalence, separation, drift=drift)
    found = measured(classification(score, score > 0.5, label, edges), edges=edges)
    assert found["roc_auc"].value[0] == pytest.approx(sk.roc_auc_score(label, score), abs=5e-4)
    exact = sk.average_precision_score(label, score)
    assert found["average_precision"].value[0] == pytest.approx(exact, abs=0.006)


def test_scores_that_all_fall_below_the_reference_still_have_an_auc():
    edges = score_edges(traffic(50_000, 0.2, 0.5, seed=1)[0])
    score, label = traffic(30_000, 0.2, 0.5, drift=-2)
    assert (score <= edges[1]).mean() > 0.8
    found = measured(classification(score, score > 0.5, label, edges), edges=edges)
    assert found["roc_auc"].value[0] == pytest.approx(sk.roc_auc_score(label, score), abs=0.005)


def test_rows_of_one_score_are_ties_although_their_bin_is_wide():
    score, label = np.full(300, 0.3), np.arange(300) % 3 == 0
    found = measured(classification(score, score > 0.5, label.astype(int), EQUAL_WIDTH), edges=EQUAL_WIDTH)
    assert found["roc_auc"].value[0] == pytest.approx(0.5, abs=1e-6)
    assert found["average_precision"].value[0] == pytest.approx(1 / 3, abs=0.01)


def test_with_one_bin_per_score_the_curves_equal_scikit_learn():
    rng = np.random.default_rng(3)
    score, label = rng.integers(1, 30, 800) / 30, rng.integers(0, 2, 800)
    values, at = np.unique(score, return_inverse=True)
    edges = np.append(0, values)
    found = measured(classification(score, label, label, edges))
    assert len(values) == len(edges) - 1 and at.max() == len(values) - 1
    for name, oracle in EXACT.items():
        assert found[name].value[0] == pytest.approx(oracle(label, score), abs=1e-12), name


def test_expected_calibration_error_by_hand():
    # bin (0, .05]: promised .02, came .5; bin (.95, 1]: promised .99, came 1
    score, label = np.array([0.02, 0.02, 0.99, 0.99]), np.array([0, 1, 1, 1])
    found = measured(classification(score, label, label, EQUAL_WIDTH), edges=EQUAL_WIDTH)
    assert found["expected_calibration_error"].value[0] == pytest.approx((0.48 + 0.01) / 2)


def test_scores_on_the_edge_of_a_calibration_bin_stay_in_it():
    # .15 · 3 / 3 is a rounding error above .15: the mean must not fall into the next bin, where .17 lies
    edges = np.append(0, [0.15, 0.17])
    cell = classification([0.15] * 3 + [0.17] * 3, [0] * 6, [1, 0, 0, 0, 0, 0], edges)
    found = measured(cell, edges=edges)["expected_calibration_error"].value[0]
    assert found == pytest.approx((3 * abs(0.15 - 1 / 3) + 3 * 0.17) / 6)


@pytest.fixture(scope="module")
def repeated():
    edges = score_edges(traffic(20_000, 0.3)[0])
    windows = [traffic(400, 0.3, seed=seed) for seed in range(600)]
    return measured(*(classification(s, s > 0.5, y, edges) for s, y in windows), edges=edges)


@pytest.mark.parametrize("name", [*DECISIONS, *SCORES, "roc_auc"])
def test_sampling_errors_and_intervals_hold_over_repeated_windows(name, repeated):
    found = repeated[name]
    assert found.sampling_error.mean() == pytest.approx(found.value.std(), rel=0.12)
    truth = found.value.mean()
    assert 0.92 < ((found.lower <= truth) & (truth <= found.upper)).mean() < 0.98


def test_unlabelled_rows_count_for_the_prediction_rate_alone():
    found = binary([[3, 1, 0, 1, 5, 90]])
    assert found["accuracy"].n[0] == 10 and found["accuracy"].value[0] == 0.8
    assert found["prediction_rate"].n[0] == 100 and found["prediction_rate"].value[0] == 0.96


@pytest.mark.parametrize(
    ("counts", "unknown"),
    [
        ({"tp": 0, "fp": 0, "fn": 0, "tn": 0}, {*DECISIONS}),
        (
            {"tp": 0, "fp": 0, "fn": 0, "tn": 9},
            {"balanced_accuracy", "precision", "recall", "f1", "matthews_correlation"},
        ),
        ({"tp": 9, "fp": 0, "fn": 0, "tn": 0}, {"balanced_accuracy", "specificity", "matthews_correlation"}),
        ({"tp": 0, "fp": 0, "fn": 4, "tn": 5}, {"precision", "matthews_correlation"}),
        ({"tp": 1, "fp": 0, "fn": 0, "tn": 0}, {"balanced_accuracy", "specificity", "matthews_correlation"}),
    ],
)
def test_a_rate_without_denominator_is_unknown_and_says_why(counts, unknown):
    found = of_decisions(**counts)
    assert {name for name, estimate in found.items() if np.isnan(estimate.value[0])} == unknown
    assert all(found[name].reason for name in unknown)


def test_scores_of_one_class_have_no_curve():
    score = np.array([0.2, 0.7])
    found = measured(classification(score, [0, 1], [0, 0], EQUAL_WIDTH), edges=EQUAL_WIDTH)
    assert np.isnan(found["roc_auc"].value[0]) and np.isnan(found["average_precision"].value[0])
    assert found["brier"].value[0] == pytest.approx((0.04 + 0.49) / 2)


def test_without_score_bins_losses_are_known_and_curves_are_not():
    score, label = traffic(500, 0.3)
    found = measured(classification(score, score > 0.5, label, (0.0, 1.0)), edges=())
    assert found["log_loss"].value[0] == pytest.approx(sk.log_loss(label, score))
    assert np.isnan(found["roc_auc"].value[0]) and "learning" in found["roc_auc"].reason


def test_a_model_without_score_has_no_score_metrics():
    assert set(binary([decisions([1, 0], [1, 1])["counts"]])) == set(DECISIONS)


def test_counts_of_another_grid_are_refused():
    with pytest.raises(BinningError, match="expected"):
        binary(np.ones((1, 12)), np.ones((1, 14)), (0.0, 1.0))


def test_billions_of_rows_do_not_overflow():
    small, large = of_decisions(4, 1, 2, 3), of_decisions(*(n * 10**9 for n in (4, 1, 2, 3)))
    for name, estimate in large.items():
        assert estimate.value[0] == pytest.approx(small[name].value[0]), name
        assert estimate.sampling_error[0] == pytest.approx(small[name].sampling_error[0] / 10**4.5), name


def test_windows_are_measured_together_as_one_by_one():
    rng = np.random.default_rng(0)
    p, q = rng.integers(0, 9, (2, 6, 20))
    assert roc_auc(p, q)[0].tolist() == [roc_auc(*pair)[0] for pair in zip(p, q, strict=True)]
    assert average_precision(p, q).tolist() == [average_precision(*pair) for pair in zip(p, q, strict=True)]
    scores = (p + q) * (np.arange(20) + 0.5) / 20
    together = expected_calibration_error(p + q, p, scores)
    assert together.tolist() == [
        expected_calibration_error(*each) for each in zip(p + q, p, scores, strict=True)
    ]
