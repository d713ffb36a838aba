"""How the registry database is opened: one engine only reads, the other only writes."""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc, pool

# Any constant will do: the lock that makes PostgreSQL, like SQLite, run one write transaction at a time.
_WRITER_LOCK = 0x57E3A4D


def sqlite_engine(path: Path, *, write: bool, timeout_s: float) -> sa.Engine:
    """Return an engine whose transactions see one snapshot (read) or hold the write lock from the start."""

    def connect() -> sqlite3.Connection:
        # mode=rw: a file that was removed is an error, not a new empty registry.
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            timeout=timeout_s,
            isolation_level=None,  # transactions begin where we say so
            check_same_thread=False,  # the pool hands a connection to one thread at a time
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_mode = WAL" if write else "PRAGMA query_only = ON")
        return connection

    engine = sa.create_engine(
        "sqlite://", creator=connect, poolclass=pool.QueuePool, pool_size=10, max_overflow=40
    )
    begin = "BEGIN IMMEDIATE" if write else "BEGIN"
    sa.event.listen(engine, "begin", lambda c: c.exec_driver_sql(begin))
    _follow_the_file(engine, path)
    return engine


def postgresql_engine(url: sa.URL, *, write: bool, timeout_s: float) -> sa.Engine:
    """Return an engine with the same promises as on SQLite, kept by the server."""
    options = f"-c timezone=UTC -c lock_timeout={int(timeout_s * 1000)}"
    if not write:
        options += r" -c default_transaction_read_only=on -c default_transaction_isolation=repeatable\ read"
    engine = sa.create_engine(
        url, connect_args={"options": options}, pool_pre_ping=True, pool_size=10, max_overflow=40
    )
    if write:
        lock = f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})"
        sa.event.listen(engine, "begin", lambda c: c.exec_driver_sql(lock))
    return engine


def _follow_the_file(engine: sa.Engine, path: Path) -> None:
    """Drop pooled connections to a removed or replaced file: they would go on reading the old one."""

    def remember(connection: sqlite3.Connection, record: Any) -> None:
        record.info["inode"] = path.stat().st_ino

    def compare(connection: sqlite3.Connection, record: Any, proxy: Any) -> None:
        if not path.exists() or path.stat().st_ino != record.info["inode"]:
            raise exc.DisconnectionError  # the pool connects anew

    sa.event.listen(engine, "connect", remember)
    sa.event.listen(engine, "checkout", compare)
