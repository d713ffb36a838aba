"""From a monitor in the table to a changed rule, previewed and saved, in a real browser."""

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from core.actions import monitors as monitor_actions
from core.entities import Actor
from core.settings import Workspace
from core.store import Store, models
from tests.browser.test_walk import assert_well, visit

pytestmark = pytest.mark.browser


@pytest.fixture
def ours(watched_workspace: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the watched portfolio whose model delay-30 is managed in the dashboard."""
    workspace = Workspace.open(shutil.copytree(watched_workspace.root, tmp_path / "own"))
    store = Store(workspace)
    monitor_actions.manage(store, "delay-30", "ui", Actor("bob@example.com", "cli"))
    store.close()
    return workspace


def test_a_rule_is_chosen_changed_previewed_and_saved(
    page: Page, requested: list[str], serve: Callable[..., int], ours: Workspace
) -> None:
    visit(page, f"http://127.0.0.1:{serve(ours)}/model?model=delay-30&tab=Monitors")
    expect(page.get_by_role("heading", name="Drift of any column is more than usual")).to_be_visible()
    page.locator("[data-testid=stDataFrame]").first.click(position={"x": 300, "y": 85})
    expect(page.get_by_role("heading", name="ROC AUC is below 0.7 (critical: 0.69)")).to_be_visible()
    page.wait_for_url("**monitor=auc-floor**")
    expect(page.locator("[data-testid=stPlotlyChart]")).to_be_visible()
    expect(page.get_by_text("As it is now")).to_be_visible()

    page.get_by_label("Critical", exact=True).fill("0.66")
    page.get_by_label("Critical", exact=True).press("Enter")
    expect(page.get_by_text("Preview: ROC AUC is below 0.7 (critical: 0.66) for 3 windows")).to_be_visible()
    expect(page.get_by_text("by the present rule")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Changed: auc-floor")).to_be_visible()
    expect(page.get_by_role("heading", name="ROC AUC is below 0.7 (critical: 0.66)")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["monitor"] == ["auc-floor"]
    assert_well(page, requested)
    store = Store(ours)
    with store.read() as c:
        known = models.get(c, "delay-30")
    store.close()
    assert known is not None and "critical: 0.66" in known.text


@pytest.mark.parametrize("look", ["dark", "phone"])
def test_the_monitors_hold_in_the_dark_and_on_a_phone(
    page: Page, requested: list[str], serve: Callable[..., int], watched_workspace: Workspace
) -> None:
    address = f"http://127.0.0.1:{serve(watched_workspace)}"
    for monitor in ("auc-floor", "drift", "new+monitor"):
        visit(page, f"{address}/model?model=delay-30&tab=Monitors&monitor={monitor}")
        expect(page.get_by_label("Alarms when it")).to_be_visible()
        assert_well(page, requested)
