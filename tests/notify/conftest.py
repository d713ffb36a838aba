"""Alerts as facts, workspaces with channels, and real servers on loopback that take, refuse or hang."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import Message as Mail
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from core.declaration import Declaration
from core.entities import Message
from core.settings import Workspace
from core.store import Store, outbox

AT = datetime(2013, 3, 5, 6, tzinfo=UTC)
URL = "https://steward.example.com"
MESSAGE_ID = "1f0c9a2e-86a1-4c0e-9d0c-2f6b8f6c7c11"


def event(alert: int = 12, **changes: Any) -> dict[str, Any]:
    """What happened to one alert, as the outbox keeps it."""
    return {
        "alert": alert,
        "event": "opened",
        "severity": "critical",
        "monitor": "f1-floor",
        "message": "F1 was 0.874, below 0.92 for 48 hours.",
        "metric": "f1",
        "column": "",
        "segment": "",
        "version": "",
        "group": "",
        "value": 0.8743,
        "threshold": 0.92,
        "side": "below",
        "opened_at": "2013-03-05T06:00:00+00:00",
        "first_window": "2013-03-03T05:00:00+00:00",
        "last_window": "2013-03-04T05:00:00+00:00",
        "resolved_at": None,
        "closed_reason": None,
        "why": None,
    } | changes


def facts(*events: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The payload of a message about alerts of delay-30."""
    return {
        "model": "delay-30",
        "owner": "comms@example.com",
        "team": "comms",
        "zone": "America/New_York",
        "at": AT.isoformat(),
        "first_sweep": False,
        "events": list(events or (event(),)),
    } | changes


def declared(model: str = "delay-30", **changes: Any) -> Declaration:
    """The declaration of a regression model."""
    predictions = {"path": f"predictions/{model}", "timestamp": "at", "prediction": "p", "actual": "y"}
    kept = {"owner": "comms@example.com", "task": "regression", "risk_tier": 2}
    return Declaration.model_validate({"model": model, "predictions": predictions, **kept, **changes})


def message(payload: dict[str, Any] | None = None, kind: str = "alerts", channel: str = "ops") -> Message:
    """A message that waits, not in any store."""
    identity = {
        "id": 1,
        "message_id": MESSAGE_ID,
        "channel": channel,
        "kind": kind,
    }
    state = {"state": "pending", "attempts": 0, "created_at": AT, "next_attempt_at": AT}
    return Message(**identity, model="delay-30", payload=payload or facts(), **state)


def queue(store: Store, channel: str = "ops", payload: dict[str, Any] | None = None) -> None:
    with store.write() as c:
        outbox.add(c, channel, "alerts", payload or facts(), model="delay-30")


def messages(store: Store, state: str | None = None) -> list[Message]:
    with store.read() as c:
        return outbox.every(c, state)


@pytest.fixture
def with_channels() -> Callable[..., Store]:
    """A store whose steward.yaml has these channels (YAML), and more lines."""

    def opened(store: Store, channels: str, *lines: str) -> Store:
        file = store.root / "steward.yaml"
        kept = [line for line in file.read_text().splitlines() if line.startswith("database_url")]
        file.write_text("\n".join((*kept, f"public_url: {URL}", *lines, f"channels: {channels}")))
        store.workspace = Workspace.open(store.root)
        return store

    return opened


class Receiver:
    """An HTTP server that answers every POST as told, and what it was sent."""

    def __init__(self) -> None:
        self.status, self.location = 200, ""
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.before_answer: Callable[[], None] = lambda: None
        self.silent = threading.Event()  # set: say nothing until the test ends
        self.ended = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(({key.lower(): value for key, value in self.headers.items()}, body))
                receiver.before_answer()
                if receiver.silent.is_set():
                    receiver.ended.wait(30)
                    return
                self.send_response(receiver.status)
                if receiver.location:
                    self.send_header("location", receiver.location)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-path"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


class Mailbox:
    """An SMTP server on loopback: what it took, whom it refuses, and after how many mails it hangs up."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.recipients: list[str] = []
        self.refuses: set[str] = set()
        self.hangs_up_after: int | None = None
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self.controller.start()
        self.url = f"mailto://127.0.0.1:{self.controller.port}?from=steward@example.com&to="

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refuses:
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.hangs_up_after is not None and len(self.mails) >= self.hangs_up_after:
            server.transport.abort()
            return "451 gone"
        self.mails.append(BytesParser(policy=default).parsebytes(envelope.content))
        self.recipients += envelope.rcpt_tos
        return "250 taken"

    def close(self) -> None:
        self.controller.stop()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    server = Mailbox()
    yield server
    server.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
