"""The command `check`: what would be read, and what is wrong, without changing anything."""

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from core.inspection import Inspection, ModelInspection, inspect
from core.settings import Workspace
from jobs.cli import INPUT_ERROR
from jobs.terminal import alike, print_json, print_table, progress


def check(arguments: Namespace) -> int:
    """Print what a sweep would read; exit with 2 if anything needs a person."""
    found = inspect(Workspace.open(arguments.workspace), arguments.models, progress=_progress)
    if arguments.json:
        print_json(asdict(found))
    else:
        _print_workspace(found)
        for model in found.models:
            _print_model(model)
    return 0 if found.all_well else INPUT_ERROR


def _print_workspace(found: Inspection) -> None:
    channels = ", ".join(f"{name} ({kind}, not tested)" for name, kind in found.channels.items())
    print(f"workspace  {found.workspace}")
    print(f"registry   {found.database}, schema {found.schema}")
    print(f"clock      {found.clock}, {found.now.isoformat(timespec='seconds')}")
    print(f"disk       {found.disk_free_bytes / 1e9:,.1f} GB free")
    print(f"roots      {', '.join(found.roots)}")
    print(f"channels   {channels or 'none'}")
    _print_problems(found.problems)
    if not found.models:
        print("\nNo declaration lies in models/ yet; write one with: steward declare NAME FILE…")


def _print_model(model: ModelInspection) -> None:
    print(f"\n{model.model or model.file}")
    if model.model:
        period = (
            f", {model.first:%Y-%m-%d %H:%M} to {model.last:%Y-%m-%d %H:%M} UTC"
            if model.first and model.last
            else ""
        )
        print(f"  {model.files} log files, {model.label_files} label files, {model.rows:,} rows{period}")
        names = [*model.columns, *model.missing]
        rows = [
            {
                "column": name,
                "type": model.columns.get(name, "missing"),
                "role": model.roles.get(name, "not read"),
            }
            for name in names
        ]
        if rows:
            print_table(rows, ("column", "type", "role"))
    _print_problems(model.problems)
    for note in alike(model.notes):
        print(f"  · {note}")


def _print_problems(problems: Iterable[str]) -> None:
    for problem in alike(problems):
        print(f"  ! {problem}")


def _progress(files: Iterable[Path]) -> Iterable[Path]:
    return progress(files, what="check")
