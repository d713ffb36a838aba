"""Run by test_crowd.py and the benchmark: many people who try the same at once, and how that went."""

import json
import sys
import threading
from collections import Counter
from typing import Any

from core.actions import decisions, promotions, releases
from core.entities import Actor
from core.errors import StewardError
from core.settings import Workspace
from core.store import Store

THREADS = 5
REVISION = 3  # of a request that was just submitted: what everybody saw


def attempt(what: str, store: Store, number: int, me: str) -> Any:
    """Request, approve or release version 1 of the `number`-th model as somebody else each time."""
    model, roles = f"crowd-{number}", {"data_scientist", "approver", "ml_engineer"}
    match what:
        case "request":
            return promotions.request(store, model, 1, Actor(f"dora-{me}", "ui", frozenset(roles)))
        case "approve":
            return decisions.approve(store, number, Actor(f"apu-{me}", "ui", frozenset(roles)), seen=REVISION)
    return releases.release(store, model, 1, Actor(f"emil-{me}", "ui", frozenset(roles)))


def crowd(store: Store, what: str, me: str, times: int) -> Counter[str]:
    """Return how often each outcome came of trying it for ten models, `times` times each, in threads."""
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()
    waiting = [(number, f"{me}-{i}") for number in range(1, 11) for i in range(times)]

    def run() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                number, person = waiting.pop()
            try:
                attempt(what, store, number, person)
                outcome = "won"
            except StewardError as error:
                outcome = type(error).__name__
            with lock:
                outcomes[outcome] += 1

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


if __name__ == "__main__":
    root, what, me, times = sys.argv[1:]
    opened = Store(Workspace.open(root))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(crowd(opened, what, me, int(times))))
    opened.close()
