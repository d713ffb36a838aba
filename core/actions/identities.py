"""What admins do with users: make them, give and take roles, close and reopen their access."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from core import identity
from core.actions.authority import known, require
from core.entities import Actor
from core.errors import Conflict, InputError, NotAllowed, StateError
from core.identity import Principal
from core.permissions import ROLES, apart
from core.store import Store, audit, identities, models
from core.strict import nearest


def add(
    store: Store,
    address: str,
    actor: Actor,
    *,
    name: str = "",
    kind: str = "local",
    password: str | None = None,
    roles: Iterable[str] = (),
) -> Principal:
    """Make a user; nobody gets an address that was somebody else's.

    Parameters
    ----------
    kind : ``local`` signs in with the password, ``oidc`` by the identity provider, ``service`` by tokens
    roles : ``role``, ``role@team:NAME`` or ``role@model:SLUG``

    Raises
    ------
    NotAllowed
        If the actor is no admin, or the roles do not go together.
    InputError
        If the address, password or a role cannot be used.
    Conflict
        If there was ever a user of this address.
    """
    identifier, now = identity.address(address), datetime.now(UTC)
    if (kind == "local") == (password is None):
        raise InputError("a local user needs a password, others have none here")
    hashed = None if password is None else _hashed(identifier, password)
    with store.write() as c:
        require(c, actor, "user.manage")
        if identities.get(c, identifier) is not None:
            raise Conflict(f"{identifier} is a user already, or was one; enable them, or use another address")
        made = Principal(identifier, " ".join(name.split()), kind, "active", now, actor.id)
        identities.add(c, made, password=hashed)
        _record(c, actor, "added", made, after={"kind": kind, "name": made.name})
        for role in roles:
            _grant(c, actor, identifier, role, now)
        return _user(c, identifier)


def grant(store: Store, address: str, role: str, actor: Actor) -> Principal:
    """Give a user a role, everywhere or in a scope; one they have already is no change.

    Raises
    ------
    NotAllowed
        If the actor is no admin, or admin and a deciding role would come together.
    InputError
        If there is no such user, role, model or team.
    """
    identifier, now = identity.address(address), datetime.now(UTC)
    with store.write() as c:
        require(c, actor, "user.manage")
        _grant(c, actor, identifier, role, now)
        return _user(c, identifier)


def revoke(store: Store, address: str, role: str, actor: Actor) -> Principal:
    """Take a role from a user; it ends with their next click.

    Raises
    ------
    NotAllowed
        If the actor is no admin.
    InputError
        If there is no such user, or they do not hold the role.
    StateError
        If nobody would be admin any more.
    """
    identifier = identity.address(address)
    with store.write() as c:
        require(c, actor, "user.manage")
        before = _user(c, identifier)
        if role not in before.roles:
            raise InputError(f"{identifier} does not hold {role!r}; {nearest(role, before.roles)}")
        if role == "admin":
            _keep_an_admin(c, store, before)
        identities.revoke(c, identifier, *_parted(role))
        _record(c, actor, "role_revoked", before, before={"role": role})
        return _user(c, identifier)


def disable(store: Store, address: str, actor: Actor, *, reason: str = "") -> Principal:
    """Close a user's access at once: their sessions and tokens end.

    Raises
    ------
    NotAllowed, InputError, StateError
        As `revoke`.
    """
    identifier, now = identity.address(address), datetime.now(UTC)
    with store.write() as c:
        require(c, actor, "user.manage")
        before = _user(c, identifier)
        if before.state == "active":
            _keep_an_admin(c, store, before)
            identities.change(c, identifier, state="disabled")
            identities.end_sessions(c, at=now, of=identifier)
            identities.revoke_tokens(c, at=now, of=identifier)
            _record(c, actor, "disabled", before, reason=" ".join(reason.split()) or None)
        return _user(c, identifier)


def enable(store: Store, address: str, actor: Actor) -> Principal:
    """Open a user's access again, with the roles they had; otherwise as `disable`."""
    identifier = identity.address(address)
    with store.write() as c:
        require(c, actor, "user.manage")
        before = _user(c, identifier)
        if before.state == "disabled":
            identities.change(c, identifier, state="active")
            _record(c, actor, "enabled", before)
        return _user(c, identifier)


def set_password(
    store: Store, address: str, password: str, actor: Actor, *, current: str | None = None
) -> None:
    """Give a local user another password; all their sessions end.

    Parameters
    ----------
    current : the password until now, which whoever changes their own has to know

    Raises
    ------
    NotAllowed
        If the actor is no admin and not the user, or does not know the password until now.
    InputError
        If there is no such local user, or the password cannot be used.
    """
    identifier, now = identity.address(address), datetime.now(UTC)
    with store.read() as c:
        kept = identities.password(c, identifier)
    own = identifier == actor.id
    if own and not identity.password_fits(kept, current or ""):
        raise NotAllowed("that is not your password until now; an admin can set a new one")
    hashed = _hashed(identifier, password)
    with store.write() as c:
        known(c, actor) if own else require(c, actor, "user.manage")
        before = _user(c, identifier)
        if before.kind != "local":
            raise InputError(
                f"{identifier} signs in by an identity provider or token, not by a password here"
            )
        if own and identities.password(c, identifier) != kept:
            raise Conflict("your password was changed meanwhile; sign in again")
        identities.change(c, identifier, password=hashed)
        identities.end_sessions(c, at=now, of=identifier)
        _record(c, actor, "password_set", before)


def recover(store: Store, address: str, password: str) -> None:
    """Give an admin another password on the word of whoever can write the registry; it is on the record.

    Raises
    ------
    InputError
        If there is no active local admin of this address, or the password cannot be used.
    """
    identifier, now = identity.address(address), datetime.now(UTC)
    hashed = _hashed(identifier, password)
    with store.write() as c:
        before = _user(c, identifier)
        if (before.kind, before.state) != ("local", "active") or "admin" not in before.roles:
            raise InputError(f"{identifier} is no active local admin; an admin helps everybody else")
        identities.change(c, identifier, password=hashed)
        identities.end_sessions(c, at=now, of=identifier)
        _record(c, Actor("recovery", "recovery", frozenset()), "recovered", before)


def _grant(c: sa.Connection, actor: Actor, identifier: str, role: str, now: datetime) -> None:
    before = _user(c, identifier)
    name, scope = _parted(role)
    kind, _, where = scope.partition(":")
    if kind == "model" and models.get(c, where) is None:
        raise InputError(f"no model {where!r} is registered; run: steward status")
    if kind == "team" and where not in (teams := {m.declaration.team or "" for m in models.every(c)} - {""}):
        raise InputError(f"no model belongs to a team {where!r}; {nearest(where, teams)}")
    held = before.roles | {role}
    if apart(held) != held:
        raise NotAllowed(
            f"{identifier} would be admin and validator or approver: who makes users decides on nothing; "
            "give one of the two to another person"
        )
    if role not in before.roles:
        identities.grant(c, identifier, name, scope, at=now, by=actor.id)
        _record(c, actor, "role_granted", before, after={"role": role})


def _parted(role: str) -> tuple[str, str]:
    """Return a role's name and scope ("" is everywhere)."""
    name, _, scope = role.partition("@")
    if name not in ROLES:
        raise InputError(f"{name!r} is no role; {nearest(name, ROLES)}")
    kind, _, where = scope.partition(":")
    if "@" in role and (kind not in ("team", "model") or not where or name == "admin"):
        raise InputError(
            f"{role!r} has no scope there is; expected approver@team:NAME or approver@model:NAME "
            "(admin is held everywhere)"
        )
    return name, scope


def _keep_an_admin(c: sa.Connection, store: Store, leaving: Principal) -> None:
    """Refuse to lose the last admin, unless the identity provider names others."""
    oidc = store.workspace.settings.auth.oidc
    if "admin" not in leaving.roles or (oidc is not None and "admin" in oidc.groups.values()):
        return
    if not identities.has_admin(c, besides=leaving.id):
        raise StateError(f"{leaving.id} is the last active admin; make somebody else admin first")


def _hashed(identifier: str, password: str) -> str:
    if identifier.partition("@")[0] in password.casefold():
        raise InputError("the password contains the name of its user; choose another one")
    return identity.password_hash(password)


def _user(c: sa.Connection, identifier: str) -> Principal:
    found = identities.get(c, identifier)
    if found is None:
        raise InputError(f"there is no user {identifier}; see: steward users list")
    return found


def _record(
    c: sa.Connection,
    actor: Actor,
    what: str,
    principal: Principal,
    *,
    before: Any = None,
    after: Any = None,
    reason: str | None = None,
) -> None:
    wall = datetime.now(UTC)
    audit.append(
        c, actor, f"user.{what}", principal.entity, before=before, after=after, reason=reason, ts=wall
    )
