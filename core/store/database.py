"""The store of one workspace: read and write transactions on its registry database."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import duckdb
import filelock
import sqlalchemy as sa
from sqlalchemy import exc

from core.errors import SchemaError, StoreError
from core.settings import Workspace
from core.store import migration
from core.store.engines import postgresql_engine, sqlite_engine
from core.store.parquet import connect
from core.store.schema import revision

TIMEOUT_S = 30.0


class Store:
    """All that Steward keeps of one workspace: the registry database and the statistics files.

    Parameters
    ----------
    workspace : whose `root` holds the files and whose `database_url` names the database
    timeout_s : how long a transaction waits for another one before it gives up with StoreError
    """

    def __init__(self, workspace: Workspace, *, timeout_s: float = TIMEOUT_S) -> None:
        self.workspace = workspace
        self.root = workspace.root
        url = sa.make_url(workspace.database_url)
        self.file = _sqlite_file(workspace, url)  # None on PostgreSQL
        self.name = str(self.file or url.render_as_string(hide_password=True))
        self._writers: AbstractContextManager[object] = nullcontext()
        if self.file is not None:
            self._writers = filelock.FileLock(f"{self.file}.lock", timeout=timeout_s, poll_interval=0.002)
            open_engine = partial(sqlite_engine, self.file, timeout_s=timeout_s)
        elif url.get_backend_name() == "postgresql":
            driver = url.set(drivername="postgresql+psycopg")
            open_engine = partial(postgresql_engine, driver, timeout_s=timeout_s)
        else:
            raise StoreError(
                f"database_url names {url.drivername}; expected sqlite:///… or postgresql+psycopg://…"
            )
        self._readable, self._writable = open_engine(write=False), open_engine(write=True)
        self._parquet: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a read transaction: all its queries see the same moment, and it can write nothing.

        Raises
        ------
        StoreError
            If the database cannot be reached.
        """
        with self._explained(), self._readable.begin() as c:
            yield c

    @contextmanager
    def write(self, *, shown: bool = True) -> Iterator[sa.Connection]:
        """Open a write transaction, the only one at this moment; an exception undoes all of it.

        Parameters
        ----------
        shown : whether pages could show the change; False (leases, heartbeats, claims) keeps their caches

        Raises
        ------
        StoreError
            If the database cannot be reached or stays locked longer than the store's timeout.
        """
        with self._explained(), self._writers, self._writable.begin() as c:
            yield c
            if shown:
                c.execute(sa.update(revision).values(value=revision.c.value + 1))

    def revision(self) -> int:
        """Return a counter that grows with every commit pages could show: their cache key."""
        with self.read() as c:
            return revision_seen(c)

    def migrate(self) -> None:
        """Create the database or bring it to this version's schema, after copying a SQLite file.

        Raises
        ------
        SchemaError
            If a newer version of Steward made it.
        """
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.touch()
        with self._explained(), self._writers:
            with self._readable.begin() as c:
                present = migration.present(c)
            self._refuse_newer(present)
            if present == migration.newest():
                return
            self._back_up()
            with self._writable.begin() as c:
                migration.upgrade(c)

    def require_current(self) -> None:
        """Raise SchemaError, naming the command to run, unless the database has this version's schema."""
        with self.read() as c:
            present = migration.present(c)
        self._refuse_newer(present)
        if present != migration.newest():
            state = f"has the schema {present}" if present else "is empty"
            raise SchemaError(
                f"the registry {self.name} {state}, this version works with {migration.newest()}; "
                f"run: steward init --workspace {self.root}"
            )

    def parquet(self) -> duckdb.DuckDBPyConnection:
        """Return a cursor that reads the workspace's Parquet files; close it after use."""
        if self._parquet is None:
            self._parquet = connect(self.root)
        return self._parquet.cursor()

    def close(self) -> None:
        """Close every connection."""
        self._readable.dispose()
        self._writable.dispose()
        if self._parquet is not None:
            self._parquet.close()
            self._parquet = None

    def _refuse_newer(self, present: str | None) -> None:
        if present and not migration.known(present):
            raise SchemaError(
                f"the registry {self.name} has the schema {present} of a newer Steward; upgrade this one"
            )

    def _back_up(self) -> None:
        """Copy a SQLite database that holds something, named by the schema it is about to get."""
        if self.file is None or self.file.stat().st_size == 0:
            return
        copy = self.file.with_name(f"{self.file.name}.before-{migration.newest()}")
        with closing(sqlite3.connect(self.file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the database driver says into what happened and what to do."""
        try:
            yield
        except filelock.Timeout as error:
            raise StoreError(
                f"the registry {self.name} is being written by another process; try again, "
                f"or see who holds {error.lock_file}"
            ) from error
        except exc.DBAPIError as error:
            if isinstance(error, exc.IntegrityError):
                raise
            reason = str(error.orig).splitlines()[0]
            raise StoreError(f"the registry {self.name}: {reason}; {_advice(self, error)}") from error


def revision_seen(c: sa.Connection) -> int:
    """Return the revision that a transaction sees."""
    return int(c.execute(sa.select(revision.c.value)).scalar_one())


def _sqlite_file(workspace: Workspace, url: sa.URL) -> Path | None:
    if workspace.settings.database_url is None:
        return (
            workspace.root / "registry.db"
        )  # not by way of the URL, where "?" in a folder's name has a meaning
    return (workspace.root / (url.database or "")).resolve() if url.get_backend_name() == "sqlite" else None


def _advice(store: Store, error: exc.DBAPIError) -> str:
    reason = str(error.orig)
    if "locked" in reason or "lock timeout" in reason:
        return "another program holds it open for writing: close it and try again"
    if "no such table" in reason or reason.startswith("relation "):
        return f"run: steward init --workspace {store.root}"
    if store.file is None:
        return "check that the server of database_url runs and answers"
    if not store.file.exists():
        return f"the file is gone: restore it from a backup, or run: steward init --workspace {store.root}"
    return "check the disk, and restore the file from a backup if it is damaged"
