"""Retraining requests: one open per model and reason."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.entities import RetrainingRequest
from core.store.schema import retraining_requests as requests

OPEN = ("proposed",)


def propose(
    c: sa.Connection,
    model: str,
    reason: str,
    *,
    text: str,
    evidence: Mapping[str, Any],
    at: datetime,
    alert: int | None = None,
) -> bool:
    """Write a request unless one is open for this model and reason; tell whether it was written."""
    same = (requests.c.model == model, requests.c.reason == reason, requests.c.state.in_(OPEN))
    if c.execute(sa.select(requests.c.id).where(*same)).first() is not None:
        return False
    row = {"model": model, "reason": reason, "text": text, "evidence": dict(evidence), "alert": alert}
    c.execute(sa.insert(requests).values(**row, state="proposed", requested_at=at))
    return True


def every(c: sa.Connection, model: str | None = None) -> list[RetrainingRequest]:
    """Return the newest requests first, of one model or of all."""
    found = sa.select(requests).order_by(requests.c.requested_at.desc(), requests.c.id.desc())
    rows = c.execute(found if model is None else found.where(requests.c.model == model))
    names = [field.name for field in fields(RetrainingRequest)]
    return [RetrainingRequest(**{name: getattr(row, name) for name in names}) for row in rows]
