"""Registered models: the declaration in force, as it was written and as it was read."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from core.declaration import ACCEPTED, Declaration
from core.store import due
from core.store.schema import models
from core.store.upsert import upsert

PRUNED = "pruned"  # paused because no file declares it any more; whoever declares it again resumes it


@dataclass(frozen=True)
class RegisteredModel:
    """A model Steward watches; `text` is the YAML as it was applied, `managed` is ``file`` or ``ui``."""

    declaration: Declaration
    text: str
    managed: str
    paused: bool
    created_at: datetime
    updated_at: datetime
    lifecycle: str = "active"
    paused_by: str | None = None  # a person, or PRUNED

    @property
    def revision(self) -> str:
        """The identity of what is declared and who manages it: another one means that somebody changed it."""
        said = "\n".join((self.managed, self.declaration.model_dump_json(exclude_unset=True), self.text))
        return sha256(said.encode()).hexdigest()[:16]


def put(
    c: sa.Connection, declaration: Declaration, *, text: str, managed: str = "file", now: datetime
) -> None:
    """Register a model or replace its declaration; its next sweep is due at once, unless it is paused."""
    row = {
        "model": declaration.model,
        "owner": declaration.owner,
        "team": declaration.team,
        "task": declaration.task,
        "risk_tier": declaration.risk_tier,
        "declaration": declaration.model_dump_json(exclude_unset=True),
        "text": text,
        "managed": managed,
        "paused": False,
        "paused_by": None,
        "created_at": now,
        "updated_at": now,
    }
    upsert(c, models, [row], keep=("paused", "paused_by", "created_at"))
    due.schedule(c, declaration.model, now)


def get(c: sa.Connection, slug: str) -> RegisteredModel | None:
    """Return a registered model, or None if there is none of that name."""
    row = c.execute(sa.select(models).where(models.c.model == slug)).one_or_none()
    return None if row is None else _registered(row)


def team(c: sa.Connection, slug: str) -> str | None:
    """Return the team of a registered model; None if it has none, or there is no such model."""
    return c.execute(sa.select(models.c.team).where(models.c.model == slug)).scalar_one_or_none()


def owners(c: sa.Connection, slug: str) -> frozenset[str]:
    """Return who owns a registered model and who stands in for them, in lower case; nobody without it."""
    registered = get(c, slug)
    if registered is None:
        return frozenset()
    declared = registered.declaration
    return frozenset(name.lower() for name in (declared.owner, declared.backup_owner) if name)


def every(c: sa.Connection) -> list[RegisteredModel]:
    """Return all registered models by name, the paused ones too."""
    return [_registered(row) for row in c.execute(sa.select(models).order_by(models.c.model))]


def pause(c: sa.Connection, slug: str, by: str | None) -> None:
    """Stop the sweeps of a model in somebody's name, or resume them (None); what it has stays."""
    c.execute(sa.update(models).where(models.c.model == slug).values(paused=by is not None, paused_by=by))


def unprune(c: sa.Connection, slug: str) -> None:
    """Resume a model that was paused because no file declared it; what a person paused stays so."""
    pruned = (models.c.model == slug, models.c.paused_by == PRUNED)
    c.execute(sa.update(models).where(*pruned).values(paused=False, paused_by=None))


def move(c: sa.Connection, slug: str, lifecycle: str) -> None:
    """Write the state of a model's lifecycle."""
    c.execute(sa.update(models).where(models.c.model == slug).values(lifecycle=lifecycle))


def _registered(row: sa.Row[Any]) -> RegisteredModel:
    return RegisteredModel(
        declaration=Declaration.model_validate(_declared(row.declaration), context=ACCEPTED),
        text=row.text,
        managed=row.managed,
        paused=row.paused,
        created_at=row.created_at,
        updated_at=row.updated_at,
        lifecycle=row.lifecycle,
        paused_by=row.paused_by,
    )


def _declared(text: str) -> dict[str, Any]:
    """Return what was declared; an instant at midnight stays one, where pydantic would read a date."""
    declared: dict[str, Any] = json.loads(text)
    reference = declared.get("reference")
    if reference and reference.get("period"):
        reference["period"] = [
            datetime.fromisoformat(end) if "T" in end else date.fromisoformat(end)
            for end in reference["period"]
        ]
    return declared
