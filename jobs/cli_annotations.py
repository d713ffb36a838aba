"""The command `annotations`: what people said about stretches of time; say it, and take it back."""

from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from core.actions import annotations as annotation_actions
from core.entities import Annotation
from core.errors import InputError
from core.settings import Workspace
from core.store import Store, annotations, models
from core.strict import nearest
from jobs.acting import acting
from jobs.terminal import print_json, print_table

_SHOWN = ("id", "model", "from", "to", "text", "mute", "exclude_from_reference", "made_by")
_NEXT = "the next sweep judges by it"


def show(arguments: Namespace) -> int:
    """Print the annotations that stand, or with --all those taken back too, by their start."""
    store = _open(arguments)
    with store.read() as c:
        rows = [as_json(each) for each in annotations.every(c, arguments.model, ended=arguments.all)]
    store.close()
    if arguments.json:
        print_json(rows)
    elif rows:
        words = {True: "yes", False: "no", None: "all models"}
        said = ("model", "mute", "exclude_from_reference")
        shown = (*_SHOWN, "ended_by") if arguments.all else _SHOWN
        print_table([row | {name: words.get(row[name], row[name]) for name in said} for row in rows], shown)
    else:
        print("Nothing is annotated.")
    return 0


def add(arguments: Namespace) -> int:
    """Annotate a stretch of time."""
    store = _open(arguments)
    start, end = (_instant(store, arguments.model, day) for day in (arguments.start, arguments.end))
    said = annotation_actions.add(
        store,
        acting(store),
        model=arguments.model,
        start=start,
        end=end,
        text=arguments.text,
        mute=arguments.mute,
        exclude_from_reference=arguments.exclude_from_reference,
    )
    store.close()
    reach = said.mute or said.exclude_from_reference
    _answer(arguments, said, f"Annotation {said.id} stands{f'; {_NEXT}' if reach else ''}.")
    return 0


def remove(arguments: Namespace) -> int:
    """Take an annotation back."""
    store = _open(arguments)
    said = annotation_actions.remove(store, arguments.id, acting(store))
    store.close()
    reach = said.mute or said.exclude_from_reference
    _answer(arguments, said, f"Annotation {said.id} is taken back{f'; {_NEXT}' if reach else ''}.")
    return 0


def as_json(said: Annotation) -> dict[str, Any]:
    """Return an annotation as outsiders rely on it; `model` is null for all models."""
    return {
        "id": said.id,
        "model": said.model,
        "from": said.start,
        "to": said.end,
        "text": said.text,
        "mute": said.mute,
        "exclude_from_reference": said.exclude_from_reference,
        "made_at": said.made_at,
        "made_by": said.made_by,
        "ended_at": said.ended_at,
        "ended_by": said.ended_by,
    }


def _answer(arguments: Namespace, said: Annotation, words: str) -> None:
    if arguments.json:
        print_json(as_json(said))
    else:
        print(words)


def _open(arguments: Namespace) -> Store:
    store = Store(Workspace.open(arguments.workspace))
    store.require_current()
    return store


def _instant(store: Store, model: str | None, day: datetime) -> datetime:
    """Return a day as it begins in the model's zone; for all models, in UTC."""
    if model is None:
        return day if day.tzinfo else day.replace(tzinfo=UTC)
    with store.read() as c:
        registered = models.get(c, model)
        if registered is None:
            known = [each.declaration.model for each in models.every(c)]
            raise InputError(f"{model!r} is no registered model; {nearest(model, known)}")
    return registered.declaration.instant(day)
