"""How much a page sends to the browser: many models, many windows."""

from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks import dashboard
from core.entities import Alert, Episode, Severity, Target
from core.settings import Workspace
from core.store import Store, alerts
from pages import _shared
from tests.pages.conftest import ROOT


def test_the_overview_of_a_thousand_models_fits_into_400_kb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = dashboard.portfolio(tmp_path / "workspace", 1000)
    monkeypatch.setenv(_shared.WORKSPACE_VARIABLE, str(workspace.root))
    at = AppTest.from_file(str(ROOT / "pages" / "_shell.py"), default_timeout=60).run()
    assert not at.exception
    table = at.dataframe[0]
    assert len(table.value) == 1000
    assert len(table.proto.SerializeToString()) < 400_000


@pytest.mark.parametrize("tab", ["Health", "Drift", "Performance", "Cost & latency"])
def test_a_tab_with_a_year_of_days_fits_into_400_kb(
    portfolio_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tab: str
) -> None:
    monkeypatch.setenv(_shared.WORKSPACE_VARIABLE, str(portfolio_workspace.root))
    at = AppTest.from_file(str(ROOT / "pages" / "_shell.py"), default_timeout=60).run()
    at.switch_page("model.py")
    at.query_params["model"], at.query_params["tab"] = "delay-30", tab
    charts = at.run().get("plotly_chart")
    assert charts
    assert sum(len(chart.proto.spec) for chart in charts) < 400_000


def test_a_thousand_alerts_fit_into_400_kb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = dashboard.portfolio(tmp_path / "workspace", 20)
    store = Store(workspace)
    with store.write() as c:
        for i in range(1000):
            at = dashboard.NOW - timedelta(hours=i)
            target = Target("drift", f"feature_{i}")
            known = (target, Severity.WARNING, at, at, at, at, 0.3 + i / 9999, 0.2, "above")
            text = f"Drift of feature_{i} {0.3 + i / 9999:.3f}, above 0.2 for 2 windows"
            slug = f"model-{i % 20:04}-of-a-large-company"
            alerts.add(c, Alert(0, slug, Episode("drift-of-everything", *known), text))
    store.close()
    monkeypatch.setenv(_shared.WORKSPACE_VARIABLE, str(workspace.root))
    at_page = AppTest.from_file(str(ROOT / "pages" / "_shell.py"), default_timeout=60).run()
    at_page.switch_page("alerts.py").run()
    assert len(at_page.dataframe[0].value) == 1000
    sent = [*at_page.dataframe, *at_page.multiselect]
    assert sum(len(element.proto.SerializeToString()) for element in sent) < 400_000
