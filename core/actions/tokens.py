"""What people do with API tokens: make one, whose secret is shown once, and revoke it."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from core import identity
from core.actions.authority import known, require
from core.entities import Actor
from core.errors import InputError, NotAllowed
from core.identity import LONGEST_TOKEN, ApiToken, Principal
from core.permissions import both
from core.store import Store, audit, identities

PREFIX = "steward_"


def create(
    store: Store,
    actor: Actor,
    *,
    name: str,
    roles: Collection[str],
    lasts: timedelta,
    owner: str | None = None,
) -> tuple[ApiToken, str]:
    """Make a token and return it with its secret, which is not kept.

    Parameters
    ----------
    roles : what the token may at most; the roles its owner has when it is used limit it further
    owner : a service user, for whom an admin makes it; by default the actor

    Raises
    ------
    NotAllowed
        If it is for another person, may more than its owner, or outlasts the token it is made with.
    InputError
        If it has no name or roles, or would hold longer than a year.
    """
    title, now = " ".join(name.split()), datetime.now(UTC)
    if not title or len(title) > 100 or not roles:
        raise InputError("a token needs a name of up to 100 characters and at least one role")
    if not timedelta(0) < lasts <= LONGEST_TOKEN:
        raise InputError(f"a token holds 1 to {LONGEST_TOKEN.days} days")
    identifier = actor.id if owner is None else identity.address(owner)
    secret = PREFIX + identity.new_secret()
    with store.write() as c:
        holder = _holder(c, actor, identifier)
        made = ApiToken(0, title, identifier, tuple(sorted(roles)), now, now + lasts, None, None)
        _limit(c, actor, holder, made)
        made = replace(made, id=identities.add_token(c, made, digest=identity.digest(secret)))
        told = {"token": made.id, "name": title, "roles": list(made.roles), "until": made.expires_at}
        audit.append(c, actor, "token.created", holder.entity, after=told, ts=now)
    return made, secret


def revoke(store: Store, token: int, actor: Actor) -> ApiToken:
    """End a token at once: one's own, or as an admin anybody's; twice is once.

    Raises
    ------
    NotAllowed
        If it is somebody else's and the actor is no admin.
    InputError
        If there is no such token.
    """
    now = datetime.now(UTC)
    with store.write() as c:
        before = identities.token(c, token)
        own = before is not None and before.principal == actor.id
        require(c, actor, "token.own" if own else "user.manage")
        if before is None:
            raise InputError(f"there is no token {token}; see: steward tokens list")
        if before.revoked_at is None:
            identities.revoke_tokens(c, at=now, identifier=token)
            told = {"token": token, "name": before.name}
            audit.append(c, actor, "token.revoked", f"user:{before.principal}", before=told, ts=now)
        return identities.token(c, token) or before


def _holder(c: sa.Connection, actor: Actor, identifier: str) -> Principal:
    own = identifier == actor.id
    require(c, actor, "token.own" if own else "user.manage")
    holder = identities.get(c, identifier)
    if holder is None or holder.state != "active":
        raise InputError(f"there is no active user {identifier}; tokens belong to users: steward users list")
    if not own and holder.kind != "service":
        raise NotAllowed(
            f"{identifier} is a person and makes tokens alone; others are made for service users"
        )
    return holder


def _limit(c: sa.Connection, actor: Actor, holder: Principal, made: ApiToken) -> None:
    """Refuse a token that may more than its owner, or more or longer than the one it is made with."""
    if lacking := set(made.roles) - both(holder.roles, made.roles):
        raise NotAllowed(
            f"{holder.id} was not granted {', '.join(sorted(lacking))}; a token holds roles of its owner"
        )
    acting = known(c, actor)
    if acting.source != "token" or actor.credential is None:
        return
    standing = identities.standing(c, actor.credential, made.created_at)
    if standing is None or made.expires_at > standing.expires_at:
        raise NotAllowed(
            "a token makes no token that outlasts it; give fewer days, or sign in and make it there"
        )
    if holder.id == actor.id and set(made.roles) - both(acting.roles, made.roles):
        raise NotAllowed("a token makes no token that may more than itself; sign in and make it there")
