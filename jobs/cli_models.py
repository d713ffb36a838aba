"""The commands that make and declare: `init`, `declare` and `apply`."""

import os
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from core.actions import lifecycles
from core.actions import models as model_actions
from core.declare import FILL_IN
from core.declare import declare as declaration_for
from core.errors import InputError
from core.settings import Workspace, initialise
from core.store import Store
from jobs.acting import TOKEN, acting
from jobs.terminal import print_json


def init(arguments: Namespace) -> int:
    """Make a workspace, or bring the registry of one that is there up to date."""
    workspace = initialise(arguments.workspace)
    store = Store(workspace)
    store.migrate()
    store.close()
    print(f"Workspace {workspace.root} is ready. Next: steward declare NAME FILE…")
    return 0


def declare(arguments: Namespace) -> int:
    """Write a declaration with what its prediction log tells, and say what a person must fill in."""
    workspace = Workspace.open(arguments.workspace)
    text = declaration_for(arguments.name, arguments.files, workspace.root)
    target = workspace.root / "models" / f"{arguments.name}.yaml"
    if target.exists() and not target.stat().st_size:
        raise InputError(
            f"{target} is empty, perhaps because of a redirection: steward declare writes it itself; "
            f"remove it, and run the command without > {target.name}"
        )
    if target.exists():
        raise InputError(f"{target} exists; edit it, or move it away and declare again")
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(f"Wrote {target}. Look at these lines, then run: steward apply")
    print("\n".join(f"  {line.strip()}" for line in text.splitlines() if FILL_IN in line))
    _warn_outside(workspace, arguments.files)
    return 0


def apply(arguments: Namespace) -> int:
    """Put declarations into force: all of them or none."""
    store = opened(arguments)
    changes = model_actions.apply(
        store,
        [Path(file) for file in arguments.files],
        acting(store),
        prune=arguments.prune,
        force=arguments.force,
        dry_run=arguments.dry_run,
    )
    store.close()
    if arguments.json:
        print_json([asdict(change) for change in changes])
        return 0
    would = "would be " if arguments.dry_run else ""
    for change in changes:
        keys = f" ({', '.join(sorted(change.after))})" if change.what == "changed" and change.after else ""
        name = change.model if change.kind == "model" else f"use case {change.model}"
        print(f"{name}: {would}{change.what}{keys}")
    news = [change for change in changes if change.what in ("registered", "changed")]
    if not arguments.dry_run and any(change.kind == "model" for change in news):
        print("Next: steward check says what would be read; steward run --once counts it.")
    if not changes:
        print(
            f"There is no declaration in {store.root / 'models'}; write one with: steward declare NAME FILE…"
        )
    return 0


def pause(arguments: Namespace) -> int:
    """Stop the sweeps of a model."""
    store = opened(arguments)
    model_actions.pause(store, arguments.model, acting(store), reason=arguments.reason)
    store.close()
    print(f"{arguments.model} is paused; go on with: steward resume {arguments.model} --reason TEXT")
    return 0


def resume(arguments: Namespace) -> int:
    """Sweep a paused model again."""
    store = opened(arguments)
    model_actions.resume(store, arguments.model, acting(store), reason=arguments.reason)
    store.close()
    print(f"{arguments.model} is swept again.")
    return 0


def remove(arguments: Namespace) -> int:
    """Put a model into the archive."""
    store = opened(arguments)
    lifecycles.remove(store, arguments.model, acting(store), reason=arguments.reason)
    store.close()
    print(f"{arguments.model} is in the archive. What it did stays on record; its file in models/ can go.")
    return 0


def opened(arguments: Namespace) -> Store:
    """Return the workspace's store, of this version's schema; refuse a token that holds no more."""
    store = Store(Workspace.open(arguments.workspace))
    store.require_current()
    if TOKEN in os.environ:
        acting(store)
    return store


def _warn_outside(workspace: Workspace, files: list[str]) -> None:
    outside = sorted(
        {str(Path(file).resolve().parent) for file in files if not workspace.contains(Path(file))}
    )
    if outside:
        print(
            f"These files lie outside the folders Steward may read; move them into {workspace.root}, "
            f"or add to steward.yaml: roots: [{', '.join(outside)}]"
        )
