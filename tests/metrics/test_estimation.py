"""Estimated performance against what came: calibrated and bent scores, other traffic, and its edges."""

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression

from core import estimation
from core.measures import measure
from core.performance import binary as realised
from tests.metrics import portfolio as p
from tests.metrics.test_performance import traffic

ESTIMATED = {
    *("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1", "matthews_correlation"),
    *("roc_auc", "average_precision", "log_loss", "brier", "calibration_gap", "label_rate"),
}


def by_prediction(cell):
    width = len(cell["counts"])
    counts, sums = np.array(cell["counts"]), np.array(cell["sums"][:width])
    return (each.reshape(1, -1, 2, 3).sum(axis=3) for each in (counts, sums))


def by_label(cell):
    width = len(cell["counts"])
    counts, sums = np.array(cell["counts"]), np.array(cell["sums"][:width])
    return (each.reshape(-1, 2, 3)[..., :2].sum(axis=1) for each in (counts, sums))


@pytest.mark.parametrize("promised", [lambda s: s, lambda s: s**2, lambda s: 0.2 + 0.79 * s])
@pytest.mark.parametrize("sharper", [False, True])
def test_estimates_are_near_what_comes_also_of_bent_scores_on_other_traffic(promised, sharper):
    past, label_then = traffic(100_000, 0.2, separation=1.2, seed=1)
    now, label_now = traffic(200_000, 0.2, separation=1.2, seed=2)
    if sharper:  # rows that are hard to tell become rare: other inputs, the same meaning of a score
        kept = (np.abs(now - 0.3) > 0.25) | (np.random.default_rng(3).random(len(now)) < 0.3)
        now, label_now = now[kept], label_now[kept]
    edges = p.score_edges(promised(past))
    cells = [
        p.classification(promised(s), promised(s) > 0.4, y, edges)
        for s, y in ((past, label_then), (now, label_now))
    ]
    calibration = estimation.calibrate(*by_label(cells[0]))
    found = estimation.binary(*by_prediction(cells[1]), calibration)
    came = realised([cells[1]["counts"]], [cells[1]["sums"]], edges)
    assert {f"estimated_{name}" for name in ESTIMATED} == set(found)
    for name in ESTIMATED:
        estimate = found[f"estimated_{name}"]
        # Chance moves what comes, and through its fewer rows the calibration.
        chance = came[name].sampling_error[0] * (1 + len(now) / len(past)) ** 0.5
        assert estimate.value[0] == pytest.approx(came[name].value[0], abs=3.5 * chance), name
        near = pytest.approx(came[name].sampling_error[0], rel=0.15)
        assert estimate.sampling_error[0] == near, name


def test_estimates_rest_on_all_rows_labelled_or_not():
    cell = p.classification([0.2, 0.8, 0.9], [0, 1, 1], [2, 2, 1], p.EQUAL_WIDTH)
    calibration = estimation.Calibration(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    found = estimation.binary(*by_prediction(cell), calibration)
    assert found["estimated_accuracy"].n[0] == pytest.approx(3)
    assert found["estimated_accuracy"].value[0] == pytest.approx((0.8 + 0.8 + 0.9) / 3)


def test_the_interval_holds_the_realised_value_of_small_windows():
    past, label = traffic(100_000, 0.3, seed=1)
    edges = p.score_edges(past)
    calibration = estimation.calibrate(*by_label(p.classification(past, past > 0.5, label, edges)))
    held = dict.fromkeys(("accuracy", "f1", "roc_auc", "recall", "log_loss"), 0)
    for seed in range(200):
        score, label = traffic(400, 0.3, seed=100 + seed)
        cell = p.classification(score, score > 0.5, label, edges)
        found = estimation.binary(*by_prediction(cell), calibration)
        came = realised([cell["counts"]], [cell["sums"]], edges)
        for name in held:
            bounds = found[f"estimated_{name}"]
            held[name] += bounds.lower[0] <= came[name].value[0] <= bounds.upper[0]
    assert min(held.values()) >= 184, held


def test_a_confusion_by_hand_with_its_costs():
    # .1 of the rows at .2 and .9 of those at .8 are positive; 30 and 20 of them were predicted positive.
    calibration = estimation.Calibration(np.array([0.2, 0.8]), np.array([0.1, 0.9]))
    rows = np.array([[[70, 30], [80, 20]]])
    found = estimation.binary(rows, rows * [[[0.2], [0.8]]], calibration, [[0, 20], [3, 0]])
    tp, fp, fn, tn = 3 + 18, 27 + 2, 7 + 72, 63 + 8
    value = {name: each.value[0] for name, each in found.items()}
    assert value["estimated_accuracy"] == pytest.approx((tp + tn) / 200)
    assert value["estimated_f1"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert value["estimated_value"] == pytest.approx(3 * fp + 20 * fn)
    assert value["estimated_roc_auc"] == pytest.approx(
        sk.roc_auc_score([0] * 90 + [1] * 10 + [0] * 10 + [1] * 90, [0] * 100 + [1] * 100)
    )
    assert value["estimated_calibration_gap"] == pytest.approx(0.5 - 0.5)
    assert value["estimated_brier"] == pytest.approx((90 * 0.04 + 10 * 0.64) * 2 / 200)


def test_calibration_equals_scikit_learns_isotonic_regression():
    score, label = traffic(20_000, 0.3, seed=4)
    at = np.round(score, 2)
    place = np.rint(at * 100).astype(int)
    rows = np.stack([np.bincount(place[label == y], minlength=101) for y in (0, 1)], axis=-1)
    found = estimation.calibrate(rows, rows * np.linspace(0, 1, 101)[:, None])
    oracle = IsotonicRegression(out_of_bounds="clip").fit(at, label)
    assert found.of(score) == pytest.approx(oracle.predict(score), abs=1e-12)


def test_several_classes_are_near_what_comes():
    rng = np.random.default_rng(5)
    names = ("a", "b", "c")

    def window(n, bent, day):
        weight = rng.dirichlet([1.5, 1.0, 0.6], n) ** bent
        chance = weight / weight.sum(axis=1, keepdims=True)
        label = (chance.cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1).clip(0, 2)
        return chance, chance.argmax(axis=1), label, day

    def cells(chance, predicted, label, day):
        loss = -np.log(chance[np.arange(len(label)), label]).sum()
        yield p.rows(len(label), day)
        yield p.multiclass(predicted, label, 3, losses=loss, day=day)
        for i, name in enumerate(names):
            one = (chance[:, i], predicted == i, (label == i).astype(int), edges)
            yield p.classification(*one, column=name, day=day)

    past, now = window(60_000, 1.0, 0), window(60_000, 2.0, 1)
    edges = p.score_edges(past[0])
    declaration = p.declaration(
        "multiclass_classification", {"score": {name: name for name in names}, "actual": "y"}
    )
    grid = p.grid(classes=names, score_edges=edges)
    metrics = measure(p.frame(*cells(*now)), p.frame(*cells(*past)), grid, declaration)
    whole = metrics.filter((metrics["column"] == "") & metrics["value"].is_not_null())
    value = {row["metric"]: row for row in whole.to_dicts()}
    estimates = [name for name in value if name.startswith("estimated_")]
    assert len(estimates) == 13
    for name in estimates:
        came = value[name.removeprefix("estimated_")]
        assert value[name]["value"] == pytest.approx(came["value"], abs=0.01), name
        if name != "estimated_log_loss":  # the cells of this test do not know how single losses differ
            assert value[name]["sampling_error"] == pytest.approx(came["sampling_error"], rel=0.15), name
    one = metrics.filter((metrics["column"] == "b") & metrics["metric"].str.starts_with("estimated_"))
    assert set(one["metric"]) >= {"estimated_recall", "estimated_roc_auc", "estimated_label_rate"}


def test_a_window_without_scores_has_no_estimate_and_says_why():
    calibration = estimation.Calibration(np.array([0.5]), np.array([0.5]))
    found = estimation.binary(np.zeros((1, 4, 2)), np.zeros((1, 4, 2)), calibration)
    assert all(np.isnan(each.value[0]) and each.reason for each in found.values())
    none = np.zeros((1, 2, 4, 2))
    nothing = estimation.several(none, none, dict.fromkeys((0, 1), calibration))
    assert all(np.isnan(each.value[0]) and each.reason for each in nothing.values())


def test_a_reference_without_labels_calibrates_nothing():
    assert estimation.calibrate(np.zeros((4, 2)), np.zeros((4, 2))) is None


@pytest.mark.parametrize("scale", [1, 10**7])
def test_one_class_one_row_and_ten_million_rows(scale):
    calibration = estimation.Calibration(np.array([0.5]), np.array([0.0]))
    rows = np.array([[[0, 0], [1, 0]]]) * scale
    found = estimation.binary(rows, rows * 0.9, calibration)
    assert found["estimated_accuracy"].value[0] == 1.0
    assert np.isnan(found["estimated_recall"].value[0]) and np.isnan(found["estimated_roc_auc"].value[0])
