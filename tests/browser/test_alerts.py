"""From the link in a message to the end of an alert, and several alerts at once, in a real browser."""

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from core.settings import Workspace
from core.store import Store, alerts
from tests.browser.test_walk import assert_well, visit
from tests.pages import portfolio, watched

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(serve: Callable[..., int], watched_workspace: Workspace) -> str:
    return f"http://127.0.0.1:{serve(watched_workspace)}"


@pytest.fixture
def own(watched_workspace: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the watched portfolio that a test may change."""
    return Workspace.open(shutil.copytree(watched_workspace.root, tmp_path / "own"))


def state(workspace: Workspace, identifier: int) -> str:
    store = Store(workspace)
    with store.read() as c:
        found = alerts.get(c, identifier)
    store.close()
    assert found is not None
    return found.state(portfolio.NOW)


def test_a_deep_link_leads_from_the_alert_to_its_end(
    page: Page, requested: list[str], serve: Callable[..., int], own: Workspace
) -> None:
    address = f"http://127.0.0.1:{serve(own)}"
    visit(page, f"{address}/alert?id={watched.AUC}")
    expect(page.get_by_role("heading", name="delay-30: ROC AUC")).to_be_visible()
    expect(page.get_by_text("ROC AUC is 0.682, below its threshold 0.69")).to_be_visible()
    expect(page.locator("[data-testid=stPlotlyChart]")).to_be_visible()
    assert_well(page, requested)

    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("acknowledged by single-user").first).to_be_visible()
    expect(page.get_by_role("button", name="Acknowledge", disabled=True)).to_be_visible()
    assert state(own, watched.AUC) == "acknowledged"

    page.get_by_role("button", name="Resolve").click()
    page.get_by_label("Why is it over?").fill("the model was replaced")
    page.get_by_label("Why is it over?").press("Enter")
    expect(page.get_by_text("resolved by single-user: the model was replaced").first).to_be_visible()
    expect(page.get_by_role("button", name="Resolve")).to_have_count(0)
    assert state(own, watched.AUC) == "resolved"

    page.get_by_role("link", name="Rows of 2013-12-27").click()
    expect(page.get_by_role("tab", name="Rows", exact=True)).to_have_attribute("aria-selected", "true")
    assert parse_qs(urlsplit(page.url).query)["rows"] == ["2013-12-27"]
    expect(page.get_by_label("Window")).to_have_value("2013-12-27")


def test_several_alerts_are_ticked_and_snoozed_and_a_click_opens_one(
    page: Page, requested: list[str], serve: Callable[..., int], own: Workspace
) -> None:
    address = f"http://127.0.0.1:{serve(own)}"
    visit(page, f"{address}/alerts?severity=critical")
    table = page.locator("[data-testid=stDataFrame]")
    expect(table).to_be_visible()
    for row in (0, 1):
        table.click(position={"x": 17, "y": 52 + 33 * row})
    expect(page.get_by_role("button", name="Acknowledge")).to_be_enabled()
    page.get_by_role("button", name="Snooze").click()
    page.get_by_label("Why can it wait?").fill("both are known")
    page.get_by_test_id("stFormSubmitButton").get_by_role("button", name="Snooze").click()
    expect(page.get_by_text("Snoozed: 2 alerts")).to_be_visible()
    assert [state(own, i) for i in (watched.WIND, watched.AUC)] == ["snoozed", "snoozed"]
    assert_well(page, requested)
    expect(table).to_have_count(1)  # the page without the snoozed has replaced the one before
    table.click(position={"x": 400, "y": 52})
    expect(page.get_by_role("heading", name="delay-30:")).to_be_visible()
    assert urlsplit(page.url).path == "/alert"


@pytest.mark.parametrize("look", ["dark", "phone"])
def test_pages_about_alerts_hold_in_the_dark_and_on_a_phone(
    page: Page, requested: list[str], address: str
) -> None:
    for path, words in {
        "/alerts": "tick rows to act on several at once",
        f"/alert?id={watched.PARITY}": "Demographic parity difference by sex is 0.17",
        "/model?model=delay-30&tab=History": "What happened, and when",
        "/model?model=delay-30&tab=Why": "Inputs, by how far they moved",
    }.items():
        visit(page, address + path)
        expect(page.get_by_text(words).first).to_be_visible()
        assert_well(page, requested)
