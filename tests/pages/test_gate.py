"""Who gets in: raw requests at a real server, over http and websocket."""

import socket

import pytest

import app
from core.errors import InputError, StoreError
from core.settings import Workspace
from pages import _gate

WEBSOCKET = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.fixture
def port(open_port: int) -> int:
    return open_port


def status_line(port: int, path: str, headers: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode())
        return connection.makefile("rb").readline().decode().strip()


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST", "[::1]:{port}"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/model?model=delay-30"])
def test_this_machine_is_let_in(port: int, path: str, host: str) -> None:
    assert status_line(port, path, f"Host: {host.format(port=port)}\r\n") == "HTTP/1.1 200 OK"


REFUSED = {
    "foreign host": "Host: steward.example.com\r\n",
    "host that only starts like loopback": "Host: 127.0.0.1.example.com\r\n",
    "two hosts": "Host: localhost\r\nHost: evil.example\r\n",
    "forged forwarded-for": "Host: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n",
    "forwarded-for in other letters": "Host: localhost\r\nx-fOrWaRdEd-fOr: ::1\r\n",
    "forged forwarded": "Host: localhost\r\nForwarded: for=127.0.0.1\r\n",
    "page of another site": "Host: localhost\r\nOrigin: https://evil.example\r\n",
    "page without an origin": "Host: localhost\r\nOrigin: null\r\n",
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize(
    ("path", "more"),
    [("/", ""), ("/healthz", ""), ("/metrics", ""), ("/_stcore/health", ""), ("/_stcore/stream", WEBSOCKET)],
)
def test_everybody_else_is_refused_over_http_and_websocket(
    port: int, path: str, more: str, headers: str
) -> None:
    assert status_line(port, path, headers + more) in ("HTTP/1.1 403 Forbidden", "HTTP/1.1 400 Bad Request")


def test_a_websocket_from_this_machine_is_let_in(port: int) -> None:
    headers = f"Host: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n{WEBSOCKET}"
    assert status_line(port, "/_stcore/stream", headers) == "HTTP/1.1 101 Switching Protocols"


@pytest.mark.parametrize("peer", [("192.0.2.7", 4000), ("fe80::1", 4000), ("::ffff:192.0.2.7", 4000), None])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_peer_on_another_machine_is_refused(kind: str, peer: tuple[str, int] | None) -> None:
    scope = {"type": kind, "client": peer, "headers": [(b"host", b"localhost")]}
    assert _gate.refusal(scope) == "it does not come from this machine"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_every_loopback_address_is_this_machine(peer: str) -> None:
    assert (
        _gate.refusal({"type": "http", "client": (peer, 4000), "headers": [(b"host", b"localhost")]}) is None
    )


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7", "steward.example.com", ""])
def test_single_mode_refuses_to_listen_anywhere_but_on_loopback(workspace: Workspace, address: str) -> None:
    with pytest.raises(InputError, match="listens on loopback only"):
        app.serve(workspace, address=address)


def test_the_dashboard_refuses_a_workspace_without_registry_and_names_the_command(
    workspace: Workspace,
) -> None:
    with pytest.raises(StoreError, match="steward init"):
        app.serve(workspace)


def test_metrics_speak_prometheus(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        body = connection.makefile("rb").read().decode()
    assert 'steward_models{state="no_data"} 2' in body
    assert 'steward_models{state="critical"} 0' in body
    assert 'steward_open_alerts{severity="critical"} 0' in body
    assert 'steward_sweep_age_seconds{model="delay-30"}' in body
    assert 'steward_runner_heartbeat_age_seconds{runner="host:1:a"}' in body


def test_label_values_are_escaped_for_prometheus() -> None:
    signs = app.views.VitalSigns({}, {}, {}, {'a"b\\c\nd': 1.0})
    assert 'runner="a\\"b\\\\c\\nd"' in app.prometheus(signs)
