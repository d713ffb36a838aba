"""What people do with promotions: request, submit again, withdraw; what they rest on is frozen with them."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core import lifecycle
from core.actions import gating, versions
from core.actions import promotion_steps as steps
from core.actions.alerts import ago, said_text
from core.actions.authority import require
from core.actions.gating import ENVIRONMENT
from core.entities import Actor
from core.errors import Conflict
from core.governed import ModelVersion, Promotion
from core.store import Store, promotions
from core.store.command_keys import once

POLICY = Actor("policy", "policy", frozenset())


def request(
    store: Store,
    model: str,
    number: int,
    actor: Actor,
    *,
    stage: str = "deployed",
    environment: str = ENVIRONMENT,
    note: str = "",
    key: str | None = None,
) -> Promotion:
    """Ask for a version to be promoted: the gate runs at once, and what it found is frozen with the request.

    Parameters
    ----------
    note : what the approvers should know
    key : asking again under the same key returns what the first call made

    Returns
    -------
    The request: ``awaiting_approval``, ``checks_failed``, or ``approved`` where the tier needs no person.

    Raises
    ------
    NotAllowed
        If the actor may not request promotions of this model.
    InputError
        If there is no such version or stage.
    Conflict
        If the version has an open request there.
    StateError
        If the version cannot be promoted from its state.
    """
    gating.check_stage(stage)
    now = store.workspace.now()
    with store.write() as c:
        require(c, actor, "promotion.request", model=model)
        version = versions.found(c, model, number)
        if known := once(c, actor, f"promote {model}/{number}", key):
            return steps.found(c, int(known))
        if other := promotions.open_of(c, model, number, environment):
            raise Conflict(
                f"{version.title} has an open request: {other.title}, {other.state} since "
                f"{ago(now - other.updated_at)} by {other.updated_by}; go on with it, or withdraw it"
            )
        made = Promotion(
            *(0, model, number, environment, stage, "draft", 0, 0, actor.id, now, " ".join(note.split())),
            *(now, actor.id),
        )
        made = replace(made, id=promotions.add(c, made))
        steps.record(c, actor, "requested", None, made)
        once(c, actor, f"promote {model}/{number}", key, outcome=made.id)
        return _submit(c, store, made, version, actor, now)


def submit(store: Store, identifier: int, actor: Actor, *, seen: int | None = None) -> Promotion:
    """Submit a request again whose checks failed or that was asked back; a new round of decisions begins.

    Raises
    ------
    NotAllowed, InputError, Conflict, StateError
        As `request`.
    """
    now = store.workspace.now()
    with store.write() as c:
        before = steps.seen_as(c, identifier, seen, now)
        require(c, actor, "promotion.request", model=before.model)
        version = versions.found(c, before.model, before.number)
        if before.state == "checks_failed":
            before = steps.put(c, actor, "drafted", before, "draft", now)
        return _submit(c, store, before, version, actor, now)


def withdraw(
    store: Store, identifier: int, actor: Actor, *, reason: str, seen: int | None = None
) -> Promotion:
    """Take a request back; an approval it had is void.

    Raises
    ------
    NotAllowed, Conflict, StateError
        As `approve`.
    """
    why, now = said_text(reason, "why it is withdrawn"), store.workspace.now()
    with store.write() as c:
        before = steps.seen_as(c, identifier, seen, now)
        require(c, actor, "promotion.request", model=before.model)
        return steps.close(c, actor, before, "withdrawn", now, why)


def settle(store: Store, actor: Actor) -> list[Promotion]:
    """Close the open requests that are too old, or whose digest, policy or gate result is another now."""
    now, policy = store.workspace.now(), gating.policy_of(store)
    closed = []
    with store.write() as c:
        for promotion in promotions.every(c, states=("awaiting_approval", "approved", "checks_failed")):
            version = versions.found(c, promotion.model, promotion.number)
            judged = gating.judged(c, policy, version, promotion.environment, now)
            if void := steps.voided(promotion, version, judged, now):
                closed.append(steps.close(c, actor, promotion, void[0], now, void[1]))
    return closed


def _submit(
    c: sa.Connection,
    store: Store,
    draft: Promotion,
    version: ModelVersion,
    actor: Actor,
    now: datetime,
) -> Promotion:
    policy = gating.policy_of(store)
    promotions.keep_policy(c, policy, at=now)
    submitted = steps.put(c, actor, "submitted", draft, "submitted", now)
    running = steps.put(c, actor, "checked", submitted, "checks_running", now)
    if version.state in ("registered", "validated"):
        version = versions.moved(c, actor, version, "in_validation")
    elif version.state not in ("in_validation", "superseded", "suspended"):
        lifecycle.check(lifecycle.VERSION, version.title, version.state, "in_validation")
    judged = gating.judged(c, policy, version, draft.environment, now)
    frozen: dict[str, Any] = {
        "round": draft.round + 1,
        "digest": version.digest,
        "policy": policy.hash,
        "gate": judged.gate.as_json(),
        "gate_digest": judged.gate.digest,
        "expires_at": now + judged.tier.expires,
    }
    if not judged.gate.passed:
        return steps.put(c, actor, "checks_failed", running, "checks_failed", now, **frozen)
    if version.state == "in_validation":
        versions.moved(c, actor, version, "validated", reason="every check of the gate passed")
    waiting = steps.put(c, actor, "awaiting_approval", running, "awaiting_approval", now, **frozen)
    return waiting if judged.tier.approvals else steps.approved(c, POLICY, waiting, now)
