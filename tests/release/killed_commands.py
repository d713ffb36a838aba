"""Run by test_kill.py: a story of commands, each killed by SIGKILL at every write before it may finish.

Takes the workspace and the command the story ends with; prints how many deaths each command died, as JSON.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from core.actions import decisions, lifecycles, promotions, releases, versions, waivers
from core.actions import models as model_actions
from core.records import Dataset, Retirement, Run, Version
from core.settings import Workspace
from core.store import Store, audit
from core.store.schema import metadata
from tests.release.conftest import APU, DORA, EMIL, NOW, VAL, evidence_for

Command = Callable[[Store], Any]
MODEL = "tier-2"
DATA = Dataset(name="d", uri="s3://lake/d", digest="a" * 64, split="time")
WRITES = ("INSERT", "UPDATE", "DELETE")


def story() -> Iterator[tuple[str, Command]]:
    """Yield the commands in the order in which each is possible."""
    yield "log_run", lambda store: versions.log_run(store, MODEL, Run(name="r", dataset=DATA), DORA)
    yield from promoted(1, waived=True)
    yield from promoted(2)
    yield "roll_back", lambda store: releases.roll_back(store, MODEL, EMIL, reason="worse")
    yield "suspend", lambda store: releases.suspend(store, MODEL, EMIL, reason="harm")
    yield "review", lambda store: releases.review(store, newest(store, "releases"), APU, finding="right")
    yield "resume", lambda store: releases.resume(store, MODEL, EMIL, reason="mended")
    yield "attest", lambda store: lifecycles.attest(store, MODEL, EMIL, text="wanted")
    yield "pause", lambda store: model_actions.pause(store, MODEL, EMIL, reason="moves")
    end = Retirement(reason="replaced", criteria="all")
    yield "retire", lambda store: lifecycles.retire(store, MODEL, end, EMIL)
    yield "remove", lambda store: lifecycles.remove(store, MODEL, EMIL, reason="over")


def promoted(n: int, *, waived: bool = False) -> Iterator[tuple[str, Command]]:
    """Yield what brings version `n` into production."""
    record = Version(name=f"v{n}", format="json", training=(DATA,), evaluation=(DATA,))
    until = NOW + timedelta(days=9)
    yield "register", lambda store: versions.register(store, MODEL, record, DORA)
    yield "attach", lambda store: versions.attach(store, MODEL, n, evidence_for(store, 2), VAL)
    if waived:
        asked = {"check": "explainability", "reason": "later", "until": until}
        yield "propose", lambda store: waivers.propose(store, MODEL, n, DORA, **asked)
        yield "confirm", lambda store: waivers.confirm(store, newest(store, "waivers"), VAL)
    yield "request", lambda store: promotions.request(store, MODEL, n, DORA)
    yield "comment", lambda store: decisions.comment(store, newest(store, "promotions"), VAL, text="seen")
    yield "ask_back", lambda store: decisions.ask_back(store, newest(store, "promotions"), VAL, comment="?")
    yield "submit", lambda store: promotions.submit(store, newest(store, "promotions"), DORA)
    yield "approve", lambda store: decisions.approve(store, newest(store, "promotions"), APU)
    yield "release", lambda store: releases.release(store, MODEL, n, EMIL)


def newest(store: Store, table: str) -> int:
    """Return the largest id of a table; a killed command may have used up numbers."""
    with store.read() as c:
        return int(c.execute(sa.select(sa.func.max(metadata.tables[table].c.id))).scalar_one())


def content(store: Store) -> str:
    """Return every row of every table."""
    with store.read() as c:
        rows = {table.name: c.execute(sa.select(table)).all() for table in metadata.sorted_tables}
    return str({name: sorted(map(str, found)) for name, found in rows.items()})


def survives(store: Store, command: Command, deadly: int) -> bool:
    """Run a command in a child that kills itself at a statement that writes, the commit being the last."""
    store.close()  # no connection is shared with the child
    child = os.fork()
    if child == 0:
        own, left = Store(store.workspace), deadly

        def count(*told: object) -> None:
            nonlocal left
            left -= len(told) < 3 or str(told[2]).startswith(WRITES)
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sa.event.listen(sa.engine.Engine, "before_cursor_execute", count)
        sa.event.listen(own._writable, "commit", count)
        command(own)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the command failed"
    return not os.WIFSIGNALED(status)


def tell(store: Store, commands: Iterable[tuple[str, Command]]) -> Iterator[tuple[str, int]]:
    """Yield how many deaths each command died before it was carried out, whole."""
    told: set[str] = set()
    for name, command in commands:
        if name in told:
            command(store)
            continue
        told.add(name)
        before, deaths = content(store), 0
        while not survives(store, command, deaths + 1):
            deaths += 1
            assert content(store) == before, f"{name}, killed at write {deaths}, left something behind"
        assert content(store) != before, f"{name} did nothing"
        with store.read() as c:
            assert audit.verify(c).state == "intact"
        yield name, deaths


if __name__ == "__main__":
    root, last = sys.argv[1:]
    names = [name for name, _ in story()]
    told = tell(Store(Workspace.open(root)), islice(story(), names.index(last) + 1))
    print(json.dumps(list(told)))
