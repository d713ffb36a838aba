"""Whether an actor may run a command: asked inside the transaction that carries it out."""

import sqlalchemy as sa

from core.entities import Actor
from core.errors import NotAllowed
from core.permissions import PERMITS, effective
from core.store import models


def require(c: sa.Connection, actor: Actor, command: str, *, model: str | None = None) -> frozenset[str]:
    """Let the actor run a command of `permissions.PERMITS`, on one model where it is about one.

    Returns
    -------
    The roles the actor has there now.

    Raises
    ------
    NotAllowed
        If the actor holds none of the command's roles there; it says which roles may.
    """
    if refused := refusal(c, actor, command, model=model):
        raise NotAllowed(refused)
    return roles_now(c, actor, model)


def refusal(c: sa.Connection, actor: Actor, command: str, *, model: str | None = None) -> str | None:
    """Return why the actor may not run a command and who may; None if nothing is against it."""
    permit = PERMITS[command]
    if roles_now(c, actor, model) & set(permit.roles):
        return None
    return (
        f"{actor.id} is {actor.standing} and may not {permit.what}; ask an admin for the role "
        f"{' or '.join(permit.roles)}"
    )


def roles_now(c: sa.Connection, actor: Actor, model: str | None) -> frozenset[str]:
    """Return the roles the actor has for a model, or without one everywhere."""
    return effective(actor.roles, model=model, team=models.team(c, model) if model else None)
