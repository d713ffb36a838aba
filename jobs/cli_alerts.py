"""The command `alerts`: what is amiss now, or with --all what ever was; and what people know about one."""

from argparse import Namespace

from core.actions import alerts as alert_actions
from core.settings import Workspace
from core.store import Store
from core.views import scripts
from jobs.acting import acting
from jobs.terminal import print_json, print_table

_SHOWN = ("id", "severity", "state", "model", "message", "opened_at", "value", "threshold")


def show(arguments: Namespace) -> int:
    """Print the alerts that are not resolved, or all of them, the newest first."""
    store = Store(Workspace.open(arguments.workspace))
    store.require_current()
    rows = scripts.all_alerts(store, ended=arguments.all).to_dicts()
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
    said = alert_actions.comment(store, arguments.id, acting(store), text=arguments.text)
    store.close()
    if arguments.json:
        print_json({"alert": said.alert, "at": said.at, "actor": said.actor, "comment": said.detail})
    else:
        print(f"Commented on alert {said.alert}.")
    return 0
