"""In a mode with sign-in nobody sees more than the sign-in, whichever page a websocket asks for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.util import calc_hash
from websockets.sync.client import ClientConnection, connect

from core.settings import Workspace
from tests.pages.conftest import ROOT, Serve

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("[!_]*.py"))


@contextmanager
def session(port: int) -> Iterator[ClientConnection]:
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    with connect(address, subprotocols=["streamlit"], max_size=None) as socket:
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
def fresh(serve: Serve, portfolio_workspace: Workspace) -> dict[str, int]:
    """A server of its own for each way to ask first; they start side by side."""
    with ThreadPoolExecutor() as pool:
        ports = pool.map(lambda way: serve(portfolio_workspace, mode="local"), FIRST)
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


def test_the_same_question_shows_models_once_nobody_has_to_sign_in(
    open_port: int,
) -> None:
    with session(open_port) as socket:
        assert "delay-30" in shown(socket, page_name="overview")


def assert_closed(text: str) -> None:
    assert "No user exists yet" in text
    for secret in ("delay-30", "eta-air-time", "customer-comms", "Health, drift", "No model is registered"):
        assert secret not in text
    assert "arrow_data_frame" not in text
