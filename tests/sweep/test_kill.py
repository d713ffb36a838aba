"""Killed twenty times in the middle of its work, the job process ends where an undisturbed one does."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import polars as pl
import psutil
import pytest
from aiosmtpd.controller import Controller

from core.entities import Message
from core.settings import Workspace, initialise
from core.store import Store, alerts, audit, due, outbox, statistics
from tests.sweep.conftest import FIRST, Model, rows

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("a", "b", "c", "d")
BEFORE, KILLS = 12, 20
MONITOR = {"metric": "missing_share", "columns": ["amount"], "above": {"warning": 0.1, "critical": 0.5}}


class Inbox:
    """What a mail server has taken, by the message's id."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        mail = message_from_bytes(envelope.content, policy=default)  # type: ignore[attr-defined]
        self.taken[str(mail["X-Steward-Message"])] += 1
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    found = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    server = Controller(found, hostname="127.0.0.1", port=port)
    server.start()
    yield found, port
    server.stop()


def make(root: Path, port: int) -> list[Model]:
    store = Store(initialise(root))
    store.migrate()
    store.close()
    at(root, BEFORE, port)
    store = Store(Workspace.open(root))
    models = [Model(store, name, store.root / "predictions" / name) for name in NAMES]
    for model in models:
        for day in range(BEFORE):
            write(model, day)
        model.declare(monitors=[MONITOR], notify=["mail"])
    return models


def at(root: Path, day: int, port: int) -> None:
    """Set the workspace's clock to two o'clock after a day."""
    clock = (FIRST + timedelta(days=day, hours=2)).isoformat()
    mail = f"mailto://127.0.0.1:{port}/?from=steward@example.com&to=oncall@example.com"
    (root / "steward.yaml").write_text(f"clock: {{fixed: {clock}}}\nchannels: {{mail: '{mail}'}}\n")


def write(model: Model, day: int) -> None:
    """Write a day; on two of three days after the reference the model misses values."""
    frame = rows(day, n=100)
    share = 0.0 if day < BEFORE or (day + NAMES.index(model.name)) % 3 == 0 else 0.3
    empty = pl.int_range(frame.height, eager=True) < share * frame.height
    model.write(frame.with_columns(amount=pl.when(~empty).then(pl.col("amount"))), f"{day:03}.parquet")


@contextmanager
def runner(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-P", "-m", "jobs.cli", "jobs", "--workspace", str(root)]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        psutil.wait_procs(children, timeout=20)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, "the runner ended by itself"
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.02)


def sweeping(store: Store) -> bool:
    with store.read() as c:
        return any(row.claimed_by for row in due.every(c))


def telling(store: Store) -> bool:
    with store.read() as c:
        return bool(outbox.every(c, "pending"))


def working(store: Store, day: int) -> bool:
    """Tell whether a sweep of this day or a message is still to be done."""
    now = FIRST + timedelta(days=day, hours=2)
    with store.read() as c:
        swept = all(row.due_at > now and row.claimed_by is None for row in due.every(c))
        return not swept or bool(outbox.every(c, "pending"))


def ended(models: list[Model]) -> tuple[object, list[Message]]:
    """All that a course of sweeps leaves behind: statistics, alerts, chain; and the messages."""
    store = models[0].store
    with store.read() as c:
        told = {model.name: [alert.episode for alert in alerts.of_model(c, model.name)] for model in models}
        chain, messages = audit.verify(c).state, outbox.every(c)
    numbers = {
        model.name: statistics.read(store, model.name, "metrics")
        .select("metric", "column", "window_start", "n", pl.col("value").round(9))
        .rows()
        for model in models
    }
    return (told, chain, numbers), messages


def test_twenty_kills_change_nothing_and_lose_no_message(tmp_path: Path, inbox: tuple[Inbox, int]) -> None:
    taken, port = inbox
    chance = random.Random(1)
    calm, disturbed = make(tmp_path / "calm", port), make(tmp_path / "disturbed", port)
    store = disturbed[0].store
    for day in range(BEFORE, BEFORE + KILLS):
        for model in (*calm, *disturbed):
            write(model, day)
        for models in (calm, disturbed):
            at(models[0].store.root, day + 1, port)
        for model in calm:
            model.sweep(day + 1 + 2 / 24)
        with runner(store.root) as process:
            begun = sweeping if day % 2 else telling
            wait_for(lambda begun=begun: begun(store), process)
            time.sleep(chance.uniform(0.0, 1.0 if day % 2 else 5.5))
    with runner(store.root) as last:
        wait_for(lambda: not working(store, BEFORE + KILLS), last)
    (as_it_should_be, _), (as_it_is, messages) = ended(calm), ended(disturbed)
    assert as_it_is == as_it_should_be
    assert {message.state for message in messages} == {"sent"}
    assert set(taken.taken) == {message.message_id for message in messages}
    repeats = sum(taken.taken.values()) - len(messages)
    print(f"{len(messages)} messages, {repeats} repeats after {KILLS} kills")
    assert repeats <= KILLS
    assert len(messages) >= KILLS / 2
