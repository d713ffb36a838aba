"""What people do with a model as a whole: move it through its lifecycle, attest to it, retire it."""

from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa

from core import lifecycle
from core.actions import releases as release_actions
from core.actions import versions
from core.actions.alerts import said_text
from core.actions.authority import known, require
from core.addresses import mailbox
from core.entities import Actor, AlertEvent
from core.errors import InputError, StateError
from core.governed import Release
from core.records import Retirement
from core.store import Store, alerts, attestations, audit, models, promotions, releases


def move(store: Store, model: str, state: str, actor: Actor, *, reason: str) -> str:
    """Bring a model into another state of `lifecycle.MODEL`, and return the one it was in.

    Raises
    ------
    NotAllowed
        If the actor may not move models.
    InputError
        If there is no such model or state.
    StateError
        If the step is not listed; retiring ends with `retire`.
    """
    why = said_text(reason, "why")
    with store.write() as c:
        require(c, actor, "model.lifecycle", model=model)
        before = _state(c, model)
        if state not in lifecycle.MODEL:
            raise InputError(f"{state!r} is no state of a model; expected {', '.join(lifecycle.MODEL)}")
        if before != state:
            _move(c, actor, model, before, state, why)
    return before


def retire(store: Store, model: str, record: Retirement, actor: Actor) -> None:
    """Retire a model: nothing of it stays released, and traffic that still comes is an alert from now on.

    Raises
    ------
    NotAllowed, InputError
        As `move`.
    StateError
        If it is retired already.
    """
    now = store.workspace.now()
    with store.write() as c:
        require(c, actor, "model.lifecycle", model=model)
        before = _state(c, model)
        if before != "retiring":
            _move(c, actor, model, before, "retiring", record.reason)
        for champion in releases.every_champion(c):
            if champion.model == model and champion.number is not None:
                _take_out(c, actor, model, champion.environment, champion.number, now, record.reason)
        _move(c, actor, model, "retiring", "retired", record.reason)
        attestations.retired(c, model, record, at=now, by=actor.id)


def remove(store: Store, model: str, actor: Actor, *, reason: str) -> None:
    """Stop a model for good: it leaves the pages and moves to the archive; nothing of it is deleted.

    Raises
    ------
    NotAllowed, InputError
        As `move`.
    StateError
        If a version of it is in production, a promotion is open, or it was removed already.
    """
    why, now = said_text(reason, "why"), store.workspace.now()
    with store.write() as c:
        require(c, actor, "model.pause", model=model)
        before = _state(c, model)
        live = [
            each for each in releases.every_champion(c) if each.model == model and each.number is not None
        ]
        if live:
            raise StateError(
                f"version {live[0].number} of {model} is in {live[0].environment}; "
                f"first run: steward retire {model}"
            )
        if waiting := [each.id for each in promotions.every(c, model, states=tuple(lifecycle.OPEN))]:
            raise StateError(
                f"promotion {waiting[0]} of {model} is open; first run: steward promote withdraw"
            )
        for step in _way_out(before):
            _move(c, actor, model, before, step, why)
            before = step
        models.pause(c, model, actor.id)
        for alert in alerts.of_model(c, model):
            if alert.episode.resolved_at is None:
                over = replace(alert.episode, resolved_at=now, closed_reason="model removed")
                alerts.put(c, replace(alert, episode=over))
                alerts.happened(c, AlertEvent(alert.id, now, actor.id, "resolved", "model removed"))


def _way_out(state: str) -> tuple[str, ...]:
    """Return the steps by which a model that serves nobody gets into the archive."""
    if state in ("retired", "archived"):
        return ("archived",)
    if state == "retiring":
        return ("retired", "archived")
    early = {"proposed": ("in_development", "active"), "in_development": ("active",)}
    return (*early.get(state, ()), "retiring", "retired", "archived")


def attest(store: Store, model: str, actor: Actor, *, text: str) -> None:
    """Say that a model is still owned and wanted: its review is done until the next one is due.

    Raises
    ------
    NotAllowed
        If the actor is not the owner and may not move models either.
    InputError
        If there is no such model.
    """
    said, now = said_text(text, "what the review found"), store.workspace.now()
    with store.write() as c:
        registered = models.get(c, model)
        owners = set() if registered is None else _owners(registered)
        if mailbox(known(c, actor).id) not in owners:
            require(c, actor, "model.lifecycle", model=model)
        _state(c, model)
        attestations.add(c, model, said, at=now, by=actor.id)
        audit.append(c, actor, "model.attested", f"model:{model}", after={"said": said}, ts=datetime.now(UTC))


def _owners(registered: models.RegisteredModel) -> set[str]:
    declared = registered.declaration
    return {mailbox(owner) for owner in (declared.owner, declared.backup_owner) if owner}


def _state(c: sa.Connection, model: str) -> str:
    registered = models.get(c, model)
    if registered is None:
        raise InputError(f"no model {model!r} is registered; run: steward status")
    return registered.lifecycle


def _move(c: sa.Connection, actor: Actor, model: str, before: str, after: str, reason: str) -> None:
    lifecycle.check(lifecycle.MODEL, model, before, after)
    models.move(c, model, after)
    audit.append(
        c,
        actor,
        f"model.{after}",
        f"model:{model}",
        before={"lifecycle": before},
        after={"lifecycle": after},
        reason=reason,
        ts=datetime.now(UTC),
    )


def _take_out(
    c: sa.Connection, actor: Actor, model: str, environment: str, number: int, now: datetime, reason: str
) -> None:
    versions.moved(c, actor, versions.found(c, model, number), "superseded", reason=reason)
    release_actions.record(
        c,
        actor,
        Release(
            *(0, model, environment, "retired", number, number, "direct", None, False, None),
            *(now, actor.id, reason),
        ),
    )
