"""What people do with alerts: acknowledge, assign, snooze, resolve (many at once, all or none), comment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core.actions.authority import require
from core.alerts import standing
from core.entities import Actor, Alert, AlertEvent
from core.errors import Conflict, InputError
from core.store import Store, alerts, audit, status

LONGEST_SNOOZE = timedelta(days=90)
LONGEST_TEXT = 500

# By id, how many events of each alert the person had seen: whatever happened after those is a conflict.
Seen = Mapping[int, int]
_Change = Callable[[Alert], Alert]


def acknowledge(store: Store, ids: Sequence[int], actor: Actor, *, seen: Seen | None = None) -> list[Alert]:
    """Say that somebody looks after alerts; one that is acknowledged already stays with who did.

    Parameters
    ----------
    ids : alerts to change, all or none
    seen : how many events of each alert the person saw; what happened since then is a conflict

    Returns
    -------
    The alerts that changed, as they are now.

    Raises
    ------
    NotAllowed
        If the actor may not attend to alerts.
    InputError
        If there is no such alert.
    Conflict
        If an alert was resolved, or changed since the person saw it.
    """
    now = store.workspace.now()

    def change(alert: Alert) -> Alert:
        if alert.acknowledged_at is not None:
            return alert
        return replace(alert, acknowledged_at=now, acknowledged_by=actor.id)

    return _carry_out(store, ids, actor, "acknowledged", change, seen=seen)


def assign(
    store: Store, ids: Sequence[int], actor: Actor, *, to: str | None, seen: Seen | None = None
) -> list[Alert]:
    """Give alerts to somebody, by address; None takes them back. Otherwise as `acknowledge`."""
    person = None if to is None else said_text(to, "to whom: an address such as ada@example.com")
    return _carry_out(
        store,
        ids,
        actor,
        "assigned",
        lambda alert: replace(alert, assigned_to=person),
        seen=seen,
        detail=person or "nobody",
    )


def snooze(
    store: Store, ids: Sequence[int], actor: Actor, *, until: datetime, reason: str, seen: Seen | None = None
) -> list[Alert]:
    """Let alerts rest until a business time at most 90 days ahead, for a reason; else as `acknowledge`."""
    why, now = said_text(reason, "why it can wait"), store.workspace.now()
    if not now < until <= now + LONGEST_SNOOZE:
        raise InputError(
            f"an alert cannot be snoozed until {moment(until)}; choose a time after now ({moment(now)}) "
            f"and at most {LONGEST_SNOOZE.days} days ahead"
        )
    return _carry_out(
        store,
        ids,
        actor,
        "snoozed",
        lambda alert: replace(alert, snoozed_until=until, snooze_reason=why),
        seen=seen,
        detail=f"until {moment(until)}: {why}",
        reason=why,
    )


def unsnooze(store: Store, ids: Sequence[int], actor: Actor, *, seen: Seen | None = None) -> list[Alert]:
    """Wake snoozed alerts; one that does not rest stays as it is. Otherwise as `acknowledge`."""
    return _carry_out(
        store,
        ids,
        actor,
        "unsnoozed",
        lambda alert: replace(alert, snoozed_until=None, snooze_reason=None),
        seen=seen,
    )


def resolve(
    store: Store, ids: Sequence[int], actor: Actor, *, reason: str, seen: Seen | None = None
) -> list[Alert]:
    """Say that alerts are over and why; their cause is mute until one quiet window. Else as `acknowledge`."""
    why, now = said_text(reason, "why it is over"), store.workspace.now()
    closed = f"resolved by {actor.id}: {why}"

    def change(alert: Alert) -> Alert:
        if alert.episode.closed_reason == closed:
            return alert
        return replace(alert, episode=replace(alert.episode, resolved_at=now, closed_reason=closed))

    return _carry_out(store, ids, actor, "resolved", change, seen=seen, detail=why, reason=why)


def comment(store: Store, identifier: int, actor: Actor, *, text: str) -> AlertEvent:
    """Write down what somebody knows about an alert, also after it was resolved; it changes nothing else.

    Returns
    -------
    The comment; said twice in a row by the same person, it is kept once.

    Raises
    ------
    NotAllowed
        If the actor may not attend to alerts.
    InputError
        If there is no such alert, or the text is empty or too long.
    """
    said = AlertEvent(
        identifier, store.workspace.now(), actor.id, "commented", said_text(text, "what you know about it")
    )
    with store.write() as c:
        _attended(c, actor, identifier)
        happened = alerts.events(c, identifier)
        if happened and replace(happened[-1], at=said.at) == said:
            return happened[-1]
        alerts.happened(c, said)
        entity, wall = f"alert:{identifier}", datetime.now(UTC)
        audit.append(c, actor, "alert.commented", entity, after={"comment": said.detail}, ts=wall)
    return said


def _carry_out(
    store: Store,
    ids: Sequence[int],
    actor: Actor,
    event: str,
    change: _Change,
    *,
    seen: Seen | None,
    detail: str | None = None,
    reason: str | None = None,
) -> list[Alert]:
    """Change the alerts, write down what happened and to whom it is due, and refresh their models' status."""
    if not ids:
        raise InputError("no alert is chosen; choose at least one")
    now = store.workspace.now()
    changed = []
    with store.write() as c:
        for identifier in dict.fromkeys(ids):
            before, happened = _attended(c, actor, identifier), alerts.events(c, identifier)
            after = change(before)
            over = before.episode.resolved_at is not None and event != "resolved"
            if (
                after == before
                and not over
                and any((e.event, e.actor) == (event, actor.id) for e in happened)
            ):
                continue  # said twice
            _refuse_conflict(before, happened, (seen or {}).get(identifier), now)
            if after == before:
                continue
            alerts.put(c, after)
            alerts.happened(c, AlertEvent(identifier, now, actor.id, event, detail))
            was, is_now = _differing(before, after)
            entity = f"alert:{identifier}"
            wall = datetime.now(UTC)
            audit.append(c, actor, f"alert.{event}", entity, before=was, after=is_now, reason=reason, ts=wall)
            changed.append(after)
        for model in sorted({alert.model for alert in changed}):
            current = status.get(c, model)
            if current is not None:
                status.put(c, standing(current, alerts.of_model(c, model, ended=False), now))
    return changed


def _attended(c: sa.Connection, actor: Actor, identifier: int) -> Alert:
    """Return the alert, for somebody who may attend to it."""
    alert = alerts.get(c, identifier)
    require(c, actor, "alert.attend", model=alert.model if alert else None)
    if alert is None:
        raise InputError(f"there is no alert {identifier}; see: steward alerts --all")
    return alert


def _refuse_conflict(alert: Alert, happened: Sequence[AlertEvent], seen: int | None, now: datetime) -> None:
    """Raise Conflict if the alert is over, or something happened to it after what the person saw."""
    resolved = alert.episode.resolved_at is not None
    if not resolved and (seen is None or len(happened) <= seen):
        return
    last = next((e for e in reversed(happened) if e.event == "resolved" or not resolved), None)
    at = last.at if last else alert.episode.resolved_at or now
    done = f"{last.event if last else 'resolved'} by {last.actor if last else 'a sweep'}"
    raise Conflict(f"alert {alert.id} of {alert.model} was {done} {ago(now - at)}; reload to see it as it is")


def _differing(before: Alert, after: Alert) -> tuple[dict[str, Any], dict[str, Any]]:
    sides = [
        {
            "acknowledged_at": alert.acknowledged_at,
            "acknowledged_by": alert.acknowledged_by,
            "assigned_to": alert.assigned_to,
            "snoozed_until": alert.snoozed_until,
            "snooze_reason": alert.snooze_reason,
            "resolved_at": alert.episode.resolved_at,
            "closed_reason": alert.episode.closed_reason,
        }
        for alert in (before, after)
    ]
    names = [name for name in sides[0] if sides[0][name] != sides[1][name]]
    return {name: sides[0][name] for name in names}, {name: sides[1][name] for name in names}


def said_text(given: str, meaning: str) -> str:
    """Return a person's words in one line; refuse none, and too many."""
    text = " ".join(given.split())
    if not text or len(text) > LONGEST_TEXT:
        got = f"{len(text)} characters" if text else "nothing"
        raise InputError(f"{got} was given; say {meaning}, in 1 to {LONGEST_TEXT} characters")
    return text


def moment(instant: datetime) -> str:
    """Return an instant as messages to people write it."""
    return instant.astimezone(UTC).strftime("%-d %b %Y %H:%M UTC")


def ago(length: timedelta) -> str:
    """Return how long ago something happened.

    Examples
    --------
    >>> ago(timedelta(minutes=2, seconds=3)), ago(timedelta(0)), ago(timedelta(hours=49))
    ('2 min ago', 'just now', '2 d ago')
    """
    seconds = length.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"
