"""The HTML report: self-contained, safe, and readable in a real browser in both themes and on a phone."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import sync_playwright

from core.comparison import Options, compare
from core.documents.comparison import comparison_html

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
EVIL = "<script>document.title='owned'</script>\"'><img src=https://example.com/x onerror=alert(1)>"


@pytest.fixture(scope="module")
def html():
    rng = np.random.default_rng(4)
    sides = []
    for shift, n in ((0.0, 2_000), (0.8, 1_500)):
        score = rng.beta(1, 3, n)
        sides.append(
            pl.DataFrame(
                {
                    "temp": rng.normal(shift, 1, n),
                    "stops": rng.integers(0, 4, n),
                    EVIL: rng.choice([EVIL, "EWR", "a value whose name is much too long to be shown"], n),
                    "score": score,
                    "actual": (rng.random(n) < score).astype(int),
                }
            )
        )
    options = Options(score="score", actual="actual", protected=(EVIL,), segment=EVIL)
    return comparison_html(compare(*sides, options), title=EVIL)


def test_the_verdict_is_the_first_thing_said(html):
    assert re.search(r"<h1>(.*?)</h1>", html)[1].startswith("1 of 5 columns drifted: temp. ROC AUC ")
    assert html.index("<h1>") < html.index("<table")


def test_sections_come_in_the_order_of_interest(html):
    assert re.findall(r"<h2>(.*?)</h2>", html) == [
        "Columns",
        "All features together",
        "Performance",
        "Fairness",
        "Segments",
        "Data quality",
    ]


def test_stored_text_is_never_markup(html):
    assert EVIL not in html and "<script" not in html and "<img" not in html


def test_nothing_is_loaded_from_anywhere(html):
    assert "default-src 'none'" in html
    assert not re.search(r"(src|href|url|@import)\s*[=(]", html.replace("src=https://example.com", ""))
    assert len(html) < 200_000


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium: no {CHROMIUM}, see .ci/run")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_it_opens_offline_in_both_themes_and_on_a_phone(html, browser, tmp_path, scheme, width):
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800}, offline=True)
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto((tmp_path / "report.html").as_uri())
    assert len(asked) == 1 and said == [] and page.title() == EVIL
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = (
        sum(int(x) for x in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).color"))[:3])
        > 384
    )
    assert dark == (scheme == "dark")
    assert page.locator("svg").first.bounding_box()["height"] > 30
    page.close()
