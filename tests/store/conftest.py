"""What the store's tests are fed: declared models and a month of statistics."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import sqlalchemy as sa

from core.declaration import Declaration
from core.entities import CELLS, METRICS
from core.store import Store, models, processes

NOW = datetime(2013, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def declared() -> Callable[..., Declaration]:
    def declare(model: str = "delay-30", **changes) -> Declaration:
        predictions = {"path": f"predictions/{model}", "timestamp": "at", "prediction": "p", "actual": "y"}
        kept = {"owner": "ops@example.com", "team": "ops", "task": "regression", "risk_tier": 2}
        return Declaration.model_validate({"model": model, "predictions": predictions, **kept, **changes})

    return declare


@pytest.fixture
def ended_process() -> str:
    """The name of a process of this host that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    host, _, rest = processes.identity().split(":")
    return f"{host}:{process.pid}:{rest}"


@pytest.fixture
def registered(store: Store, declared) -> Store:
    """The store with the model delay-30."""
    with store.write() as c:
        models.put(c, declared(), text="model: delay-30\n", now=NOW)
    return store


@pytest.fixture
def metrics() -> Callable[..., pl.DataFrame]:
    """A frame of METRICS: `days` daily windows from `start` of some metrics, columns and segments."""

    def frame(
        start: datetime, days: int, metrics=("psi",), columns=("temp",), segments=("",), value: float = 0.1
    ) -> pl.DataFrame:
        windows = pl.DataFrame({"window_start": [start + timedelta(days=i) for i in range(days)]})
        crossed = windows
        for name, values in (("metric", metrics), ("column", columns), ("segment", segments)):
            crossed = crossed.join(pl.DataFrame({name: list(values)}), how="cross")
        given = crossed.with_columns(
            *(pl.lit("").alias(name) for name in ("version", "variant", "group")),
            window_end=pl.col("window_start") + timedelta(days=1),
            value=pl.lit(value),
            n=pl.lit(100),
            reference_id=pl.lit("r1"),
        )
        absent = [pl.lit(None).alias(name) for name in METRICS if name not in given.columns]
        return given.with_columns(*absent).select(pl.col(n).cast(t) for n, t in METRICS.items())

    return frame


@pytest.fixture
def cells() -> pl.DataFrame:
    """Two cells of one day: all rows, and a numeric column."""
    day = datetime(2013, 4, 1, 4, tzinfo=UTC)
    shared = {"window_start": day, "window_end": day + timedelta(days=1), "reference_id": "r1", "n": 3}
    shared |= dict.fromkeys(("segment", "version", "variant", "group"), "")
    shared |= dict.fromkeys(("missing", "nan", "positive_infinity", "negative_infinity", "uncastable"), 0)
    rows = [
        {
            **shared,
            "column": "temp",
            "kind": "numeric",
            "low": 1.5,
            "high": 9.0,
            "counts": [0, 2, 1],
            "sums": [0.1],
        },
        {**shared, "column": "", "kind": "rows", "low": None, "high": None, "counts": [0, 0, 3], "sums": []},
    ]
    return pl.DataFrame(rows, schema=CELLS)


@pytest.fixture
def tamper() -> Callable[..., None]:
    """Does what the triggers refuse, as someone with full access to the database could."""

    def run(store: Store, *statements: str) -> None:
        with store.write() as c:
            if store.file is not None:
                for name in ("audit_refuses_update", "audit_refuses_delete"):
                    c.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
            else:
                c.execute(sa.text("ALTER TABLE audit DISABLE TRIGGER audit_refuses_change"))
            for statement in statements:
                c.execute(sa.text(statement))

    return run
