"""Many models, worker processes, and the job process itself."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from core.store import Store, due, heartbeats, status, sweeps
from jobs import sweep
from tests.sweep.conftest import FIRST, rows

NOW = FIRST + timedelta(days=15.5)


@pytest.fixture
def three(sqlite_store: Store, make_model):
    models = [make_model(sqlite_store, name) for name in ("a", "b", "c")]
    for model in models:
        model.days(*range(15))
    return models


def states(store: Store) -> dict[str, tuple[str, str | None]]:
    with store.read() as c:
        found = {model: status.get(c, model) for model in ("a", "b", "c")}
    return {model: (each.state, each.error) for model, each in found.items() if each}


def test_one_bad_model_never_stops_the_others(sqlite_store: Store, three) -> None:
    three[1].declare(features={"numeric": ["nonsense"]})
    swept = {each.model: each for each in sweep.run_once(sqlite_store.workspace, "abc", NOW)}
    assert swept["a"].error is None and swept["c"].error is None
    assert "nonsense" in str(swept["b"].error)
    found = states(sqlite_store)
    assert found["a"] == found["c"] == ("healthy", None)
    assert "nonsense" in str(found["b"][1])
    with sqlite_store.read() as c:
        failed = [run for run in sweeps.recent(c) if run.error]
    assert [run.model for run in failed] == ["b"] and failed[0].error_id in str(found["b"][1])


def test_inferred_features_that_make_too_many_cells_fail_their_model_only(sqlite_store: Store, three) -> None:
    wide = rows(5).with_columns(pl.lit(0.5).alias(f"x{i}") for i in range(400))
    three[1].write(wide, "005.parquet")
    three[1].declare(features=None, segments=["city"])
    swept = {each.model: each for each in sweep.run_once(sqlite_store.workspace, "abc", NOW)}
    assert swept["a"].error is None and swept["c"].error is None
    assert "features: 402 inferred and 1 segment make about 21," in str(swept["b"].error)
    assert "or the features that matter" in str(states(sqlite_store)["b"][1])


def test_an_error_goes_away_with_its_cause(sqlite_store: Store, three) -> None:
    three[1].declare(features={"numeric": ["nonsense"]})
    list(sweep.run_once(sqlite_store.workspace, ["b"], NOW))
    three[1].declare()
    list(sweep.run_once(sqlite_store.workspace, ["b"], NOW))
    assert states(sqlite_store)["b"] == ("healthy", None)


def _die(root: Path, slug: str, now: object) -> sweep.Swept:
    if slug == "b":
        os.kill(os.getpid(), signal.SIGKILL)
    return REAL(root, slug, now)


REAL = sweep.sweep_one


def test_a_killed_worker_costs_only_its_own_model(
    sqlite_store: Store, three, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "sweep_one", _die)
    swept = {each.model: each for each in sweep.run_once(sqlite_store.workspace, "abc", NOW)}
    assert swept["a"].error is None and swept["c"].error is None
    assert "worker process died" in str(swept["b"].error)
    assert states(sqlite_store)["a"] == ("healthy", None)


def test_the_job_process_sweeps_what_is_due_and_stops_when_told(sqlite_store: Store, three) -> None:
    (sqlite_store.root / "steward.yaml").write_text(f"clock: {{fixed: {NOW.isoformat()}}}\n")
    with sqlite_store.write() as c:
        for model in three:
            due.schedule(c, model.name, NOW)
    command = [sys.executable, "-m", "jobs.cli", "jobs", "--workspace", str(sqlite_store.root)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while (
            len(states(sqlite_store)) < 3 or not (sqlite_store.root / "registry" / "status.parquet").exists()
        ):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        with sqlite_store.read() as c:
            assert [beat.pid for beat in heartbeats.every(c)] == [process.pid]
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0 and "Traceback" not in log
    with sqlite_store.read() as c:
        assert all(each.claimed_by is None and each.due_at > NOW for each in due.every(c))
