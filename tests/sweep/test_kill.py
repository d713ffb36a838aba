"""Killed again and again in the middle of its work, the job process ends where an undisturbed one does."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
BEFORE = 12
MONITOR = {"metric": "missing_share", "columns": ["amount"], "above": {"warning": 0.1, "critical": 0.5}}


class Inbox:
    """What a mail server has taken, by the message's id."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        mail = message_from_bytes(envelope.content, policy=default)  # type: ignore[attr-defined]
        self.taken[str(mail["X-Steward-Message"])] += 1
        return "250 OK"


class Hook(BaseHTTPRequestHandler):
    """Takes every webhook and counts it by its id."""

    taken: Counter[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.taken[self.headers["webhook-id"]] += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[tuple[Counter[str], int]]:
    found = type("Own", (Hook,), {"taken": Counter()})
    with ThreadingHTTPServer(("127.0.0.1", 0), found) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found.taken, server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    found = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    server = Controller(found, hostname="127.0.0.1", port=port)
    server.start()
    yield found, port
    server.stop()


Settings = Callable[[int], str]


def make(root: Path, settings: Settings) -> list[Model]:
    initialise(root)
    at(root, BEFORE, settings)
    store = Store(Workspace.open(root))
    store.migrate()
    models = [Model(store, name, store.root / "predictions" / name) for name in NAMES]
    for model in models:
        for day in range(BEFORE):
            write(model, day)
        model.declare(monitors=[MONITOR], notify=["mail", "hook"])
    return models


def at(root: Path, day: int, settings: Settings) -> None:
    """Set the workspace's clock to two o'clock after a day."""
    (root / "steward.yaml").write_text(settings(day))


def settings_for(mail: int, hook: int, database_url: str | None = None) -> Settings:
    """Return steward.yaml by day, with a mail server and a webhook on this machine."""

    def said(day: int) -> str:
        channels = {
            "mail": f"mailto://127.0.0.1:{mail}/?from=steward@example.com&to=oncall@example.com",
            "hook": {"webhook": f"http://127.0.0.1:{hook}/", "secret": "s3cret", "allow_private": True},
        }
        keys = {"clock": {"fixed": (FIRST + timedelta(days=day, hours=2)).isoformat()}, "channels": channels}
        return json.dumps(keys | ({"database_url": database_url} if database_url else {}))

    return said


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


@pytest.mark.parametrize(
    ("database", "kills"), [("sqlite", 20), pytest.param("postgresql", 6, marks=pytest.mark.postgres)]
)
def test_kills_change_nothing_and_lose_no_message(
    database: str,
    kills: int,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    inbox: tuple[Inbox, int],
    hook: tuple[Counter[str], int],
) -> None:
    url = request.getfixturevalue("postgresql_url") if database == "postgresql" else None
    chance = random.Random(1)
    calmly, daily = settings_for(inbox[1], hook[1]), settings_for(inbox[1], hook[1], url)
    calm, disturbed = make(tmp_path / "calm", calmly), make(tmp_path / "disturbed", daily)
    store = disturbed[0].store
    for day in range(BEFORE, BEFORE + kills):
        for model in (*calm, *disturbed):
            write(model, day)
        at(store.root, day + 1, daily)
        for model in calm:
            model.sweep(day + 1 + 2 / 24)
        with runner(store.root) as process:
            begun = sweeping if day % 2 else telling
            wait_for(lambda begun=begun: begun(store), process)
            time.sleep(chance.uniform(0.0, 1.0 if day % 2 else 5.5))
    with runner(store.root) as last:
        wait_for(lambda: not working(store, BEFORE + kills), last)
    (as_it_should_be, _), (as_it_is, messages) = ended(calm), ended(disturbed)
    assert as_it_is == as_it_should_be
    assert {message.state for message in messages} == {"sent"}
    by_channel = {"mail": inbox[0].taken, "hook": hook[0]}
    for channel, taken in by_channel.items():
        assert set(taken) == {message.message_id for message in messages if message.channel == channel}
    repeats = sum(sum(taken.values()) for taken in by_channel.values()) - len(messages)
    print(f"{database}: {len(messages)} messages, {repeats} repeats after {kills} kills")
    assert repeats <= kills
    assert len(messages) >= kills
    store.close()
