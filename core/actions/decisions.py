"""What people say on promotions: approve, reject, ask back, comment; four eyes on frozen evidence."""

from datetime import UTC, datetime

import sqlalchemy as sa

from core import approving
from core.actions import gating, versions
from core.actions import promotion_steps as steps
from core.actions.alerts import said_text
from core.actions.authority import require
from core.actions.gating import Judged
from core.entities import Actor
from core.errors import Conflict, NotAllowed, StateError
from core.governed import Approval, ModelVersion, Promotion
from core.store import Store, audit, promotions


def approve(
    store: Store, identifier: int, actor: Actor, *, comment: str = "", seen: int | None = None
) -> Promotion:
    """Approve a request; when every seat of its policy is filled, the version is approved.

    Parameters
    ----------
    seen : the `revision` of the request that the person saw; what changed since then is a conflict

    Raises
    ------
    NotAllowed
        If the actor may not decide, uses a token, asked for it, or developed the version.
    Conflict
        If the request changed since, or what it was submitted on is not so any more.
    StateError
        If it does not wait for approval.
    """
    return _decide(store, identifier, actor, "approve", comment, seen)


def reject(
    store: Store, identifier: int, actor: Actor, *, comment: str, seen: int | None = None
) -> Promotion:
    """Reject a request and its version, for a reason; otherwise as `approve`."""
    return _decide(store, identifier, actor, "reject", said_text(comment, "why it is rejected"), seen)


def ask_back(
    store: Store, identifier: int, actor: Actor, *, comment: str, seen: int | None = None
) -> Promotion:
    """Return a request to its author with a question; otherwise as `approve`."""
    return _decide(store, identifier, actor, "ask_back", said_text(comment, "what is to be answered"), seen)


def comment(store: Store, identifier: int, actor: Actor, *, text: str) -> Approval:
    """Write something on a request; it decides nothing."""
    now = store.workspace.now()
    with store.write() as c:
        promotion = steps.found(c, identifier)
        roles = require(c, actor, "promotion.comment", model=promotion.model)
        said = Approval(
            *(0, identifier, promotion.round, actor.id, sorted(roles), "comment"),
            *(said_text(text, "what you want to say"), now),
        )
        promotions.say(c, said)
        told = {"comment": said.comment}
        audit.append(c, actor, "promotion.commented", promotion.entity, after=told, ts=datetime.now(UTC))
    return said


def _decide(
    store: Store, identifier: int, actor: Actor, decision: str, comment: str, seen: int | None
) -> Promotion:
    now, policy = store.workspace.now(), gating.policy_of(store)
    with store.write() as c:
        before = steps.found(c, identifier)
        roles = require(c, actor, "promotion.decide", model=before.model)
        if _said_before(c, before, actor, decision):
            return before
        before = steps.seen_as(c, identifier, seen, now)
        if before.state != "awaiting_approval":
            raise StateError(f"{before.title} is {before.state}; only awaiting_approval is decided on")
        version = versions.found(c, before.model, before.number)
        judged = gating.judged(c, policy, version, before.environment, now)
        void = steps.voided(before, version, judged, now)
        if void is None:
            _permit(judged, before, version, actor, roles, decision)
            said = Approval(0, identifier, before.round, actor.id, sorted(roles), decision, comment, now)
            promotions.say(c, said)
            return _decided(c, judged, before, version, said, actor, now)
        steps.close(c, actor, before, void[0], now, void[1])
    raise Conflict(f"{before.title} is {void[0]}: {void[1]}; it has to be requested anew")


def _permit(
    judged: Judged,
    promotion: Promotion,
    version: ModelVersion,
    actor: Actor,
    roles: frozenset[str],
    decision: str,
) -> None:
    """Refuse who stands too near, or holds none of the roles the policy asks for."""
    if decision == "approve" and (why := approving.barred(judged.tier, promotion, version, actor.id)):
        raise NotAllowed(f"{actor.id} {why}")
    seats = sorted({role for seat in judged.tier.approvals for role in seat})
    if not roles & set(seats):
        raise NotAllowed(f"{actor.id} is {actor.standing}; this tier is decided by {' or '.join(seats)}")


def _decided(
    c: sa.Connection,
    judged: Judged,
    before: Promotion,
    version: ModelVersion,
    said: Approval,
    actor: Actor,
    now: datetime,
) -> Promotion:
    match said.decision:
        case "reject":
            after = steps.close(c, actor, before, "rejected", now, said.comment)
            if version.state == "validated":
                versions.moved(c, actor, version, "rejected", reason=said.comment)
            return after
        case "ask_back":
            return steps.put(c, actor, "asked_back", before, "draft", now, reason=said.comment)
    after = steps.put(c, actor, "approval_given", before, before.state, now, reason=said.comment or None)
    every = [a for a in promotions.said(c, before.id) if a.round == before.round]
    return after if approving.unseated(judged.tier, every) else steps.approved(c, actor, after, now)


def _said_before(c: sa.Connection, promotion: Promotion, actor: Actor, decision: str) -> bool:
    """Tell whether this person decided so in this round already: saying it twice changes nothing."""
    return any(
        (a.round, a.actor, a.decision) == (promotion.round, actor.id, decision)
        for a in promotions.said(c, promotion.id)
    )
