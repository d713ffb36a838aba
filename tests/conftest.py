"""Fixtures of every room: a fresh workspace, and a migrated store on SQLite and on PostgreSQL."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.settings import Workspace, initialise
from core.store import Store


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Put back what AppTest leaves in its place: a worker spawned later would run a page as its main."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new workspace with its registry in SQLite, not yet migrated."""
    return initialise(tmp_path / "workspace")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A migrated store; a test that takes it runs on SQLite and on PostgreSQL."""
    workspace = initialise(tmp_path / "workspace")
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        (workspace.root / "steward.yaml").write_text(f"database_url: {url}\n")
        workspace = Workspace.open(workspace.root)
    store = Store(workspace)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def sqlite_store(workspace: Workspace) -> Iterator[Store]:
    """A migrated store on SQLite, for tests about something else than the database."""
    store = Store(workspace)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def postgresql_url(postgresql_server: Path) -> str:
    """The URL of an empty PostgreSQL database; each test process has one, emptied for each test."""
    with psycopg.connect(host=str(postgresql_server), user="steward", dbname="postgres") as c:
        c.execute("DROP SCHEMA public CASCADE")
        c.execute("CREATE SCHEMA public")
    return f"postgresql+psycopg://steward@/postgres?host={postgresql_server}"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Path]:
    """The socket folder of a throwaway PostgreSQL cluster, one per test process, without a network port."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL: no server under /usr/lib/postgresql, see .ci/run")
    bin_ = programs[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="steward-postgresql-"))
    user = []  # PostgreSQL refuses to run as root
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=50"

    def run(*command: str | Path) -> None:
        subprocess.run([*user, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=60)

    run(bin_ / "initdb", "-D", data, "-U", "steward", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    run(bin_ / "pg_ctl", "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
    try:
        yield folder
    finally:
        run(bin_ / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)
