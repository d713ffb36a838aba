"""What people do with what runs: release an approved version, roll back, suspend, resume, review."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from core import artifacts, records
from core.actions import gating, versions
from core.actions import promotion_steps as steps
from core.actions.alerts import said_text
from core.actions.authority import require
from core.actions.gating import ENVIRONMENT
from core.addresses import mailbox
from core.entities import Actor
from core.errors import Conflict, InputError, NotAllowed, StateError
from core.governed import ModelVersion, Promotion, Release
from core.store import Store, audit, promotions, releases
from core.store import versions as stored
from core.store.command_keys import once


def release(
    store: Store,
    model: str,
    number: int,
    actor: Actor,
    *,
    environment: str = ENVIRONMENT,
    reason: str = "",
    key: str | None = None,
) -> Release:
    """Put an approved version into an environment in place of the one that is there.

    Its artifact is hashed again first, and what its approval rests on is looked at again.

    Raises
    ------
    NotAllowed
        If the actor may not release versions of this model.
    InputError
        If there is no such version.
    StateError
        If the version is not approved.
    Conflict
        If its approval is void, or its artifact is not what was registered.
    """
    now, policy = store.workspace.now(), gating.policy_of(store)
    intact = _intact(store, model, number)
    void: tuple[str, str] | None = None
    with store.write() as c:
        require(c, actor, "release.change", model=model)
        version = versions.found(c, model, number)
        if known := once(c, actor, f"release {model}/{number}", key):
            return _found(c, int(known))
        promotion = _approved(c, version, environment)
        judged = gating.judged(c, policy, version, environment, now)
        void = steps.voided(promotion, version, judged, now)
        if void is None and not intact:
            void = ("invalidated", "the artifact's files are not those that were registered")
        if void is None:
            made = _deploy(c, actor, version, promotion, environment, now, reason)
            once(c, actor, f"release {model}/{number}", key, outcome=made.id)
            return made
        steps.close(c, actor, promotion, void[0], now, void[1])
    raise Conflict(f"{promotion.title} is {void[0]}: {void[1]}; it has to be requested anew")


def adopt(
    store: Store, model: str, number: int, actor: Actor, *, reason: str, environment: str = ENVIRONMENT
) -> Release:
    """Record a version that ran before Steward knew it as the champion; somebody else has to review it.

    Only for a model of which nothing was ever released there: what comes after needs a promotion.

    Raises
    ------
    NotAllowed, InputError
        As `release`.
    StateError
        If something was released there before, or the version is not newly registered.
    """
    why, now = said_text(reason, "since when it runs, and where"), store.workspace.now()
    with store.write() as c:
        require(c, actor, "release.change", model=model)
        version = versions.found(c, model, number)
        if releases.events(c, model, environment=environment):
            raise StateError(f"{model} has releases in {environment}; a further version needs a promotion")
        versions.moved(c, actor, version, "deployed", reason=why)
        return record(
            c,
            actor,
            Release(
                *(0, model, environment, "adopted", number, None, "direct", None, True, None),
                *(now, actor.id, why),
            ),
        )


def roll_back(
    store: Store,
    model: str,
    actor: Actor,
    *,
    reason: str,
    environment: str = ENVIRONMENT,
    seen: int | None = None,
) -> Release:
    """Bring the previous champion back at once; somebody else has to review it afterwards.

    Parameters
    ----------
    seen : the version the person saw in production; another one there now is a conflict

    Raises
    ------
    NotAllowed, Conflict
        As `release`; also if the version in production is not the one that was seen.
    StateError
        If there is nothing to go back to.
    """
    why, now = said_text(reason, "why it is rolled back"), store.workspace.now()
    with store.read() as c:
        target = _target(c, model, environment)
    intact = _intact(store, model, target)
    with store.write() as c:
        require(c, actor, "release.change", model=model)
        if _target(c, model, environment) != target:
            raise Conflict(f"{model} was released by somebody else meanwhile; reload to see what runs")
        current = _live(c, model, environment, seen)
        back = versions.found(c, model, target)
        if not intact:
            raise _tampered(back)
        if current is not None:
            versions.moved(c, actor, versions.found(c, model, current), "superseded", reason=why)
        versions.moved(c, actor, back, "deployed", reason=why)
        return record(
            c,
            actor,
            Release(
                *(0, model, environment, "rolled_back", target, current, "direct", None, True, None),
                *(now, actor.id, why),
            ),
        )


def suspend(
    store: Store,
    model: str,
    actor: Actor,
    *,
    reason: str,
    environment: str = ENVIRONMENT,
    seen: int | None = None,
) -> Release:
    """Take the version in production out at once, without another; otherwise as `roll_back`."""
    why, now = said_text(reason, "why it is suspended"), store.workspace.now()
    with store.write() as c:
        require(c, actor, "release.change", model=model)
        current = _live(c, model, environment, seen)
        if current is None:
            raise StateError(f"nothing of {model} is released to {environment}; there is nothing to suspend")
        versions.moved(c, actor, versions.found(c, model, current), "suspended", reason=why)
        return record(
            c,
            actor,
            Release(
                *(0, model, environment, "suspended", current, current, "direct", None, True, None),
                *(now, actor.id, why),
            ),
        )


def resume(store: Store, model: str, actor: Actor, *, reason: str, environment: str = ENVIRONMENT) -> Release:
    """Bring a suspended version back, once its suspension was reviewed; otherwise as `release`."""
    why, now = said_text(reason, "why it may run again"), store.workspace.now()
    with store.read() as c:
        last = _suspension(c, model, environment)
    intact = _intact(store, model, last.number)
    with store.write() as c:
        require(c, actor, "release.change", model=model)
        if _suspension(c, model, environment) != last:
            raise Conflict(f"{model} was released by somebody else meanwhile; reload to see what runs")
        if any(each.id == last.id for each in releases.unreviewed(c)):
            raise StateError(
                f"the suspension of {model} is not reviewed yet; a validator or approver does that"
            )
        version = versions.found(c, model, last.number)
        if not intact:
            raise _tampered(version)
        versions.moved(c, actor, version, "deployed", reason=why)
        return record(
            c,
            actor,
            Release(
                *(0, model, environment, "resumed", last.number, None, "direct", None, False, None),
                *(now, actor.id, why),
            ),
        )


def review(store: Store, identifier: int, actor: Actor, *, finding: str) -> Release:
    """Write down what looking back at an emergency showed; whoever acted then cannot review it.

    Raises
    ------
    NotAllowed
        If the actor may not review, acts by a token, or did it.
    InputError
        If there is no such event, or it was no emergency.
    """
    why, now = said_text(finding, "what the review found"), store.workspace.now()
    with store.write() as c:
        done = _found(c, identifier)
        require(c, actor, "release.review", model=done.model)
        if not done.emergency:
            raise InputError(f"release {identifier} was no emergency; there is nothing to review")
        if mailbox(actor.id) == mailbox(done.actor):
            raise NotAllowed(f"{actor.id} acted then; a person who did not act reviews it")
        if all(each.id != identifier for each in releases.unreviewed(c)):
            return next(e for e in releases.events(c, done.model) if e.of_release == identifier)
        return record(
            c,
            actor,
            Release(
                *(0, done.model, done.environment, "reviewed", done.number, None, done.strategy, None, False),
                *(identifier, now, actor.id, why),
            ),
        )


def _deploy(
    c: sa.Connection,
    actor: Actor,
    version: ModelVersion,
    promotion: Promotion,
    environment: str,
    now: datetime,
    reason: str,
) -> Release:
    current = _live(c, version.model, environment, None)
    if current is not None:
        versions.moved(
            c, actor, versions.found(c, version.model, current), "superseded", reason=promotion.title
        )
    versions.moved(c, actor, version, "deployed", reason=promotion.title)
    steps.close(c, actor, promotion, "executed", now, "released")
    stored.link(c, [(version.entity, "released as", f"release:{version.model}/{environment}")])
    return record(
        c,
        actor,
        Release(
            *(0, version.model, environment, "deployed", version.number, current, "direct", promotion.id),
            *(False, None, now, actor.id, " ".join(reason.split())),
        ),
        evidence=[check["evidence"] for check in promotion.gate or () if check["evidence"]],
        policy=promotion.policy,
    )


def record(
    c: sa.Connection,
    actor: Actor,
    event: Release,
    *,
    evidence: Sequence[str] = (),
    policy: str | None = None,
) -> Release:
    """Keep an event with its audit entry, in the transaction of what it is about."""
    made = releases.add(c, event)
    audit.append(
        c,
        actor,
        f"release.{made.event}",
        f"release:{made.model}/{made.environment}",
        before={"version": made.previous},
        after={
            "version": made.number,
            "release": made.id,
            "emergency": made.emergency,
            "of": made.of_release,
        },
        reason=made.reason or None,
        policy=policy,
        evidence_digests=evidence,
        ts=datetime.now(UTC),
    )
    return made


def _approved(c: sa.Connection, version: ModelVersion, environment: str) -> Promotion:
    promotion = promotions.open_of(c, version.model, version.number, environment)
    if promotion is None or promotion.state != "approved":
        state = f"{promotion.title} is {promotion.state}" if promotion else f"it is {version.state}"
        raise StateError(
            f"{version.title} has no approval for {environment}: {state}; request a promotion first"
        )
    return promotion


def _target(c: sa.Connection, model: str, environment: str) -> int:
    """Return the version a rollback goes to: the champion before the one that is or was last live."""
    done = [e for e in releases.events(c, model, environment=environment) if e.event != "reviewed"]
    deployed = [e for e in done if e.event == "deployed" and e.number == done[-1].number]
    if not deployed or deployed[-1].previous is None:
        raise StateError(f"{model} has no earlier release in {environment} to go back to")
    return deployed[-1].previous


def _live(c: sa.Connection, model: str, environment: str, seen: int | None) -> int | None:
    champion = releases.champion(c, model, environment)
    current = champion.number if champion else None
    if seen is not None and seen != current:
        raise Conflict(
            f"{model} runs version {current} in {environment} now, not {seen}; reload to see what runs"
        )
    return current


def _suspension(c: sa.Connection, model: str, environment: str) -> Release:
    done = [e for e in releases.events(c, model, environment=environment) if e.event != "reviewed"]
    if not done or done[-1].event != "suspended":
        raise StateError(f"nothing of {model} is suspended in {environment}")
    return done[-1]


def _intact(store: Store, model: str, number: int) -> bool:
    """Tell whether the version's files are those it was registered with; elsewhere kept ones are not read."""
    with store.read() as c:
        version = versions.found(c, model, number)
    record = version.record
    if record.artifact is None or artifacts.is_remote(record.artifact):
        return True
    found = tuple(artifacts.files(store.workspace, record.artifact))
    return records.manifest_digest(found) == version.digest


def _tampered(version: ModelVersion) -> Conflict:
    return Conflict(f"the files of {version.title} are not those that were registered; release another one")


def _found(c: sa.Connection, identifier: int) -> Release:
    event = releases.get(c, identifier)
    if event is None:
        raise InputError(f"there is no release event {identifier}; see: steward release list")
    return event
