import numpy as np
import polars as pl
import pytest

from core.cells import merge_cells, stacked
from core.entities import CELLS
from core.errors import BinningError
from tests.metrics import portfolio as p

BINS = p.numeric_grid(np.arange(1000.0))


def test_merged_windows_are_the_counts_of_all_their_rows():
    days = [np.random.default_rng(day).uniform(-9, 1100, 50 + day) for day in range(5)]
    cells = p.frame(*(p.numeric(values, BINS, day=day, missing=day) for day, values in enumerate(days)))
    merged = merge_cells(cells)
    whole = p.numeric(np.concatenate(days), BINS)
    assert merged.schema == pl.Schema(CELLS) and len(merged) == 1
    for name in ("n", "counts", "low", "high"):
        assert merged[name].to_list() == [whole[name]], name
    assert merged["sums"][0].to_list() == pytest.approx(whole["sums"])
    assert merged["missing"][0] == 10
    assert merged["window_start"][0] == p.START and merged["window_end"][0] == cells["window_end"].max()


def test_slices_columns_and_kinds_stay_apart():
    cells = [
        p.numeric([1.0], BINS, day=day, **{key: name})
        for day in range(2)
        for key in ("segment", "version", "variant", "group")
        for name in ("one", "two")
    ]
    merged = merge_cells(p.frame(*cells, p.categorical(["a"], p.vocabulary("a"), "x"), p.rows(4)))
    assert len(merged) == 10 and merged["n"].sum() == 16 + 1 + 4


def test_merging_twice_changes_nothing():
    merged = merge_cells(p.frame(p.rows(3), p.rows(4, day=1), p.numeric([5.0], BINS)))
    assert merge_cells(merged).equals(merged)


def test_cells_without_lists_and_no_cells_at_all_merge():
    empty = {"counts": [], "sums": []}
    merged = merge_cells(p.frame({**p.rows(1), **empty}, {**p.rows(2, day=1), **empty}))
    assert merged["n"][0] == 3 and merged["counts"].to_list() == [[]]
    assert merge_cells(p.frame()).equals(p.frame())


@pytest.mark.parametrize("other", [{"reference_id": "another"}, {"counts": [1, 2]}])
def test_cells_of_different_grids_do_not_merge(other):
    with pytest.raises(BinningError, match="'x' were counted on different grids"):
        merge_cells(p.frame(p.numeric([5.0], BINS), {**p.numeric([5.0], BINS, day=1), **other}))


def test_shorter_lists_are_filled_up_with_zeros():
    lists = pl.Series([[1, 2, 3], [], None, [4]], dtype=pl.List(pl.Int64))
    assert stacked(lists).tolist() == [[1, 2, 3], [0, 0, 0], [0, 0, 0], [4, 0, 0]]
    assert stacked(lists[1:3], 2).tolist() == [[0, 0], [0, 0]]
    with pytest.raises(BinningError, match="3 counts"):
        stacked(lists, 2)
