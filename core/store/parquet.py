"""Parquet files of the workspace: written whole or not at all, read with DuckDB in memory."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import duckdb
import polars as pl

from core.errors import StoreError

# Small enough that reading one series of a month skips most of its file, large enough that finding its group
# among all (about 30 µs each) does not cost more than reading it.
_ROW_GROUP_SIZE = 16_384


def connect(root: Path) -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB that can open files below `root` and nothing else."""
    connection = duckdb.connect(config={"threads": 2, "autoinstall_known_extensions": False})
    connection.execute("SET TimeZone = 'UTC'")
    folder = f"{root}/".replace("'", "''")
    connection.execute(f"SET allowed_directories = ['{folder}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET lock_configuration = true")
    return connection


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a Parquet file that readers see complete or not at all, also after a power cut."""
    write_whole(
        path, lambda file: frame.write_parquet(file, compression="zstd", row_group_size=_ROW_GROUP_SIZE)
    )


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write to a temporary file, force it to disk, and only then give it its name.

    Raises
    ------
    StoreError
        If the disk is full or the folder cannot be written; then nothing has changed.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        _make_folder(path.parent)
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}; free or add disk space, or mend the "
            "folder's permissions; what was there before is still there"
        ) from error


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Force a folder's entries to disk: a rename is durable only then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
