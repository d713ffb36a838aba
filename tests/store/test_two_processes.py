"""Several processes on one registry: nothing is lost, nothing is done twice."""

import subprocess
import sys
import threading
from pathlib import Path

from core.store import audit, due, models

PROGRAM = Path(__file__).with_name("change_and_audit.py")


def start(root: Path, name: str, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), str(root), name, str(times)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_processes_that_change_the_same_row_with_audit_lose_nothing(registered):
    processes = [start(registered.root, name, 25) for name in ("ada", "grace")]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.communicate("go\n", timeout=60)
    assert [process.returncode for process in processes] == [0, 0]
    with registered.read() as c:
        report = audit.verify(c)
        entries = audit.entries(c, limit=1000)
        assert models.get(c, "delay-30").declaration.minimum_group_size == 30 + 50
    assert (report.state, report.entries) == ("intact", 50)
    assert sorted(entry.before for entry in entries) == list(range(30, 80))
    assert {entry.actor for entry in entries} == {"ada", "grace"}


def test_two_runners_claim_each_due_model_exactly_once(store, declared, now):
    slugs = [f"model-{i:02}" for i in range(30)]
    with store.write() as c:
        for slug in slugs:
            models.put(c, declared(slug), text="", now=now)
    claimed: dict[str, list[str]] = {"a": [], "b": []}

    def run(runner: str) -> None:
        while models_ := due.claim(store, f"elsewhere:1:{runner}", now, 4):
            claimed[runner] += models_

    threads = [threading.Thread(target=run, args=(runner,)) for runner in claimed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed["a"] + claimed["b"]) == slugs
