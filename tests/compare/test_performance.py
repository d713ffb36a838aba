"""Performance equals scikit-learn on the rows."""

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from core.comparison import Options, compare, to_json
from core.errors import ComparisonError

TIGHT = {"rel": 1e-9, "abs": 1e-12}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def binary(rng, n):
    score = np.round(rng.beta(1, 4, n), 3)  # with ties
    return {"score": score, "actual": (rng.random(n) < score).astype(int)}


def values(frames, **options):
    document = to_json(compare(*(pl.DataFrame(frame) for frame in frames), Options(**options)))
    return document["performance"]


@pytest.mark.parametrize("rows", [60, 4_000])
def test_a_binary_classifier(rng, rows):
    side = binary(rng, rows)
    y, s = side["actual"], side["score"]
    predicted = s >= 0.5
    found = values((side, side), score="score", actual="actual")["current"]
    expected = {
        "roc_auc": metrics.roc_auc_score(y, s),
        "average_precision": metrics.average_precision_score(y, s),
        "log_loss": metrics.log_loss(y, np.clip(s, 1e-15, 1 - 1e-15)),
        "brier": metrics.brier_score_loss(y, s),
        "accuracy": metrics.accuracy_score(y, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, predicted),
        "precision": metrics.precision_score(y, predicted),
        "recall": metrics.recall_score(y, predicted),
        "f1": metrics.f1_score(y, predicted),
        "matthews_correlation": metrics.matthews_corrcoef(y, predicted),
        "calibration_gap": s.mean() - y.mean(),
        "label_rate": y.mean(),
        "prediction_rate": predicted.mean(),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, **TIGHT)


def test_every_number_has_its_sampling_error_and_interval(rng):
    side = binary(rng, 500)
    found = values((side, side), score="score", actual="actual")["current"]
    accuracy = found["accuracy"]
    assert found["sampling_errors"]["accuracy"] == pytest.approx((accuracy * (1 - accuracy) / 500) ** 0.5)
    numbers = {name for name, value in found.items() if isinstance(value, float)}
    assert set(found["sampling_errors"]) == set(found["intervals"]) == numbers
    for name, (low, high) in found["intervals"].items():
        assert low <= found[name] <= high, name


def test_a_prediction_column_decides_where_it_is_given(rng):
    side = binary(rng, 500) | {"said": rng.choice(["late", "fine"], 500)}
    side["actual"] = np.where(side["actual"] == 1, "late", "fine")
    found = values((side, side), score="score", prediction="said", actual="actual", positive="late")
    expected = metrics.f1_score(side["actual"], side["said"], pos_label="late")
    assert found["reference"]["f1"] == pytest.approx(expected, **TIGHT)


def test_a_flag_meets_a_number(rng):
    side = binary(rng, 500)
    flags = side | {"actual": side["actual"].astype(bool)}
    found = values((side, flags), score="score", actual="actual")
    assert found["reference"] == found["current"]


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_a_regression(rng, offset):
    y = rng.gamma(2, 50, 3_000) + offset
    side = {"p": y + rng.normal(2, 8, 3_000), "y": y}
    found = values((side, side), prediction="p", actual="y")["current"]
    error = side["p"] - y
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(y, side["p"]), **TIGHT)
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(y, side["p"]), **TIGHT)
    assert found["mape"] == pytest.approx(metrics.mean_absolute_percentage_error(y, side["p"]), **TIGHT)
    assert found["r2"] == pytest.approx(metrics.r2_score(y, side["p"]), **TIGHT)
    assert found["bias"] == pytest.approx(error.mean(), **TIGHT)
    assert found["error_p90"] == pytest.approx(np.quantile(error, 0.9), **TIGHT)


def test_log_errors_leave_out_what_has_no_logarithm():
    side = {"p": [1.5, 3.5, -2.0] * 40, "y": [1.0, 3.0, 1.0] * 40}
    found = values((side, side), prediction="p", actual="y")["current"]
    assert found["rmsle"] == pytest.approx(
        metrics.root_mean_squared_log_error([1.0, 3.0], [1.5, 3.5]), **TIGHT
    )


def test_several_classes(rng):
    classes = np.array(["early", "late", "on time"])
    scores = rng.dirichlet([1, 2, 3], 2_000)
    y = classes[[rng.choice(3, p=row) for row in scores]]
    side = {"actual": y} | {f"p{i}": scores[:, i] for i in range(3)}
    found = values((side, side), score="early=p0,late=p1,on time=p2", actual="actual")["current"]
    predicted = classes[scores.argmax(axis=1)]
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(y, predicted), **TIGHT)
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(y, predicted), **TIGHT)
    for how in ("macro", "micro", "weighted"):
        assert found[f"f1_{how}"] == pytest.approx(metrics.f1_score(y, predicted, average=how), **TIGHT)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(y, scores, labels=classes), **TIGHT)
    one = found["one_vs_rest"]["late"]
    assert one["roc_auc"] == pytest.approx(metrics.roc_auc_score(y == "late", scores[:, 1]), **TIGHT)
    assert one["recall"] == pytest.approx(metrics.recall_score(y == "late", predicted == "late"), **TIGHT)


def test_rows_that_cannot_be_judged_are_left_out_and_told(rng):
    side = binary(rng, 500)
    odd = pl.DataFrame(side).with_columns(
        score=pl.when(pl.int_range(500) < 3)
        .then(1.5)
        .when(pl.int_range(500) < 5)
        .then(None)
        .otherwise("score")
    )
    found = compare(pl.DataFrame(side), odd, Options(score="score", actual="actual"))
    told = (
        "CURRENT has 5 rows with no probability from 0 to 1 as score; performance and fairness leave them out"
    )
    assert told in found.notes
    expected = metrics.roc_auc_score(side["actual"][5:], side["score"][5:])
    assert found.performance.current.metrics["roc_auc"].value == pytest.approx(expected, **TIGHT)


def test_a_file_without_the_label_has_no_labels(rng):
    side = binary(rng, 500)
    found = values((side, {"score": side["score"]}), score="score", actual="actual")
    assert found["current"]["roc_auc"] is None and found["current"]["accuracy"] is None
    assert found["current"]["prediction_rate"] == pytest.approx((side["score"] >= 0.5).mean())
    assert found["reference"]["roc_auc"] is not None


def test_one_class_alone_has_no_auc(rng):
    side = {"score": rng.random(200), "actual": np.zeros(200, dtype=int)}
    found = values((side, side), score="score", actual="actual")["current"]
    assert found["roc_auc"] is None and found["recall"] is None and found["brier"] is not None


@pytest.mark.parametrize(
    ("side", "options", "said"),
    [
        (
            {"s": [0.1] * 9, "y": ["a", "b", "a"] * 3},
            {"score": "s", "actual": "y"},
            "say --positive with one of a, b",
        ),
        (
            {"s": [0.1] * 9, "y": [1, 0, 1] * 3},
            {"score": "s", "actual": "y", "positive": "x"},
            "the classes are 0, 1",
        ),
        (
            {"s": [-4.0, 3.0, 9.0] * 3, "y": [1, 0, 1] * 3},
            {"score": "s", "actual": "y"},
            "expected probabilities",
        ),
        ({"s": [0.1] * 9}, {"score": "s", "actual": "label"}, "--actual 'label' is a column of neither file"),
        ({"score": [0.1] * 9}, {"score": "scor"}, "did you mean 'score'?"),
        ({"s": [0.1] * 9}, {"score": "s", "task": "ranking"}, "expected binary_classification"),
        ({"s": [[0.1]] * 9}, {"score": "s"}, "expected single values"),
        ({"p": [None] * 9}, {"prediction": "p"}, "say --task"),
    ],
)
def test_what_cannot_be_told_is_an_error_that_says_what_to_do(side, options, said):
    with pytest.raises(ComparisonError, match=said):
        compare(pl.DataFrame(side), pl.DataFrame(side), Options(**options))


@pytest.mark.parametrize(
    ("side", "task"),
    [
        ({"p": [0.5, 1.5, 2.5], "y": [1, 2, 3]}, "regression"),
        ({"p": list(range(40)), "y": list(range(40))}, "regression"),
        ({"p": [0, 1, 0], "y": [1, 1, 0]}, "binary_classification"),
        ({"p": [0, 1, 2], "y": [1, 1, 0]}, "multiclass_classification"),
        ({"p": ["a", "b", "c"], "y": ["a", "b", "b"]}, "multiclass_classification"),
    ],
)
def test_a_guessed_task_is_told(side, task):
    frame = pl.DataFrame(side)
    roles = compare(frame, frame, Options(prediction="p", actual="y")).roles
    assert roles.task == task and any(f"task = {task} (guessed" in sentence for sentence in roles.told)


def test_a_binary_side_without_labels_is_estimated_from_the_reference(rng):
    past, now = binary(rng, 20_000), binary(rng, 20_000)
    told = values((past, {"score": now["score"]}), score="score", actual="actual")["current"]
    came = values((past, now), score="score", actual="actual")["current"]
    names = [name for name in told if name.startswith("estimated_")]
    assert len(names) == 13 and told["roc_auc"] is None
    for name in names:
        real = name.removeprefix("estimated_")
        assert told[name] == pytest.approx(came[real], abs=5 * came["sampling_errors"][real]), name
        assert told["sampling_errors"][name] > 0
    assert not any(name.startswith("estimated_") for name in came)


def test_several_classes_without_labels_are_estimated_too(rng):
    names = ("early", "on_time", "late")

    def side(n):
        chance = rng.dirichlet([2.0, 1.0, 0.5], n)
        label = (chance.cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1).clip(0, 2)
        scores = {f"p_{name}": np.round(chance[:, i], 3) for i, name in enumerate(names)}
        return scores, {"actual": [names[i] for i in label]}

    (past, labels), (now, came) = side(20_000), side(20_000)
    score = ",".join(f"{name}=p_{name}" for name in names)
    told = values((past | labels, now), score=score, actual="actual")["current"]
    real = values((past | labels, now | came), score=score, actual="actual")["current"]
    assert told["estimated_accuracy"] == pytest.approx(real["accuracy"], abs=0.015)
    assert told["estimated_f1_macro"] == pytest.approx(real["f1_macro"], abs=0.015)


def test_a_regression_without_labels_is_estimated_by_like_rows(rng):
    def side(n, far):
        x = rng.uniform(far, far + 2, n)
        y = 50 + 10 * x
        return {"x": x, "p": y + (1 + x) * rng.normal(size=n)}, {"y": y}

    (past, labels), (now, came) = side(8000, 0.0), side(8000, 1.0)
    (wide, wide_labels) = side(8000, 1.5)
    both = {name: np.concatenate([past[name], wide[name]]) for name in past}
    known = both | {"y": np.concatenate([labels["y"], wide_labels["y"]])}
    told = values((known, now), prediction="p", actual="y", task="regression")["current"]
    real = values((known, now | came), prediction="p", actual="y", task="regression")["current"]
    assert told["estimated_mae"] == pytest.approx(real["mae"], rel=0.05)
    assert told["estimated_rmse"] == pytest.approx(real["rmse"], rel=0.05)
