"""Promotion requests with what people said on them, waivers, and the policies by which was decided."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.governed import Approval, Promotion, Waiver
from core.lifecycle import OPEN
from core.policies import Policy
from core.store.governance_schema import approvals, policies, promotions, waivers
from core.store.types import Instant


def add(c: sa.Connection, promotion: Promotion) -> int:
    """Keep a new request and return its number."""
    told = {name: value for name, value in asdict(promotion).items() if name != "id"}
    return int(c.execute(sa.insert(promotions).values(told).returning(promotions.c.id)).scalar_one())


def put(c: sa.Connection, promotion: Promotion) -> None:
    """Write a request as it is now."""
    told = {name: value for name, value in asdict(promotion).items() if name != "id"}
    c.execute(sa.update(promotions).where(promotions.c.id == promotion.id).values(told))


def get(c: sa.Connection, identifier: int) -> Promotion | None:
    """Return a request, or None if there was never one of this number."""
    row = c.execute(sa.select(promotions).where(promotions.c.id == identifier)).one_or_none()
    return None if row is None else _promotion(row)


def every(
    c: sa.Connection,
    model: str | None = None,
    *,
    states: Sequence[str] | None = None,
    limit: int | None = None,
) -> list[Promotion]:
    """Return requests, the newest first: of one model or all, in these states or any."""
    found = sa.select(promotions).order_by(promotions.c.id.desc()).limit(limit)
    if model is not None:
        found = found.where(promotions.c.model == model)
    if states is not None:
        found = found.where(promotions.c.state.in_(states))
    return [_promotion(row) for row in c.execute(found)]


def open_of(c: sa.Connection, model: str, number: int, environment: str) -> Promotion | None:
    """Return the request of a version that is not decided or carried out yet, if there is one."""
    states = tuple(sorted(OPEN))
    return next(
        (p for p in every(c, model, states=states) if (p.number, p.environment) == (number, environment)),
        None,
    )


def stuck(c: sa.Connection, states: Sequence[str], before: datetime) -> list[Promotion]:
    """Return the requests in these states that nobody touched or was reminded of since a business time."""
    quiet = sa.func.coalesce(promotions.c.reminded_at, promotions.c.updated_at, type_=Instant) <= before
    later = promotions.c.updated_at <= before
    found = sa.select(promotions).where(promotions.c.state.in_(states), quiet, later)
    return [_promotion(row) for row in c.execute(found.order_by(promotions.c.id))]


def reminded(c: sa.Connection, identifier: int, at: datetime) -> None:
    """Write down that approvers were told again."""
    c.execute(sa.update(promotions).where(promotions.c.id == identifier).values(reminded_at=at))


def say(c: sa.Connection, approval: Approval) -> None:
    """Keep what somebody said on a request."""
    told = {name: value for name, value in asdict(approval).items() if name != "id"}
    c.execute(sa.insert(approvals).values(told))


def said(c: sa.Connection, promotion: int) -> list[Approval]:
    """Return what was said on a request, in order."""
    found = sa.select(approvals).where(approvals.c.promotion == promotion).order_by(approvals.c.id)
    names = [field.name for field in fields(Approval)]
    return [Approval(**{name: getattr(row, name) for name in names}) for row in c.execute(found)]


def keep_policy(c: sa.Connection, policy: Policy, *, at: datetime) -> None:
    """Keep the text of a policy that something is decided by."""
    if c.execute(sa.select(policies.c.hash).where(policies.c.hash == policy.hash)).first() is None:
        c.execute(sa.insert(policies).values(hash=policy.hash, text=policy.text, first_used_at=at))


def policy_text(c: sa.Connection, digest: str) -> str | None:
    """Return a policy by which something was decided, word for word."""
    return c.execute(sa.select(policies.c.text).where(policies.c.hash == digest)).scalar_one_or_none()


def add_waiver(c: sa.Connection, waiver: Waiver) -> int:
    """Keep a proposed waiver and return its number."""
    told = {name: value for name, value in asdict(waiver).items() if name != "id"}
    return int(c.execute(sa.insert(waivers).values(told).returning(waivers.c.id)).scalar_one())


def confirm_waiver(c: sa.Connection, waiver: Waiver) -> None:
    """Write down who confirmed a waiver, and when."""
    told = {"confirmed_by": waiver.confirmed_by, "confirmed_at": waiver.confirmed_at}
    c.execute(sa.update(waivers).where(waivers.c.id == waiver.id).values(told))


def waiver(c: sa.Connection, identifier: int) -> Waiver | None:
    """Return a waiver, or None if there was never one of this number."""
    row = c.execute(sa.select(waivers).where(waivers.c.id == identifier)).one_or_none()
    return None if row is None else _waiver(row)


def waivers_of(c: sa.Connection, model: str, number: int) -> list[Waiver]:
    """Return the waivers of a version, the newest first."""
    found = sa.select(waivers).where(waivers.c.model == model, waivers.c.number == number)
    return [_waiver(row) for row in c.execute(found.order_by(waivers.c.id.desc()))]


def unconfirmed(c: sa.Connection, now: datetime) -> list[Waiver]:
    """Return the waivers that still wait for a second person, the oldest first."""
    found = sa.select(waivers).where(waivers.c.confirmed_by.is_(None), waivers.c.expires_at > now)
    return [_waiver(row) for row in c.execute(found.order_by(waivers.c.id))]


def _promotion(row: sa.Row[Any]) -> Promotion:
    return Promotion(**{field.name: getattr(row, field.name) for field in fields(Promotion)})


def _waiver(row: sa.Row[Any]) -> Waiver:
    return Waiver(**{field.name: getattr(row, field.name) for field in fields(Waiver)})
