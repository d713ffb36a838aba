import fairlearn.metrics as fl
import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk

from core.measures import measure
from tests.metrics import portfolio
from tests.metrics.portfolio import declaration, frame, rows, value

GROUPS = ("age=old & sex=F", "age=old & sex=M", "age=young & sex=F", "age=young & sex=M")
RATES = {
    "selection_rate": fl.selection_rate,
    "accuracy": sk.accuracy_score,
    "tpr": fl.true_positive_rate,
    "fpr": fl.false_positive_rate,
    "fnr": fl.false_negative_rate,
    "precision": sk.precision_score,
}
GAPS = {
    "demographic_parity_difference": fl.demographic_parity_difference,
    "demographic_parity_ratio": fl.demographic_parity_ratio,
    "equal_opportunity_difference": fl.equal_opportunity_difference,
    "equalized_odds_difference": fl.equalized_odds_difference,
    "equalized_odds_ratio": fl.equalized_odds_ratio,
}
BINARY = {"prediction": "p", "actual": "y"}


def people(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, n)
    label = (rng.random(n) < 0.2 + 0.15 * group).astype(int)
    predicted = np.where(rng.random(n) < 0.75, label, rng.integers(0, 2, n))
    return predicted, label, np.array(GROUPS)[group]


def cells_of(predicted, label, group, **other):
    return [
        portfolio.decisions(predicted[group == name], label[group == name], group=name, **other)
        for name in dict.fromkeys(group)
    ]


def measured(cells, names=GROUPS, **declared):
    grid = portfolio.grid(groups={"age & sex": names})
    wanted = declaration(predictions=BINARY, protected=("sex",), **declared)
    return measure(frame(rows(10), *cells), frame(), grid, wanted)


@pytest.mark.parametrize("favourable", [True, False])
def test_rates_and_gaps_are_bit_equal_to_fairlearn(favourable):
    predicted, label, group = people()
    found = measured(cells_of(predicted, label, group), favourable=favourable)
    if not favourable:
        predicted, label = 1 - predicted, 1 - label
    for name, oracle in RATES.items():
        for each in GROUPS:
            here = group == each
            assert value(found, name, group=each) == oracle(label[here], predicted[here]), (name, each)
    for name, oracle in GAPS.items():
        found_gap = value(found, name, column="age & sex", group="")
        assert found_gap == oracle(label, predicted, sensitive_features=group), name
    by_group = fl.MetricFrame(
        metrics=sk.precision_score, y_true=label, y_pred=predicted, sensitive_features=group
    )
    assert value(found, "predictive_parity_difference") == by_group.difference()


def test_rates_carry_rows_and_wilson_intervals():
    found = measured([portfolio.decisions([1] * 8 + [0] * 2, [1] * 10, group=GROUPS[0])])
    row = found.filter(pl.col("metric") == "selection_rate").row(0, named=True)
    assert row["n"] == 10 and (row["lower"], row["upper"]) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_a_group_below_the_minimum_size_is_shown_and_not_judged():
    predicted, label, group = people()
    tiny = portfolio.decisions([0] * 29, [1] * 29, group="age=other & sex=X")
    found = measured([*cells_of(predicted, label, group), tiny], (*GROUPS, "age=other & sex=X"))
    shown = found.filter(pl.col("group") == "age=other & sex=X", pl.col("metric") == "selection_rate")
    assert shown["value"].to_list() == [0.0] and "not judged" in shown["reason"][0]
    without = measured(cells_of(predicted, label, group))
    for name in GAPS:
        assert value(found, name) == value(without, name)


def test_a_rate_without_denominator_is_null_and_takes_no_part_in_a_gap():
    predicted, label, group = people()
    wanted = group == GROUPS[0]
    label[wanted] = 0
    found = measured(cells_of(predicted, label, group))
    null = found.filter(pl.col("group") == GROUPS[0], pl.col("metric") == "tpr").row(0, named=True)
    assert null["value"] is None and "favourable label" in null["reason"]
    rest = fl.equal_opportunity_difference(
        label[~wanted], predicted[~wanted], sensitive_features=group[~wanted]
    )
    assert value(found, "equal_opportunity_difference") == rest


def test_one_group_has_no_gap_and_says_so():
    predicted, label, _ = people()
    found = measured(cells_of(predicted, label, np.full(len(label), GROUPS[0])))
    gap = found.filter(pl.col("metric") == "demographic_parity_difference").row(0, named=True)
    assert gap["value"] is None and "fewer than two groups" in gap["reason"]


def test_no_selection_at_all_has_a_difference_of_0_and_no_ratio():
    predicted, label, group = people()
    found = measured(cells_of(predicted * 0, label, group))
    assert value(found, "demographic_parity_difference") == 0
    assert value(found, "demographic_parity_ratio") is None


def test_every_window_and_version_has_its_own_gaps():
    sets = {(day, version): people(seed=day) for day in range(3) for version in ("", "v2")}
    cells = [
        cell for (day, version), one in sets.items() for cell in cells_of(*one, day=day, version=version)
    ]
    found = measured(cells).filter(pl.col("metric") == "demographic_parity_difference")
    assert len(found) == 6
    for row in found.iter_rows(named=True):
        predicted, label, group = sets[((row["window_start"] - portfolio.START).days, row["version"])]
        assert row["value"] == fl.demographic_parity_difference(label, predicted, sensitive_features=group)


def test_parity_needs_no_labels_and_odds_do():
    predicted, label, group = people()
    found = measured(cells_of(predicted, label, group))
    waits = dict(found.select("metric", pl.col("mature_at").is_not_null()).iter_rows())
    assert not waits["selection_rate"] and not waits["demographic_parity_ratio"]
    assert waits["tpr"] and waits["equalized_odds_difference"] and waits["predictive_parity_difference"]


def test_a_multiclass_model_is_judged_by_its_favourable_class():
    rng = np.random.default_rng(0)
    label, predicted = rng.integers(0, 3, (2, 900))
    group = np.array(["sex=F", "sex=M"])[rng.integers(0, 2, 900)]
    cells = [
        portfolio.multiclass(predicted[group == name], label[group == name], 3, group=name)
        for name in ("sex=F", "sex=M")
    ]
    grid = portfolio.grid(classes=("early", "on time", "late"), groups={"sex": ("sex=F", "sex=M")})
    wanted = declaration("multiclass_classification", BINARY, protected=("sex",), favourable="on time")
    found = measure(frame(rows(900), *cells), frame(), grid, wanted)
    yes, truth = (predicted == 1).astype(int), (label == 1).astype(int)
    for name, oracle in GAPS.items():
        assert value(found, name) == oracle(truth, yes, sensitive_features=group), name
    here = group == "sex=F"
    assert value(found, "accuracy", group="sex=F") == (predicted == label)[here].mean()


def test_a_regression_is_judged_by_the_gaps_of_its_errors():
    rng = np.random.default_rng(0)
    label, group = rng.normal(50, 9, 400), np.array(["sex=F", "sex=M"])[rng.integers(0, 2, 400)]
    predicted = label + np.where(group == "sex=F", 3, -1) + rng.normal(size=400)
    edges = np.linspace(-9, 9, 10)
    cells = [
        portfolio.regression(predicted[group == name], label[group == name], edges, group=name)
        for name in ("sex=F", "sex=M")
    ]
    grid = portfolio.grid(groups={"sex": ("sex=F", "sex=M")}, error_edges=tuple(edges))
    found = measure(
        frame(rows(400), *cells), frame(), grid, declaration("regression", BINARY, protected=("sex",))
    )
    errors = [(predicted - label)[group == name] for name in ("sex=F", "sex=M")]
    assert value(found, "bias_difference") == pytest.approx(errors[0].mean() - errors[1].mean())
    assert value(found, "mae_difference") == pytest.approx(np.ptp([np.abs(e).mean() for e in errors]))
