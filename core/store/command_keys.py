"""Idempotency keys: a command that is sent twice under one key is carried out once."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from core.entities import Actor
from core.errors import Conflict
from core.store.governance_schema import command_keys


def once(c: sa.Connection, actor: Actor, command: str, key: str | None, *, outcome: Any = None) -> Any:
    """Return what a command gave under this key before, None if it never ran; with `outcome` keep that.

    Raises
    ------
    Conflict
        If the key was used by somebody else or for another command.
    """
    if key is None:
        return None
    if outcome is not None:
        row = {"key": key, "actor": actor.id, "command": command, "outcome": outcome}
        c.execute(sa.insert(command_keys).values(**row, at=datetime.now(UTC)))
        return outcome
    known = c.execute(sa.select(command_keys).where(command_keys.c.key == key)).one_or_none()
    if known is None:
        return None
    if (known.actor, known.command) != (actor.id, command):
        raise Conflict(f"the key {key!r} was used for another command already; use a new one for each")
    return known.outcome
