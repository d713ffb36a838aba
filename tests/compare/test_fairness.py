"""Fairness equals fairlearn on the rows, except where fairlearn gives 0 for a rate that nobody knows."""

import fairlearn.metrics as theirs
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, precision_score

from core.comparison import Options, compare, to_json

TIGHT = {"rel": 1e-9, "abs": 1e-12}


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def people(rng, n=3_000):
    sex, race = rng.choice(["F", "M"], n), rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    score = np.clip(rng.beta(2, 3, n) + 0.1 * (sex == "M"), 0, 1)
    return {"sex": sex, "race": race, "score": score, "actual": (rng.random(n) < score).astype(int)}


def fairness(side, **options):
    frame = pl.DataFrame(side)
    found = compare(frame, frame, Options(**({"score": "score", "actual": "actual"} | options)))
    return to_json(found)["fairness"]


def test_rates_and_gaps_equal_fairlearn(rng):
    side = people(rng)
    y, predicted, race = side["actual"], (side["score"] >= 0.5).astype(int), side["race"]
    found = fairness(side, protected=("race",))["race"]
    frame = theirs.MetricFrame(
        metrics={
            "selection_rate": theirs.selection_rate,
            "tpr": theirs.true_positive_rate,
            "fpr": theirs.false_positive_rate,
            "fnr": theirs.false_negative_rate,
            "accuracy": accuracy_score,
            "precision": precision_score,
        },
        y_true=y,
        y_pred=predicted,
        sensitive_features=race,
    )
    for group, rates in frame.by_group.iterrows():
        assert {name: found["groups"][group][name] for name in rates.index} == pytest.approx(
            dict(rates), **TIGHT
        )
        assert found["groups"][group]["n"] == (race == group).sum()
    for name in (
        "demographic_parity_difference",
        "demographic_parity_ratio",
        "equal_opportunity_difference",
        "equalized_odds_difference",
        "equalized_odds_ratio",
    ):
        expected = getattr(theirs, name)(y, predicted, sensitive_features=race)
        assert found["differences"][name] == pytest.approx(expected, **TIGHT)


def test_rates_have_the_wilson_interval(rng):
    group = fairness(people(rng), protected=("sex",))["sex"]["groups"]["F"]
    low, high = group["intervals"]["selection_rate"]
    n, share, z = group["n"], group["selection_rate"], 1.959963984540054
    assert sorted(np.roots([1 + z * z / n, -2 * share - z * z / n, share**2])) == pytest.approx([low, high])


def test_several_attributes_are_crossed_too(rng):
    found = fairness(people(rng), protected=("sex", "race"))
    assert list(found) == ["sex", "race", "sex & race"]
    assert set(found["sex & race"]["groups"]) == {f"{sex} & {race}" for sex in "FM" for race in "abc"}


def test_a_small_group_is_shown_but_not_judged(rng):
    side = people(rng, 300)
    side["sex"] = np.where(np.arange(300) < 29, "X", side["sex"])
    side["score"] = np.where(side["sex"] == "X", 1.0, side["score"])
    found = fairness(side, protected=("sex",))["sex"]
    assert found["groups"]["X"]["n"] == 29 and found["groups"]["X"]["judged"] is False
    rates = [found["groups"][sex]["selection_rate"] for sex in "FM"]
    assert found["differences"]["demographic_parity_difference"] == pytest.approx(abs(rates[0] - rates[1]))


def test_a_rate_without_denominator_is_unknown(rng):
    side = people(rng, 400)
    side["actual"] = np.where(side["sex"] == "F", 0, side["actual"])
    found = fairness(side, protected=("sex",))["sex"]
    assert (
        found["groups"]["F"]["tpr"] is None and found["differences"]["equal_opportunity_difference"] is None
    )
    assert found["differences"]["demographic_parity_difference"] is not None


def test_regression_gaps_are_of_errors(rng):
    sex = rng.choice(["F", "M"], 1_000)
    y = rng.normal(100, 20, 1_000)
    side = {"sex": sex, "y": y, "p": y + np.where(sex == "F", 3.0, -1.0) + rng.normal(0, 1, 1_000)}
    found = fairness(side, score=None, prediction="p", actual="y", protected=("sex",))["sex"]
    error = side["p"] - y
    bias = {group: error[sex == group].mean() for group in "FM"}
    assert {group: found["groups"][group]["bias"] for group in "FM"} == pytest.approx(bias, **TIGHT)
    assert found["differences"]["bias_difference"] == pytest.approx(bias["F"] - bias["M"], **TIGHT)


def test_ages_are_cut_at_the_quartiles_of_the_reference(rng):
    found = fairness(people(rng) | {"age": rng.integers(18, 80, 3_000)}, protected=("age",))["age"]
    sizes = [group["n"] for group in found["groups"].values()]
    assert len(sizes) == 4 and min(sizes) > 600 and sum(sizes) == 3_000


def test_people_without_the_attribute_are_a_group(rng):
    side = people(rng)
    side["sex"] = [None if i % 3 == 0 else s for i, s in enumerate(side["sex"])]
    assert fairness(side, protected=("sex",))["sex"]["groups"]["(missing)"]["n"] == 1_000


def test_several_classes_need_a_favourable_one(rng):
    side = {
        "p": rng.choice(["a", "b", "c"], 900),
        "y": rng.choice(["a", "b", "c"], 900),
        "sex": ["F", "M", "M"] * 300,
    }
    frame = pl.DataFrame(side)
    found = compare(frame, frame, Options(prediction="p", actual="y", protected=("sex",)))
    assert (
        found.fairness == {}
        and "fairness needs --positive, the class that counts as favourable" in found.notes
    )
    rates = fairness(side, score=None, prediction="p", actual="y", protected=("sex",), positive="b")["sex"][
        "groups"
    ]
    expected = (side["p"][np.array(side["sex"]) == "F"] == "b").mean()
    assert rates["F"]["selection_rate"] == pytest.approx(expected, **TIGHT)


def test_both_files_are_shown_and_an_attribute_may_be_in_one_only(rng):
    side = pl.DataFrame(people(rng))
    options = Options(score="score", actual="actual", protected=("sex",))
    found = to_json(compare(side, side.drop("sex"), options))["fairness"]["sex"]
    assert found["groups"] == {} and set(found["reference"]["groups"]) == {"F", "M"}
