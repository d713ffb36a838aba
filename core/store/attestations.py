"""Attestations, by which owners say that a model is still wanted, and records of retirements."""

from datetime import datetime

import sqlalchemy as sa

from core.addresses import mailbox
from core.records import Retirement
from core.store.governance_schema import attestations, principals, retirements


def add(c: sa.Connection, model: str, text: str, *, at: datetime, by: str) -> None:
    """Keep an attestation."""
    c.execute(sa.insert(attestations).values(model=model, text=text, at=at, actor=by))


def newest(c: sa.Connection) -> dict[str, tuple[datetime, str]]:
    """Return when and by whom each model was attested to last."""
    found = sa.select(attestations).order_by(attestations.c.id)
    return {row.model: (row.at, row.actor) for row in c.execute(found)}


def retired(c: sa.Connection, model: str, record: Retirement, *, at: datetime, by: str) -> None:
    """Keep the record of a retirement."""
    content = record.model_dump(mode="json")
    c.execute(sa.insert(retirements).values(model=model, content=content, at=at, actor=by))


def retirement(c: sa.Connection, model: str) -> tuple[Retirement, datetime, str] | None:
    """Return a model's last retirement, with when and by whom; None if it never was."""
    found = sa.select(retirements).where(retirements.c.model == model).order_by(retirements.c.id.desc())
    row = c.execute(found.limit(1)).one_or_none()
    return None if row is None else (Retirement.model_validate(row.content), row.at, row.actor)


def left(c: sa.Connection, person: str) -> bool:
    """Tell whether somebody's access was taken away; who never had any has not left."""
    found = sa.select(principals.c.state).where(principals.c.id == mailbox(person))
    return c.execute(found).scalar_one_or_none() == "disabled"
