"""Annotations as the registry keeps them: what was said stays, also after it was taken back."""

from dataclasses import asdict, fields, replace
from typing import Any

import sqlalchemy as sa

from core.entities import Annotation
from core.store.schema import annotations


def every(c: sa.Connection, model: str | None = None, *, ended: bool = False) -> list[Annotation]:
    """Return annotations by their start: all, or those of one model and of all models.

    Parameters
    ----------
    ended : also those that were taken back
    """
    found = sa.select(annotations).order_by(annotations.c.start, annotations.c.id)
    if not ended:
        found = found.where(annotations.c.ended_at.is_(None))
    if model is not None:
        found = found.where(sa.or_(annotations.c.model == model, annotations.c.model.is_(None)))
    return [_annotation(row) for row in c.execute(found)]


def get(c: sa.Connection, identifier: int) -> Annotation | None:
    """Return an annotation, or None if there was never one of this number."""
    row = c.execute(sa.select(annotations).where(annotations.c.id == identifier)).one_or_none()
    return None if row is None else _annotation(row)


def add(c: sa.Connection, annotation: Annotation) -> Annotation:
    """Keep a new annotation, and return it with the number it has got."""
    told = {name: value for name, value in asdict(annotation).items() if name != "id"}
    made = c.execute(sa.insert(annotations).values(told).returning(annotations.c.id)).scalar_one()
    return replace(annotation, id=made)


def end(c: sa.Connection, annotation: Annotation) -> None:
    """Write down when and by whom an annotation was taken back."""
    ended = {"ended_at": annotation.ended_at, "ended_by": annotation.ended_by}
    c.execute(sa.update(annotations).where(annotations.c.id == annotation.id).values(ended))


def _annotation(row: sa.Row[Any]) -> Annotation:
    return Annotation(**{field.name: getattr(row, field.name) for field in fields(Annotation)})
