"""The commands `backup` and `restore`."""

from argparse import Namespace
from pathlib import Path

from core import auditing
from core.store import Store
from core.store import backup as backups
from jobs.cli_audit import sentence
from jobs.cli_models import opened


def backup(arguments: Namespace) -> int:
    """Write a workspace's backup."""
    store, file = opened(arguments), Path(arguments.file)
    files = backups.write(store, file)
    store.close()
    print(f"Wrote {file}: {files:,} files, {file.stat().st_size:,} bytes.")
    print("Prediction logs, labels and artifacts are not in it; back them up where they come from.")
    return 0


def restore(arguments: Namespace) -> int:
    """Make a workspace from a backup, and check its audit log."""
    workspace = backups.restore(Path(arguments.file), Path(arguments.workspace).expanduser().resolve())
    store = Store(workspace)
    report = auditing.verify(store)
    store.close()
    print(f"Workspace {workspace.root} is restored. Its audit log is {sentence(report)}.")
    print("Whoever was signed in signs in again. What was revoked since the backup has to be revoked again.")
    return 0 if report.sound else 1
