"""Telling a model's channels how its promotions go, in the transaction in which they do."""

from datetime import datetime

import sqlalchemy as sa

from core.governed import Promotion
from core.notify import facts
from core.policies import kept
from core.store import models, outbox, promotions

_TOLD = (
    "awaiting_approval",
    "approved",
    "asked_back",
    "rejected",
    "expired",
    "invalidated",
    "executed",
    "reminder",
)


def announce(
    c: sa.Connection, promotion: Promotion, event: str, by: str, now: datetime, reason: str | None = None
) -> int:
    """Queue the message of an event that people should hear of; return to how many channels.

    Parameters
    ----------
    event : the state the request came into, ``asked_back``, or ``reminder``
    """
    model = models.get(c, promotion.model)
    if model is None or event not in _TOLD:
        return 0
    text = promotions.policy_text(c, promotion.policy) if promotion.policy else None
    told = facts.of_promotion(
        model.declaration,
        promotion,
        event,
        by=by,
        at=now,
        reason=reason,
        seats=kept(text).rules.tiers[model.declaration.risk_tier].approvals if text else (),
    )
    for channel in model.declaration.notify:
        outbox.add(c, channel, "promotion", told, model=promotion.model)
    return len(model.declaration.notify)
