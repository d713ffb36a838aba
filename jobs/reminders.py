"""The reminder job: critical alerts and promotions that nobody goes on with are told again."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core.actions import announcing
from core.declaration import Declaration
from core.entities import Alert, Severity
from core.notify import channels, facts
from core.notify.routes import channels_of
from core.steward_yaml import Settings
from core.store import Store, alerts, models, outbox, promotions

log = logging.getLogger("steward.reminders")

# Business time.
EVERY = timedelta(hours=24)
PROMOTIONS_EVERY = timedelta(days=2)


def remind(store: Store, now: datetime | None = None) -> int:
    """Queue what is to be told again, one message per model and channel; return how many messages.

    The clock of an alert starts when it is first met here, right after the message that told of it.
    """
    now = now or store.workspace.now()
    with store.read() as c:
        if not _due(c, now):
            return 0
    queued = 0
    with store.write() as c:
        due = _due(c, now)
        for slug in dict.fromkeys(alert.model for alert in due):
            model = models.get(c, slug)
            again = [alert for alert in due if alert.model == slug and alert.reminded_at is not None]
            if model is None or model.paused:
                continue
            for channel, payload in _messages(store.workspace.settings, model.declaration, again, now):
                outbox.add(c, channel, "reminder", payload, model=slug)
                queued += 1
        alerts.reminded(c, [alert.id for alert in due], now)
    if queued:
        log.info("queued %d reminders", queued)
    return queued


def remind_approvers(store: Store, now: datetime | None = None) -> int:
    """Queue what waits for a decision or a release, and was not touched for two days; return how many.

    Each is told again every two days until somebody goes on with it or it expires.
    """
    now, waiting = now or store.workspace.now(), ("awaiting_approval", "approved")
    with store.read() as c:
        if not promotions.stuck(c, waiting, now - PROMOTIONS_EVERY):
            return 0
    with store.write() as c:
        stuck = promotions.stuck(c, waiting, now - PROMOTIONS_EVERY)
        for promotion in stuck:
            announcing.announce(c, promotion, "reminder", promotion.updated_by, now)
            promotions.reminded(c, promotion.id, now)
    log.info("reminded of %d promotions", len(stuck))
    return len(stuck)


def _due(c: sa.Connection, now: datetime) -> list[Alert]:
    return [
        alert
        for alert in alerts.every(c, ended=False)
        if alert.notified == Severity.CRITICAL == alert.episode.severity
        and alert.state(now) == "open"
        and (alert.reminded_at is None or alert.reminded_at <= now - EVERY)
    ]


def _messages(
    settings: Settings, declaration: Declaration, due: Sequence[Alert], now: datetime
) -> Iterator[tuple[str, dict[str, Any]]]:
    by_channel: dict[str, list[tuple[str, Alert]]] = {}
    for alert in due:
        for channel in channels_of(declaration, alert.episode.monitor):
            by_channel.setdefault(channel, []).append(("reminder", alert))
    for channel, events in by_channel.items():
        rows = [[event] for event in events] if channels.per_alert(settings, channel) else [events]
        for row in rows:
            yield channel, facts.of_alerts(declaration, row, now)
