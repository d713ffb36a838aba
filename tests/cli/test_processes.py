"""`steward up`: two processes that start together and end together."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from jobs.cli import main


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def up(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A running `steward up` on a free port, in a process group of its own as a terminal would have it."""
    assert main(["init", "--workspace", str(tmp_path)]) == 0
    port = free_port()
    command = [sys.executable, "-m", "jobs.cli", "up", "--workspace", str(tmp_path), "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "STEWARD_AUTH"}
    process = subprocess.Popen(command, start_new_session=True, env=environment, stderr=subprocess.DEVNULL)
    yield process, port
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_served(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
    raise AssertionError("the dashboard never answered")


@pytest.mark.parametrize("whom", ["group", "parent"])
def test_stopping_up_stops_dashboard_and_jobs(up, whom):
    process, port = up
    wait_until_served(process, port)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    if whom == "group":  # Ctrl-C in a terminal reaches every process
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=40) == 0
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_when_the_dashboard_cannot_start_up_ends_with_its_code(tmp_path):
    main(["init", "--workspace", str(tmp_path)])
    command = [sys.executable, "-m", "jobs.cli", "up", "--workspace", str(tmp_path), "--address", "0.0.0.0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert ended.returncode == 2
    assert "listens on loopback only, not on 0.0.0.0" in ended.stderr
