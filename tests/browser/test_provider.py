"""People who sign in by an identity provider, in a real browser against a real provider."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from core.actions import identities as users
from core.actions import promotions
from core.settings import Workspace
from core.store import Store, identities
from tests.browser.test_walk import DONE, visit
from tests.identity.conftest import with_session
from tests.pages.conftest import free_port
from tests.pages.test_governance import govern
from tests.release.conftest import DORA

pytestmark = pytest.mark.browser
SETTINGS = """
auth:
  mode: oidc
  oidc:
    server_metadata_url: http://127.0.0.1:{port}/.well-known/openid-configuration
    client_id: steward
    client_secret: secret
    groups: {{ml: data_scientist, risk: approver, ops: ml_engineer, heads: admin}}
"""
GROUPS = {"dora": ["ml", "unknown"], "apu": ["risk"], "ada": ["heads", "risk"], "nora": ["canteen"]}


@pytest.fixture(scope="module")
def provider() -> Iterator[int]:
    """The port of a provider that knows some people."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)],
        env=os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        await_provider(process, client)
        for name, groups in GROUPS.items():
            claims = {"email": f"{name}@example.com", "name": name, "groups": groups}
            client.put(f"/users/sub-{name}", json=claims).raise_for_status()
    yield port
    process.terminate()
    process.wait(timeout=20)


def await_provider(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    while process.poll() is None:
        try:
            client.get("/.well-known/openid-configuration").raise_for_status()
            return
        except httpx.TransportError:
            continue
    raise AssertionError(f"the provider ended with {process.returncode}")


@pytest.fixture(scope="module")
def store(
    provider: int, portfolio_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    root: Path = shutil.copytree(portfolio_workspace.root, tmp_path_factory.mktemp("provided") / "workspace")
    with (root / "steward.yaml").open("a") as settings:
        settings.write(SETTINGS.format(port=provider))
    opened = Store(Workspace.open(root))
    govern(opened)
    promotions.request(opened, "delay-30", 2, DORA)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def address(serve: Callable[..., int], store: Store) -> str:
    return f"http://127.0.0.1:{serve(store.workspace, mode='oidc')}"


@pytest.fixture
def another(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Open further browsers, each somebody else's."""
    contexts = []

    def opened() -> Page:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}))
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


def come(page: Page, to: str, name: str) -> None:
    """Go to an address and sign in on the way."""
    visit(page, to)
    page.get_by_role("button", name="Sign in").click()
    authorize(page, name)


def authorize(page: Page, name: str) -> None:
    page.get_by_placeholder("sub").fill(f"sub-{name}")
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_selector(DONE)


def test_a_deep_link_survives_the_way_to_the_provider_and_back(
    page: Page, address: str, store: Store
) -> None:
    come(page, f"{address}/model?model=delay-30&tab=Versions", "dora")
    page.wait_for_url("**/model?model=delay-30&tab=Versions")
    expect(page.get_by_role("heading", name="delay-30")).to_be_visible()
    expect(page.get_by_text("dora@example.com").first).to_be_visible()
    expect(page.get_by_text("data scientist").first).to_be_visible()
    with store.read() as c:
        known = identities.get(c, "dora@example.com")
        kept = c.execute(text("SELECT roles FROM sessions WHERE principal = 'dora@example.com'")).scalar_one()
    assert known is not None and (known.kind, known.roles) == ("oidc", frozenset())
    assert kept == '["data_scientist"]'


def test_an_unknown_group_gives_nothing_and_admins_decide_nothing(
    another: Callable[[], Page], address: str
) -> None:
    nora = another()
    come(nora, address, "nora")
    expect(nora.get_by_text("No access")).to_be_visible()
    ada = another()
    come(ada, f"{address}/approvals", "ada")
    expect(ada.get_by_text("admin", exact=True)).to_be_visible()
    expect(ada.get_by_role("button", name="Approve")).to_be_disabled()


def test_deciding_wants_a_fresh_sign_in_and_leads_back_to_the_same_request(
    page: Page, address: str, store: Store
) -> None:
    come(page, f"{address}/approvals?id=1", "apu")
    page.wait_for_url("**/approvals?id=1")
    expect(page.get_by_role("button", name="Approve")).to_be_enabled()
    with store.write() as c:
        an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
        c.execute(text("UPDATE sessions SET signed_in_at = :then"), {"then": str(an_hour_ago)[:26]})
    page.get_by_role("button", name="Approve").click()
    expect(
        page.get_by_text("deciding wants a sign-in of the last 15 minutes", exact=False).first
    ).to_be_visible()
    page.get_by_role("link", name="Sign in again").click()
    authorize(page, "apu")
    page.wait_for_url("**/approvals?id=1")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved; a release engineer releases it", exact=False)).to_be_visible()


def test_whose_access_is_taken_sees_the_sign_in_and_gets_in_no_more(
    page: Page, another: Callable[[], Page], address: str, store: Store
) -> None:
    come(page, f"{address}/models", "dora")
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    with store.write() as c:
        identities.grant(c, "ada@example.com", "admin", "", at=datetime.now(UTC), by="test")
    users.disable(store, "dora@example.com", with_session(store, "ada@example.com"))
    page.get_by_role("link", name="Alerts").click()
    expect(page.get_by_role("heading", name="Sign in to Steward")).to_be_visible()
    expect(page.get_by_role("heading", name="Alerts")).to_have_count(0)
    again = another()
    come(again, f"{address}/models", "dora")
    expect(again.get_by_text("access was taken away")).to_be_visible()
    expect(again.get_by_role("heading", name="Models")).to_have_count(0)


def test_whoever_signs_out_is_out_and_the_cookie_they_had_is_worth_nothing(
    page: Page, another: Callable[[], Page], address: str
) -> None:
    come(page, f"{address}/models", "apu")
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    stolen = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/oauth2/end_session**")
    thief = another()
    thief.context.add_cookies(stolen)
    visit(thief, f"{address}/models")
    expect(thief.get_by_role("heading", name="Sign in to Steward")).to_be_visible()
    expect(thief.get_by_role("heading", name="Models")).to_have_count(0)
