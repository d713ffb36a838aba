"""All features together: what no single column shows, and nothing where nothing changed."""

import json

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from core.comparison import Options, compare, to_json, to_text
from core.comparison import domain_classifier as domain
from core.comparison.domain_classifier import domain_classifier_auc
from core.documents.comparison import comparison_html

PAIR = {"a": "numeric", "b": "numeric"}


def correlated(seed, n, correlation):
    a, noise = np.random.default_rng(seed).normal(size=(2, n))
    return pl.DataFrame({"a": a, "b": correlation * a + np.sqrt(1 - correlation**2) * noise})


@pytest.fixture(scope="module")
def flipped():
    """Two files whose columns have the same margins and the opposite correlation."""
    return compare(correlated(0, 3_000, 0.7), correlated(1, 3_000, -0.7), Options())


def test_files_of_one_law_cannot_be_told_apart():
    far = [
        found
        for seed in range(20)
        if (found := domain_classifier_auc(correlated(seed, 800, 0.5), correlated(seed + 99, 500, 0.5), PAIR))
        and abs(found.value - 0.5) > 1.96 * found.sampling_error
    ]
    assert len(far) <= 2


def test_columns_that_only_go_together_differently_are_found(flipped):
    assert flipped.verdict == "no_drift"
    assert all(column.distance < 0.05 for column in flipped.columns.values())
    assert flipped.multivariate.value > 0.8 and flipped.multivariate.lower > 0.75


def test_the_three_reports_say_so(flipped):
    value = flipped.multivariate.value
    assert f"all features together: domain classifier AUC {value:.3f} ± " in to_text(flipped)
    assert f"domain classifier AUC {value:.3f} ± " in comparison_html(flipped)
    document = json.loads(json.dumps(to_json(flipped), allow_nan=False))["multivariate"]
    assert document["domain_classifier_auc"] == value and document["n"] == 6_000
    low, high = document["intervals"]["domain_classifier_auc"]
    assert low == pytest.approx(value - 1.96 * document["sampling_errors"]["domain_classifier_auc"])
    assert low < value < high


def test_the_sentence_says_what_it_means_that_only_all_features_together_differ(flipped):
    auc = f"{flipped.multivariate.value:.3f}"
    sentence = (
        f"None of 2 columns drifted by itself, but the domain classifier (AUC {auc}) tells CURRENT from "
        "REFERENCE by all features together: they go together differently than they did, or several moved a "
        "little each, so the model meets combinations of values that REFERENCE seldom has."
    )
    assert to_text(flipped).startswith(f"{sentence}\n")
    assert f"<h1>{sentence}</h1>" in comparison_html(flipped)


def test_small_moves_that_add_up_are_told_like_that():
    rng, quantiles = np.random.default_rng(0), norm.ppf((np.arange(4_000) + 0.5) / 4_000)
    sides = [{f"x{i}": rng.permutation(quantiles) + moved for i in range(30)} for moved in (0.0, 0.12)]
    found = compare(*map(pl.DataFrame, sides), Options())
    assert found.verdict == "no_drift" and found.multivariate.lower > 0.55
    assert to_text(found).startswith(
        "None of 30 columns drifted by itself, but the domain classifier (AUC 0."
    )


def test_the_sentence_is_silent_about_it_without_a_difference_and_where_a_column_tells_already():
    quiet = compare(correlated(0, 800, 0.5), correlated(1, 800, 0.5), Options())
    assert to_text(quiet).startswith("No drift in 2 columns.\n")
    loud = compare(correlated(0, 800, 0.5), correlated(1, 800, 0.5) + 1.0, Options())
    assert loud.multivariate.lower > 0.55
    assert to_text(loud).startswith("2 of 2 columns drifted: ")
    assert "by itself" not in to_text(loud)


def test_of_one_feature_there_is_no_together():
    """Even numbers against odd ones: no distance sees it, a tree does."""
    sides = [pl.DataFrame({"a": np.arange(start, 24.0, 2).repeat(30)}) for start in (0, 1)]
    found = compare(*sides, Options())
    assert found.multivariate.lower > 0.55
    assert to_text(found).startswith("No drift in 1 column.\n")


def test_a_file_cannot_be_told_from_itself():
    same = correlated(3, 1_000, 0.3)
    assert domain_classifier_auc(same, same, PAIR).value == 0.5
    assert domain_classifier_auc(same, same[::-1], PAIR).value == 0.5


def test_equal_inputs_give_equal_numbers():
    sides = correlated(0, 700, 0.7), correlated(1, 700, 0.2)
    assert domain_classifier_auc(*sides, PAIR) == domain_classifier_auc(*sides, PAIR)


def test_with_one_flag_it_is_the_area_under_the_flag_itself():
    rng = np.random.default_rng(5)
    sides = [pl.DataFrame({"flag": rng.random(4_000) < share}) for share in (0.3, 0.6)]
    flags = pl.concat(sides)["flag"].to_numpy()
    exact = roc_auc_score(np.repeat([0, 1], 4_000), flags)
    assert domain_classifier_auc(*sides, {"flag": "categorical"}).value == pytest.approx(exact, abs=0.005)


def test_missing_values_that_depend_on_another_column_are_found():
    rng = np.random.default_rng(6)
    sides = []
    for sign in (1, -1):  # a quarter of b is missing on both sides, where a is high or where it is low
        a, b = rng.normal(size=(2, 2_000))
        sides.append(pl.DataFrame({"a": a, "b": np.where(sign * a > 0.67, np.nan, b)}))
    assert domain_classifier_auc(*sides, PAIR).value > 0.6


def test_categories_that_change_partners_are_found():
    rng = np.random.default_rng(7)
    sides = []
    for agree in (0.9, 0.1):
        origin = rng.integers(0, 2, 1_500)
        carrier = np.where(rng.random(1_500) < agree, origin, 1 - origin)
        names = {"origin": np.array(["JFK", "EWR"])[origin], "carrier": np.array(["UA", "DL"])[carrier]}
        sides.append(pl.DataFrame(names))
    assert domain_classifier_auc(*sides, dict.fromkeys(sides[0].columns, "categorical")).value > 0.85


def test_a_thousand_categories_infinite_values_and_other_types_are_read():
    rng = np.random.default_rng(8)
    sides = [
        pl.DataFrame(
            {
                "city": rng.integers(0, 1_000, 900).astype(str),
                "size": np.where(rng.random(900) < 0.2, [np.inf], rng.choice([1e308, -1e308, 5.0], 900)),
                "count": pl.Series(rng.integers(0, 9, 900)).cast(dtype),
                "empty": pl.Series([None] * 900, dtype=pl.Float64),
                "nameless": pl.Series([None] * 900, dtype=pl.String),
            }
        )
        for dtype in (pl.Int64, pl.String)
    ]
    kinds = {"city": "categorical", "size": "numeric", "count": "numeric", "empty": "numeric"}
    kinds["nameless"] = "categorical"
    found = domain_classifier_auc(*sides, kinds)
    assert found.value == pytest.approx(0.5, abs=3 * found.sampling_error)


@pytest.mark.parametrize(
    ("n", "reason"), [(0, "CURRENT has 0 rows; it needs 100"), (99, "CURRENT has 99 rows; it needs 100")]
)
def test_too_few_rows_give_null_with_a_reason(n, reason):
    found = compare(correlated(0, 500, 0.5), correlated(1, n, 0.5), Options())
    assert found.multivariate.value is None and found.multivariate.reason == reason
    document = to_json(found)["multivariate"]
    assert document == {
        "domain_classifier_auc": None,
        "n": 0,
        "reasons": {"domain_classifier_auc": reason},
    }
    assert f"no domain classifier: {reason}" in to_text(found)
    assert reason in comparison_html(found)


def test_scores_predictions_and_labels_are_no_features():
    sides = [
        pl.DataFrame({"score": np.linspace(low, low + 0.5, 200), "actual": [0, 1] * 100}) for low in (0, 0.5)
    ]
    found = compare(*sides, Options(score="score", actual="actual")).multivariate
    assert found.value is None and found.reason == "no feature is compared"


def test_many_rows_are_drawn_from_and_many_columns_take_fewer(monkeypatch):
    monkeypatch.setattr(domain, "ROWS", 300)
    assert domain_classifier_auc(correlated(0, 1_000, 0.5), correlated(1, 200, 0.5), PAIR).n == 500
    monkeypatch.setattr(domain, "ROWS", 400)
    monkeypatch.setattr(domain, "VALUES", 500)
    monkeypatch.setattr(domain, "FEW_OF_MANY_COLUMNS", 150)
    assert domain_classifier_auc(correlated(0, 1_000, 0.5), correlated(1, 1_000, 0.5), PAIR).n == 500
