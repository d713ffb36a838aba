"""A version's way to production by three people, each in a browser of their own, within three clicks each."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from core.settings import Workspace
from core.store import Store, audit, releases
from tests.browser.test_walk import DONE, visit
from tests.identity.conftest import ADA, PASSWORD, user, with_session
from tests.pages.test_governance import govern

pytestmark = pytest.mark.browser
PEOPLE = {"dora": "data_scientist", "apu": "approver", "emil": "ml_engineer", "vi": "viewer"}
Come = Callable[[str, str], "Clicks"]


class Clicks:
    """Somebody's browser, and how often they clicked since they signed in."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def click(self, role: str, name: str, *, nth: int = 0) -> None:
        self.page.get_by_role(role, name=name, exact=True).nth(nth).click()  # type: ignore[arg-type]
        self.count += 1
        self.page.wait_for_selector(DONE)


@pytest.fixture(scope="module")
def store(portfolio_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    root = shutil.copytree(portfolio_workspace.root, tmp_path_factory.mktemp("three") / "workspace")
    opened = Store(Workspace.open(root))
    govern(opened)
    user(opened, ADA, "admin")
    for name, role in PEOPLE.items():
        user(opened, f"{name}@example.com", role, by=with_session(opened, ADA))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def address(serve: Callable[..., int], store: Store) -> str:
    return f"http://127.0.0.1:{serve(store.workspace, mode='local')}"


@pytest.fixture
def come(browser: Browser, address: str) -> Iterator[Come]:
    """Open a deep link as somebody, who signs in on the way."""
    contexts = []

    def opened(name: str, to: str) -> Clicks:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 1000}))
        page = contexts[-1].new_page()
        page.goto(address + to)
        enter(page, name)
        page.wait_for_url(f"**{to}")
        return Clicks(page)

    yield opened
    for context in contexts:
        context.close()


def enter(page: Page, name: str) -> None:
    page.get_by_label("E-mail address").fill(f"{name}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector(DONE)


def test_one_asks_another_approves_a_third_releases(come: Come, store: Store) -> None:
    dora = come("dora", "/model?model=delay-30")
    dora.click("tab", "Versions")
    dora.click("link", "Compare version 2 with production")
    dora.click("button", "Request promotion")
    expect(dora.page.get_by_text("awaits approval", exact=False).first).to_be_visible()
    assert dora.count == 3

    dora.page.goto(dora.page.url.split("/compare")[0] + "/approvals")
    expect(dora.page.get_by_role("button", name="Approve", exact=True)).to_be_disabled()

    apu = come("apu", "/approvals")
    with store.write() as c:  # the coffee took a while
        long_ago = (datetime.now(UTC) - timedelta(minutes=20)).replace(tzinfo=None)
        asked = text("UPDATE sessions SET signed_in_at = :then WHERE principal = 'apu@example.com'")
        c.execute(asked, {"then": long_ago.isoformat(" ")})
    apu.click("button", "Approve")
    expect(
        apu.page.get_by_text("deciding wants a sign-in of the last 15 minutes", exact=False).first
    ).to_be_visible()
    apu.page.get_by_role("link", name="Sign in again").click()
    enter(apu.page, "apu")
    apu.page.wait_for_url("**/approvals**")
    apu.count = 0
    apu.click("button", "Approve")
    expect(apu.page.get_by_text("a release engineer releases it", exact=False)).to_be_visible()
    assert apu.count == 1

    emil = come("emil", "/approvals")
    expect(emil.page.get_by_text("a release engineer releases it", exact=False)).to_be_visible()
    emil.click("link", "Versions of the model")
    emil.page.get_by_role("button", name="Release").first.click()
    emil.page.get_by_role("button", name="Release").last.click()
    expect(emil.page.get_by_text("Version 2", exact=False).first).to_be_visible()
    expect(emil.page.get_by_text("is in production", exact=False).first).to_be_visible()

    with store.read() as c:
        champion = releases.champion(c, "delay-30", "production")
        told = {(e.action, e.actor, e.source) for e in audit.entries(c, limit=50)}
        assert audit.verify(c).state == "intact"
    assert champion is not None and champion.number == 2
    assert {
        ("promotion.requested", "dora@example.com", "ui"),
        ("promotion.approved", "apu@example.com", "ui"),
        ("release.deployed", "emil@example.com", "ui"),
    } <= told


def test_a_viewer_sees_it_all_and_can_press_nothing(come: Come) -> None:
    vi = come("vi", "/model?model=delay-30&tab=Versions")
    expect(vi.page.get_by_role("button", name="Roll back")).to_be_disabled()
    expect(vi.page.get_by_role("button", name="Suspend")).to_be_disabled()


def test_whoever_signs_out_sees_the_sign_in_and_comes_back_to_the_same_place(come: Come) -> None:
    vi = come("vi", "/models?risk=2")
    vi.click("button", "Sign out")
    expect(vi.page.get_by_role("heading", name="Sign in to Steward")).to_be_visible()
    expect(vi.page.get_by_role("heading", name="Models")).to_have_count(0)
    vi.page.get_by_role("link", name="Sign in").click()
    enter(vi.page, "vi")
    vi.page.wait_for_url("**/models?risk=2")
    expect(vi.page.get_by_role("heading", name="Models")).to_be_visible()


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_the_sign_in_holds_in_both_themes_and_on_a_phone(
    page: Page, address: str, requested: list[str], look: str
) -> None:
    visit_sign_in = f"{address}/sign-in?next=/"
    page.goto(visit_sign_in)
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0 and all(url.startswith(address) for url in requested)
    page.get_by_label("E-mail address").fill("vi@example.com")
    page.get_by_label("Password").fill("wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong to an active user")
    expect(page.get_by_label("E-mail address")).to_have_value("vi@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector(DONE)
    visit(page, f"{address}/system?part=Users+and+tokens")
    expect(page.get_by_role("heading", name="Tokens")).to_be_visible()
