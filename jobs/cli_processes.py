"""The commands that keep running: `jobs`, `ui`, `up` (both as child processes) and `demo`."""

import errno
import signal
import socket
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from core.errors import InputError
from core.settings import Workspace
from core.store import Store
from jobs.terminal import progress

STOP_TIMEOUT_S = 15.0


def jobs(arguments: Namespace) -> int:
    """Sweep models when they are due, until stopped."""
    from jobs import scheduler

    scheduler.main(Workspace.open(arguments.workspace))
    return 0


def ui(arguments: Namespace) -> int:
    """Serve the dashboard, until stopped."""
    workspace = Workspace.open(arguments.workspace)
    _require_free(arguments.address, arguments.port)
    import app  # Streamlit takes a second to import

    app.serve(workspace, arguments.port, arguments.address)
    return 0


def up(arguments: Namespace) -> int:
    """Run dashboard and jobs as child processes; when one ends, the other is stopped."""
    workspace = Workspace.open(arguments.workspace)
    _require_free(arguments.address, arguments.port)
    store = Store(workspace)
    store.migrate()
    store.close()
    root = ["--workspace", str(workspace.root)]
    serving = ["ui", *root, "--port", str(arguments.port), "--address", arguments.address]
    print(
        f"Dashboard: http://{arguments.address}:{arguments.port} (Ctrl-C stops it and the jobs)", flush=True
    )
    return run_together([serving, ["jobs", *root]])


def demo(arguments: Namespace) -> int:
    """Build the demo workspace from real data, sweep it and serve it."""
    from core import demo as portfolio
    from core.actions.models import apply
    from core.demo import governance
    from core.store import snapshots
    from jobs import housekeeping
    from jobs.acting import acting
    from jobs.cli_sweeps import sweep_and_print

    root = Path(arguments.workspace)
    portfolio.build(root, progress=lambda models: progress(models, what="models"))
    workspace = Workspace.open(root)
    store = Store(workspace)
    store.migrate()
    changes = apply(store, [], acting(store))
    slugs = [change.model for change in changes if change.kind == "model"]
    swept = sweep_and_print(workspace, slugs, workspace.now())
    governance.govern(workspace, slugs)
    housekeeping.govern(store)
    housekeeping.anchor(store)
    snapshots.publish(store)
    store.close()
    return swept if arguments.build_only else up(arguments)


def run_together(commands: Sequence[Sequence[str]]) -> int:
    """Run commands side by side until one ends or a person stops them; return the worst exit code."""
    # -P: a folder `jobs` where the command was typed must not take the place of ours.
    steward = [sys.executable, "-P", "-m", "jobs.cli"]
    previous = signal.signal(signal.SIGTERM, _interrupt)
    children = [subprocess.Popen([*steward, *command]) for command in commands]
    try:
        while all(child.poll() is None for child in children):
            _wait(children[0], 0.5)
    except KeyboardInterrupt:
        pass
    finally:
        _stop(children)
        signal.signal(signal.SIGTERM, previous)
    return max((code for child in children if (code := child.returncode) and code > 0), default=0)


def _require_free(address: str, port: int) -> None:
    """Refuse a port on which something listens already, before anything is started."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server that ended may linger
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise InputError(
                    f"port {port} of {address} is in use, perhaps by another dashboard; "
                    f"stop that one, or say another: --port {port % 65535 + 1}"
                ) from None
            raise InputError(
                f"cannot listen on {address}, port {port} ({error.strerror or error}); "
                "say an address of this machine and a port above 1023"
            ) from None


def _stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        if not _wait(child, STOP_TIMEOUT_S):
            child.kill()
            child.wait()


def _wait(child: subprocess.Popen[bytes], timeout_s: float) -> bool:
    try:
        child.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
