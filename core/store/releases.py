"""What was released where: append-only events, and the champions they add up to."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.governed import Release
from core.store.governance_schema import champions, releases
from core.store.upsert import upsert

DEPLOYS = ("deployed", "adopted", "rolled_back", "resumed")


@dataclass(frozen=True)
class Champion:
    """What is live for a model in an environment; `number` is None after a suspension or retirement."""

    model: str
    environment: str
    number: int | None
    release: int


def add(c: sa.Connection, release: Release) -> Release:
    """Keep an event, bring the champion in line with it, and return it with its number."""
    told = {name: value for name, value in asdict(release).items() if name != "id"}
    made = replace(
        release, id=c.execute(sa.insert(releases).values(told).returning(releases.c.id)).scalar_one()
    )
    if made.event != "reviewed":
        live = made.number if made.event in DEPLOYS else None
        row = {"model": made.model, "environment": made.environment, "number": live, "release": made.id}
        upsert(c, champions, [row])
    return made


def champion(c: sa.Connection, model: str, environment: str) -> Champion | None:
    """Return what is live for a model, or None if nothing was ever released there."""
    key = (champions.c.model == model, champions.c.environment == environment)
    row = c.execute(sa.select(champions).where(*key)).one_or_none()
    return None if row is None else Champion(row.model, row.environment, row.number, row.release)


def every_champion(c: sa.Connection) -> list[Champion]:
    """Return what is or was live, by model and environment."""
    found = sa.select(champions).order_by(champions.c.model, champions.c.environment)
    return [Champion(row.model, row.environment, row.number, row.release) for row in c.execute(found)]


def events(
    c: sa.Connection,
    model: str | None = None,
    *,
    environment: str | None = None,
    until: datetime | None = None,
) -> list[Release]:
    """Return what was done, in order: of a model, in an environment, up to and with a business time."""
    found = sa.select(releases).order_by(releases.c.id)
    if model is not None:
        found = found.where(releases.c.model == model)
    if environment is not None:
        found = found.where(releases.c.environment == environment)
    if until is not None:
        found = found.where(releases.c.at <= until)
    return [_release(row) for row in c.execute(found)]


def get(c: sa.Connection, identifier: int) -> Release | None:
    """Return an event, or None if there was never one of this number."""
    row = c.execute(sa.select(releases).where(releases.c.id == identifier)).one_or_none()
    return None if row is None else _release(row)


def live_at(c: sa.Connection, model: str, environment: str, at: datetime) -> Release | None:
    """Return the event by which a version was in production at a business time; None if none was."""
    done = [e for e in events(c, model, environment=environment, until=at) if e.event != "reviewed"]
    return done[-1] if done and done[-1].event in DEPLOYS else None


def unreviewed(c: sa.Connection) -> list[Release]:
    """Return the emergency events that nobody has reviewed yet, in order."""
    every = events(c)
    seen = {e.of_release for e in every if e.event == "reviewed"}
    return [e for e in every if e.emergency and e.id not in seen]


def _release(row: sa.Row[Any]) -> Release:
    return Release(**{field.name: getattr(row, field.name) for field in fields(Release)})
