"""Whether an actor may run a command: asked inside the transaction that carries it out."""

from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa

from core.addresses import mailbox
from core.entities import Actor
from core.errors import NotAllowed, NotSignedIn
from core.identity import FRESH
from core.permissions import IN_PERSON, PERMITS, effective
from core.store import identities, models

# Whoever sits at the machine of a workspace nobody can sign in to: makes its first users, nothing else.
FIRST = Actor("bootstrap", "bootstrap")


def require(c: sa.Connection, actor: Actor, command: str, *, model: str | None = None) -> frozenset[str]:
    """Let the actor run a command of `permissions.PERMITS`, on one model where it is about one.

    Returns
    -------
    The roles the actor has there now.

    Raises
    ------
    NotSignedIn
        If the sign-in or token is over, or the command wants a fresh sign-in.
    NotAllowed
        If the actor holds none of the command's roles there; it says which roles may.
    """
    if refused := objection(c, actor, command, model=model):
        raise refused
    return roles_now(c, known(c, actor), model)


def refusal(c: sa.Connection, actor: Actor, command: str, *, model: str | None = None) -> str | None:
    """Return why the actor may not run a command and who may; None if nothing is against it."""
    refused = objection(c, actor, command, model=model)
    return None if refused is None else str(refused)


def objection(c: sa.Connection, actor: Actor, command: str, *, model: str | None = None) -> NotAllowed | None:
    """Return the error that `require` would raise."""
    permit = PERMITS[command]
    try:
        actor = known(c, actor)
    except NotSignedIn as error:
        # Who works alone still sees a workspace that got users; whose session is over does not.
        return None if command == "health.see" and actor.credential is None else error
    if actor == FIRST and command != "user.manage":
        return NotAllowed(f"only users can be made before anybody can sign in; you may not {permit.what}")
    # To see how models do, any role anywhere is enough: what it lets one do is held to its scope.
    held = _anywhere(actor) if command == "health.see" else roles_now(c, actor, model)
    owns = permit.owner and held and model and mailbox(actor.id) in map(mailbox, models.owners(c, model))
    if not owns and not held & set(permit.roles):
        return NotAllowed(
            f"{actor.id} is {actor.standing} and may not {permit.what}; ask an admin for the role "
            f"{' or '.join(permit.roles)}" + (", or the owner to do it" if permit.owner else "")
        )
    return _not_in_person(c, actor) if command in IN_PERSON else None


def known(c: sa.Connection, actor: Actor) -> Actor:
    """Return the actor with the roles they hold now, looked up by their session or token.

    Raises
    ------
    NotSignedIn
        If the session or token is unknown, over, revoked or of somebody disabled; or if nobody signed in
        where there are users.
    """
    if actor.credential is not None:
        standing = identities.standing(c, actor.credential, datetime.now(UTC))
        if standing is None or standing.principal != actor.id:
            raise NotSignedIn(
                f"the sign-in or token of {actor.id} is over; sign in again, or use another one"
            )
        return replace(actor, roles=standing.roles, source=standing.source)
    if actor.source in ("cli", "ui") and identities.any_principal(c):
        raise NotSignedIn(
            "this workspace has users: say auth: {mode: local} or oidc in steward.yaml and sign in, "
            "or put a token into STEWARD_TOKEN"
        )
    if actor == FIRST and identities.has_admin(c):
        raise NotSignedIn("an admin exists; users are made with a token of theirs in STEWARD_TOKEN")
    return actor


def roles_now(c: sa.Connection, actor: Actor, model: str | None) -> frozenset[str]:
    """Return the roles the actor has for a model, or without one everywhere."""
    return effective(actor.roles, model=model, team=models.team(c, model) if model else None)


def _anywhere(actor: Actor) -> frozenset[str]:
    return frozenset(role.partition("@")[0] for role in actor.roles)


def _not_in_person(c: sa.Connection, actor: Actor) -> NotAllowed | None:
    if actor.source == "token":
        return NotAllowed("a token never decides; sign in to the dashboard and decide there")
    if actor.credential is None:
        return None
    now = datetime.now(UTC)
    standing = identities.standing(c, actor.credential, now)
    if standing is not None and standing.is_fresh(now):
        return None
    minutes = FRESH.seconds // 60
    return NotSignedIn(
        f"deciding wants a sign-in of the last {minutes} minutes; sign in again, and repeat it"
    )
