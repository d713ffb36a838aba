"""The job process: it ends in time, its workers end with it, and two of them share the work."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core.store import Store, sweeps
from jobs.logs import JsonLines
from tests.sweep.conftest import Model

ROOT = Path(__file__).resolve().parents[2]
ENDLESS = """
import time
import core.monitoring
core.monitoring.pending = lambda *a, **k: True
core.monitoring.sweep = lambda *a, **k: time.sleep(600)
"""
Runner = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def run() -> Iterator[Runner]:
    """Start `steward jobs`; what a test leaves running ends with it."""
    started: list[subprocess.Popen[str]] = []

    def start(store: Store, *path: Path) -> subprocess.Popen[str]:
        found = os.pathsep.join(map(str, (*path, ROOT)))
        command = [sys.executable, "-P", "-m", "jobs.cli", "jobs", "--workspace", str(store.root)]
        process = subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": found}, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def lines(process: subprocess.Popen[str]) -> Iterator[dict[str, object]]:
    """What a runner logs, as it comes."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("{"):  # what an interpreter says when it ends is no log
            yield json.loads(line)


def workers(process: subprocess.Popen[str], count: int) -> list[psutil.Process]:
    """The runner's descendants once it has so many."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = psutil.Process(process.pid).children(recursive=True)
        if len(found) >= count:
            return found
    raise AssertionError("the runner started no worker")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_runner_in_the_middle_of_a_sweep_ends_within_ten_seconds_and_leaves_no_worker(
    number, model: Model, run: Runner, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(ENDLESS)
    process = run(model.store, tmp_path)
    children = workers(process, 2)  # the pool's resource tracker and a worker
    process.send_signal(number)
    process.wait(timeout=10)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert process.returncode == (0 if number == signal.SIGTERM else -signal.SIGKILL)


def test_two_runners_sweep_each_model_once(sqlite_store: Store, make_model, run: Runner) -> None:
    names = [f"m{i:02}" for i in range(12)]
    for name in names:
        make_model(sqlite_store, name).days(*range(12))
    running = [run(sqlite_store), run(sqlite_store)]
    until = time.monotonic() + 120
    done: list[str] = []
    while len(done) < len(names) and time.monotonic() < until:
        with sqlite_store.read() as c:
            done = [each.model for each in sweeps.recent(c, limit=1000)]
        assert all(process.poll() is None for process in running)
    for process in running:
        process.terminate()
    told = [line for process in running for line in lines(process)]
    assert sorted(done) == names
    assert sorted(str(line["model"]) for line in told if str(line["message"]).startswith("swept")) == names
    assert [line for line in told if line["level"] not in ("INFO", "WARNING")] == []


def test_a_log_line_is_one_json_object_with_what_it_is_about() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.LogRecord(
            "steward.x", logging.ERROR, "x.py", 1, "sweep of %s", ("m",), sys.exc_info()
        )
    record.model = "m"
    said = json.loads(JsonLines().format(record))
    assert (said["level"], said["logger"], said["message"], said["model"]) == (
        "ERROR",
        "steward.x",
        "sweep of m",
        "m",
    )
    assert "ValueError: broken" in said["exception"]
