"""In a mode with sign-in nobody sees more than the sign-in, whichever page a websocket asks for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.util import calc_hash
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from core import identity
from core.actions import identities as users
from core.actions import tokens
from core.store import Store, identities
from tests.identity.conftest import ADA, begin, with_session
from tests.pages.conftest import ROOT, Serve, come

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("[!_]*.py"))


@contextmanager
def session(
    port: int, cookie: str | None = None, origin: str | None = "http://127.0.0.1:{port}"
) -> Iterator[ClientConnection]:
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    headers = {} if cookie is None else {"Cookie": f"steward_session={cookie}"}
    sent_by = None if origin is None else origin.format(port=port)
    with connect(
        address, subprotocols=["streamlit"], max_size=None, additional_headers=headers, origin=sent_by
    ) as socket:
        yield socket


def shown(socket: ClientConnection, **rerun: str) -> str:
    """Ask for a page and return all that the server sends until its script has finished."""
    ask = BackMsg()
    ask.rerun_script.query_string = rerun.pop("query_string", "")
    for name, value in rerun.items():
        setattr(ask.rerun_script, name, value)
    socket.send(ask.SerializeToString())
    texts = []
    while True:
        message = ForwardMsg.FromString(socket.recv(timeout=30))
        texts.append(str(message))
        if message.WhichOneof("type") == "script_finished":
            return "\n".join(texts)


def ways(page: str) -> dict[str, dict[str, str]]:
    path = ROOT / "pages" / f"{page}.py"
    return {
        "by name": {"page_name": page},
        "by the hash of its path": {"page_script_hash": calc_hash(str(path))},
        "by the hash of its name": {"page_script_hash": calc_hash(page)},
        "with a model in the address": {"page_name": page, "query_string": "model=delay-30&tab=Rows"},
    }


FIRST = ("by name", "by the hash of its path")


@pytest.fixture(scope="module")
def fresh(serve: Serve, peopled: Store) -> dict[str, int]:
    """A server of its own for each way to ask first; they start side by side."""
    with ThreadPoolExecutor() as pool:
        ports = pool.map(lambda way: serve(peopled.workspace, mode="oidc"), FIRST)
    return dict(zip(FIRST, ports, strict=True))


@pytest.mark.parametrize("way", FIRST)
def test_the_first_page_asked_of_a_fresh_server_is_the_sign_in(way: str, fresh: dict[str, int]) -> None:
    with session(fresh[way]) as socket:
        assert_closed(shown(socket, **ways("model")[way]))


def test_every_page_shows_nothing_but_the_sign_in(fresh: dict[str, int]) -> None:
    for page in PAGES:
        for rerun in ways(page).values():
            with session(fresh["by name"]) as socket:
                assert_closed(shown(socket, **rerun))


def test_a_session_of_a_password_is_none_where_a_provider_says_who_is_there(
    fresh: dict[str, int], peopled: Store
) -> None:
    with session(fresh["by name"], come(peopled)) as socket:
        assert_closed(shown(socket, page_name="overview"))


def test_a_websocket_without_a_session_that_lasts_is_refused(local: int, peopled: Store) -> None:
    now = datetime.now(UTC)
    begin(peopled, ADA, "expired", at=now - timedelta(hours=13), until=now - timedelta(hours=1))
    _, token = tokens.create(
        peopled, with_session(peopled, ADA), name="x", roles=["admin"], lasts=timedelta(days=1)
    )
    for cookie in (None, "", "forged", "expired", token, identity.digest("expired")):
        with pytest.raises(InvalidStatus, match="403"), session(local, cookie):
            pass


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1"])
def test_a_websocket_of_another_site_is_refused_even_with_the_cookie(
    local: int, peopled: Store, origin: str | None
) -> None:
    with pytest.raises(InvalidStatus, match="403"), session(local, come(peopled), origin):
        pass


def test_a_session_that_ends_while_a_page_is_open_shows_nothing_more(local: int, peopled: Store) -> None:
    for page, end in (("overview", "signed out"), ("model", "disabled")):
        address = "leo@example.com" if end == "disabled" else "vi@example.com"
        cookie = come(peopled, address)
        with session(local, cookie) as socket:
            assert "delay-30" in shown(socket, page_name=page, query_string="model=delay-30")
            if end == "disabled":
                users.disable(peopled, address, with_session(peopled, ADA))
            else:
                with peopled.write() as c:
                    identities.end_sessions(c, at=datetime.now(UTC), digest=identity.digest(cookie))
            assert_closed(shown(socket, page_name=page, query_string="model=delay-30"))


def test_the_same_question_shows_models_once_nobody_has_to_sign_in(
    open_port: int,
) -> None:
    with session(open_port) as socket:
        assert "delay-30" in shown(socket, page_name="overview")


def assert_closed(text: str) -> None:
    assert "Sign in to Steward" in text
    for secret in ("eta-air-time", "customer-comms", "Health, drift", "No model is registered", "Late?"):
        assert secret not in text
    assert "arrow_data_frame" not in text
