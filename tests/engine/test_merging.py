"""Counts add up: all files together are the sum of the files one by one."""

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.declaration import Declaration
from core.engine import DuckDBEngine
from core.entities import CELL_KEYS, Source

START = datetime(2024, 5, 1, tzinfo=UTC)
TALLIES = ("n", "missing", "nan", "positive_infinity", "negative_infinity", "uncastable")
ROW = st.tuples(
    st.integers(0, 3 * 86_400 - 1),
    st.one_of(
        st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.0, -0.0, 1.0, math.nan, math.inf, -math.inf])
    ),
    st.sampled_from(["a", "b", "ü", None]),
    st.one_of(st.none(), st.floats(-0.1, 1.1)),
    st.sampled_from(["0", "1", "x", None]),
)
FILES = st.lists(st.lists(ROW, min_size=1, max_size=30), min_size=2, max_size=4)


@pytest.fixture(scope="module")
def declaration():
    return Declaration.model_validate(
        {
            "model": "m", "owner": "o@example.com", "risk_tier": 3, "task": "binary_classification",
            "predictions": {"path": "p", "timestamp": "at", "score": "p", "actual": "y"},
            "features": {"numeric": ["x"], "categorical": ["c"]}, "segments": ["c"], "protected": ["c"],
        }
    )  # fmt: skip


def write(rows, path):
    at = pl.Series([START + timedelta(seconds=row[0]) for row in rows], dtype=pl.Datetime("us", "UTC"))
    names = {"x": pl.Float64, "c": pl.String, "p": pl.Float64, "y": pl.String}
    columns = {
        name: pl.Series([row[i + 1] for row in rows], dtype=type_)
        for i, (name, type_) in enumerate(names.items())
    }
    pl.DataFrame({"at": at} | columns).write_parquet(path)
    return str(path)


def merged(frames):
    """Add cells by key, with Python's own arithmetic."""
    found = {}
    for row in pl.concat(frames).iter_rows(named=True):
        key = tuple(row[name] for name in CELL_KEYS)
        if key not in found:
            found[key] = row
            continue
        old = found[key]
        found[key] = old | {name: old[name] + row[name] for name in TALLIES}
        found[key] |= {
            name: [a + b for a, b in zip(old[name], row[name], strict=True)] for name in ("counts", "sums")
        }
        for name, best in (("low", min), ("high", max)):
            found[key][name] = best((v for v in (old[name], row[name]) if v is not None), default=None)
    return found


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(files=FILES)
def test_the_profile_of_all_files_is_the_sum_of_each(files, declaration, tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    paths = [write(rows, folder / f"{i}.parquet") for i, rows in enumerate(files)]
    with DuckDBEngine(threads=1) as engine:
        whole = Source(tuple(paths))
        windows = list(engine.windows_of(whole, declaration))
        grid = engine.build_grid(whole, declaration, windows, reference_id="r", frozen=True)
        together = engine.profile(whole, declaration, grid, windows)
        parts = merged([engine.profile(Source((path,)), declaration, grid, windows) for path in paths])
    assert [tuple(row[name] for name in CELL_KEYS) for row in together.iter_rows(named=True)] == sorted(parts)
    for row in together.iter_rows(named=True):
        other = parts[tuple(row[name] for name in CELL_KEYS)]
        assert {name: row[name] for name in (*TALLIES, "counts", "low", "high")} == {
            name: other[name] for name in (*TALLIES, "counts", "low", "high")
        }
        assert row["sums"] == pytest.approx(other["sums"], rel=1e-6, abs=1e-6, nan_ok=True)
