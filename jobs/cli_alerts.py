"""The command `alerts`: what is amiss now, or with --all what ever was; and what people know about one."""

from argparse import Namespace
from datetime import datetime
from typing import Any

from core import alert_actions
from core.entities import Alert
from core.settings import Workspace
from core.store import Store, alerts
from jobs.cli_models import PERSON
from jobs.terminal import print_json, print_table

_SHOWN = ("id", "severity", "state", "model", "message", "opened_at", "value", "threshold")


def show(arguments: Namespace) -> int:
    """Print the alerts that are not resolved, or all of them, the newest first."""
    store = Store(Workspace.open(arguments.workspace))
    store.require_current()
    now = store.workspace.now()
    with store.read() as c:
        rows = [as_json(alert, now) for alert in alerts.every(c, ended=arguments.all)]
    if arguments.json:
        print_json(rows)
    elif rows:
        print_table(rows, _SHOWN)
    else:
        print("No alert has ever been raised." if arguments.all else "No alert is open.")
    return 0


def comment(arguments: Namespace) -> int:
    """Write down what somebody knows about an alert."""
    store = Store(Workspace.open(arguments.workspace))
    store.require_current()
    said = alert_actions.comment(store, arguments.id, PERSON, text=arguments.text)
    store.close()
    if arguments.json:
        print_json({"alert": said.alert, "at": said.at, "actor": said.actor, "comment": said.detail})
    else:
        print(f"Commented on alert {said.alert}.")
    return 0


def as_json(alert: Alert, now: datetime) -> dict[str, Any]:
    """Return an alert as outsiders rely on it."""
    episode, target = alert.episode, alert.episode.target
    return {
        "id": alert.id,
        "model": alert.model,
        "monitor": episode.monitor,
        "metric": target.metric,
        "column": target.column,
        "segment": target.segment,
        "group": target.group,
        "severity": episode.severity.value,
        "state": alert.state(now),
        "opened_at": episode.opened_at,
        "resolved_at": episode.resolved_at,
        "first_window": episode.first_window,
        "last_window": episode.last_window,
        "value": episode.value,
        "threshold": episode.threshold,
        "message": alert.message,
        "closed_reason": episode.closed_reason,
    }
