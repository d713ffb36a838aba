"""Run by test_two_processes.py: raise a number in a declaration again and again, each time audited."""

import sys
from datetime import UTC, datetime

from core.entities import Actor
from core.settings import Workspace
from core.store import Store, audit, models


def raise_once(store: Store, me: str) -> None:
    with store.write() as c:
        declaration = models.get(c, "delay-30").declaration
        before = declaration.minimum_group_size
        changed = declaration.model_copy(update={"minimum_group_size": before + 1})
        models.put(c, changed, text="", now=datetime.now(UTC))
        change = {"before": before, "after": before + 1}
        audit.append(c, Actor(me, "cli"), "model.changed", "model:delay-30", **change, ts=datetime.now(UTC))


if __name__ == "__main__":
    root, name, times = sys.argv[1:]
    store = Store(Workspace.open(root))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(times)):
        raise_once(store, name)
    store.close()
