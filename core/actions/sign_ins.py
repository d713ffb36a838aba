"""How people come in: by password, by an identity provider, by token; and how they leave."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core import identity
from core.addresses import is_address, mailbox
from core.entities import Actor
from core.errors import NotSignedIn
from core.identity import SESSION, Principal
from core.steward_yaml import Oidc
from core.store import Store, audit, identities

REMEMBERED = timedelta(hours=24)  # how long a failed sign-in counts
WRONG = "that address and password do not belong to an active user here"


def sign_in(store: Store, address: str, password: str) -> str:
    """Return the secret of a new session of a local user.

    An unknown address takes as long as a wrong password, waits as long after failures, and is told the same.

    Raises
    ------
    NotSignedIn
        If address and password do not belong together, or too many tries before were wrong.
    """
    identifier = mailbox(address)[:320]
    with store.write(shown=False) as c:
        attempt = _attempt(c, identifier, datetime.now(UTC))
        kept = identities.password(c, identifier)
    if not identity.password_fits(kept, password):
        raise NotSignedIn(WRONG)
    secret, now = identity.new_secret(), datetime.now(UTC)
    with store.write() as c:
        if identities.password(c, identifier) != kept:  # changed or disabled while it was compared
            raise NotSignedIn(WRONG)
        identities.succeeded(c, attempt)
        _begin(c, identity.digest(secret), identifier, at=now, until=now + SESSION, roles=None)
    return secret


def by_session(store: Store, secret: str) -> Actor | None:
    """Return who a session's secret belongs to, None if it is unknown or over."""
    return _actor(store, identity.digest(secret), "ui")


def by_token(store: Store, secret: str) -> Actor:
    """Return who a token's secret belongs to, and remember that it was used.

    Raises
    ------
    NotSignedIn
        If it is unknown, revoked or expired, or its owner disabled.
    """
    digest = identity.digest(secret)
    actor = _actor(store, digest, "token")
    if actor is None:
        raise NotSignedIn(
            "STEWARD_TOKEN is no token that holds in this workspace; make one on the page Jobs & system"
        )
    with store.write(shown=False) as c:
        identities.used(c, digest, at=datetime.now(UTC))
    return actor


def by_provider(store: Store, claims: Mapping[str, Any]) -> Actor:
    """Return who an identity provider says is there; its first word of somebody makes the user.

    Parameters
    ----------
    claims : of the ID token, whose signature was checked when it came

    Raises
    ------
    NotSignedIn
        If the session is over, the claims name no address, the address is another account's, or access was
        taken away.
    """
    settings, now = store.workspace.settings.auth.oidc, datetime.now(UTC)
    issued = _instant(claims.get("iat"), now)
    if settings is None or not claims.get("sub") or issued is None or issued + SESSION <= now:
        raise NotSignedIn("the sign-in is over; sign in again")
    named = (str(claims.get(key, "")) for key in ("iss", "sub", "iat", "nonce", "sid"))
    digest, roles = identity.digest("\n".join(named)), _roles(settings, claims)
    with store.read() as c:
        given = identities.given_roles(c, digest)
    if given != roles:
        with store.write() as c:
            if identities.given_roles(c, digest) is None:
                principal = _provided(c, claims, now)
                proved = _instant(claims.get("auth_time"), now) or issued
                _begin(c, digest, principal.id, at=proved, until=issued + SESSION, roles=roles)
            else:
                identities.give_roles(c, digest, roles)
    actor = _actor(store, digest, "ui")
    if actor is None:
        raise NotSignedIn("the sign-in is over, or the access was taken away; sign in again, or ask an admin")
    return actor


def sign_out(store: Store, actor: Actor) -> None:
    """End the session by which somebody is there; its cookie is worth nothing from then on."""
    with store.write() as c:
        if actor.credential is not None:
            identities.end_sessions(c, at=datetime.now(UTC), digest=actor.credential)


def _attempt(c: sa.Connection, identifier: str, now: datetime) -> int:
    failed, last = identities.failures(c, identifier, since=now - REMEMBERED)
    until = (last or now) + identity.wait(failed)
    if until > now:
        seconds = int((until - now).total_seconds()) + 1
        raise NotSignedIn(f"too many wrong passwords for this address; try again in {seconds} seconds")
    return identities.attempt(c, identifier, at=now)


def _begin(
    c: sa.Connection,
    digest: str,
    principal: str,
    *,
    at: datetime,
    until: datetime,
    roles: frozenset[str] | None,
) -> None:
    identities.begin_session(c, digest, principal, at=at, until=until, roles=roles)
    actor = Actor(principal, "ui", frozenset())
    told = {"until": until, "groups_give": sorted(roles or ())}
    audit.append(c, actor, "user.signed_in", f"user:{principal}", after=told, ts=datetime.now(UTC))


def _actor(store: Store, digest: str, source: str) -> Actor | None:
    with store.read() as c:
        standing = identities.standing(c, digest, datetime.now(UTC))
    if standing is None or standing.source != source:
        return None
    return Actor(standing.principal, source, standing.roles, digest)


def _roles(settings: Oidc, claims: Mapping[str, Any]) -> frozenset[str]:
    given = claims.get(settings.groups_claim)
    groups = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    found = {settings.groups[group] for group in groups if group in settings.groups}
    if not found and settings.default_role != "none":
        found = {settings.default_role}
    return frozenset(found)


def _provided(c: sa.Connection, claims: Mapping[str, Any], now: datetime) -> Principal:
    """Return the principal of a subject: whom the provider once named so, whatever their address is now."""
    subject = f"{claims.get('iss', '')} {claims['sub']}"
    known = identities.of_subject(c, subject)
    if known is not None and known.state == "active":
        return known
    identifier = mailbox(str(claims.get("email", "")))
    if not is_address(identifier) or claims.get("email_verified") is False:
        raise NotSignedIn(
            "the identity provider gives no verified e-mail address, by which users are told apart"
        )
    waiting = identities.get(c, identifier) if known is None else known
    if waiting is None:
        made = Principal(
            *(identifier, str(claims.get("name", ""))[:200], "oidc", "active", now, identifier),
            *(frozenset(), subject),
        )
        identities.add(c, made, password=None)
        told = {"kind": "oidc", "name": made.name}
        by = Actor(identifier, "ui", frozenset())
        audit.append(c, by, "user.added", made.entity, after=told, ts=now)
        return made
    if waiting.kind != "oidc" or waiting.subject is not None or waiting.state != "active":
        raise NotSignedIn(f"{waiting.id} is another account here, or its access was taken away; ask an admin")
    identities.change(c, identifier, subject=subject)
    return waiting


def _instant(seconds: Any, now: datetime) -> datetime | None:
    """Return a claim's time; clocks may differ by a little, and no time to come is taken."""
    try:
        return min(datetime.fromtimestamp(float(seconds), UTC), now)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
