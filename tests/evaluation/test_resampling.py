"""The numbers behind a comparison, against scikit-learn, scipy and simulations whose truth is known."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from core.comparison.labels import measured
from core.declaration import Declaration
from core.evaluation.answered import Answered
from core.evaluation.answered import answered as read
from core.evaluation.calibration import logistic
from core.evaluation.multiplicity import holm
from core.evaluation.resampling import (
    Resampled,
    blocks,
    differences,
    drawn_alike,
    of_values,
    spans,
    widened,
)
from tests.evaluation.conftest import GOOD, POOR, answered, declared, loans

BINARY = Declaration.model_validate(declared())
LOG = {"path": "x", "timestamp": "at", "prediction_id": "id", "actual": "y"}
REGRESSION = Declaration.model_validate(
    declared(task="regression", monitors=[], protected=[]) | {"predictions": LOG | {"prediction": "p"}}
)
CLASSES = Declaration.model_validate(
    declared(task="multiclass_classification", monitors=[], protected=[])
    | {"predictions": LOG | {"score": {"a": "pa", "b": "pb", "c": "pc"}}}
)


def frame(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as the engine gives them: labels as text."""
    return rows.with_columns(pl.col("paid").cast(pl.String))


def pair(n: int, seed: int) -> tuple[Answered, Answered]:
    rows = loans(n, seed)
    ours, theirs = (read(frame(answered(rows, w)), BINARY, name="rows") for w in (GOOD, POOR))
    return ours, theirs


def test_binary_metrics_equal_those_of_scikit_learn():
    rows, _ = pair(2_000, 1)
    y, s, chosen = rows.answers.label, rows.answers.score, rows.answers.predicted
    found = of_values(rows)
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(y, s), abs=1e-12)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(y, s), abs=1e-12)
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(y, s), abs=1e-12)
    assert found["f1"] == pytest.approx(metrics.f1_score(y, chosen), abs=1e-12)
    assert found["matthews_correlation"] == pytest.approx(metrics.matthews_corrcoef(y, chosen), abs=1e-12)


def test_weighing_blocks_is_the_same_as_repeating_their_rows():
    rows, _ = pair(600, 2)
    block = blocks(rows.times, BINARY)
    count = int(block.max()) + 1
    weights = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count))
    repeated = rows.take(np.repeat(np.arange(len(rows)), weights[block]))
    weighed = Resampled(rows, block).metrics(weights[None].astype(float))
    for name, value in of_values(repeated).items():
        assert weighed[name][0] == pytest.approx(value, abs=1e-12), name


def test_ties_count_half():
    rows, _ = pair(500, 3)
    coarse = replace(rows, answers=replace(rows.answers, score=np.round(rows.answers.score, 1)))
    expected = metrics.roc_auc_score(coarse.answers.label, coarse.answers.score)
    assert of_values(coarse)["roc_auc"] == pytest.approx(expected, abs=1e-12)


def test_regression_metrics_equal_those_of_scikit_learn():
    rng = np.random.default_rng(4)
    y = pl.Series(rng.normal(size=800)) + pl.col("income")
    rows = loans(800, 4).with_columns(y=y, p=pl.col("income") * 0.9)
    found = of_values(read(rows, REGRESSION, name="rows"))
    y, p = rows["y"].to_numpy(), rows["p"].to_numpy()
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(y, p))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(y, p))
    assert found["r2"] == pytest.approx(metrics.r2_score(y, p))


def test_metrics_of_several_classes_equal_those_of_scikit_learn():
    rng = np.random.default_rng(5)
    shares = rng.dirichlet([2, 2, 2], 900)
    y = [rng.choice(list("abc"), p=p) for p in shares]
    rows = loans(900, 5).with_columns(y=pl.Series(y), pa=shares[:, 0], pb=shares[:, 1], pc=shares[:, 2])
    found = of_values(read(rows, CLASSES, name="rows"))
    chosen = np.array(list("abc"))[shares.argmax(axis=1)]
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(y, chosen))
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(y, chosen, average="macro"))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(y, shares, labels=list("abc")))


def test_the_interval_of_a_difference_covers_the_truth_about_as_often_as_it_says():
    """The truth is the difference on very many rows; 40 files of 1,500 rows each."""
    ours, theirs = pair(200_000, 99)
    truth = of_values(ours)["roc_auc"] - of_values(theirs)["roc_auc"]
    covered = 0
    for seed in range(40):
        ours, theirs = pair(1_500, seed)
        found = differences(*drawn_alike(ours, theirs), only="roc_auc", replicates=400)["roc_auc"]
        covered += found.lower <= truth <= found.upper
    assert stats.binom.cdf(covered, 40, 0.95) > 0.01  # 33 or more of 40


def test_the_interval_of_a_metric_covers_the_truth_where_days_have_their_own_luck():
    """Accuracy of always saying yes, on 60 days whose rate of yes differs: rows alone cover far less."""
    covered = by_rows = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rate = rng.beta(5, 5, size=60)[np.arange(1_200) // 20]
        rows = loans(1_200, seed).with_columns(paid=pl.Series((rng.random(1_200) < rate).astype(int)))
        ours = constant(read(frame(answered(rows, GOOD)), BINARY, name="rows"))
        accuracy = measured(ours.answers).metrics["accuracy"]
        by_rows += accuracy.lower <= 0.5 <= accuracy.upper
        wider = widened(accuracy, spans(*drawn_alike(ours), only="accuracy")["accuracy"])
        covered += wider.lower <= 0.5 <= wider.upper
    assert stats.binom.cdf(covered, 40, 0.95) > 0.01
    assert by_rows < covered


def test_days_that_err_together_widen_the_interval():
    rows = loans(6_000, 6, days=60)
    day = np.arange(6_000) // 100
    luck = np.random.default_rng(6).normal(size=60)[day]
    y = (np.random.default_rng(7).random(6_000) < 1 / (1 + np.exp(-2 * luck))).astype(int)
    rows = rows.with_columns(paid=pl.Series(y))
    ours, theirs = (read(frame(answered(rows, w)), BINARY, name="rows") for w in (GOOD, POOR))
    for sides in ((ours, theirs), (ours, constant(ours))):
        by_day = differences(*drawn_alike(*sides), only="accuracy")["accuracy"]
        mixed = np.random.default_rng(0).permutation(6_000) % 400
        by_row = differences(*(Resampled(side, mixed) for side in sides), only="accuracy")["accuracy"]
        assert by_day.value == by_row.value
    assert by_day.error > 1.5 * by_row.error


def constant(rows: Answered) -> Answered:
    return replace(rows, answers=replace(rows.answers, predicted=np.ones(len(rows), dtype=np.int64)))


def test_a_version_against_itself_differs_by_nothing():
    ours, _ = pair(500, 8)
    for name, found in differences(*drawn_alike(ours, ours)).items():
        assert (found.value, found.lower, found.upper) == (0, 0, 0), name


def test_the_calibration_line_equals_scikit_learn_and_its_interval_covers_one():
    covered = 0
    for seed in range(40):
        rows, _ = pair(1_500, seed)
        score, label = rows.answers.score, rows.answers.label
        found = logistic(score, label.astype(float), np.arange(len(rows)))
        slope = found["calibration_slope"]
        covered += slope.lower <= 1 <= slope.upper
    assert stats.binom.cdf(covered, 40, 0.95) > 0.01
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(np.log(score / (1 - score))[:, None], label)
    assert slope.value == pytest.approx(fitted.coef_[0, 0], abs=1e-4)
    assert found["calibration_intercept"].value == pytest.approx(fitted.intercept_[0], abs=1e-4)


def test_too_extreme_scores_have_a_slope_below_one():
    rows, _ = pair(4_000, 1)
    odds = 2 * np.log(rows.answers.score / (1 - rows.answers.score))
    found = logistic(1 / (1 + np.exp(-odds)), rows.answers.label.astype(float), np.arange(4_000))
    assert found["calibration_slope"].value == pytest.approx(0.5, abs=0.05)


def test_one_class_has_no_calibration_line():
    found = logistic(np.array([0.2, 0.4]), np.ones(2), np.arange(2))["calibration_slope"]
    assert found.value is None
    assert "both classes" in found.reason


def test_holm_is_what_the_textbook_says():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]
