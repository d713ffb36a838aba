"""From counts to metrics: what deriving every metric of a window costs, 20 features."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl

from benchmarks.engine import declaration, write
from benchmarks.table import Table
from core.engine import DuckDBEngine
from core.entities import Source
from core.measures import measure, merge_cells

ROWS = 30_000
REPEATS = 20
CASES: dict[str, dict[str, object]] = {
    "drift, quality, performance": {},
    "with two protected attributes": {"protected": ["c0", "c1"]},
}


def run() -> list[Table]:
    """Measure one window and thirty windows at once."""
    lines = []
    with tempfile.TemporaryDirectory() as folder, DuckDBEngine(threads=2) as engine:
        path = Path(folder) / "log.parquet"
        write(path, ROWS, seed=1)
        source = Source((str(path),))
        for name, extra in CASES.items():
            declared = declaration(extra)
            windows = list(engine.windows_of(source, declared))
            grid = engine.build_grid(source, declared, windows, reference_id="bench", frozen=True)
            cells = engine.profile(source, declared, grid, windows)
            normal = merge_cells(cells)
            day = cells.filter(pl.col("window_start") == windows[0].start)
            one, thirty = (
                _milliseconds(partial(measure, each, normal, grid, declared)) for each in (day, cells)
            )
            lines.append([name, f"{one:.1f}", f"{thirty / len(windows):.1f}", str(day.height)])
    columns = ["a model's metrics", "ms, one window", "ms a window, thirty at once", "cells a window"]
    return [Table("Measures: 20 features", columns, lines, "held to: 10 ms a window, 20 ms with everything")]


def _milliseconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        begun = time.perf_counter()  # processor time would count polars threads that only wait
        work()
        best = min(best, time.perf_counter() - begun)
    return best * 1000
