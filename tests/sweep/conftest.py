"""A small binary model whose prediction log the tests write day by day."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from core import monitoring
from core.actions.models import apply
from core.entities import Actor, ModelStatus
from core.monitoring import SweepResult
from core.settings import Workspace
from core.store import Store, statistics, status

ACTOR = Actor("tester@example.com", "test")
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
COLUMNS = {
    "timestamp": "at",
    "prediction_id": "id",
    "version": "version",
    "score": "score",
    "prediction": "predicted",
}
MONITOR = {"metric": "missing_share", "columns": ["amount"], "above": {"warning": 0.1, "critical": 0.5}}
CHANNELS = "channels:\n  ops: json://127.0.0.1:9/\n  team: json://127.0.0.1:9/team\n"


def rows(
    day: int, n: int = 200, *, shift: float = 0.0, actual: bool = True, hour: float = 0.0
) -> pl.DataFrame:
    """One day's predictions: reproducible, with ids that name the day."""
    rng = np.random.default_rng(day)
    score = rng.beta(2, 3, n)
    start = FIRST + timedelta(days=day, hours=hour)
    frame = pl.DataFrame(
        {
            "id": [f"{day}-{i}" for i in range(n)],
            "at": [start + timedelta(seconds=60 * i) for i in range(n)],
            "version": "v1",
            "score": score,
            "predicted": (score >= 0.5).astype(int),
            "amount": rng.normal(shift, 1, n),
            "city": rng.choice(["Kyiv", "Köln", "Oslo"], n),
        }
    )
    return frame.with_columns(actual=pl.Series(rng.random(n) < score).cast(pl.Int64)) if actual else frame


@dataclass
class Model:
    """A registered model in a workspace, and the folder its log goes to."""

    store: Store
    name: str
    folder: Path

    def declare(self, **changes: Any) -> None:
        """Write and apply the declaration, with top-level keys changed."""
        declaration = {
            "model": self.name,
            "owner": "owner@example.com",
            "task": "binary_classification",
            "risk_tier": 3,
            "predictions": {"path": f"predictions/{self.name}", **COLUMNS, "actual": "actual"},
            "features": {"numeric": ["amount"], "categorical": ["city"]},
            "reference": {"period": ["2024-01-01", "2024-01-11"]},
        } | changes
        file = self.store.root / "models" / f"{self.name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            yaml.safe_dump({key: value for key, value in declaration.items() if value is not None})
        )
        apply(self.store, [file], ACTOR)

    def write(
        self, frame: pl.DataFrame, name: str, *, folder: str | None = None, mtime: int | None = None
    ) -> Path:
        """Put a Parquet file into the log (or another folder of the workspace)."""
        path = (self.store.root / folder if folder else self.folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
        if mtime is not None:
            os.utime(path, ns=(mtime, mtime))
        return path

    def days(self, *days: int, **options: Any) -> None:
        """Write one file a day."""
        for day in days:
            self.write(rows(day, **options), f"{day:03}.parquet")

    def sweep(self, day: float) -> SweepResult:
        """Sweep as of so many days after the first."""
        return monitoring.sweep(self.store, self.name, now=FIRST + timedelta(days=day), holder="here:1:test")

    def status(self) -> ModelStatus:
        """Return the stored status."""
        with self.store.read() as c:
            found = status.get(c, self.name)
        assert found is not None
        return found

    def values(self, metric: str, column: str = "", **filters: str) -> dict[int, float | None]:
        """Return a metric's stored values by day."""
        sliced = {"segment": "", "version": "", "variant": "", "group": ""} | filters
        found = statistics.read(
            self.store, self.name, "metrics", metrics=[metric], columns=[column], **sliced
        )
        return {
            (start - FIRST).days: value for start, value in found.select("window_start", "value").iter_rows()
        }


@pytest.fixture
def make_model() -> Callable[[Store, str], Model]:
    """Declare a model in a store."""

    def make(store: Store, name: str = "loans") -> Model:
        model = Model(store, name, store.root / "predictions" / name)
        model.folder.mkdir(parents=True)
        model.declare()
        return model

    return make


@pytest.fixture
def model(sqlite_store: Store, make_model: Callable[[Store], Model]) -> Model:
    """A registered model with ten reference days and five more in its log, not swept yet."""
    model = make_model(sqlite_store)
    model.days(*range(15))
    return model


@pytest.fixture
def make_watched(make_model: Callable[[Store], Model]) -> Callable[..., Model]:
    """A model whose missing amounts are watched, on a workspace with two channels."""

    def make(store: Store, monitors: tuple[dict, ...] = (MONITOR,), **changes) -> Model:
        file = store.root / "steward.yaml"
        file.write_text(file.read_text().replace("# channels:", "#") + CHANNELS)
        store.workspace = Workspace.open(store.root)
        model = make_model(store)
        model.declare(monitors=list(monitors), notify=["ops"], **changes)
        return model

    return make
