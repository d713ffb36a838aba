"""A model card in a real browser: read it, write into it, sign it off, and take it away as files."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from core import documenting
from core.documents.card_html import card_html
from core.settings import Workspace
from core.store import Store, card_texts, documents
from tests.browser.test_walk import assert_well, visit
from tests.card.conftest import documented, documented_root

__all__ = ["documented", "documented_root"]
pytestmark = pytest.mark.browser


def downloaded(page: Page, name: str, *, exact: bool = True) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=exact).first.click()
    download = waiting.value
    return download.suggested_filename, Path(download.path()).read_bytes()


@pytest.fixture(scope="module")
def address(serve: Callable[..., int], documented_root: Path) -> str:
    return f"http://127.0.0.1:{serve(Workspace.open(documented_root))}"


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_a_card_is_read_in_both_themes_and_on_a_phone(page: Page, requested: list[str], address: str) -> None:
    visit(page, f"{address}/card?model=delay-30&version=1")
    expect(page.get_by_text("9 of 9 sections say something")).to_be_visible()
    expect(page.get_by_role("heading", name="Ethical considerations")).to_be_visible()
    expect(page.locator("[data-testid=stPlotlyChart]")).to_have_count(4)
    assert page.locator("a[href*='evil.example'], img[src*='evil.example'], main script").count() == 0
    assert_well(page, requested)


def test_a_text_is_written_the_card_signed_and_taken_away(
    page: Page, requested: list[str], serve: Callable[..., int], documented: Store
) -> None:
    visit(page, f"http://127.0.0.1:{serve(documented.workspace)}/card")
    table = page.locator("[data-testid=stDataFrame]")
    expect(table).to_be_visible()
    table.click(position={"x": 60, "y": 52 + 5 * 33})
    expect(page.get_by_text("9 of 9 sections say something")).to_be_visible()
    assert "of=delay-30" in page.url

    page.get_by_role("button", name="Write a text").nth(2).click()
    page.get_by_role("textbox", name="Factors").fill("Airports differ.\n\nSo do months.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Entered by single-user on 1 Jan 2014")).to_be_visible()
    with documented.read() as c:
        assert card_texts.standing(c, "delay-30")["factors"] == "Airports differ.\n\nSo do months."

    page.get_by_role("button", name="Sign off", exact=True).click()
    page.get_by_role("button", name="Sign off as it is now").click()
    expect(page.get_by_text("signed off 1 Jan 2014 00:00 by single-user, unchanged since")).to_be_visible()
    with documented.read() as c:
        (made,) = documents.of_version(c, "delay-30", 1, "model_card")

    name, pdf = downloaded(page, "PDF")
    assert name == "model-card-delay-30-v1-2014-01-01.pdf"
    assert "Airports differ." in "".join(each.extract_text() for each in PdfReader(io.BytesIO(pdf)).pages)
    name, html = downloaded(page, "HTML")
    assert name.endswith(".html") and b"default-src 'none'" in html
    page.get_by_role("button", name="Download").click()
    name, content = downloaded(page, "Signed bytes")
    assert name == f"model-card-delay-30-v1-2014-01-01-signed-{made.id}.json"
    with documented.read() as c:
        assert content == documents.content(c, made.id)
    assert_well(page, requested)


def test_a_downloaded_page_asks_for_nothing_and_shows_its_plots(
    page: Page, requested: list[str], documented: Store, tmp_path: Path
) -> None:
    card = documenting.card_of(documented, "delay-30")
    assert card is not None
    file = tmp_path / "card.html"
    file.write_text(card_html(card), encoding="utf-8")
    page.goto(file.as_uri())
    expect(page.locator("svg.plot")).to_have_count(4)
    expect(page.get_by_text("<script>alert(1)</script>")).to_be_visible()
    assert requested == [file.as_uri()]
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide


def test_the_page_model_leads_on_to_the_versions_and_the_card_of_its_model(page: Page, address: str) -> None:
    """Streamlit takes names that a page binds away on the way to another page."""
    visit(page, f"{address}/model?model=delay-30&tab=Versions")
    page.get_by_role("link", name="with production").click()
    expect(page.get_by_text("Gate before production")).to_be_visible()
    visit(page, f"{address}/model?model=delay-30&tab=Documentation")
    page.get_by_role("link", name="Read the card").click()
    expect(page.get_by_role("heading", name="Model details")).to_be_visible()
