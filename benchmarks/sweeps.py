"""Sweeps over a portfolio of many models: the first one, one with nothing new, one with one new file."""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from benchmarks.table import Table
from core.actions import models as model_actions
from core.entities import Actor
from core.settings import Workspace, initialise
from core.store import Store
from jobs.sweep import run_once

DAYS, ROWS_A_DAY = 30, 100
START = datetime(2024, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=DAYS, hours=2)


def run(models: int) -> list[Table]:
    """Measure a portfolio of so many models, each with a month of daily files in one log file."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = initialise(folder)
        slugs = [f"model-{number:04}" for number in range(models)]
        store = Store(workspace)
        store.migrate()
        _declare(store, slugs)
        lines = [
            ["first sweep, all new", *_timed(workspace, slugs)],
            ["nothing new", *_timed(workspace, slugs)],
            [
                "one model with one new day",
                *_timed(workspace, slugs, before=lambda: _new_day(workspace, slugs[0])),
            ],
        ]
        store.close()
    columns = ["sweep over all models", "seconds", "ms a model", "models that did something"]
    return [
        Table(f"Sweeps: {models:,} models", columns, lines, "held to: 3 s over 1,000 models with nothing new")
    ]


def _declare(store: Store, slugs: list[str]) -> None:
    log = pl.concat(_day(day) for day in range(DAYS))
    files = []
    for slug in slugs:
        folder = store.root / "predictions" / slug
        folder.mkdir(parents=True)
        log.write_parquet(folder / "january.parquet")
        declaration = {
            "model": slug,
            "owner": "bench@example.com",
            "task": "binary_classification",
            "risk_tier": 4,
            "predictions": {
                "path": f"predictions/{slug}",
                "timestamp": "at",
                "score": "score",
                "actual": "label",
            },
            "features": {"numeric": ["x", "y"], "categorical": ["c"]},
            "reference": {"period": ["2024-01-01", "2024-01-15"]},
        }
        files.append(store.root / "models" / f"{slug}.yaml")
        files[-1].write_text(yaml.safe_dump(declaration))
    model_actions.apply(store, files, Actor("bench@example.com", "benchmark"))


def _day(day: int) -> pl.DataFrame:
    rng = np.random.default_rng(day)
    score = rng.random(ROWS_A_DAY)
    return pl.DataFrame(
        {
            "at": [START + timedelta(days=day, minutes=minute) for minute in range(ROWS_A_DAY)],
            "score": score,
            "label": (rng.random(ROWS_A_DAY) < score).astype(int),
            "x": rng.normal(size=ROWS_A_DAY),
            "y": rng.lognormal(size=ROWS_A_DAY),
            "c": rng.choice(["a", "b", "c"], ROWS_A_DAY),
        }
    )


def _new_day(workspace: Workspace, slug: str) -> None:
    _day(DAYS - 1).write_parquet(Path(workspace.root) / "predictions" / slug / "again.parquet")


def _timed(workspace: Workspace, slugs: list[str], before: Callable[[], None] | None = None) -> list[str]:
    if before:
        before()
    begun = time.perf_counter()
    swept = list(run_once(workspace, slugs, NOW))
    seconds = time.perf_counter() - begun
    failed = [each.error for each in swept if each.error]
    if failed:
        raise SystemExit(f"{len(failed)} sweeps failed, the first: {failed[0]}")
    busy = sum(1 for each in swept if each.result.windows)
    return [f"{seconds:.2f}", f"{seconds / len(slugs) * 1000:.1f}", str(busy)]
