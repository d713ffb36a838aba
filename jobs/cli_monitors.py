"""The commands `monitors`: what rules would have said over the past, their YAML, and who manages them."""

from argparse import Namespace
from dataclasses import asdict
from typing import Any

from core import rehearsal
from core.actions import monitors as monitor_actions
from core.alert_text import sentence
from core.entities import Episode
from core.errors import InputError
from core.monitor_yaml import as_declared, block, edited
from core.settings import Workspace
from core.store import Store, models
from core.store.models import RegisteredModel
from core.strict import nearest
from jobs.acting import acting
from jobs.terminal import print_json, print_table

_COLUMNS = ("opened_at", "ended", "severity", "monitor", "message")


def test(arguments: Namespace) -> int:
    """Print the alerts that the monitors of a registered model, or of a declaration, would have raised."""
    store, registered = _opened(arguments)
    declaration = registered.declaration
    if arguments.file:
        declaration = store.workspace.declaration(arguments.file)
        if declaration.model != arguments.model:
            raise InputError(f"{arguments.file} declares {declaration.model!r}, not {arguments.model!r}")
    found = rehearsal.rehearse(store, declaration, now=store.workspace.now())
    store.close()
    if arguments.json:
        told = ("monitor", "judged", "skipped")
        print_json(
            [
                {name: getattr(each, name) for name in told} | {"episodes": [_row(e) for e in each.episodes]}
                for each in found
            ]
        )
        return 0
    rows = sorted((_row(e) for each in found for e in each.episodes), key=lambda row: row["opened_at"])
    if rows:
        print_table(rows, _COLUMNS)
        print()
    for each in found:
        skipped = "; ".join(f"{count:,} {reason}" for reason, count in each.skipped.items())
        print(
            f"{each.monitor}: {len(each.episodes)} alerts from {each.judged:,} judged windows"
            + (f" (not judged: {skipped})" if skipped else "")
        )
    if not found:
        print(f"{declaration.model} has no monitors; declare some under monitors: in its file")
    return 0


def export(arguments: Namespace) -> int:
    """Print a model's monitors as they stand in a declaration, or the whole declaration."""
    store, registered = _opened(arguments)
    store.close()
    declaration = registered.declaration
    if arguments.json:
        print_json([as_declared(monitor) for monitor in declaration.monitors])
    elif arguments.whole:
        print(edited(registered.text, declaration), end="")
    else:
        print(block(registered.text, declaration), end="")
    return 0


def manage(arguments: Namespace) -> int:
    """Let the dashboard or the model's file manage a model."""
    store, _ = _opened(arguments)
    is_new = monitor_actions.manage(store, arguments.model, arguments.by, acting(store))
    store.close()
    where = "in the dashboard" if arguments.by == "ui" else "by its file"
    print(f"{arguments.model} is {'now' if is_new else 'already'} managed {where}.")
    if is_new and arguments.by == "file":
        print(
            "The next steward apply replaces its monitors by those of the file; "
            f"see what is in force: steward monitors export {arguments.model}"
        )
    return 0


def _opened(arguments: Namespace) -> tuple[Store, RegisteredModel]:
    store = Store(Workspace.open(arguments.workspace))
    store.require_current()
    with store.read() as c:
        registered = {each.declaration.model: each for each in models.every(c)}
    if arguments.model not in registered:
        raise InputError(
            f"{arguments.model!r} is no registered model; {nearest(arguments.model, registered)}"
        )
    return store, registered[arguments.model]


def _row(episode: Episode) -> dict[str, Any]:
    target = {name: value for name, value in asdict(episode.target).items() if value}
    return {
        "monitor": episode.monitor,
        **target,
        "severity": episode.severity.value,
        "opened_at": episode.opened_at,
        "ended": episode.resolved_at,
        "first_window": episode.first_window,
        "last_window": episode.last_window,
        "value": episode.value,
        "threshold": episode.threshold,
        "message": sentence(episode),
    }
