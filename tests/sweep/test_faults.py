"""A full disk, a locked registry, a clock set back: told clearly, and nothing is lost."""

import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from core.errors import StoreError
from core.store import Store, alerts, audit, statistics
from tests.sweep.conftest import FIRST, Model, rows

LIMITED = """
import resource, signal, sys
from core.errors import StoreError
from core.monitoring import sweep
from core.settings import Workspace
from core.store import Store
from datetime import datetime
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(Workspace.open(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    sweep(store, "loans", now=datetime.fromisoformat(sys.argv[2]), holder="here:1:test")
except StoreError as error:
    print(error)
"""


def state(model: Model) -> tuple[object, ...]:
    with model.store.read() as c:
        told = [alert.episode for alert in alerts.of_model(c, model.name)]
        chain = audit.verify(c).state
    found = statistics.read(model.store, model.name, "metrics").drop("reference_id")
    return told, chain, found.select("metric", "column", "window_start", "n").rows()


@pytest.mark.parametrize("limit", [2_000, 40_000])
def test_a_full_disk_is_told_and_the_next_sweep_does_the_work(model: Model, limit: int) -> None:
    model.declare(monitors=[{"metric": "volume", "below": 300}])
    now = FIRST + timedelta(days=15.5)
    command = [sys.executable, "-c", LIMITED, str(model.store.root), now.isoformat(), str(limit)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "free or add disk space" in told or "check the disk" in told
    assert statistics.months(model.store, model.name, "metrics") == {}
    assert not list(Path(model.store.root).rglob("*.tmp"))
    assert model.sweep(15.5).windows == 15
    assert state(model)[1] == "intact"
    assert len(state(model)[0]) == 1


def test_a_locked_registry_is_told_and_the_next_sweep_does_the_work(model: Model) -> None:
    hurried = Model(Store(model.store.workspace, timeout_s=0.1), model.name, model.folder)
    assert model.store.file is not None
    with sqlite3.connect(model.store.file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked; another program holds it open for writing"):
            hurried.sweep(15.5)
        other.execute("ROLLBACK")
    assert hurried.sweep(15.5).windows == 15
    hurried.store.close()


def test_a_clock_set_back_takes_nothing_back(model: Model) -> None:
    model.declare(monitors=[{"metric": "volume", "below": 300}])
    model.sweep(15.5)
    before = state(model)
    assert len(before[0]) == 1 and before[0][0].last_window == FIRST + timedelta(days=14)
    model.write(rows(14, hour=12).with_columns(id="late-" + pl.col("id")).head(50), "late.parquet")
    model.sweep(14.9)
    assert [alert.last_window for alert in state(model)[0]][-1] == FIRST + timedelta(days=14)
    assert model.status().updated_at == FIRST + timedelta(days=15.5)
