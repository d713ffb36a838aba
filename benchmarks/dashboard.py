"""The overview of many models: processor time of its script, and what it sends to the browser.

The wall time of a run is measured with whatever else the machine does; processor seconds of the thread that
runs the page's script are steadier, and the best of several runs is what the page itself costs.
"""

import os
import statistics as numbers
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from app import streamlit_options
from benchmarks.table import Table
from core import views
from core.declaration import Declaration
from core.entities import ModelStatus
from core.settings import Workspace, initialise
from core.store import Store, models, status

MODELS = (100, 1_000)
RUNS = 15
SHELL = Path(__file__).resolve().parents[1] / "pages" / "_shell.py"
NOW = datetime(2024, 1, 1, tzinfo=UTC)


def run(rows: int) -> list[Table]:
    """Measure the overview at several sizes; `rows` of a prediction log make no difference to it."""
    lines = []
    for count in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            workspace = portfolio(Path(folder) / "workspace", count)
            lines.append([f"{count:,}", *measured(workspace)])
    columns = ["models", "script ms (cpu)", "median", "data read ms (cpu)", "payload kB"]
    note = "held to at 1,000 models: script 30 ms, payload 400 kB; it reads once per change of the store"

    return [Table("Dashboard: health overview, best of several runs", columns, lines, note)]


def portfolio(path: Path, count: int) -> Workspace:
    """Return a workspace with so many models of different names, reasons and numbers."""
    initialise(path)
    workspace = Workspace.open(path)
    store = Store(workspace)
    store.migrate()
    add_models(store, count)
    store.close()
    return workspace


def add_models(store: Store, count: int) -> None:
    """Register so many models and give each a status."""
    kind = _declaration()
    with store.write() as c:
        for i in range(count):
            own = {
                "model": f"model-{i:04}-of-a-large-company",
                "team": f"team-{i % 20}",
                "risk_tier": 1 + i % 4,
            }
            declaration = kind.model_copy(update=own)
            models.put(c, declaration, text=declaration.model, now=NOW)
            status.put(c, _status(declaration.model, i))


def measured(workspace: Workspace) -> list[str]:
    """Return script time, its median, the read's time and the payload as text."""
    os.environ["STEWARD_WORKSPACE"] = str(workspace.root)
    for name in ("runner.magicEnabled", "browser.gatherUsageStats"):  # as the server runs the script
        config.set_option(name, streamlit_options(8501, "127.0.0.1")[name])
    st.cache_resource.clear()
    store = Store(workspace)
    reads = [_cpu(lambda: views.overview(store)) for _ in range(RUNS)]
    store.close()
    at = AppTest.from_file(str(SHELL), default_timeout=60).run()
    if at.exception:
        raise RuntimeError(f"the overview failed: {at.exception[0].message}")
    scripts = [_cpu(at.run) for _ in range(RUNS)]
    payload = sum(len(table.proto.SerializeToString()) for table in at.dataframe)
    return [
        f"{min(scripts):.0f}",
        f"{numbers.median(scripts):.0f}",
        f"{min(reads):.1f}",
        f"{payload / 1000:.0f}",
    ]


def _cpu(work: Any) -> float:
    # AppTest runs the script in a thread of its own: the process's time is the sum of both.
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def _declaration() -> Declaration:
    return Declaration.model_validate(
        {
            "model": "model",
            "owner": "customer-comms@example.com",
            "team": "team",
            "task": "binary_classification",
            "risk_tier": 1,
            "predictions": {"path": "predictions/*.parquet", "timestamp": "at", "score": "probability"},
        }
    )


def _status(slug: str, i: int) -> ModelStatus:
    course = tuple(0.5 + ((i * 7 + j * 13) % 100) / 333 for j in range(14))
    return ModelStatus(
        slug,
        ("critical", "warning", "healthy")[i % 3],
        NOW,
        (f"ROC AUC below {0.6 + i / 5000:.3f} for {i} hours", "drift in three columns"),
        rows=i * 1001,
        headline="roc_auc",
        headline_value=course[-1],
        headline_reference=course[0],
        sparkline=course,
        drift_column=f"feature_{i % 37}",
        drift_value=course[3],
        missing_value=course[5] / 10,
        missing_column="wind",
        fairness_attribute="sex",
        fairness_value=0.1,
        updated_at=NOW,
    )
