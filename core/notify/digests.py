"""What a digest is made of: the state of the models it is about, and what is new since the last one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.entities import Alert, Severity
from core.steward_yaml import Digest
from core.store import alerts, retraining, status
from core.store.digests import LastDigest

LONGEST = 200  # what a payload holds of the open alerts; a letter lists fewer
_EXPLAINED = ("critical", "warning", "no_data", "learning")  # states a person asks why of


def states(c: sa.Connection) -> dict[str, str]:
    """Return the state of each registered model."""
    return dict(status.overview(c).select("model", "state").iter_rows())


def facts(c: sa.Connection, digest: Digest, before: LastDigest, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the payload of each message a digest makes: one, or with the scope ``owner`` one per owner."""
    overview = status.overview(c).select("model", "owner", "team", "state", "reasons").to_dicts()
    found: dict[str, list[Any]] = {
        "alerts": sorted(alerts.every(c, ended=False), key=_urgency),
        "resolved": alerts.resolved_since(c, before.made_at),
        "requests": [each for each in retraining.every(c) if each.state in retraining.OPEN],
    }
    shared = {
        "scope": digest.scope,
        "zone": digest.zone,
        "at": now.isoformat(),
        "since": before.made_at.isoformat(),
    }
    for who, models in _scopes(digest.scope, overview):
        gone = set(before.states) - {row["model"] for row in overview} if digest.scope == "all" else set()
        yield shared | {"who": who} | _told(models, gone, found, before, now)


def _scopes(
    scope: str, overview: Sequence[dict[str, Any]]
) -> Iterator[tuple[str | None, list[dict[str, Any]]]]:
    if scope == "all":
        yield None, list(overview)
    elif scope == "owner":
        for owner in sorted({row["owner"] for row in overview}):
            yield owner, [row for row in overview if row["owner"] == owner]
    else:
        team = scope.removeprefix("team:")
        yield f"team {team}", [row for row in overview if row["team"] == team]


def _told(
    models: Sequence[dict[str, Any]],
    gone: set[str],
    found: Mapping[str, Sequence[Any]],
    before: LastDigest,
    now: datetime,
) -> dict[str, Any]:
    names = {row["model"] for row in models}
    alerts, resolved, requests = (
        [each for each in found[what] if each.model in names] for what in ("alerts", "resolved", "requests")
    )
    changes = [_change(row, before) for row in models if before.states.get(row["model"]) != row["state"]]
    changes += [
        {"model": slug, "before": before.states[slug], "after": None, "reason": None} for slug in sorted(gone)
    ]
    fresh = any(alert.episode.opened_at > before.made_at for alert in alerts)
    asked = any(request.requested_at > before.made_at for request in requests)
    by_state: dict[str, list[str]] = {}
    for row in models:
        by_state.setdefault(row["state"], []).append(row["model"])
    return {
        "news": bool(changes or resolved or fresh or asked),
        "states": by_state,
        "changes": changes,
        "open": len(alerts),
        "oldest": min((alert.episode.opened_at.isoformat() for alert in alerts), default=None),
        "alerts": [_alert(alert, now) for alert in alerts[:LONGEST]],
        "resolved": len(resolved),
        "requests": [_request(request) for request in requests],
    }


def _urgency(alert: Alert) -> tuple[bool, datetime, int]:
    return alert.episode.severity != Severity.CRITICAL, alert.episode.opened_at, alert.id


def _change(row: Mapping[str, Any], before: LastDigest) -> dict[str, Any]:
    return {
        "model": row["model"],
        "before": before.states.get(row["model"]),
        "after": row["state"],
        "reason": next(iter(row["reasons"] or ()), None) if row["state"] in _EXPLAINED else None,
    }


def _alert(alert: Alert, now: datetime) -> dict[str, Any]:
    state = alert.state(now)
    return {
        "alert": alert.id,
        "model": alert.model,
        "severity": alert.episode.severity.value,
        "state": state,
        "by": alert.acknowledged_by if state == "acknowledged" else None,
        "opened_at": alert.episode.opened_at.isoformat(),
        "message": alert.message,
    }


def _request(request: Any) -> dict[str, Any]:
    return {
        "model": request.model,
        "text": request.text,
        "requested_at": request.requested_at.isoformat(),
    }
