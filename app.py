"""The dashboard's launcher: which requests come in, the routes for machines, and every Streamlit option."""

import ipaddress
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core import views
from core.charts import COLOURS
from core.errors import InputError
from core.settings import Workspace
from core.store import Store
from pages import _shared

SHELL = Path(__file__).resolve().parent / "pages" / "_shell.py"

# Headers a proxy adds. Behind one on this host everybody looks like loopback: `single` mode refuses them all.
PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
LOOPBACK_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
LOOPBACK_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)

# The colours of the states, one pair each: Markdown's red, orange, blue and gray mean them in both themes.
PALETTE = {
    "light": {
        "primaryColor": "#0B5CAD",
        "backgroundColor": "#FFFFFF",
        "secondaryBackgroundColor": "#F3F5F8",
        "textColor": "#17202B",
        "linkColor": "#0B5CAD",
        "borderColor": "#D5DBE3",
        "redColor": "#B3261E",
        "redTextColor": "#B3261E",
        "orangeColor": "#B35C00",
        "orangeTextColor": "#B35C00",
        "blueColor": "#0B5CAD",
        "blueTextColor": "#0B5CAD",
        "grayColor": "#5B6570",
        "grayTextColor": "#5B6570",
    },
    "dark": {
        "primaryColor": "#2F81D6",
        "backgroundColor": "#10161E",
        "secondaryBackgroundColor": "#1A222D",
        "textColor": "#E8EDF3",
        "linkColor": "#6CB4F5",
        "borderColor": "#34404F",
        "redColor": "#FF8A80",
        "redTextColor": "#FF8A80",
        "orangeColor": "#FFB454",
        "orangeTextColor": "#FFB454",
        "blueColor": "#6CB4F5",
        "blueTextColor": "#6CB4F5",
        "grayColor": "#9AA7B4",
        "grayTextColor": "#9AA7B4",
    },
}


def serve(workspace: Workspace, port: int = 8501, address: str = "127.0.0.1") -> None:
    """Serve the dashboard of a workspace and block until stopped.

    Raises
    ------
    InputError
        If `single` mode is asked to listen anywhere but on loopback.
    SchemaError
        If the registry database needs a migration first.
    """
    mode = workspace.settings.auth.mode
    if mode == "single" and not _is_loopback(address):
        raise InputError(
            f"auth mode 'single' has no sign-in and so listens on loopback only, not on {address}; "
            "use --address 127.0.0.1, or set auth: {mode: local} or oidc in steward.yaml"
        )
    store = Store(workspace)
    store.require_current()
    # The pages open the workspace themselves; they must not find another mode than the gate was built for.
    os.environ |= {_shared.WORKSPACE_VARIABLE: str(workspace.root), "STEWARD_AUTH": mode}
    application(store, mode).run(config=streamlit_options(port, address))


def application(store: Store, mode: str) -> st.App:
    """Return the ASGI application: the gate, the routes for machines, then Streamlit with pages/_shell.py."""
    return st.App(
        SHELL,
        routes=[Route("/healthz", _healthz), Route("/metrics", _metrics(store))],
        middleware=[Middleware(Gate, mode=mode)],
        on_script_error=_shared.show_unexpected,
    )


def streamlit_options(port: int, address: str) -> dict[str, Any]:
    """Return Streamlit's options: without them it listens everywhere and shows stack traces."""
    options: dict[str, Any] = {
        "server.port": port,
        "server.address": address,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.enableStaticServing": False,
        "server.enableAgentApi": False,
        "browser.gatherUsageStats": False,
        "runner.magicEnabled": False,
        # A full collection after every run of a page: 100 ms in which no other session moves.
        "runner.postScriptGC": False,
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "theme.chartCategoricalColors": list(COLOURS),
        "theme.baseRadius": "6px",
        "theme.baseFontSize": 15,
        "theme.headingFontSizes": ["28px", "22px", "18px", "16px", "15px", "14px"],
        "theme.metricValueFontSize": "1.6rem",
        "theme.paddingTop": "1rem",
        "theme.paddingBottom": "2rem",
    }
    for theme, colours in PALETTE.items():
        options |= {f"theme.{theme}.{key}": colour for key, colour in colours.items()}
    return options


async def _healthz(request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _metrics(store: Store) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        if not _is_loopback(request.client.host if request.client else "") or _is_proxied(request.headers):
            return PlainTextResponse("Only programs on this machine may read /metrics.\n", status_code=403)
        return PlainTextResponse(prometheus(views.vital_signs(store)), media_type="text/plain; version=0.0.4")

    return answer


def prometheus(signs: views.VitalSigns) -> str:
    """Return the vital signs in Prometheus' text format."""
    families: list[tuple[str, str, list[tuple[dict[str, str], float]]]] = [
        ("steward_models", "Models by state.", [({"state": s}, n) for s, n in signs.states.items()]),
        (
            "steward_open_alerts",
            "Alerts that are not resolved, by severity.",
            [({"severity": severity}, n) for severity, n in signs.open_alerts.items()],
        ),
        (
            "steward_sweep_age_seconds",
            "Seconds since the last finished sweep.",
            [({"model": model}, age) for model, age in signs.sweep_age.items()],
        ),
        (
            "steward_runner_heartbeat_age_seconds",
            "Seconds since the last heartbeat.",
            [({"runner": runner}, age) for runner, age in signs.heartbeat_age.items()],
        ),
    ]
    lines = []
    for name, meaning, samples in families:
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(labels)} {value:g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _labels(labels: dict[str, str]) -> str:
    def quoted(text: str) -> str:
        return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    return "{" + ",".join(f'{key}="{quoted(value)}"' for key, value in labels.items()) + "}" if labels else ""


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    return (mapped or peer).is_loopback


def _is_proxied(headers: Headers) -> bool:
    return any(header in headers for header in PROXY_HEADERS)


def refusal(scope: Scope) -> str | None:
    """Return why `single` mode refuses a request, or None to let it in.

    Without a sign-in the only identity is "a program on this machine". Peer, Host, Origin and the absence of
    any proxy header have to say so together: Host and Origin keep out web pages of other sites.
    """
    headers = Headers(scope=scope)
    peer = scope.get("client")
    if _is_proxied(headers):
        return "it came through a proxy, and behind one everybody looks local"
    if peer is None or not _is_loopback(peer[0]):
        return "it does not come from this machine"
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not LOOPBACK_HOST.fullmatch(hosts[0]):
        return "its Host is not localhost, 127.0.0.1 or [::1]"
    if any(not LOOPBACK_ORIGIN.fullmatch(origin) for origin in headers.getlist("origin")):
        return "it was sent by a page of another site"
    return None


class Gate:
    """Lets a request pass or refuses it, for http and websocket alike, before anything else sees it."""

    def __init__(self, app: ASGIApp, mode: str) -> None:
        self.app = app
        self.mode = mode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 403."""
        reason = refusal(scope) if self.mode == "single" and scope["type"] in {"http", "websocket"} else None
        if reason is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()  # the handshake must be taken before it can be refused
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            text = (
                f"Refused: {reason}.\nAuth mode 'single' answers this machine only; see auth in steward.yaml."
            )
            await PlainTextResponse(text + "\n", status_code=403)(scope, receive, send)
