"""Servers of the dashboard as their own processes, and workspaces with and without models."""

import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import identity
from core.settings import Workspace
from core.store import Store
from tests.identity.conftest import ADA, begin, user, with_session
from tests.pages import portfolio, watched

ROOT = Path(__file__).resolve().parents[2]
SERVE = """
import sys
import app
from core import identity
from core.settings import Workspace
app.serve(Workspace.open(sys.argv[1]), port=int(sys.argv[2]), address=sys.argv[3])
"""
Serve = Callable[..., int]
PROVIDER = """auth:
  mode: oidc
  oidc: {server_metadata_url: "http://127.0.0.1:9/none", client_id: steward, client_secret: none}
"""


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Give `__main__` back: AppTest leaves the page there, and a worker started later would run it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session")
def portfolio_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the portfolio; tests read it only."""
    workspace = portfolio.workspace(tmp_path_factory.mktemp("portfolio") / "workspace")
    store = Store(workspace)
    store.migrate()
    portfolio.build(store)
    store.close()
    return workspace


@pytest.fixture(scope="session")
def watched_workspace(portfolio_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The portfolio with monitors and alerts; tests read it only."""
    root = shutil.copytree(portfolio_workspace.root, tmp_path_factory.mktemp("watched") / "workspace")
    workspace = Workspace.open(root)
    store = Store(workspace)
    watched.watch(store)
    store.close()
    return workspace


@pytest.fixture
def empty_workspace(tmp_path: Path) -> Workspace:
    """A workspace without models."""
    workspace = portfolio.workspace(tmp_path / "workspace")
    store = Store(workspace)
    store.migrate()
    store.close()
    return workspace


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Start dashboards and return their ports; all end with the test run."""
    running = []

    def start(workspace: Workspace, *, mode: str = "single", address: str = "127.0.0.1") -> int:
        port = free_port(address)
        command = [sys.executable, "-c", SERVE, str(workspace.root), str(port), address]
        environment = os.environ | {"STEWARD_AUTH": mode, "PYTHONPATH": str(ROOT)}
        running.append(subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL))
        await_answer(running[-1], port)
        return port

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def peopled(portfolio_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The portfolio with an admin and two viewers."""
    root = shutil.copytree(portfolio_workspace.root, tmp_path_factory.mktemp("peopled") / "workspace")
    with (root / "steward.yaml").open("a") as settings:
        settings.write("\n" + PROVIDER)
    store = Store(Workspace.open(root))
    user(store, ADA, "admin")
    for name in ("vi", "leo"):
        user(store, f"{name}@example.com", "viewer", by=with_session(store, ADA))
    yield store
    store.close()


@pytest.fixture(scope="session")
def local(serve: Serve, peopled: Store) -> int:
    return serve(peopled.workspace, mode="local")


def come(store: Store, address: str = "vi@example.com") -> str:
    """The cookie of somebody who signed in just now."""
    secret, now = identity.new_secret(), datetime.now(UTC)
    begin(store, address, secret, at=now, until=now + identity.SESSION)
    return secret


@pytest.fixture(scope="session")
def open_port(serve: Serve, portfolio_workspace: Workspace) -> int:
    """The port of one dashboard without sign-in, for all tests that only ask it something."""
    return serve(portfolio_workspace)


def free_port(address: str = "127.0.0.1") -> int:
    """A port nothing listens on."""
    with socket.socket() as free:
        free.bind((address, 0))
        port: int = free.getsockname()[1]
    return port


def await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    """Return once the server answers on /healthz."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20):
                return
        except (urllib.error.URLError, ConnectionError):
            continue
    raise AssertionError(f"the dashboard ended with {process.returncode} before it answered")
