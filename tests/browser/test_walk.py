"""A person's way through the dashboard: overview, a model, each of its tabs by deep link, and back."""

from collections.abc import Callable
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from playwright.sync_api import Page, expect

from core.settings import Workspace

pytestmark = pytest.mark.browser
DONE = "[data-test-script-state=notRunning]"
TABS = {
    "Health": "Columns that differ more than usual from the reference",
    "Why": "No alert has ever come",
    "Drift": "Distribution of temp in window",
    "Data quality": "Missing by column and window",
    "Performance": "All complete windows of this stretch",
    "Fairness": "Selection rate by group",
    "Cost & latency": "Latency",
    "Monitors": "No monitor watches this model",
    "History": "What happened, and when",
    "Rows": "Open rows",
}


@pytest.fixture(scope="module")
def address(serve: Callable[..., int], portfolio_workspace: Workspace) -> str:
    return f"http://127.0.0.1:{serve(portfolio_workspace)}"


def visit(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector(DONE)


def assert_well(page: Page, requested: list[str]) -> None:
    expect(page.locator("[data-testid=stException], [data-testid=stAlertContentError]")).to_have_count(0)
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, "the page scrolls sideways"
    hosts = {urlsplit(url).hostname for url in requested if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts == {"127.0.0.1"}, "the dashboard asks other machines for something"


def test_a_walk_over_every_page_and_tab_asks_nothing_of_other_machines(
    page: Page, requested: list[str], address: str
) -> None:
    visit(page, address)
    expect(page.get_by_role("heading", name="Health overview")).to_be_visible()
    expect(page.get_by_text("Data arrives: 2")).to_be_visible()
    for tab, words in TABS.items():
        visit(page, f"{address}/model?model=delay-30&tab={quote_plus(tab)}")
        expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
        expect(page.get_by_text(words).first).to_be_visible()
        assert_well(page, requested)
    for path, heading in {"fairness": "Fairness", "system": "Last sweeps"}.items():
        visit(page, f"{address}/{path}")
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        expect(page.locator("[data-testid=stDataFrame]").first).to_be_visible()
        assert_well(page, requested)


@pytest.mark.parametrize("look", ["dark", "phone"])
def test_overview_and_charts_hold_in_the_dark_and_on_a_phone(
    page: Page, requested: list[str], address: str
) -> None:
    for path, words in {
        "/": "Data arrives: 2",
        "/model?model=delay-30&tab=Performance": "Calibration",
    }.items():
        visit(page, address + path)
        expect(page.get_by_text(words).first).to_be_visible()
        assert_well(page, requested)


def test_a_click_on_a_row_opens_the_model_and_the_address_can_be_shared(page: Page, address: str) -> None:
    visit(page, f"{address}/?search=eta")
    table = page.locator("[data-testid=stDataFrame]")
    expect(table).to_be_visible()
    table.click(position={"x": 60, "y": 52})
    expect(page.get_by_role("heading", name="eta-air-time")).to_be_visible()
    assert urlsplit(page.url).path == "/model"
    assert parse_qs(urlsplit(page.url).query)["model"] == ["eta-air-time"]
    expect(page.get_by_text("Stale:")).to_be_visible()


def test_what_is_chosen_moves_into_the_address(page: Page, address: str) -> None:
    visit(page, f"{address}/model?model=delay-30")
    page.get_by_role("tab", name="Drift", exact=True).click()
    expect(page.get_by_text("Click a row to see the column below.")).to_be_visible()
    page.wait_for_url("**tab=Drift**")
    visit(page, page.url)
    expect(page.get_by_text("Click a row to see the column below.")).to_be_visible()


def test_an_unknown_address_does_not_lock_the_page(page: Page, address: str) -> None:
    visit(page, f"{address}/no-such-page")
    expect(page.get_by_role("heading", name="Health overview")).to_be_attached()
