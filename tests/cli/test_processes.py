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
from jobs.cli_processes import run_together


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


def test_ctrl_c_stops_dashboard_and_jobs(up):
    process, port = up
    wait_until_served(process, port)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    os.killpg(process.pid, signal.SIGINT)  # in a terminal it reaches every process
    assert process.wait(timeout=40) == 0
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_stopping_the_parent_alone_stops_what_it_started(tmp_path):
    assert main(["init", "--workspace", str(tmp_path)]) == 0
    together = [["jobs", "--workspace", str(tmp_path)]] * 2
    code = f"import sys; from jobs.cli_processes import run_together; sys.exit(run_together({together}))"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "sweeps" in line:  # a runner is up
                break
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        process.terminate()
        process.communicate(timeout=40)
    assert process.returncode == 0
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_when_one_cannot_start_the_other_is_stopped_and_its_code_returned(tmp_path, capfd):
    assert main(["init", "--workspace", str(tmp_path)]) == 0
    ui = ["ui", "--workspace", str(tmp_path / "none")]
    assert run_together([ui, ["jobs", "--workspace", str(tmp_path)]]) == 2
    assert "is no workspace" in capfd.readouterr().err


def test_the_dashboard_refuses_an_address_that_needs_a_sign_in(tmp_path, capsys):
    assert main(["init", "--workspace", str(tmp_path)]) == 0
    assert main(["ui", "--workspace", str(tmp_path), "--address", "0.0.0.0"]) == 2
    assert "listens on loopback only, not on 0.0.0.0" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["ui", "up"])
def test_a_port_in_use_is_said_before_anything_starts(command, tmp_path, capsys):
    assert main(["init", "--workspace", str(tmp_path)]) == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main([command, "--workspace", str(tmp_path), "--port", port]) == 2
    told = capsys.readouterr()
    assert f"port {port} of 127.0.0.1 is in use" in told.err
    assert "Dashboard:" not in told.out


def test_a_port_beyond_all_ports_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["ui", "--port", "80808"])
    assert stopped.value.code == 2
    assert "'80808' is no port; expected 1 to 65535" in capsys.readouterr().err
