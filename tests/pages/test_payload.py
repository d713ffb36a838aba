"""How much a page sends to the browser with many models."""

import pytest
from streamlit.testing.v1 import AppTest

from core.entities import ModelStatus
from core.settings import Workspace
from core.store import Store, models, status
from pages import _shared
from tests.pages import portfolio
from tests.pages.conftest import ROOT


@pytest.fixture
def thousand_models(empty_workspace: Workspace) -> Workspace:
    """A workspace with 1,000 models of different names, reasons and numbers."""
    store = Store(empty_workspace)
    with store.write() as c:
        for i in range(1000):
            slug = f"model-{i:04}-of-a-large-company"
            declaration = portfolio.declared(slug, team=f"team-{i % 20}", risk_tier=1 + i % 4)
            models.put(c, declaration, text=slug, now=portfolio.FIRST)
            reasons = (f"ROC AUC below {0.6 + i / 5000:.3f} for {i} hours", "drift in three columns")
            course = tuple(0.5 + ((i * 7 + j * 13) % 100) / 333 for j in range(14))
            status.put(
                c,
                ModelStatus(
                    slug,
                    ("critical", "warning", "healthy")[i % 3],
                    portfolio.NOW,
                    reasons,
                    rows=i * 1001,
                    headline="roc_auc",
                    headline_value=course[-1],
                    headline_reference=course[0],
                    sparkline=course,
                    drift_column=f"feature_{i % 37}",
                    drift_value=course[3],
                    missing_value=course[5] / 10,
                    missing_column="wind",
                    fairness_attribute="sex",
                    fairness_value=0.1,
                ),
            )
    store.close()
    return empty_workspace


def test_the_overview_of_a_thousand_models_fits_into_400_kb(
    thousand_models: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(_shared.WORKSPACE_VARIABLE, str(thousand_models.root))
    at = AppTest.from_file(str(ROOT / "pages" / "_shell.py"), default_timeout=60).run()
    assert not at.exception
    table = at.dataframe[0]
    assert len(table.value) == 1000
    assert len(table.proto.SerializeToString()) < 400_000
