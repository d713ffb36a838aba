"""Waivers: two persons take the responsibility for one check of a gate, for a reason and a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.actions import gating, versions
from core.actions.alerts import moment, said_text
from core.actions.authority import require
from core.addresses import mailbox
from core.entities import Actor
from core.errors import InputError, NotAllowed
from core.governed import Waiver
from core.store import Store, audit, promotions
from core.strict import nearest

LONGEST = timedelta(days=90)


def propose(
    store: Store, model: str, number: int, actor: Actor, *, check: str, reason: str, until: datetime
) -> Waiver:
    """Propose to go on without a check of a version's gate; it counts once somebody else confirmed it.

    Raises
    ------
    NotAllowed
        If the actor may not propose waivers.
    InputError
        If there is no such version, the gate has no such check, or it would hold too long.
    """
    why, now = said_text(reason, "why the check may be left out"), store.workspace.now()
    if not now < until <= now + LONGEST:
        raise InputError(
            f"a waiver cannot hold until {moment(until)}; choose a time after now and at most {LONGEST.days} "
            "days ahead"
        )
    policy = gating.policy_of(store)
    with store.write() as c:
        require(c, actor, "waiver.propose", model=model)
        version = versions.found(c, model, number)
        checks = [
            each.name for each in gating.judged(c, policy, version, gating.ENVIRONMENT, now).gate.checks
        ]
        if check not in checks:
            raise InputError(f"the gate of {model} has no check {check!r}; {nearest(check, checks)}")
        made = Waiver(0, model, number, check, version.digest, why, actor.id, now, until)
        made = replace(made, id=promotions.add_waiver(c, made))
        told = {"check": check, "until": until}
        audit.append(
            c, actor, "waiver.proposed", version.entity, after=told, reason=why, ts=datetime.now(UTC)
        )
    return made


def confirm(store: Store, identifier: int, actor: Actor) -> Waiver:
    """Confirm a waiver somebody else proposed; twice by the same person is once.

    Raises
    ------
    NotAllowed
        If the actor may not confirm waivers, proposed it, or uses a token.
    InputError
        If there is no such waiver, or its time is over.
    """
    now = store.workspace.now()
    with store.write() as c:
        before = promotions.waiver(c, identifier)
        if before is None:
            raise InputError(f"there is no waiver {identifier}; see: steward gate MODEL VERSION")
        require(c, actor, "waiver.confirm", model=before.model)
        if mailbox(actor.id) == mailbox(before.proposed_by):
            raise NotAllowed(f"{actor.id} proposed it; a second person confirms it")
        if before.confirmed_by is not None:
            return before
        if before.expires_at <= now:
            raise InputError(f"waiver {identifier} ended on {moment(before.expires_at)}; propose a new one")
        after = replace(before, confirmed_by=actor.id, confirmed_at=now)
        promotions.confirm_waiver(c, after)
        told = {"waiver": identifier, "check": before.check, "proposed_by": before.proposed_by}
        audit.append(
            c,
            actor,
            "waiver.confirmed",
            f"version:{before.model}/{before.number}",
            after=told,
            ts=datetime.now(UTC),
        )
    return after
