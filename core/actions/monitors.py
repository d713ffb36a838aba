"""What people do with monitors in the dashboard: add, change and remove one, and say who manages a model."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from core import reconcile
from core.actions.authority import require
from core.alerts import is_governance, standing
from core.declaration import Declaration
from core.entities import Actor
from core.errors import Conflict, InputError
from core.monitor_yaml import as_declared, edited
from core.monitors import Monitor
from core.store import Store, alerts, audit, models, status
from core.store.models import RegisteredModel
from core.strict import nearest, validated

MANAGERS = ("file", "ui")


def drafted(declaration: Declaration, monitor: Mapping[str, Any], *, replaces: str | None) -> Declaration:
    """Return a declaration with one monitor added, or put in the place of another of its monitors.

    Raises
    ------
    DeclarationError
        If the monitor is not as a declaration may have it; what `steward apply` would say, line by line.
    """
    document = declaration.model_dump(mode="json", exclude_unset=True)
    known = [as_declared(each) for each in declaration.monitors]
    if replaces is None:
        document["monitors"] = [*known, dict(monitor)]
    else:
        place = _place(declaration, replaces)
        document["monitors"] = [*known[:place], dict(monitor), *known[place + 1 :]]
    return validated(Declaration, document, file=declaration.model)


def without(declaration: Declaration, name: str) -> Declaration:
    """Return a declaration without one of its monitors."""
    place = _place(declaration, name)
    left = (*declaration.monitors[:place], *declaration.monitors[place + 1 :])
    return declaration.model_copy(update={"monitors": left})


def put(
    store: Store,
    slug: str,
    monitor: Mapping[str, Any],
    actor: Actor,
    *,
    replaces: str | None = None,
    seen: str | None = None,
) -> Declaration:
    """Add a monitor to a model that is managed in the dashboard, or put it in the place of another.

    Parameters
    ----------
    monitor : as it would stand in a declaration
    replaces : the name of the monitor that it is a change of; None adds one
    seen : the `RegisteredModel.revision` the person saw; what changed since then is a conflict

    Raises
    ------
    NotAllowed
        If the actor may not configure models.
    InputError
        If there is no such model or monitor, its file manages it, or the monitor cannot be accepted.
    Conflict
        If the model changed since the person saw it.
    """
    with store.write() as c:
        require(c, actor, "monitor.change", model=slug)
        known = _changeable(c, slug, seen)
        after = drafted(known.declaration, monitor, replaces=replaces)
        place = -1 if replaces is None else _place(known.declaration, replaces)
        old = None if replaces is None else known.declaration.monitors[place]
        if after.monitors[place].notify != (old.notify if old else ()):
            raise InputError(f"notify: channels are chosen in the file of {slug}; leave them as they are")
        _write(store, c, known, after, actor, old, after.monitors[place])
    return after


def remove(store: Store, slug: str, name: str, actor: Actor, *, seen: str | None = None) -> Declaration:
    """Remove a monitor; its alerts close as "monitor removed". Otherwise as `put`."""
    with store.write() as c:
        require(c, actor, "monitor.change", model=slug)
        known = _changeable(c, slug, seen)
        after = without(known.declaration, name)
        old = known.declaration.monitors[_place(known.declaration, name)]
        _write(store, c, known, after, actor, old, None)
    return after


def manage(store: Store, slug: str, by: str, actor: Actor, *, seen: str | None = None) -> bool:
    """Let the dashboard (``ui``) or the model's file (``file``) manage a model; return whether that is new.

    Where the dashboard manages it, applying a file that says something else is refused without ``--force``.

    Raises
    ------
    NotAllowed, InputError, Conflict
        As `put`.
    """
    if by not in MANAGERS:
        raise InputError(f"{by!r} manages no model; {nearest(by, MANAGERS)}")
    with store.write() as c:
        require(c, actor, "model.manage", model=slug)
        known = _known(c, slug, seen)
        if known.managed == by:
            return False
        models.put(c, known.declaration, text=known.text, managed=by, now=store.workspace.now())
        before, after = {"managed": known.managed}, {"managed": by}
        audit.append(
            c, actor, "model.managed", f"model:{slug}", before=before, after=after, ts=datetime.now(UTC)
        )
    return True


def _known(c: sa.Connection, slug: str, seen: str | None) -> RegisteredModel:
    known = models.get(c, slug)
    if known is None:
        raise InputError(f"no model {slug!r} is registered; run: steward status")
    if seen is not None and seen != known.revision:
        last = next(iter(audit.entries(c, entity=f"model:{slug}", limit=1)), None)
        who = f" by {last.actor}" if last else ""
        raise Conflict(f"{slug} was changed{who} since this page showed it; reload to see it as it is")
    return known


def _changeable(c: sa.Connection, slug: str, seen: str | None) -> RegisteredModel:
    known = _known(c, slug, seen)
    if known.managed != "ui":
        raise InputError(
            f"{slug} is managed by its file: change monitors: there and run steward apply, or let the "
            f"dashboard manage it with: steward monitors manage {slug} ui"
        )
    return known


def _place(declaration: Declaration, name: str) -> int:
    names = [monitor.name for monitor in declaration.monitors]
    if name not in names:
        raise InputError(f"{declaration.model} has no monitor {name!r}; {nearest(name, names)}")
    return names.index(name)


def _write(
    store: Store,
    c: sa.Connection,
    known: RegisteredModel,
    after: Declaration,
    actor: Actor,
    old: Monitor | None,
    new: Monitor | None,
) -> None:
    """Write the declaration and its text, close the alerts of a monitor that is gone, and audit it."""
    if old is not None and new is not None and as_declared(old) == as_declared(new):
        raise InputError(f"{old.name} says this already; change something first")
    slug, now = after.model, store.workspace.now()
    models.put(c, after, text=edited(known.text, after), managed="ui", now=now)
    _close(c, after, now)
    what = "removed" if new is None else "added" if old is None else "changed"
    sides = [None if each is None else {each.name: as_declared(each)} for each in (old, new)]
    wall = datetime.now(UTC)
    audit.append(c, actor, f"monitor.{what}", f"model:{slug}", before=sides[0], after=sides[1], ts=wall)


def _close(c: sa.Connection, declaration: Declaration, now: datetime) -> None:
    """Close the alerts whose monitor is gone, and refresh the model's status."""
    slug, names = declaration.model, {monitor.name for monitor in declaration.monitors}
    known = [each for each in alerts.of_model(c, slug, ended=False) if not is_governance(each)]
    ended = reconcile.removed(known, names, now=now)
    for change in ended:
        alerts.put(c, change.alert)
        for event in change.events:
            alerts.happened(c, event)
    current = status.get(c, slug)
    if current is None or (names and not ended):
        return
    if not names:  # nothing judges it from now on
        current = replace(current, rules=None)
    status.put(c, standing(current, alerts.of_model(c, slug, ended=False), now))
