"""What people do with annotations: explain a stretch of time, and take that back."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core import reference
from core.actions.alerts import ago, moment, said_text
from core.actions.authority import require
from core.annotations import left_out, without
from core.declaration import Declaration
from core.entities import Actor, Annotation
from core.errors import Conflict, InputError
from core.store import Store, annotations, audit, due, models
from core.strict import nearest

LONGEST_MUTE = timedelta(days=90)
_TOLD = ("model", "start", "end", "text", "mute", "exclude_from_reference")


def add(
    store: Store,
    actor: Actor,
    *,
    model: str | None,
    start: datetime,
    end: datetime,
    text: str,
    mute: bool = False,
    exclude_from_reference: bool = False,
) -> Annotation:
    """Annotate a stretch [start, end) of business time of one model, or of all (None).

    Parameters
    ----------
    mute : windows that overlap it get no verdict, those of the past neither
    exclude_from_reference : windows that overlap it are left out of the reference

    Returns
    -------
    The annotation; if the same person says the same twice, the first one.

    Raises
    ------
    NotAllowed
        If the actor may not annotate, or not with these consequences.
    InputError
        If there is no such model, the stretch is empty, a mute is too long, or a reference gets too small.
    """
    said = said_text(text, "what happened, such as: Black Friday campaign")
    made = Annotation(
        0, model, start, end, said, mute, exclude_from_reference, store.workspace.now(), actor.id
    )
    _check(made)
    with store.write() as c:
        _permit(c, actor, made)
        concerned = _concerned(c, made)
        twice = [each for each in annotations.every(c) if _said(each) == _said(made)]
        if found := next((each for each in twice if each.made_by == actor.id), None):
            return found
        kept = annotations.add(c, made)
        _reach(c, kept, concerned)
        _audit(c, actor, "added", kept)
    return kept


def remove(store: Store, identifier: int, actor: Actor) -> Annotation:
    """Take an annotation back: what it muted is judged, what it left out of a reference counts again.

    Raises
    ------
    NotAllowed
        If the actor may not annotate, or not with these consequences.
    InputError
        If there was never such an annotation.
    Conflict
        If somebody else took it back before.
    """
    now = store.workspace.now()
    with store.write() as c:
        before = annotations.get(c, identifier)
        if before is None:
            raise InputError(f"there is no annotation {identifier}; see: steward annotations list")
        _permit(c, actor, before)
        if before.ended_at is not None:
            if before.ended_by == actor.id:
                return before  # said twice
            raise Conflict(
                f"annotation {identifier} was removed by {before.ended_by} {ago(now - before.ended_at)}; "
                "reload to see what stands"
            )
        ended = replace(before, ended_at=now, ended_by=actor.id)
        annotations.end(c, ended)
        _reach(c, ended, _concerned(c, ended))
        _audit(c, actor, "removed", ended)
    return ended


def _permit(c: sa.Connection, actor: Actor, said: Annotation) -> None:
    """Refuse who may not annotate, or not with such consequences."""
    require(c, actor, "annotation.say", model=said.model)
    if said.exclude_from_reference:
        require(c, actor, "annotation.leave_out", model=said.model)
    if said.model is None and (said.mute or said.exclude_from_reference):
        require(c, actor, "annotation.everywhere")


def _check(said: Annotation) -> None:
    start, end = said.start, said.end
    if start >= end:
        raise InputError(f"{moment(start)} is not before {moment(end)}; give [from, to), e.g. whole days")
    if said.mute and end - start > LONGEST_MUTE:
        days = (end - start) / timedelta(days=1)
        raise InputError(
            f"a mute of {days:,.0f} days is too long, at most {LONGEST_MUTE.days} are allowed; "
            "for what lasts, change the monitor"
        )


def _concerned(c: sa.Connection, said: Annotation) -> list[Declaration]:
    """Return the models that an annotation is about; refuse an unknown one."""
    known = {each.declaration.model: each.declaration for each in models.every(c)}
    if said.model is None:
        return list(known.values())
    if said.model not in known:
        raise InputError(f"{said.model!r} is no registered model; {nearest(said.model, known)}")
    return [known[said.model]]


def _reach(c: sa.Connection, said: Annotation, concerned: Sequence[Declaration]) -> None:
    """Refuse what leaves a reference too small, and let the models concerned be swept at once."""
    if not (said.mute or said.exclude_from_reference):
        return
    for declaration in concerned:
        slug, every = declaration.model, reference.of_period(declaration)
        small = every and reference.too_small(without(every, left_out(annotations.every(c, slug))), every)
        if small and said.exclude_from_reference and said.ended_at is None:
            raise InputError(f"{slug}: {small}")
        due.schedule(c, slug, said.ended_at or said.made_at)


def _audit(c: sa.Connection, actor: Actor, what: str, said: Annotation) -> None:
    before, after = (_said(said), None) if said.ended_at else (None, _said(said))
    entity, wall = f"annotation:{said.id}", datetime.now(UTC)
    audit.append(c, actor, f"annotation.{what}", entity, before=before, after=after, ts=wall)


def _said(annotation: Annotation) -> dict[str, Any]:
    whole = asdict(annotation)
    return {name: whole[name] for name in _TOLD}
