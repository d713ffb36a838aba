"""The sign-in with address and password, asked by raw requests at a real server."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette

from core.actions import sign_ins
from core.settings import Workspace
from core.store import Store
from pages import _gate, _sign_in
from tests.identity.conftest import ADA, PASSWORD, user
from tests.pages.conftest import come


@pytest.fixture
def client(local: int) -> Iterator[httpx.Client]:
    address = f"http://127.0.0.1:{local}"
    with httpx.Client(base_url=address, headers={"Origin": address, "Accept": "text/html"}) as opened:
        yield opened


def enter(client: httpx.Client, **given: str) -> httpx.Response:
    return client.post("/sign-in", data={"address": ADA, "password": PASSWORD, "next": "/"} | given)


def test_a_page_leads_to_the_sign_in_and_from_there_to_where_one_wanted_to_go(client: httpx.Client):
    led = client.get("/model?model=delay-30&tab=Cost+%26+latency")
    assert led.status_code == 303
    form = client.get(led.headers["location"])
    assert 'value="/model?model=delay-30&amp;tab=Cost+%26+latency"' in form.text
    assert "<script" not in form.text and form.headers["cache-control"] == "no-store"
    assert "form-action 'self'" in form.headers["content-security-policy"]
    back = enter(client, next="/model?model=delay-30&tab=Cost+%26+latency")
    assert (back.status_code, back.headers["location"]) == (
        303,
        "/model?model=delay-30&tab=Cost+%26+latency",
    )
    assert client.get("/model?model=delay-30").status_code == 200


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(client: httpx.Client):
    said = enter(client).headers["set-cookie"]
    assert "HttpOnly" in said and "SameSite=lax" in said and "Max-Age=43200" in said and "Secure" not in said


def test_signing_in_again_ends_the_session_before(client: httpx.Client, peopled: Store):
    enter(client)
    before = client.cookies["steward_session"]
    assert f'value="{ADA}"' in client.get("/sign-in").text
    enter(client)
    assert sign_ins.by_session(peopled, before) is None
    assert sign_ins.by_session(peopled, client.cookies["steward_session"]) is not None


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/%09/evil.example\r\nX: y",
        "javascript:alert(1)",
        "/sign-in?next=/",
        "",
    ],
)
def test_it_leads_to_no_other_site(client: httpx.Client, target: str):
    assert enter(client, next=target).headers["location"] == "/"


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1"])
def test_a_form_of_another_site_is_refused(client: httpx.Client, origin: str | None):
    client.headers.pop("Origin")
    sent = {} if origin is None else {"Origin": origin}
    answer = client.post("/sign-in", data={"address": ADA, "password": PASSWORD}, headers=sent)
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


def test_what_is_wrong_is_said_alike_and_nothing_typed_is_markup(client: httpx.Client):
    answers = [
        enter(client, address=address, password="wrong password")
        for address in ("vi@example.com", "nobody@example.com", '"><b>x@example.com')
    ]
    assert {each.status_code for each in answers} == {401}
    assert all("do not belong to an active user here" in each.text for each in answers)
    assert "<b>" not in answers[2].text and not any("set-cookie" in each.headers for each in answers)
    assert "wrong password" not in "".join(each.text for each in answers)


def test_too_long_a_form_is_not_read(client: httpx.Client):
    assert enter(client, address="x" * 9000).status_code == 413


@pytest.mark.parametrize("path", ["/_stcore/host-config", "/media/a.png", "/component/x/y.js"])
def test_what_pages_fetch_is_for_those_who_signed_in(client: httpx.Client, peopled: Store, path: str):
    assert client.get(path).status_code == 403
    assert client.put("/_stcore/upload_file/a/b").status_code == 403
    client.cookies["steward_session"] = come(peopled, ADA)
    assert client.get(path).status_code != 403


def test_probes_need_no_sign_in_and_nobody_else_learns_anything(client: httpx.Client):
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/_stcore/health").status_code == 200


def through(store: Store, host: str, method: str = "GET", **settings: str) -> httpx.Response:
    """The sign-in as reached under a host name, where the gate stands before it."""
    told = store.workspace.settings.model_copy(update=settings)
    store.workspace = Workspace(store.workspace.root, told)
    app = Starlette(routes=[_sign_in.route(store)])
    app.add_middleware(_gate.Gate, mode="local", store=store)
    sent = {"Origin": settings.get("public_url", f"http://{host}")}

    async def ask() -> httpx.Response:
        at = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=at, base_url=f"http://{host}", headers=sent) as client:
            given = {"address": ADA, "password": PASSWORD} if method == "POST" else None
            return await client.request(method, "/sign-in", data=given)

    with ThreadPoolExecutor(1) as apart:  # where a browser runs in this process, so does its event loop
        return apart.submit(lambda: asyncio.run(ask())).result()


def test_over_a_network_a_password_travels_encrypted_or_not_at_all(sqlite_store: Store):
    user(sqlite_store, ADA, "admin")
    for method in ("GET", "POST"):
        answer = through(sqlite_store, "steward.example.com", method)
        assert answer.status_code == 403 and "https only" in answer.text
    answer = through(sqlite_store, "inside:8501", "POST", public_url="https://steward.example.com")
    assert answer.status_code == 303 and "Secure" in answer.headers["set-cookie"]


def test_a_flood_of_sign_ins_leaves_the_dashboard_to_the_others(sqlite_store: Store):
    user(sqlite_store, ADA, "admin")
    while _sign_in.AT_ONCE.acquire(blocking=False):
        pass
    try:
        assert through(sqlite_store, "localhost", "POST").status_code == 503
    finally:
        _sign_in.AT_ONCE.release(8)
    assert through(sqlite_store, "localhost", "POST").status_code == 303


def test_before_there_is_any_user_it_says_how_to_make_one(sqlite_store: Store):
    told = through(sqlite_store, "localhost")
    assert "steward users add ADDRESS --role admin" in told.text and "<form" not in told.text
