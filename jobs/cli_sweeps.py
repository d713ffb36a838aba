"""The commands that count: `run --once` and `rebuild`."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import datetime

from core import actions
from core.errors import InputError
from core.settings import Workspace
from core.store import Store, models
from core.strict import nearest
from jobs import sweep
from jobs.cli import PARTLY_FAILED
from jobs.cli_models import PERSON
from jobs.terminal import print_json, print_table, progress

_COLUMNS = ("model", "files", "windows", "rows", "outcome")


def run(arguments: Namespace) -> int:
    """Sweep every model once, or one of them; what fails is named and does not stop the others."""
    workspace = Workspace.open(arguments.workspace)
    registered = _registered(workspace)
    slugs = [slug for slug, model in registered.items() if not model.paused]
    if arguments.model is not None:
        slugs = [_known(registered, arguments.model).declaration.model]
    return sweep_and_print(workspace, slugs, arguments.now or workspace.now(), as_json=arguments.json)


def rebuild(arguments: Namespace) -> int:
    """Read log files of a period again and count its windows anew."""
    workspace = Workspace.open(arguments.workspace)
    declaration = _known(_registered(workspace), arguments.model).declaration
    start, end = (day and declaration.instant(day) for day in (arguments.start, arguments.end))
    store = Store(workspace)
    actions.rebuild(store, declaration.model, PERSON, start=start, end=end)
    store.close()
    return sweep_and_print(workspace, [declaration.model], workspace.now())


def sweep_and_print(
    workspace: Workspace, slugs: Sequence[str], now: datetime, *, as_json: bool = False
) -> int:
    """Sweep models, print how each ended, and return the exit code."""
    swept = progress(sweep.run_once(workspace, slugs, now), what="sweep", total=len(slugs))
    rows = [
        {
            "model": each.model,
            "files": each.result.files,
            "windows": each.result.windows,
            "rows": each.result.rows,
            "outcome": "leased elsewhere" if each.held else "failed" if each.error else "done",
            "error": each.error,
        }
        for each in sorted(swept, key=lambda each: each.model)
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS)
        print("".join(f"{row['model']}: {row['error']}\n" for row in rows if row["error"]), end="")
    return PARTLY_FAILED if any(row["outcome"] != "done" for row in rows) else 0


def _registered(workspace: Workspace) -> dict[str, models.RegisteredModel]:
    store = Store(workspace)
    store.require_current()
    with store.read() as c:
        registered = {model.declaration.model: model for model in models.every(c)}
    store.close()
    return registered


def _known(registered: Mapping[str, models.RegisteredModel], slug: str) -> models.RegisteredModel:
    if slug not in registered:
        raise InputError(f"{slug!r} is no registered model; {nearest(slug, registered)}")
    return registered[slug]
