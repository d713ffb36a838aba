"""The dashboard's launcher: gate, sign-in, the routes for machines, and every Streamlit option."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core import views
from core.charts import COLOURS
from core.errors import InputError
from core.settings import Workspace
from core.store import Store
from pages import _shared, _sign_in
from pages._gate import CALLBACK, Gate, is_loopback, is_proxied

SHELL = Path(__file__).resolve().parent / "pages" / "_shell.py"

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
    if mode == "single" and not is_loopback(address):
        raise InputError(
            f"auth mode 'single' has no sign-in and so listens on loopback only, not on {address}; "
            "use --address 127.0.0.1, or set auth: {mode: local} or oidc in steward.yaml"
        )
    store = Store(workspace)
    store.require_current()
    # The pages open the workspace themselves; they must not find another mode than the gate was built for.
    os.environ |= {_shared.WORKSPACE_VARIABLE: str(workspace.root), "STEWARD_AUTH": mode}
    options = streamlit_options(port, address)
    if public := workspace.settings.public_url:
        options["server.corsAllowedOrigins"] = [public.rstrip("/")]
    application(store, mode, provider(workspace, port, address)).run(config=options)


def application(store: Store, mode: str, provided: dict[str, Any] | None = None) -> st.App:
    """Return the ASGI application: gate, sign-in, routes for machines, then Streamlit with pages/_shell.py.

    `provided` is what Streamlit needs for the identity provider.
    """
    routes = [Route("/healthz", _healthz), Route("/metrics", _metrics(store))]
    if mode == "local":
        routes.append(_sign_in.route(store))
    return st.App(
        SHELL,
        secrets={"auth": provided} if provided else None,
        routes=routes,
        middleware=[Middleware(Gate, mode=mode, store=store)],
        on_script_error=_shared.show_unexpected,
    )


def provider(workspace: Workspace, port: int, address: str) -> dict[str, Any] | None:
    """Return what Streamlit's sign-in needs to know of the identity provider; None in other modes.

    Cookies are signed with a secret of this process: after a restart people sign in again.

    Raises
    ------
    InputError
        If nobody could find back from the provider.
    """
    settings, oidc = workspace.settings, workspace.settings.auth.oidc
    if settings.auth.mode != "oidc" or oidc is None:
        return None
    if settings.public_url is None and not is_loopback(address):
        raise InputError(
            "auth mode 'oidc' leads people to the provider and back; say in steward.yaml at which address "
            "they reach this dashboard, as in public_url: https://steward.example.com"
        )
    known = {
        "client_id": oidc.client_id,
        "client_secret": oidc.client_secret,
        "server_metadata_url": oidc.server_metadata_url,
    }
    return {
        "redirect_uri": (settings.public_url or f"http://{address}:{port}").rstrip("/") + CALLBACK,
        "cookie_secret": secrets.token_urlsafe(32),
        _shared.FIRST_TIME: known | {"client_kwargs": {"scope": oidc.scope}},
        _shared.AGAIN: known | {"client_kwargs": {"scope": oidc.scope, "prompt": "login"}},
    }


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
        if not is_loopback(request.client.host if request.client else "") or is_proxied(request.headers):
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
