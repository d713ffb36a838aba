"""The commands that count: `run --once` and `rebuild`."""

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from core.actions import models as model_actions
from core.entities import LedgerEntry
from core.errors import InputError
from core.inspection import EXPLAINED
from core.settings import Workspace
from core.store import Store, ledger, models, snapshots
from core.strict import nearest
from jobs import housekeeping, sweep
from jobs.acting import acting
from jobs.cli import PARTLY_FAILED
from jobs.terminal import alike, print_json, print_table, progress

_COLUMNS = ("model", "files", "windows", "rows", "outcome")


def run(arguments: Namespace) -> int:
    """Sweep every model once, or one of them; what fails is named and does not stop the others."""
    workspace = Workspace.open(arguments.workspace)
    registered = _registered(workspace)
    if not registered and not arguments.json:
        print("No model is registered yet; declare one (steward declare NAME FILE…), then: steward apply")
        return 0
    slugs = [slug for slug, model in registered.items() if not model.paused]
    if arguments.model is not None:
        slugs = [_known(registered, arguments.model).declaration.model]
    code = sweep_and_print(workspace, slugs, arguments.now or workspace.now(), as_json=arguments.json)
    if code == 0 and not arguments.json:
        print("Next: steward status says how the models are; steward ui shows it.")
    return code


def rebuild(arguments: Namespace) -> int:
    """Read log files of a period again and count its windows anew."""
    workspace = Workspace.open(arguments.workspace)
    declaration = _known(_registered(workspace), arguments.model).declaration
    start, end = (day and declaration.instant(day) for day in (arguments.start, arguments.end))
    store = Store(workspace)
    model_actions.rebuild(store, declaration.model, acting(store), start=start, end=end)
    store.close()
    return sweep_and_print(workspace, [declaration.model], workspace.now())


def sweep_and_print(
    workspace: Workspace, slugs: Sequence[str], now: datetime, *, as_json: bool = False
) -> int:
    """Sweep models, print how each ended, and return the exit code."""
    swept = list(progress(sweep.run_once(workspace, slugs, now), what="sweep", total=len(slugs)))
    store = Store(workspace)
    with store.read() as c:  # of models that had nothing to do, only what still needs a person
        bad = ledger.bad(c)
        known = {each.model: [entry for slug, entry in bad if slug == each.model] for each in swept}
        known |= {each.model: ledger.entries(c, each.model) for each in swept if each.result.files}
    housekeeping.govern(store, now)
    housekeeping.anchor(store)
    snapshots.publish(store)
    store.close()
    rows = [_row(each, known[each.model]) for each in sorted(swept, key=lambda each: each.model)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS)
        for row in rows:
            print("".join(f"{row['model']}: {text}\n" for text in _remarks(row, known[row["model"]])), end="")
    return 0 if all(row["outcome"] == "done" for row in rows) else PARTLY_FAILED


def _row(swept: sweep.Swept, entries: Sequence[LedgerEntry]) -> dict[str, Any]:
    unread = any(entry.state == "bad" for entry in entries)
    ended = "failed" if swept.error else "files unreadable" if unread else "done"
    return {
        "model": swept.model,
        "files": swept.result.files,
        "windows": swept.result.windows,
        "rows": swept.result.rows,
        "outcome": "leased elsewhere" if swept.held else ended,
        "error": swept.error,
    }


def _remarks(row: dict[str, Any], entries: Sequence[LedgerEntry]) -> Iterator[str]:
    """Say what failed, and which files and rows of the model could not be read."""
    if row["error"]:
        yield row["error"]
    unread = [entry for entry in entries if entry.state == "bad"]
    yield from alike(str(entry.error) for entry in unread)
    left_out = Counter[str]()
    for entry in entries:
        if entry.state == "read":
            left_out.update({reason: n for reason, n in entry.problems.items() if n})
    yield from (
        f"{n:,} row{'s' * (n != 1)}: {EXPLAINED.get(reason, reason)}"
        for reason, n in sorted(left_out.items())
    )


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
