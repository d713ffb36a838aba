"""Every metric is in the catalogue, is shown by a scenario, and declares what leaves it unchanged."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core import drift
from core.catalogue import CATALOGUE
from core.catalogue.__main__ import markdown
from core.measures import measure
from tests.metrics import scenarios

ROOT = Path(__file__).resolve().parents[2]
CUSTOM = {"tokens", "complained"}
UNMOVED = {  # by a shift
    *("volume", "freshness", "throughput", "duplicate_share", "labelled_share", "invalid_outcome_share"),
}

# What leaves a metric unchanged: `rows` = seven times as many rows of the same kind; `exchange` = reference
# and window change places; `order` = the categories come in another order; `relabel` = the other class is
# called positive; `shift` = labels and predictions grow by the same amount.
ON_SHARES = {"rows", "exchange", "order"}
SYMMETRIC = {"rows", "relabel"}
INVARIANT = {
    "psi": {"exchange", "order"},
    **dict.fromkeys(("jensen_shannon", "hellinger", "total_variation", "l_infinity"), ON_SHARES),
    "kolmogorov_smirnov": {"rows", "exchange"},
    "kolmogorov_smirnov_p_value": {"exchange"},
    "wasserstein": {"rows"},  # not `exchange`: where rows lie inside a bin is learned from the reference
    "wasserstein_normed": {"rows"},
    "chi_squared": {"exchange", "order"},
    "pca_reconstruction": {"rows"},  # not `exchange`: the components are the reference's
    **dict.fromkeys(("missing_share", "non_finite_share", "type_mismatch", "out_of_range_share"), {"rows"}),
    **dict.fromkeys(("unseen_share", "constant", "duplicate_share", "labelled_share"), {"rows"}),
    "invalid_outcome_share": {"rows"},
    "volume": set(),
    "freshness": {"rows", "exchange", "order", "relabel"},
    **dict.fromkeys(("accuracy", "balanced_accuracy", "matthews_correlation", "roc_auc"), SYMMETRIC),
    **dict.fromkeys(("log_loss", "brier", "expected_calibration_error"), SYMMETRIC),
    **dict.fromkeys(("precision", "recall", "specificity", "f1", "average_precision"), {"rows"}),
    "value": set(),  # a sum over rows, and the two mistakes cost differently
    **dict.fromkeys(("calibration_gap", "label_rate", "prediction_rate"), {"rows"}),
    **{
        f"{rate}_{how}": {"rows"}
        for rate in ("precision", "recall", "f1")
        for how in ("macro", "micro", "weighted")
    },
    **dict.fromkeys(("mae", "rmse", "bias", "r2", "error_p10", "error_p50", "error_p90"), {"rows", "shift"}),
    **dict.fromkeys(("mape", "rmsle"), {"rows"}),
    **dict.fromkeys(("selection_rate", "tpr", "fpr", "fnr"), {"rows"}),
    **dict.fromkeys(("demographic_parity_difference", "demographic_parity_ratio"), {"rows"}),
    **dict.fromkeys(("equal_opportunity_difference", "predictive_parity_difference"), {"rows"}),
    **dict.fromkeys(("equalized_odds_difference", "equalized_odds_ratio"), {"rows"}),
    **dict.fromkeys(("bias_difference", "mae_difference"), {"rows", "shift"}),
    "throughput": set(),
    **dict.fromkeys(
        ("error_share", "latency_p50", "latency_p95", "latency_p99", "cost_per_prediction"), {"rows"}
    ),
}
INVARIANT["calibration_shift"] = SYMMETRIC
INVARIANT |= {
    name: INVARIANT[name.removeprefix("estimated_")] for name in CATALOGUE if name.startswith("estimated_")
}
ADDED = ("n", "missing", "nan", "positive_infinity", "negative_infinity", "uncastable")


def seven_times(cells):
    lists = (pl.col(name).list.eval(pl.element() * 7) for name in ("counts", "sums"))
    return cells.with_columns(*(pl.col(name) * 7 for name in ADDED), *lists)


def reordered(cells):
    turned = pl.col("counts").list.gather([2, 0, 1, 3, 4])
    return cells.with_columns(
        pl.when(pl.col("kind") == "categorical").then(turned).otherwise("counts").alias("counts")
    )


def exchanged(scenario):
    return scenarios.Scenario(scenario.reference, scenario.cells, scenario.grid, scenario.declaration)


def merged_first(scenario):
    """One window against one window, so that they can change places."""
    day = pl.col("window_start") == pl.col("window_start").min()
    return scenarios.seen_as(scenario, lambda cells: cells.filter(day))


@cache
def values(name):
    """Metric → its values in the scenario of that name."""
    found = {
        "binary": scenarios.binary,
        "multiclass": scenarios.multiclass,
        "regression": scenarios.regression,
        "one window": lambda: merged_first(scenarios.binary()),
        "exchange": lambda: exchanged(merged_first(scenarios.binary())),
        "relabel": lambda: scenarios.binary(relabelled=True),
        "shift": lambda: scenarios.regression(moved=7.0),
        "order": lambda: scenarios.seen_as(scenarios.binary(), reordered),
        **{
            f"rows of {task}": lambda task=task: scenarios.seen_as(getattr(scenarios, task)(), seven_times)
            for task in ("binary", "multiclass", "regression")
        },
    }[name]()
    metrics = measure(found.cells, found.reference, found.grid, found.declaration)
    keys = [key for key in metrics.columns[:7] if key != "metric"]
    return {
        metric: part.sort(keys) for (metric,), part in metrics.partition_by("metric", as_dict=True).items()
    }


TASKS = ("binary", "multiclass", "regression")
CHANGES = {
    "rows": [(task, f"rows of {task}") for task in TASKS],
    "exchange": [("one window", "exchange")],
    "order": [("binary", "order")],
    "relabel": [("binary", "relabel")],
    "shift": [("regression", "shift")],
}
CONCERNS = {  # which metrics a change is about; rows concern all
    "exchange": {name for name, info in CATALOGUE.items() if info.family == "drift"},
    "order": {"chi_squared", *drift.ON_SHARES},
    "relabel": {
        name for name in values("binary") if name in CATALOGUE and CATALOGUE[name].family == "performance"
    },
    "shift": {name for name in values("regression") if name not in UNMOVED},
}


def test_every_metric_is_in_the_catalogue_and_shown_by_a_scenario():
    shown = {metric for task in TASKS for metric in values(task)}
    assert shown - CUSTOM == set(CATALOGUE)


def test_every_metric_declares_what_leaves_it_unchanged():
    assert set(INVARIANT) == set(CATALOGUE)


def same(metric, *names):
    """Say whether a metric has the same values in both scenarios (numbers have no order to be changed)."""
    first, second = (
        found.filter(pl.col("column") != "x") if "order" in names else found
        for found in (values(name)[metric] for name in names)
    )
    return first.is_empty() or np.allclose(first["value"], second["value"], 1e-6, 1e-6)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("metric", INVARIANT)
def test_a_metric_changes_with_everything_but_its_declared_invariances(metric, change):
    pairs = [pair for pair in CHANGES[change] if metric in values(pair[0])]
    if metric in CONCERNS.get(change, INVARIANT):
        assert pairs
        assert {same(metric, *pair) for pair in pairs} == {change in INVARIANT[metric]}


@pytest.mark.parametrize("task", TASKS)
def test_values_lie_in_their_range_and_inside_their_interval(task):
    for metric, found in values(task).items():
        known = found.drop_nulls("value")
        assert known["value"].is_finite().all(), metric
        if metric in CATALOGUE:
            low, high = CATALOGUE[metric].range
            assert low is None or known["value"].min() >= low, metric
            assert high is None or known["value"].max() <= high, metric
        between = known.drop_nulls("lower")
        assert ((between["lower"] <= between["value"]) & (between["value"] <= between["upper"])).all(), metric


@pytest.mark.parametrize("task", TASKS)
def test_only_metrics_that_need_labels_wait_for_them(task):
    for metric, found in values(task).items():
        if metric in CATALOGUE:
            assert found["mature_at"].is_null().all() != CATALOGUE[metric].needs_labels, metric


@pytest.mark.parametrize("task", TASKS)
def test_a_null_has_a_reason_and_a_judged_value_has_none(task):
    for metric, found in values(task).items():
        assert found.filter(pl.col("value").is_null())["reason"].is_not_null().all(), metric
        assert found.filter(pl.col("value").is_not_null())["reason"].is_null().all(), metric


def test_entries_are_complete():
    for name, info in CATALOGUE.items():
        assert name == info.name and info.title and info.source and info.definition.endswith("."), name


def test_the_document_is_the_catalogue():
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == markdown()


def test_the_command_in_the_document_writes_it():
    printed = subprocess.run(
        [sys.executable, "-m", "core.catalogue"], cwd=ROOT, capture_output=True, check=True
    )
    assert printed.stdout.decode() == markdown()
