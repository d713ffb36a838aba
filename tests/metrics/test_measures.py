from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from core.drift import jensen_shannon, kolmogorov_smirnov
from core.entities import METRIC_KEYS, METRICS
from core.errors import BinningError
from core.measures import measure, merge_cells
from tests.metrics import portfolio as p
from tests.metrics import scenarios
from tests.metrics.portfolio import value


def rng():
    """The same numbers in every test, whatever ran before."""
    return np.random.default_rng(1)


REFERENCE = np.random.default_rng(0).normal(size=8000)
BINS = p.numeric_grid(REFERENCE)
GRID = p.grid(numeric={"x": BINS}, categorical={"c": p.vocabulary("a", "b")})
USUAL = p.frame(p.numeric(REFERENCE, BINS), p.categorical(["a", "b", "b", "b"] * 50, GRID.categorical["c"]))
CUSTOM = p.declaration("custom")


def measured(*cells, reference=USUAL, grid=GRID, declaration=CUSTOM):
    return measure(p.frame(*cells), reference, grid, declaration)


def row(metrics, metric, **keys):
    return metrics.filter(pl.col("metric") == metric, *(pl.col(k) == v for k, v in keys.items())).row(
        0, named=True
    )


@pytest.mark.parametrize("scenario", [scenarios.binary, scenarios.multiclass, scenarios.regression])
def test_the_frame_has_the_columns_keys_and_order_of_metrics(scenario):
    one = scenario()
    found = measure(one.cells, one.reference, one.grid, one.declaration)
    assert found.schema == pl.Schema(METRICS)
    assert not found.select(METRIC_KEYS).is_duplicated().any()
    assert found.equals(found.sort(METRIC_KEYS))
    assert found["reference_id"].unique().to_list() == [p.ID]


@pytest.mark.parametrize("scenario", [scenarios.binary, scenarios.multiclass, scenarios.regression])
def test_windows_are_measured_together_as_one_by_one(scenario):
    one = scenario()
    together = measure(
        one.cells.sample(fraction=1, shuffle=True, seed=1), one.reference, one.grid, one.declaration
    )
    alone = [
        measure(part, merge_cells(one.reference), one.grid, one.declaration)
        for part in one.cells.partition_by("window_start")
    ]
    assert together.equals(pl.concat(alone).sort(METRIC_KEYS))


def test_no_cells_give_no_metrics():
    assert measured().schema == pl.Schema(METRICS) and measured().is_empty()


def test_shares_are_compared_on_20_bins_and_the_order_on_100():
    window = rng().normal(0.4, 1.2, 700)
    found = measured(p.numeric(window, BINS))
    usual, now = (p.counted(values, BINS.edges) for values in (REFERENCE, window))
    fifths = [[counts[0], *counts[1:-1].reshape(20, 5).sum(axis=1), counts[-1]] for counts in (usual, now)]
    coarse = [[c[0] + c[1], *c[2:-2], c[-2] + c[-1]] for c in fifths]
    assert value(found, "jensen_shannon") == pytest.approx(jensen_shannon(*coarse))
    assert value(found, "kolmogorov_smirnov") == kolmogorov_smirnov(usual, now)
    js = row(found, "jensen_shannon")
    assert js["n"] == 700 and js["expected"] == pytest.approx(
        (19 / (8 * np.log(2)) * (1 / 700 + 1 / 8000)) ** 0.5
    )
    assert row(found, "kolmogorov_smirnov")["p_value"] < 1e-6


@pytest.mark.parametrize("absurd", [[1048.0], [-1048.0], [1048.0, 4.5, 4.6], [-500.0, -4.6], [900.0, -4.6]])
def test_wasserstein_feels_how_far_outside_the_reference_a_value_lies(absurd):
    window = np.append(rng().normal(size=775), absurd)
    found = measured(p.numeric(window, BINS))
    exact = stats.wasserstein_distance(REFERENCE, window)
    assert value(found, "wasserstein") == pytest.approx(exact, rel=0.08)
    assert value(found, "wasserstein_normed") == pytest.approx(value(found, "wasserstein") / REFERENCE.std())


def test_the_wasserstein_distance_of_whole_numbers_is_exact_for_a_shift():
    usual, window = rng().poisson(2, 5000), np.random.default_rng(2).poisson(2, 800) + 1
    bins = p.numeric_grid(usual)
    reference = p.frame(p.numeric(usual, bins))
    found = measured(p.numeric(window, bins), reference=reference, grid=p.grid(numeric={"x": bins}))
    assert value(found, "wasserstein") == pytest.approx(stats.wasserstein_distance(usual, window))


def test_categories_are_compared_with_other_and_unseen():
    found = measured(p.categorical(["a", "b", "new", "new"] * 25, GRID.categorical["c"]))
    assert value(found, "total_variation") == pytest.approx(0.5)
    assert value(found, "unseen_share") == 0.5
    assert row(found, "chi_squared")["p_value"] < 1e-6


def test_while_learning_nothing_drifts_but_quality_and_performance_are_known():
    one = scenarios.binary()
    learning = p.grid(frozen=False, score_edges=one.grid.score_edges)
    found = measure(one.cells, p.frame(), learning, one.declaration)
    assert {"missing_share", "volume", "roc_auc", "latency_p95"} <= set(found["metric"])
    assert not {"psi", "wasserstein", "out_of_range_share", "unseen_share"} & set(found["metric"])


def test_a_segment_is_compared_with_its_own_past_and_a_version_with_all_traffic():
    east = {"segment": "origin=EWR"}
    reference = p.frame(p.numeric(REFERENCE, BINS), p.numeric(REFERENCE[REFERENCE > 0], BINS, **east))
    window = np.abs(rng().normal(size=2000))
    found = measured(
        p.numeric(window, BINS, **east), p.numeric(window, BINS, version="v2"), reference=reference
    )
    assert value(found, "jensen_shannon", segment="origin=EWR") < 0.1
    assert value(found, "jensen_shannon", version="v2") > 0.5


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (p.numeric([], BINS), "no usable values in this window"),
        (p.numeric([1.0], BINS, segment="origin=XYZ"), "the reference has no usable values"),
    ],
)
def test_a_distance_that_cannot_be_computed_is_null_and_says_why(cell, reason):
    found = measured(cell)
    for metric in ("psi", "jensen_shannon", "kolmogorov_smirnov", "wasserstein", "wasserstein_normed"):
        assert row(found, metric)["value"] is None and reason in row(found, metric)["reason"]


def test_a_column_without_a_finite_reference_has_no_distance_and_no_range():
    grid = p.grid(numeric={"x": p.NumericGrid()})
    cells = (p.cell("numeric", [0, 5], column="x", sums=[1, 2], low=0.0, high=1.0),)
    found = measured(*cells, reference=p.frame(p.cell("numeric", [0, 0], column="x", sums=[0, 0])), grid=grid)
    assert row(found, "psi")["value"] is None
    assert "out_of_range_share" not in found["metric"]


def test_a_constant_reference_has_no_scale():
    bins = p.numeric_grid([4.0] * 50)
    usual = p.frame(p.numeric([4.0] * 50, bins))
    found = measured(p.numeric([4.0, 6.0], bins), reference=usual, grid=p.grid(numeric={"x": bins}))
    assert value(found, "wasserstein") == pytest.approx(1.0)
    assert row(found, "wasserstein_normed")["reason"] == "the reference is constant, so it has no scale"
    assert value(found, "out_of_range_share") == 0.5


def test_distances_are_of_features_scores_predictions_and_labels_only():
    found = measure(
        *(vars(scenarios.binary())[name] for name in ("cells", "reference", "grid", "declaration"))
    )
    assert set(found.filter(pl.col("metric") == "psi")["column"]) == {"x", "c"}


def test_metrics_that_need_labels_are_mature_when_the_last_row_has_waited_long_enough():
    one = scenarios.binary()
    found = measure(one.cells, one.reference, one.grid, one.declaration)
    auc = row(found.filter(pl.col("window_start") == p.START), "roc_auc")
    assert auc["mature_at"] == p.START + timedelta(hours=23, days=2)
    assert row(found, "psi")["mature_at"] is None


def test_drift_of_the_label_waits_for_labels_and_its_gaps_are_no_missing_values():
    declaration = p.declaration(predictions={"prediction": "guess", "actual": "x"}, labels={"delay": "1d"})
    found = measured(
        p.rows(500), p.numeric(rng().normal(size=500), BINS, missing=40), declaration=declaration
    )
    assert row(found, "psi", column="x")["mature_at"] == p.START + timedelta(hours=23, days=1)
    assert "missing_share" not in found["metric"]


def test_without_labels_only_the_prediction_rate_is_known():
    declaration = p.declaration(predictions={"prediction": "guess"})
    found = measured(p.rows(3), p.decisions([0, 1, 1], [2, 2, 2]), declaration=declaration)
    assert value(found, "prediction_rate") == pytest.approx(2 / 3)
    assert not {"accuracy", "labelled_share"} & set(found["metric"])


def test_each_class_of_several_is_measured_against_the_rest():
    one = scenarios.multiclass()
    found = measure(one.cells, one.reference, one.grid, one.declaration)
    of_class = set(found.filter(pl.col("column") == "on time")["metric"])
    assert {"precision", "recall", "f1", "roc_auc", "label_rate"} <= of_class
    assert not {"accuracy", "log_loss"} & of_class
    assert value(found, "accuracy", column="") > 0.6


def test_classes_without_score_stand_beside_classes_with_one():
    edges = p.score_edges(rng().random(500))
    cells = [
        p.classification([0.2, 0.9], [0, 1], [0, 1], edges, column="early"),
        p.decisions([0, 1], [0, 1], column="late"),
    ]
    declaration = p.declaration(
        "multiclass_classification", {"score": {"early": "a", "late": "b"}, "actual": "y"}
    )
    found = measured(
        *cells, grid=p.grid(score_edges=edges, classes=("early", "late")), declaration=declaration
    )
    assert value(found, "roc_auc", column="early") == 1
    assert found.filter(pl.col("metric") == "f1")["column"].to_list() == ["early", "late"]


def test_counts_of_another_reference_or_of_other_bins_are_refused():
    with pytest.raises(BinningError, match="another"):
        measured(p.numeric([1.0], BINS, reference_id="another"))
    with pytest.raises(BinningError, match="'x' has 3 counts, its grid 102"):
        measured(p.cell("numeric", [1, 2, 3], column="x", sums=[0, 0]))


def test_counts_times_ten_million_keep_their_distance():
    window = p.numeric(rng().normal(0.3, 1, 900), BINS)
    many = {**window, "counts": [c * 10**7 for c in window["counts"]], "n": 900 * 10**7}
    first, second = measured(window), measured({**many, "sums": [s * 1e7 for s in window["sums"]]})
    for metric in ("jensen_shannon", "kolmogorov_smirnov", "wasserstein"):
        assert value(first, metric) == pytest.approx(value(second, metric))


def test_custom_rates_and_numbers_carry_their_declared_names():
    one = scenarios.binary()
    found = measure(one.cells, one.reference, one.grid, one.declaration)
    day = found.filter(pl.col("window_start") == p.START)
    assert value(day, "complained") == 0.1 and row(day, "complained")["upper"] < 0.13
    assert row(day, "tokens")["sampling_error"] == pytest.approx(2**0.5 / 600**0.5, rel=0.2)
