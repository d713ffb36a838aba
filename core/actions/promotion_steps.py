"""What promotions are made of: each step is checked against its table, written, and put on the record."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from core import lifecycle
from core.actions import announcing, versions
from core.actions.alerts import ago
from core.actions.gating import Judged
from core.entities import Actor
from core.errors import Conflict, InputError
from core.governed import ModelVersion, Promotion
from core.store import audit, promotions


def approved(c: sa.Connection, actor: Actor, promotion: Promotion, now: datetime) -> Promotion:
    """Approve a request all of whose seats are filled, and with it the version."""
    version = versions.found(c, promotion.model, promotion.number)
    if version.state == "validated":
        versions.moved(c, actor, version, "approved", reason=promotion.title)
    return put(c, actor, "approved", promotion, "approved", now)


def voided(
    promotion: Promotion, version: ModelVersion, judged: Judged, now: datetime
) -> tuple[str, str] | None:
    """Return the state a request ends in and why, None while what it was submitted on holds."""
    if promotion.expires_at is not None and promotion.expires_at < now:
        return "expired", "nobody carried it through in time"
    if promotion.state == "checks_failed":
        return None
    if promotion.digest != version.digest:
        return "invalidated", "the artifact is not the one it was submitted with"
    if promotion.policy != judged.policy.hash:
        return "invalidated", "the policy changed"
    if promotion.gate_digest != judged.gate.digest:
        return "invalidated", f"the gate finds something else now: {_differing(promotion, judged)}"
    return None


def _differing(promotion: Promotion, judged: Judged) -> str:
    """Return the checks whose result is another one than when the request was submitted."""
    before = {check["name"]: check["state"] for check in promotion.gate or ()}
    after = {check.name: check.state for check in judged.gate.checks}
    absent = "not asked for"
    differing = [
        f"{name} was {before.get(name, absent)}, is {after.get(name, absent)}"
        for name in before | after
        if before.get(name) != after.get(name)
    ]
    return ", ".join(differing).replace("_", " ")


def close(
    c: sa.Connection, actor: Actor, promotion: Promotion, state: str, now: datetime, reason: str
) -> Promotion:
    """End a request; a version that was approved by it goes back to validated."""
    after = put(c, actor, state, promotion, state, now, closed_reason=reason)
    version = versions.found(c, promotion.model, promotion.number)
    if promotion.state == "approved" and state != "executed" and version.state == "approved":
        versions.moved(c, actor, version, "validated", reason=f"{promotion.title} is {state}: {reason}")
    return after


def found(c: sa.Connection, identifier: int) -> Promotion:
    """Return a request.

    Raises
    ------
    InputError
        If there was never one of this number.
    """
    promotion = promotions.get(c, identifier)
    if promotion is None:
        raise InputError(f"there is no promotion {identifier}; see: steward promote list")
    return promotion


def seen_as(c: sa.Connection, identifier: int, seen: int | None, now: datetime) -> Promotion:
    """Return the request as it is, if it is still what the person saw."""
    promotion = found(c, identifier)
    if seen is not None and seen != promotion.revision:
        raise Conflict(
            f"{promotion.title} was changed by {promotion.updated_by} {ago(now - promotion.updated_at)}, "
            f"it is {promotion.state} now; reload to see it as it is"
        )
    return promotion


def put(
    c: sa.Connection,
    actor: Actor,
    what: str,
    before: Promotion,
    state: str,
    now: datetime,
    *,
    reason: str | None = None,
    **changes: Any,
) -> Promotion:
    """Write the request's next state, if its table lists the step, and the audit entry of it."""
    if state != before.state:
        lifecycle.check(lifecycle.PROMOTION, before.title, before.state, state)
    after = replace(
        before, state=state, revision=before.revision + 1, updated_at=now, updated_by=actor.id, **changes
    )
    promotions.put(c, after)
    why = reason or changes.get("closed_reason")
    record(c, actor, what, before, after, reason=why)
    if state != before.state:
        announcing.announce(c, after, "asked_back" if what == "asked_back" else state, actor.id, now, why)
    return after


def record(
    c: sa.Connection,
    actor: Actor,
    what: str,
    before: Promotion | None,
    after: Promotion,
    *,
    reason: str | None = None,
) -> None:
    """Write the audit entry of a step, with the policy and the evidence it rests on."""
    told = {"model": after.model, "version": after.number, "state": after.state, "digest": after.digest}
    audit.append(
        c,
        actor,
        f"promotion.{what}",
        after.entity,
        before={"state": before.state} if before else None,
        after=told if after.gate_digest is None else told | {"gate": after.gate_digest},
        reason=reason,
        policy=after.policy,
        evidence_digests=[check["evidence"] for check in after.gate or () if check["evidence"]],
        ts=datetime.now(UTC),
    )
