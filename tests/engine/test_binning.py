"""The table of cells gives the bins a search gives, whatever the numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.engine.binning import bins_of, lookup

FLOATS = st.floats(allow_nan=True, allow_infinity=True)
EDGES = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=40, unique=True).map(
    sorted
)


def searched(values, edges):
    found = np.searchsorted(edges, values, side="left")
    return np.where(np.isfinite(values), found, len(edges) + 1)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(edges=EDGES, values=st.lists(FLOATS, max_size=60))
def test_bins_of_any_floats_equal_a_search(edges, values):
    edges = [edge + 0.0 for edge in edges]  # 0.0 and -0.0 are one edge
    if len(set(edges)) == len(edges):
        with np.errstate(over="ignore"):
            near = np.concatenate([np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
        every = np.concatenate([values, edges, near, [-0.0, 0.0]])
        assert bins_of(every, lookup(edges)).tolist() == searched(every, edges).tolist()


@pytest.mark.parametrize(
    "shape", ["normal", "far from zero", "skewed", "two clusters", "huge", "whole numbers"]
)
def test_bins_of_ordinary_columns_equal_a_search(shape):
    rng = np.random.default_rng(1)
    values = {
        "normal": rng.normal(size=20_000),
        "far from zero": rng.normal(1e6, 1, 20_000),
        "skewed": rng.lognormal(0, 3, 20_000),
        "two clusters": np.concatenate([rng.normal(-1e5, 1, 10_000), rng.normal(1e5, 1, 10_000)]),
        "huge": rng.normal(0, 1e308, 20_000),
        "whole numbers": rng.integers(-5, 50, 20_000).astype(float),
    }[shape]
    values = values[np.isfinite(values)]
    edges = np.unique(np.quantile(values, np.linspace(0, 1, 101)))
    assert (bins_of(values, lookup(edges)) == searched(values, edges)).all()
