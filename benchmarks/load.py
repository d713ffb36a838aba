"""The dashboard under load: a real server on loopback, people over its own websocket, Chromium for the first.

Each person is a session of Streamlit's protocol that does what a browser does: asks for the page, keeps the
messages that may be kept, then changes a widget (the overview's search, the Model page's tab) and waits until
the script has finished, again and again with some seconds to think. Client and server share the machine.
"""

import asyncio
import itertools
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import psutil
from playwright.sync_api import Browser, Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from benchmarks import dashboard
from benchmarks.table import Table
from core.demo import MODELS
from core.settings import Workspace
from core.store import Store
from jobs import cli

CROWDS = (1, 20, 50)
THINK_S = 3.0  # on average, between half and one and a half of it
LASTS_S = 24.0
ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
DONE = "[data-test-script-state=notRunning]"
SERVE = """
import sys
import app
from core.demo import MODELS
from core.settings import Workspace
app.serve(Workspace.open(sys.argv[1]), port=int(sys.argv[2]))
"""
SEARCHES = ("", "model-01", "drift", "nobody", "team-7")
MODEL = "delay-30"
TABS = ("Drift", "Data quality", "Performance", "Fairness", "Cost & latency", "Health")


def run(count: int, demo: Path | None) -> list[Table]:
    """Measure first visits and crowds with `count` models; `demo` is a built demo, else one is built."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = demo_among(Path(folder) / "workspace", count, demo)
        return [visits(workspace), crowds(workspace)]


def demo_among(path: Path, count: int, demo: Path | None) -> Workspace:
    """Return a workspace with the demo's models among so many others."""
    if demo is None:
        cli.main(["demo", "--build-only", "--workspace", str(path)])
    else:
        shutil.copytree(demo, path, ignore=shutil.ignore_patterns("predictions", "labels"))
    workspace = Workspace.open(path)
    store = Store(workspace)
    dashboard.add_models(store, count)
    store.close()
    return workspace


@contextmanager
def serving(workspace: Workspace) -> Iterator[tuple[int, psutil.Process]]:
    """Serve a workspace in a process of its own; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(workspace.root), str(port)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        while server.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.02)
        yield port, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(timeout=20)


@dataclass
class Person:
    """A browser's side of one session; `waits` and `scripts` are seconds of each answered change."""

    socket: ClientConnection
    page: str
    query: str
    kept: set[str] = field(default_factory=set)
    widget: str = ""
    fragment: str = ""
    waits: list[float] = field(default_factory=list)
    scripts: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    async def open(self) -> None:
        """Ask for the page and find the widget that is changed later."""
        for message in await self._ask(BackMsg()):
            delta = message.delta
            if delta.new_element.text_input.label == "Search":
                self.widget, self.fragment = delta.new_element.text_input.id, delta.fragment_id
            elif delta.add_block.tab_container.id:
                self.widget = delta.add_block.tab_container.id

    async def change(self, text: str) -> None:
        """Set the widget and wait for the script; only the widget's fragment runs where it is in one."""
        ask = BackMsg()
        ask.rerun_script.widget_states.widgets.add(id=self.widget, string_value=text)
        ask.rerun_script.fragment_id = self.fragment
        begun = time.perf_counter()
        messages = await self._ask(ask)
        self.waits.append(time.perf_counter() - begun)
        self.sizes.append(sum(message.ByteSize() for message in messages))

    async def _ask(self, ask: BackMsg) -> list[ForwardMsg]:
        ask.rerun_script.page_name, ask.rerun_script.query_string = self.page, self.query
        ask.rerun_script.cached_message_hashes.extend(self.kept)
        await self.socket.send(ask.SerializeToString())
        messages: list[ForwardMsg] = []
        started = time.perf_counter()
        while not messages or messages[-1].WhichOneof("type") != "script_finished":
            messages.append(ForwardMsg.FromString(await asyncio.wait_for(self.socket.recv(), 60)))
            if messages[-1].WhichOneof("type") == "new_session":
                started = time.perf_counter()
        self.scripts.append(time.perf_counter() - started)
        held = {m.hash for m in messages if m.metadata.cacheable} | {m.ref_hash for m in messages}
        self.kept = held - {""}
        return messages


async def crowd(
    port: int,
    people: int,
    page: str,
    queries: Sequence[str],
    changes: Sequence[str],
    lasts_s: float = LASTS_S,
) -> list[Person]:
    """Return so many people after they used a page side by side for a while."""
    rng = random.Random(people)

    async def use(person: Person, think_s: float, first: int) -> None:
        await asyncio.sleep(rng.uniform(0, think_s))
        until = time.perf_counter() + lasts_s
        for text in itertools.islice(itertools.cycle(changes), first, None):
            await person.change(text)
            await asyncio.sleep(think_s * rng.uniform(0.5, 1.5))
            if time.perf_counter() > until:
                return

    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    options = {"subprotocols": ["streamlit"], "max_size": None, "close_timeout": 1}
    sockets = [await connect(address, **options) for _ in range(people)]
    try:
        group = [Person(each, page, queries[i % len(queries)]) for i, each in enumerate(sockets)]
        for person in group:
            await person.open()
            person.scripts.clear()
        # Someone alone hurries, to be measured often enough.
        think_s = THINK_S if people > 1 else THINK_S / 5
        await asyncio.gather(*(use(person, think_s, i) for i, person in enumerate(group)))
    finally:
        await asyncio.gather(*(each.close() for each in sockets))
    return group


def crowds(workspace: Workspace) -> Table:
    """Measure crowds of several sizes on the overview and on a model with a year of windows."""
    lines = []
    pages = {
        "overview, another search": ("overview", [""], SEARCHES),
        "six models, another tab": ("model", [urlencode({"model": name}) for name in MODELS], TABS),
    }
    for name, (page, queries, changes) in pages.items():
        with serving(workspace) as (port, server):
            asyncio.run(crowd(port, 1, page, queries, changes, lasts_s=0))  # imports, and the first reads
            for people in CROWDS:
                before = server.cpu_times()
                group = asyncio.run(crowd(port, people, page, queries, changes))
                after = server.cpu_times()
                cpu = after.user + after.system - before.user - before.system
                lines.append([name, str(people), *_shown(group, cpu)])
    columns = ["page", "people", "reruns", "p50 ms", "p95 ms", "script p50", "p95", "cpu ms each", "kB"]
    note = (
        f"one rerun each {THINK_S:g} s a person; held to: p95 300 ms with 20 people, 800 ms with 50; "
        "script is from its start to its end, waiting for the others included"
    )
    return Table(
        f"Dashboard: people at once, {os.cpu_count()} cores for server and clients", columns, lines, note
    )


def _shown(group: Sequence[Person], cpu: float) -> list[str]:
    waits, scripts, sizes = (
        sorted(itertools.chain.from_iterable(getattr(person, kind) for person in group))
        for kind in ("waits", "scripts", "sizes")
    )
    spans = [f"{s * 1000:.0f}" for s in (*_middle(waits), *_middle(scripts), cpu / len(waits))]
    return [str(len(waits)), *spans, f"{statistics.median(sizes) / 1000:.0f}"]


def _middle(values: Sequence[float]) -> tuple[float, float]:
    return values[len(values) // 2], values[int(len(values) * 0.95)]


def visits(workspace: Workspace) -> Table:
    """Measure the first visit of a fresh server, later ones, and changes, as Chromium shows them."""
    lines = []
    pages = {
        "overview, another search": ("", _search),
        f"{MODEL}, another tab": (f"model?model={MODEL}", _tab),
    }
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, (path, change) in pages.items():
            with serving(workspace) as (port, _):
                address = f"http://127.0.0.1:{port}/{path}"
                seconds = [_visit(chromium, address)[0] for _ in range(3)]
                page = _visit(chromium, address)[1]
                changes = [_seconds(change, page, turn) for turn in range(8)]
            shown = [seconds[0], min(seconds[1:]), changes[0], *_middle(sorted(changes[1:]))]
            lines.append([name, *(f"{s * 1000:.0f}" for s in shown)])
        chromium.close()
    columns = ["page, change", "first visit ms", "next visit", "first change", "change p50", "p95"]
    note = (
        "held to: first visit 2,500 ms, change 300 ms; a visit ends when the script does, a change when the "
        "browser has drawn it"
    )
    return Table("Dashboard: visits in Chromium, without a graphics card", columns, lines, note)


def _visit(chromium: Browser, address: str) -> tuple[float, Page]:
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()  # its cache is empty
    begun = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(DONE)
    return time.perf_counter() - begun, page


def _seconds(change: Callable[[Page, int], None], page: Page, turn: int) -> float:
    page.wait_for_timeout(800)
    begun = time.perf_counter()
    change(page, turn)
    return time.perf_counter() - begun


def _search(page: Page, turn: int) -> None:
    box = page.get_by_role("textbox", name="Search")
    box.fill(("model-010", "model-01")[turn % 2])
    box.press("Enter")
    page.get_by_text(("10 of ", "100 of ")[turn % 2]).wait_for()


def _tab(page: Page, turn: int) -> None:
    name, charts = (("Drift", 2), ("Health", 3))[turn % 2]
    page.get_by_role("tab", name=name, exact=True).click()
    page.locator("[role=tabpanel]:not([hidden]) .js-plotly-plot").nth(charts - 1).wait_for()
