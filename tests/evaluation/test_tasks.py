"""Evidence of regressions, of several classes, and of classifiers without scores, by the same command."""

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import f1_score, mean_absolute_error, roc_auc_score

from tests.evaluation.conftest import GOOD, Office, answered, loans
from tests.evaluation.test_evaluate import evaluated, finding

LOG = {"path": "predictions/loans", "timestamp": "at", "prediction_id": "id", "version": "version"}


def logged(office: Office, champion: pl.DataFrame, candidate: pl.DataFrame) -> None:
    champion.write_parquet(office.root / "predictions" / "loans" / "log.parquet")
    office.write("candidate.parquet", candidate)


def test_a_regression_is_compared_by_its_mean_error(office: Office, capsys):
    rng = np.random.default_rng(1)
    rows = loans().with_columns(amount=pl.col("income") * 10 + pl.Series(rng.normal(size=3_000)))
    champion = rows.with_columns(predicted=pl.col("income") * 8)
    candidate = rows.with_columns(predicted=pl.col("income") * 9.8)
    office.apply(
        task="regression",
        predictions=LOG | {"prediction": "predicted", "actual": "amount"},
        monitors=[{"metric": "mae", "above": 2.0}],
        protected=["sex", {"column": "noise", "bins": [0]}],
    )
    logged(office, champion, candidate)
    told = evaluated(office, capsys)
    assert {kind: each["verdict"] for kind, each in told["by_kind"].items()} == {
        "performance": "passed",
        "champion_comparison": "passed",
        "slice_performance": "passed",
        "fairness": "noted",
        "calibration": "passed",
        "leakage": "passed",
    }
    errors = [mean_absolute_error(rows["amount"], side["predicted"]) for side in (candidate, champion)]
    difference = finding(told["by_kind"]["champion_comparison"], "mae_difference")
    assert difference["value"] == pytest.approx(errors[0] - errors[1])
    assert difference["threshold"] == pytest.approx(0.01 * errors[1])
    slope = finding(told["by_kind"]["calibration"], "calibration_slope")
    line = LinearRegression().fit(candidate[["predicted"]].to_numpy(), rows["amount"].to_numpy())
    assert slope["value"] == pytest.approx(line.coef_[0])
    gap = finding(told["by_kind"]["fairness"], "mae_difference", "noise")
    assert gap["value"] >= 0
    assert finding(told["by_kind"]["fairness"], "mae", "noise=[-inf, 0)")["n"] > 1_000


def test_several_classes_are_compared_by_their_accuracy(office: Office, capsys):
    rng = np.random.default_rng(2)
    shares = rng.dirichlet([1, 1, 1], 3_000)
    rows = loans().with_columns(grade=pl.Series([rng.choice(list("abc"), p=p) for p in shares]))

    def scored(shares: np.ndarray) -> pl.DataFrame:
        return rows.with_columns(**{f"p_{name}": shares[:, i] for i, name in enumerate("abc")})

    office.apply(
        task="multiclass_classification",
        predictions=LOG | {"score": {name: f"p_{name}" for name in "abc"}, "actual": "grade"},
        monitors=[],
        favourable="a",
    )
    logged(office, scored((shares + 0.5) / 2.5 + np.roll(shares, 1, axis=1) * 0), scored(shares))
    told = evaluated(office, capsys)
    chosen = np.array(list("abc"))[shares.argmax(axis=1)]
    performance = told["by_kind"]["performance"]
    f1 = f1_score(rows["grade"], chosen, average="macro")
    assert finding(performance, "f1_macro")["value"] == pytest.approx(f1)
    one = finding(performance, "roc_auc", "b")["value"]
    assert one == pytest.approx(roc_auc_score(rows["grade"] == "b", shares[:, 1]))
    assert finding(told["by_kind"]["champion_comparison"], "accuracy_difference")["value"] == 0
    slope = finding(told["by_kind"]["calibration"], "calibration_slope", "c")
    assert slope["value"] == pytest.approx(1, abs=0.1)
    assert finding(told["by_kind"]["fairness"], "selection_rate", "sex=f")["n"] > 1_000


def test_several_classes_without_scores_know_the_champions_classes(office: Office, capsys):
    rng = np.random.default_rng(3)
    rows = loans().with_columns(grade=pl.Series(rng.choice(list("ab"), 3_000)))
    champion = rows.with_columns(chosen=pl.lit("c"))
    candidate = rows.with_columns(chosen=pl.col("grade"))
    office.apply(
        task="multiclass_classification",
        predictions=LOG | {"prediction": "chosen", "actual": "grade"},
        monitors=[],
        protected=[],
    )
    logged(office, champion, candidate)
    told = evaluated(office, capsys)
    assert finding(told["by_kind"]["champion_comparison"], "accuracy_difference")["value"] == 1
    assert "calibration" not in told["by_kind"]
    assert "calibration: the model gives no scores" in told["untold"]


def test_a_classifier_without_scores_goes_by_f1_and_the_other_class_may_be_favourable(office: Office, capsys):
    def spoken(yes: pl.Expr) -> pl.Expr:
        return pl.when(yes).then(pl.lit("yes")).otherwise(pl.lit("no"))

    rows = answered(loans(), GOOD)
    rows = rows.with_columns(said=spoken(pl.col("p") >= 0.5), paid=spoken(pl.col("paid") == 1))
    log = LOG | {"prediction": "said", "actual": "paid"}
    office.apply(predictions=log, positive="yes", favourable="no", monitors=[])
    logged(office, rows.with_columns(said=pl.lit("no")), rows)
    told = evaluated(office, capsys)
    f1 = f1_score(rows["paid"], rows["said"], pos_label="yes")
    assert finding(told["by_kind"]["performance"], "f1")["value"] == pytest.approx(f1)
    women = rows.filter(sex="f")
    rate = finding(told["by_kind"]["fairness"], "selection_rate", "sex=f")["value"]
    assert rate == pytest.approx((women["said"] == "no").mean())


def test_wrong_decisions_are_priced(office: Office, capsys):
    office.apply(costs={"false_positive": 1.0, "false_negative": 3.0})
    told = evaluated(office, capsys)
    rows, cost = answered(loans(), GOOD), finding(told["by_kind"]["champion_comparison"], "value_difference")
    champion = pl.read_parquet(office.root / "predictions" / "loans" / "log.parquet")

    def priced(side: pl.DataFrame) -> float:
        chosen, paid = side["p"] >= 0.5, side["paid"] == 1
        return float((chosen & ~paid).sum() + 3 * (~chosen & paid).sum())

    assert cost["value"] == priced(rows) - priced(champion)
