"""The dashboard in a real Chromium, with every request it makes on record."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.pages.conftest import portfolio_workspace, serve, watched_workspace

__all__ = ["portfolio_workspace", "serve", "watched_workspace"]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
Visit = Callable[[str], None]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium: no {CHROMIUM}, see .ci/run")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


LOOKS = {"light": ("light", 1440), "dark": ("dark", 1440), "phone": ("light", 390)}


@pytest.fixture
def look() -> str:
    """The theme and width of the page; a test may choose another by parametrising it."""
    return "light"


@pytest.fixture
def requested() -> list[str]:
    """The address of everything the page asked for."""
    return []


@pytest.fixture
def page(look: str, browser: Browser, requested: list[str]) -> Iterator[Page]:
    """A fresh browser window."""
    theme, width = LOOKS[look]
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900})
    opened = context.new_page()
    opened.on("request", lambda sent: requested.append(sent.url))
    opened.on("websocket", lambda socket: requested.append(socket.url))
    yield opened
    context.close()
