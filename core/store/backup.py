"""One file with all that Steward keeps of a workspace, and a workspace made from it.

Prediction logs, labels and artifacts are not in it: they are their teams', and Steward only reads them.
"""

import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from core.errors import InputError, PathError, StoreError
from core.settings import FILE_NAME, Workspace
from core.store import Store, identities, ledger, statistics

DATABASE, MANIFEST = "registry.db", "MANIFEST.json"
FOLDERS = ("models", "use_cases", "policies", "statistics", "reference", "evidence", "anchors")


def write(store: Store, file: Path) -> int:
    """Write a backup while everything goes on; return how many files are in it.

    The database is copied first, so every statistics file that the copy names is still there afterwards.

    Raises
    ------
    InputError
        If the registry lives on PostgreSQL, which has its own tools for this.
    PathError
        If the file exists.
    StoreError
        If a statistics file that the registry names is gone.
    """
    if store.file is None:
        raise InputError(
            f"the registry {store.name} lives on PostgreSQL: back it up with pg_dump, and copy "
            f"{', '.join((FILE_NAME, *FOLDERS))} of {store.root} after that"
        )
    if file.exists():
        raise PathError(f"{file} exists; a backup is never overwritten, name another file")
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".steward-backup-") as folder:
        copy, partial = Path(folder) / DATABASE, Path(folder) / "partial"
        with closing(sqlite3.connect(store.file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        with tarfile.open(partial, "w:gz", compresslevel=3) as tar:
            digests = {name: _add(tar, name, path) for name, path in _files(store, copy)}
            _require_all_that_is_named(copy, digests)
            told = {"v": 1, "at": datetime.now(UTC).isoformat(), "root": str(store.root), "files": digests}
            _add_bytes(tar, MANIFEST, json.dumps(told, indent=1).encode())
        partial.rename(file)
    return len(digests)


def restore(file: Path, root: Path) -> Workspace:
    """Make a workspace from a backup, and bring it to this version's schema; all or nothing.

    Sessions that were open when the backup was made are ended. Files that were read below the old workspace
    are known below the new one: prediction logs that are copied there too are not counted again.

    Raises
    ------
    PathError
        If the folder is a workspace already.
    InputError
        If the file is no whole backup.
    """
    if (root / FILE_NAME).exists() or (root / DATABASE).exists():
        raise PathError(f"{root} is a workspace already; restore into another folder: --workspace DIR")
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=".steward-restore-") as folder:
        try:
            with tarfile.open(file, "r:gz") as tar:
                tar.extractall(folder, filter="data")
            content = json.loads((Path(folder) / MANIFEST).read_text())
            wrong = [
                name for name, digest in content["files"].items() if _digest(Path(folder) / name) != digest
            ]
        except (tarfile.TarError, EOFError, OSError, ValueError, KeyError) as error:
            raise InputError(f"{file} is no whole backup ({error}); use another one") from error
        if wrong or FILE_NAME not in content["files"]:
            raise InputError(
                f"{file} is no whole backup: {', '.join(wrong) or FILE_NAME} differs; use another one"
            )
        (Path(folder) / MANIFEST).unlink()
        root.mkdir(exist_ok=True)
        for each in sorted(Path(folder).iterdir(), key=lambda path: path.name == FILE_NAME):
            shutil.move(each, root / each.name)
    workspace = Workspace.open(root)
    for name in ("predictions", "labels"):
        (root / name).mkdir(exist_ok=True)
    store = Store(workspace)
    if store.file is None or (store.file != root / DATABASE and store.file.exists()):
        raise PathError(
            f"{FILE_NAME} names the database {store.name}, which is not this backup's; change it there"
        )
    (root / DATABASE).rename(store.file)
    store.migrate()
    with store.write() as c:
        identities.end_sessions(c, at=datetime.now(UTC))
        ledger.move(c, content["root"], str(root))
    store.close()
    return workspace


def _files(store: Store, copy: Path) -> Iterator[tuple[str, Path]]:
    """Yield what goes in, by its name in the backup."""
    yield DATABASE, copy
    yield FILE_NAME, store.root / FILE_NAME
    for folder in FOLDERS:
        for path in sorted((store.root / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield path.relative_to(store.root).as_posix(), path


def _add(tar: tarfile.TarFile, name: str, path: Path) -> str:
    """Add a file and return its digest."""
    tar.add(path, name, recursive=False)
    return _digest(path)


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _require_all_that_is_named(copy: Path, digests: Mapping[str, str]) -> None:
    with closing(sqlite3.connect(copy)) as c:
        rows = c.execute("SELECT model, month, kind, generation FROM statistics").fetchall()
    named = [statistics.path_of(Path(), *row).as_posix() for row in rows]
    if gone := [name for name in named if name not in digests]:
        raise StoreError(
            f"{gone[0]} is gone, though the registry names it ({len(gone)} such files); "
            "run steward rebuild for its model, then back up"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
