"""Direct loss estimation: errors told from inputs, and the tree that does."""

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter

from core import estimation
from core.entities import Grid, LossTree, Split
from core.loss_tree import grow, leaf_of
from core.regression import error_sums
from core.regression import regression as realised
from tests.metrics import portfolio as p

OUTCOME = ("p", "y")
WORDS = ("calm", "rough", "wild")


def traffic(n, seed, far=0.3, wild=0.2):
    """Errors grow with x and are largest, and biased, for `wild`; other shares are other traffic."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(n) < far, rng.uniform(2, 4, n), rng.uniform(0, 2, n))
    word = rng.choice(WORDS, n, p=[(1 - wild) / 2, (1 - wild) / 2, wild])
    label = 50 + 5 * x + rng.normal(0, 3, n)
    predicted = label + (1 + x) * rng.normal(0, 1, n) + np.where(word == "wild", 4.0, 0.0)
    known = pl.Series(word).set(pl.Series(rng.random(n) < 0.05), None)
    return pl.DataFrame({"x": x, "noise": rng.normal(size=n), "word": known, "p": predicted, "y": label})


def of(rows):
    predicted, label = (rows[name].to_numpy() for name in OUTCOME)
    return realised(*error_sums(predicted, label, np.zeros(len(rows), dtype=np.intp), 1))


def estimated(tree, rows):
    fallen = np.bincount(leaf_of(tree.splits, rows), minlength=len(tree.losses))
    return estimation.regression([fallen], tree.losses)


@pytest.mark.parametrize(("far", "wild"), [(0.3, 0.2), (0.9, 0.2), (0.1, 0.6)])
def test_errors_are_told_from_inputs_also_of_other_traffic(far, wild):
    tree = grow(traffic(60_000, 1), ["x", "noise", "p"], {"word": WORDS}, OUTCOME)
    assert 16 < len(tree.losses) <= 64
    rows = traffic(60_000, 2, far, wild)
    found, came = estimated(tree, rows), of(rows)
    assert set(found) == {f"estimated_{name}" for name in ("mae", "rmse", "bias", "mape", "rmsle")}
    for name in ("mae", "rmse", "bias", "mape", "rmsle"):
        one = found[f"estimated_{name}"]
        # The bias is a small part of errors of both signs.
        within = 0.04 * (came["mae"] if name == "bias" else came[name]).value[0]
        assert one.value[0] == pytest.approx(came[name].value[0], abs=within), name
        assert one.sampling_error[0] == pytest.approx(came[name].sampling_error[0], rel=0.1), name
        assert one.n[0] == 60_000
    usual = of(traffic(60_000, 1))["mae"].value[0]
    if (far, wild) != (0.3, 0.2):  # an estimate that always said the usual would be far off
        assert abs(usual / came["mae"].value[0] - 1) > 0.2


def test_a_tree_by_hand():
    splits = (
        Split("x", 1.0, (), True, True, left=1, right=-3),
        Split("word", None, ("wild",), False, False, left=-1, right=-2),
    )
    rows = pl.DataFrame(
        {"x": [1.0, 1.1, None, float("nan"), 0.0], "word": ["wild", "calm", "calm", None, "never seen"]}
    )
    assert leaf_of(splits, rows).tolist() == [1, 2, 0, 1, 0]


def test_the_losses_are_the_means_of_each_leaf():
    rows = traffic(5_000, 3)
    tree = grow(rows, ["x"], {"word": WORDS}, OUTCOME)
    leaf = leaf_of(tree.splits, rows)
    loss = np.abs((rows["p"] - rows["y"]).to_numpy())
    for i, means in enumerate(tree.losses):
        assert means[5] == pytest.approx(loss[leaf == i].mean())  # Σ|e| is the sixth sum
        assert (leaf == i).sum() >= 50
    mae = estimated(tree, rows)["estimated_mae"].value[0]
    assert mae == pytest.approx(loss.mean())


def test_the_tree_survives_storage_with_its_grid():
    tree = grow(traffic(3_000, 4), ["x"], {"word": WORDS}, OUTCOME)
    grid = p.grid(loss_tree=tree)
    stored = TypeAdapter(Grid)
    assert stored.validate_json(stored.dump_json(grid)) == grid


def test_few_rows_grow_no_tree_and_no_inputs_one_leaf():
    assert grow(traffic(99, 1), ["x"], {}, OUTCOME) is None
    tree = grow(traffic(100, 1), [], {}, OUTCOME)
    assert tree is not None and (tree.splits, len(tree.losses)) == ((), 1)
    assert leaf_of((), traffic(3, 1)).tolist() == [0, 0, 0]


def test_empty_columns_infinities_and_constants_are_no_obstacle():
    rows = traffic(2_000, 5).with_columns(
        empty=pl.lit(None, pl.Float64), huge=pl.Series([float("inf"), 1e300] * 1000), same=pl.lit(1.0)
    )
    rows = rows.with_columns(y=pl.Series([float("nan"), None, float("inf")] + rows["y"].to_list()[3:]))
    tree = grow(rows, ["empty", "huge", "same", "x"], {}, OUTCOME)
    assert {split.column for split in tree.splits} <= {"x", "huge"}
    assert np.isfinite(tree.losses).all()


def test_a_window_without_rows_has_no_estimate():
    found = estimation.regression([[0, 0]], LossTree((), ((1.0,) * 18, (2.0,) * 18)).losses)
    assert all(np.isnan(each.value[0]) and each.reason for each in found.values())
