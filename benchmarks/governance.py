"""The registry at size: checking the audit log, and what its pages read with many models and versions."""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.table import Table
from core import views
from core.declaration import Declaration
from core.entities import Actor
from core.governed import ModelVersion
from core.records import Version
from core.settings import initialise
from core.store import Store, audit, models, versions

ENTRIES, VERSIONS, REPEATS = 30_000, 10, 5
ADA = Actor("ada@example.com", "ui")
TS = datetime(2026, 1, 2, tzinfo=UTC)


def run(count: int) -> list[Table]:
    """Measure both, in workspaces that are made for it and removed."""
    with tempfile.TemporaryDirectory() as folder:
        return [_audit(Path(folder)), _pages(Path(folder), count)]


def _audit(folder: Path) -> Table:
    store = _store(folder / "audit")
    with store.write() as c:
        for i in range(ENTRIES):
            audit.append(
                *(c, ADA, "promotion.approved", f"promotion:{i}"),
                before={"state": "awaiting_approval", "round": 1},
                after={"state": "approved", "name": "delay-30", "round": 1},
                reason="read, and rerun on the frozen rows",
                ts=TS,
            )
    with store.read() as c:
        read = _best(lambda: sum(1 for _ in c.exec_driver_sql("SELECT * FROM audit ORDER BY seq")))
        checked = _best(lambda: audit.verify(c))
    store.close()
    lines = [[f"{ENTRIES / read:,.0f}", f"{ENTRIES / checked:,.0f}", f"{checked / read:.1f}"]]
    title = f"Audit log: {ENTRIES:,} entries, best of {REPEATS}, processor time"
    columns = ["read alone, entries/s", "checked, entries/s", "times the reading"]
    return Table(title, columns, lines, "held to: 100,000 entries/s checked")


def _pages(folder: Path, count: int) -> Table:
    store = _store(folder / "registry")
    with store.write() as c:
        for m in range(count):
            declared = _declared(f"model-{m:04}")
            models.put(c, declared, text="", now=TS)
            for n in range(1, VERSIONS + 1):
                record = Version(name=f"{n}.0", format="onnx", parameters={"max_iter": n})
                state = "deployed" if n == VERSIONS else "superseded"
                made = (declared.model, n, f"{n}.0", state, f"{m:032}{n:032}", record, TS, ADA.id)
                versions.add(c, ModelVersion(*made))
        for i in range(2000):
            audit.append(c, ADA, "version.registered", f"version:model-{i:04}/1", ts=TS)
    asked: dict[str, Callable[[], Any]] = {
        "Models": lambda: views.inventory(store),
        "tab Versions": lambda: views.versions_page(store, "model-0500"),
        "Compare versions": lambda: views.compare_versions(store, "model-0500", 9, 10),
        "Approvals": lambda: views.approvals(store),
        "Model cards": lambda: views.cards(store),
        "Model card": lambda: views.card_page(store, "model-0500", None),
        "Audit log": lambda: views.audit_page(store),
    }
    lines = [[name, f"{1000 * _best(view):.1f}"] for name, view in asked.items()]
    store.close()
    title = f"What registry pages read: {count:,} models, {count * VERSIONS:,} versions, best of {REPEATS}"
    return Table(title, ["page", "processor ms"], lines, "held to: 30 ms for a page's whole script")


def _store(root: Path) -> Store:
    store = Store(initialise(root))
    store.migrate()
    return store


def _best(measured: Callable[[], Any]) -> float:
    """Return the seconds of processor time of the quickest run."""
    taken = []
    for _ in range(REPEATS):
        begun = time.process_time()
        measured()
        taken.append(time.process_time() - begun)
    return min(taken)


def _declared(model: str) -> Declaration:
    return Declaration.model_validate(
        {
            "model": model,
            "owner": "bench@example.com",
            "task": "regression",
            "risk_tier": 3,
            "predictions": {"path": f"predictions/{model}", "timestamp": "at", "prediction": "p"},
        }
    )
