"""Alerts as people meet them: which state they are in, and what they make of their model's state."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.entities import Alert, ModelStatus, Severity
from core.reconciliation import PREFIX

LIVE = ("open", "acknowledged")  # what a model's state is made of; a snoozed alert is a mark
_URGENCY = (Severity.CRITICAL, Severity.WARNING)
_CLOCK = "freshness"


def is_governance(alert: Alert) -> bool:
    """Tell whether an alert comes from the registry, not from a monitor of the declaration."""
    return alert.episode.monitor.startswith(PREFIX)


def standing(status: ModelStatus, alerts: Sequence[Alert], now: datetime) -> ModelStatus:
    """Return a model's status with its alerts above its condition: state, since, reasons, open_alerts.

    The worst open or acknowledged alert gives the state; a snoozed one counts as open and changes nothing
    else, and one of the registry does not either. Where only
    freshness is amiss, a model without data stays ``no_data``: that is what the alert says.
    """
    unresolved = [alert for alert in alerts if alert.episode.resolved_at is None]
    live = sorted(
        (alert for alert in unresolved if alert.state(now) in LIVE and not is_governance(alert)),
        key=lambda alert: (_URGENCY.index(alert.episode.severity), alert.episode.opened_at, alert.id),
    )
    condition = status.condition or status.state
    silent = condition == "no_data" and all(alert.episode.target.metric == _CLOCK for alert in live)
    if not live or silent:
        since, reasons = status.condition_since or status.since, status.condition_reasons or status.reasons
        return replace(status, state=condition, since=since, reasons=reasons, open_alerts=len(unresolved))
    worst = live[0].episode.severity
    since = min(alert.episode.first_window for alert in live if alert.episode.severity == worst)
    reasons = tuple(alert.message for alert in live)
    return replace(status, state=worst.value, since=since, reasons=reasons, open_alerts=len(unresolved))
