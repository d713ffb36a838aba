"""Judging and folding a year of hourly windows of one model with 50 monitors, as every sweep does."""

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from benchmarks.table import Table
from core.declaration import Declaration
from core.entities import METRICS
from core.fold import fold
from core.verdicts import judge, persistence

MONITORS, HOURS = 50, 365 * 24
START = datetime(2024, 1, 1, tzinfo=UTC)
REPEATS = 3
# Shares of breaching windows: a quiet year, a normal one, and one of constant trouble.
CASES = {"one in 1,000": 0.001, "one in 20": 0.05, "every other": 0.5}


def run() -> list[Table]:
    """Measure verdicts and fold for several shares of breaching windows."""
    lines = []
    for name, share in CASES.items():
        metrics, declaration = series(share), declared()
        best = [np.inf, np.inf, 0]
        for _ in range(REPEATS):
            begun = time.perf_counter()
            now = START + timedelta(hours=HOURS + 2)
            verdicts = judge(metrics, metrics.clear(), declaration, declaration.monitors, now=now)
            judged = time.perf_counter()
            needed = {each.name: persistence(each, declaration) for each in declaration.monitors}
            found = fold(verdicts, needed)
            folded = time.perf_counter()
            best = [
                min(best[0], judged - begun),
                min(best[1], folded - judged),
                sum(map(len, found.values())),
            ]
        lines.append([name, f"{best[2]:,}", f"{best[0]:.2f}", f"{best[1]:.2f}", f"{best[0] + best[1]:.2f}"])
    columns = ["breaching windows", "alerts", "verdicts s", "fold s", "both s"]
    title = f"Alerts: a year of hourly windows, {MONITORS} monitors, {MONITORS * HOURS:,} verdicts"
    return [Table(title, columns, lines, "held to: 1 s to fold")]


def declared() -> Declaration:
    """Return a model whose 50 numeric columns have a monitor each, two windows in a row."""
    names = [f"x{i}" for i in range(MONITORS)]
    monitors = [{"metric": "psi", "columns": [name], "above": 0.5, "for": "2 windows"} for name in names]
    return Declaration.model_validate(
        {
            "model": "bench",
            "owner": "bench@example.com",
            "task": "custom",
            "risk_tier": 4,
            "predictions": {"path": "logs", "timestamp": "at"},
            "features": {"numeric": names},
            "window": "1h",
            "monitors": monitors,
        }
    )


def series(share: float) -> pl.DataFrame:
    """Return the metric of every column and hour; this share of the values breaches."""
    rng = np.random.default_rng(1)
    start = pl.datetime_range(START, START + timedelta(hours=HOURS - 1), "1h", time_unit="us", eager=True)
    frames = []
    for i in range(MONITORS):
        values = np.where(rng.random(HOURS) < share, 0.9, 0.1)
        fixed = dict.fromkeys(("segment", "version", "variant", "group"), pl.lit(""))
        frame = pl.DataFrame({"window_start": start, "value": values}).with_columns(
            **fixed, metric=pl.lit("psi"), column=pl.lit(f"x{i}"), n=pl.lit(1000), reference_id=pl.lit("r"),
            window_end=pl.col("window_start") + timedelta(hours=1),
        )  # fmt: skip
        frames.append(frame)
    empty = pl.DataFrame(schema=METRICS)
    return pl.concat([empty, *frames], how="diagonal_relaxed").select(list(METRICS))
