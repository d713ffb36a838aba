"""What a message about alerts is made of: facts as JSON, so that the text can be made when it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.declaration import Declaration
from core.entities import Alert
from core.governed import Promotion


def of_alerts(
    declaration: Declaration,
    events: Sequence[tuple[str, Alert]],
    at: datetime,
    *,
    first_sweep: bool = False,
    reasons: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """Return the payload of an outbox row of kind ``alerts`` or ``reminder``.

    Parameters
    ----------
    events : what happened (``opened``, ``escalated``, ``resolved``, ``reminder``) to which alert
    at : business time
    first_sweep : whether these are the findings of the model's first sweep
    reasons : what explains an alert, by its id
    """
    return {
        "model": declaration.model,
        "owner": declaration.owner,
        "team": declaration.team,
        "zone": declaration.predictions.timezone,
        "at": at.isoformat(),
        "first_sweep": first_sweep,
        "events": [
            {**of_alert(event, alert), "why": (reasons or {}).get(alert.id)} for event, alert in events
        ],
    }


def of_promotion(
    declaration: Declaration,
    promotion: Promotion,
    event: str,
    *,
    by: str,
    at: datetime,
    reason: str | None = None,
    seats: Sequence[Sequence[str]] = (),
) -> dict[str, Any]:
    """Return the payload of an outbox row of kind ``promotion``.

    Parameters
    ----------
    event : the state it came into, ``asked_back``, or ``reminder``
    by : who brought it there
    at : business time
    seats : the roles of which each approval needs one
    """
    unmet = [c for c in promotion.gate or () if c["state"] not in ("passed", "not_needed")]
    return {
        "model": declaration.model,
        "owner": declaration.owner,
        "team": declaration.team,
        "risk_tier": declaration.risk_tier,
        "zone": declaration.predictions.timezone,
        "at": at.isoformat(),
        "event": event,
        "promotion": promotion.id,
        "version": promotion.number,
        "environment": promotion.environment,
        "state": promotion.state,
        "requested_by": promotion.requested_by,
        "since": promotion.updated_at.isoformat(),
        "expires_at": promotion.expires_at.isoformat() if promotion.expires_at else None,
        "note": promotion.note,
        "by": by,
        "reason": reason,
        "seats": [list(seat) for seat in seats],
        "passed": sum(c["state"] == "passed" for c in promotion.gate or ()),
        "unmet": [{name: c[name] for name in ("name", "state", "text")} for c in unmet],
    }


def of_alert(event: str, alert: Alert) -> dict[str, Any]:
    """Return the facts of one alert."""
    episode = alert.episode
    return {
        "alert": alert.id,
        "event": event,
        "severity": episode.severity.value,
        "monitor": episode.monitor,
        "message": alert.message,
        **asdict(episode.target),
        "value": episode.value,
        "threshold": episode.threshold,
        "side": episode.side,
        "opened_at": episode.opened_at.isoformat(),
        "first_window": episode.first_window.isoformat(),
        "last_window": episode.last_window.isoformat(),
        "resolved_at": episode.resolved_at.isoformat() if episode.resolved_at else None,
        "closed_reason": episode.closed_reason,
    }
