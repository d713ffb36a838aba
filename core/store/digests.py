"""When each digest was made last, and the models' states it told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.store.schema import digests
from core.store.upsert import upsert


@dataclass(frozen=True)
class LastDigest:
    """The last digest of its kind: its business time and each model's state then."""

    made_at: datetime
    states: Mapping[str, str]


def last(c: sa.Connection, digest: str) -> LastDigest | None:
    """Return the last digest of this name; None before the first."""
    row = c.execute(sa.select(digests).where(digests.c.digest == digest)).one_or_none()
    return None if row is None else LastDigest(row.made_at, row.states)


def put(c: sa.Connection, digest: str, made_at: datetime, states: Mapping[str, str]) -> None:
    """Remember what a digest told."""
    upsert(c, digests, [{"digest": digest, "made_at": made_at, "states": dict(states)}])
