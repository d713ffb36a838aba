"""The engine against the floor of reading every needed column once: 20 features, 30 days.

Each line is a process of its own, which times the floor and the work in turns and keeps the best of each; its
peak memory is the engine's, without the floor's. On a busy machine the ratio of processor seconds is the
steadier one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq

from benchmarks.table import Table
from core.declaration import Declaration
from core.engine import DuckDBEngine
from core.entities import Source

DAYS = 30
NUMERIC = [f"x{i}" for i in range(16)]
CATEGORIES = {"c0": 5, "c1": 12, "c2": 100, "c3": 5_000}
START = datetime(2024, 1, 1, tzinfo=UTC)
REFERENCE_ROWS = 100_000
# What is declared beyond score, label and timestamp; the first is what the others are compared with.
CASES: dict[str, dict[str, object]] = {
    "all traffic": {},
    "one segment column (5 values)": {"segments": ["c0"]},
    "two segment columns (5, 12)": {"segments": ["c0", "c1"]},
    "three segment columns (5, 12, 100)": {"segments": ["c0", "c1", "c2"]},
    "two protected attributes (5, 12)": {"protected": ["c0", "c1"]},
    "with prediction_id": {"prediction_id": True},
    "one new day of 30": {"days": 1},
}


def run(rows: int) -> list[Table]:
    """Measure every case on a log of so many rows."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "reference.parquet", REFERENCE_ROWS, seed=1)
        write(Path(folder) / "log.parquet", rows, seed=2)
        measured = {case: _in_a_process(case, Path(folder), rows) for case in CASES}
    first = measured[next(iter(CASES))]
    lines = [
        [
            case,
            f"{m['seconds']:.2f}",
            f"{m['floor']:.2f}",
            f"{m['seconds'] / m['floor']:.1f}",
            f"{m['cpu'] / m['floor_cpu']:.1f}",
            f"{m['cpu'] / first['cpu']:.2f}",
            f"{m['peak_mb']:.0f}",
        ]
        for case, m in measured.items()
    ]
    columns = ["case", "seconds", "floor", "× floor", "× floor (cpu)", "× all traffic (cpu)", "peak MB"]
    note = "held to: 6 × floor, +40 % for each further column, a day 1/8 (1 M) or 1/20 (10 M) of all, 600 MB"
    title = f"Engine: profile of {rows:,} rows × 20 features, {os.cpu_count()} cores"
    return [Table(title, columns, lines, note)]


def write(path: Path, rows: int, seed: int) -> None:
    """Write a log in time order, a day at a time."""
    rng = np.random.default_rng(seed)
    writer = None
    for day in range(DAYS):
        frame = _day(rng, day, rows // DAYS).to_arrow()
        writer = writer or pq.ParquetWriter(path, frame.schema)
        writer.write_table(frame, row_group_size=122_880)
    if writer:
        writer.close()


def _day(rng: np.random.Generator, day: int, rows: int) -> pl.DataFrame:
    seconds = np.sort(rng.uniform(0, 86_400, rows))
    at = (START + timedelta(days=day)).timestamp() + seconds
    score = rng.beta(2, 5, rows)
    columns: dict[str, object] = {"at": pl.Series((at * 1e6).astype(np.int64)).cast(pl.Datetime("us", "UTC"))}
    columns |= {
        name: rng.lognormal(size=rows) if i % 2 else rng.normal(size=rows) for i, name in enumerate(NUMERIC)
    }
    for name, size in CATEGORIES.items():
        columns[name] = np.array([f"{name}-{i}" for i in range(size)])[rng.integers(0, size, rows)]
    columns["score"] = score
    columns["label"] = (rng.random(rows) < score).astype(np.int64)
    columns["id"] = np.char.add(f"{day}-", np.arange(rows).astype(str))
    return pl.DataFrame(columns)


def declaration(extra: dict[str, object]) -> Declaration:
    """Return the declaration of the benchmark's log."""
    predictions = {"path": "logs", "timestamp": "at", "score": "score", "actual": "label"}
    if extra.get("prediction_id"):
        predictions["prediction_id"] = "id"
    declared = {key: value for key, value in extra.items() if key in ("segments", "protected")}
    features = {"numeric": NUMERIC, "categorical": list(CATEGORIES)}
    whole = {"model": "bench", "owner": "bench@example.com", "risk_tier": 4, "task": "binary_classification"}
    return Declaration.model_validate(whole | declared | {"predictions": predictions, "features": features})


def _in_a_process(case: str, folder: Path, rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.engine", case, str(folder), str(rows)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def _measure(case: str, folder: Path, rows: int) -> dict[str, float]:
    extra, log = CASES[case], str(folder / "log.parquet")
    declared = declaration(extra)
    reference, source = Source((str(folder / "reference.parquet"),)), Source((log,))
    with DuckDBEngine(threads=2) as engine:
        windows = list(engine.windows_of(reference, declared))
        grid = engine.build_grid(reference, declared, windows, reference_id="bench", frozen=True)
        counted = windows[-1:] if extra.get("days") else windows
        floor, work, peaks = [], [], [_peak_mb()]
        for _ in range(5 if rows <= 2_000_000 else 2):
            floor.append(_timed(lambda: _read_every_column_once(log)))
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
            work.append(_timed(lambda: engine.profile(source, declared, grid, counted)))
            peaks.append(_peak_mb())
    (seconds, cpu), (floor_seconds, floor_cpu) = (
        [min(side) for side in zip(*each, strict=True)] for each in (work, floor)
    )
    return {
        "seconds": seconds,
        "cpu": cpu,
        "floor": floor_seconds,
        "floor_cpu": floor_cpu,
        "peak_mb": max(peaks),
    }


def _peak_mb() -> float:
    """Return this process's own peak; ru_maxrss begins with that of the process that started it."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def _read_every_column_once(path: str) -> None:
    numbers = ", ".join(f"sum({name})" for name in [*NUMERIC, "score", "label"])
    texts = ", ".join(f"sum(strlen({name}))" for name in CATEGORIES)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(
            f'SELECT {numbers}, {texts}, max(epoch_us("at")) FROM read_parquet($path)', {"path": path}
        ).fetchall()


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    seconds, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - seconds, time.process_time() - cpu


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=CASES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", type=int)
    options = parser.parse_args()
    print(json.dumps(_measure(options.case, options.folder, options.rows)))
