"""The command `channels`: where messages go, how that went last, and a test."""

from argparse import Namespace

from core.actions import messages as message_actions
from core.notify import channels as known
from core.settings import Workspace
from core.store import Store, outbox
from jobs.acting import acting
from jobs.terminal import print_json, print_table

_COLUMNS = ("channel", "kind", "waiting", "dead", "last_sent", "error")


def channels(arguments: Namespace) -> int:
    """Print each channel with its last delivery; queue a test, or a dead letter once more."""
    store = Store(Workspace.open(arguments.workspace))
    store.require_current()
    if arguments.test:
        message_actions.send_test(store, arguments.test, acting(store))
        print(f"A test message for {arguments.test} is queued; a running steward jobs sends it at once.")
    elif arguments.again:
        message = message_actions.send_again(store, arguments.again, acting(store))
        print(f"Message {message.id} for {message.channel} is queued again.")
    else:
        _print(store, as_json=arguments.json)
    store.close()
    return 0


def _print(store: Store, *, as_json: bool) -> None:
    declared = store.workspace.settings.channels
    with store.read() as c:
        used, dead = outbox.by_channel(c), outbox.every(c, "dead")
    rows = []
    for name in dict.fromkeys((*declared, *used)):
        kind = known.kind(declared[name]) if name in declared else "not in steward.yaml"
        did = used.get(name, outbox.Delivery(0, 0, None, None))
        told = {"waiting": did.waiting, "dead": did.dead, "last_sent": did.sent_at, "error": did.error}
        rows.append({"channel": name, "kind": kind, **told})
    if as_json:
        print_json(rows)
        return
    if not rows:
        print("No channel is declared; add one to steward.yaml, under channels.")
        return
    print_table(rows, _COLUMNS)
    for message in dead:
        print(
            f"  ! message {message.id} ({message.kind}) to {message.channel} was given up: "
            f"{message.last_error}; once more: steward channels --again {message.id}"
        )
