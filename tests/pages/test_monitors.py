"""The tab Monitors: what each says, the preview of a change, and how it comes into force."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from core.actions import monitors as monitor_actions
from core.catalogue import CATALOGUE
from core.entities import Actor
from core.settings import Workspace
from core.store import Store, alerts, audit, models
from core.store.models import RegisteredModel
from pages import _shared
from tests.pages import watched
from tests.pages.test_states import Open, open_page, said

__all__ = ["open_page"]
BOB = Actor("bob@example.com", "cli", frozenset({"admin"}))
Watch = Callable[..., AppTest]


@pytest.fixture
def own(watched_workspace: Workspace, tmp_path: Path) -> Iterator[Store]:
    """A copy of the watched portfolio that a test may change."""
    shutil.copytree(watched_workspace.root, tmp_path / "own")
    store = Store(Workspace.open(tmp_path / "own"))
    yield store
    store.close()


@pytest.fixture
def ours(own: Store) -> Store:
    """The same, `delay-30` managed in the dashboard."""
    monitor_actions.manage(own, "delay-30", "ui", BOB)
    return own


@pytest.fixture
def tab(open_page: Open) -> Watch:
    """Open the tab of a model in a workspace."""

    def opened(workspace: Workspace, monitor: str | None = None, model: str = "delay-30") -> AppTest:
        address = {"model": model, "tab": "Monitors"} | ({"monitor": monitor} if monitor else {})
        at = open_page(workspace, "model", **address)
        assert not at.error
        return at

    return opened


def field(at: AppTest, label: str) -> Any:
    every = (*at.text_input, *at.selectbox, *at.multiselect)
    return next(widget for widget in every if widget.label == label)


def button(at: AppTest, label: str) -> Any:
    return next(b for b in at.button if b.label == label)


def known(store: Store) -> RegisteredModel:
    with store.read() as c:
        found = models.get(c, "delay-30")
    assert found is not None
    return found


def toasts(at: AppTest) -> list[str]:
    return [toast.value.replace("\\", "") for toast in at.toast]


def test_each_monitor_is_said_as_people_say_it(tab: Watch, watched_workspace: Workspace) -> None:
    table = tab(watched_workspace).dataframe[0].value
    assert list(table["Alarms when"]) == [
        "Drift of any column is more than usual for 2 windows",
        "ROC AUC is below 0.7 (critical: 0.69) for 3 windows",
        "Missing share of wind is above 50%",
        "Demographic parity difference by sex is above 0.1",
    ]
    assert list(table["Severity"]) == ["warning", "warning, then critical", "critical", "warning"]
    assert list(table["Now"])[1] == ["▲ Critical"]
    assert "alert" in table["Past"][1]


def test_the_address_names_the_monitor_with_its_open_alert(tab: Watch, watched_workspace: Workspace) -> None:
    at = tab(watched_workspace, "auc-floor")
    assert at.subheader[0].value == "ROC AUC is below 0.7 (critical\\: 0.69) for 3 windows"
    assert [field(at, label).value for label in ("Warning", "Critical", "For")] == [
        "0.7",
        "0.69",
        "3 windows",
    ]
    assert "As it is now" in said(at)
    links = [link.proto for link in at.get("page_link")]
    assert any(f"id={watched.AUC}" in link.query_string and "ROC AUC" in link.label for link in links)


def test_an_unknown_monitor_is_said_and_the_first_is_shown(tab: Watch, watched_workspace: Workspace) -> None:
    at = tab(watched_workspace, "auc-flor")
    assert "No monitor of this model is called **auc-flor**" in said(at)
    assert field(at, "Monitor").value == "drift"


def test_a_change_is_previewed_and_nothing_is_saved(tab: Watch, own: Store) -> None:
    before = known(own).revision
    at = tab(own.workspace, "auc-floor")
    field(at, "Critical").set_value("0.6")
    field(at, "For").set_value("5 windows").run()
    assert "Preview: ROC AUC is below 0.7 (critical: 0.6) for 5 windows" in said(at)
    assert "over the past" in said(at) and "by the present rule" in said(at)
    assert known(own).revision == before


def test_a_model_managed_by_its_file_gets_the_yaml_to_copy(tab: Watch, own: Store) -> None:
    at = tab(own.workspace, "auc-floor")
    field(at, "For").set_value("5 windows").run()
    (block,) = [code.value for code in at.code if "5 windows" in code.value]
    declared = yaml.safe_load(block)["monitors"]
    assert declared[1] == watched.MONITORS[1] | {"for": "5 windows"}
    assert [each["metric"] for each in declared] == [each["metric"] for each in watched.MONITORS]
    assert not [b for b in at.button if b.label == "Save"]
    assert "is managed by its file" in said(at)


def test_one_step_lets_the_dashboard_manage_a_model(tab: Watch, own: Store) -> None:
    at = tab(own.workspace)
    button(at, "Change them here from now on").click().run()
    assert toasts(at) == ["Monitors are changed here now"]
    assert known(own).managed == "ui"
    button(at, "Give back to the file").click().run()
    assert known(own).managed == "file"


def test_a_change_is_saved_audited_and_shown(tab: Watch, ours: Store) -> None:
    at = tab(ours.workspace, "auc-floor")
    field(at, "For").set_value("5 windows").run()
    button(at, "Save").click().run()
    assert toasts(at) == ["Changed: auc-floor"]
    assert known(ours).declaration.monitors[1].persistence == "5 windows"
    assert known(ours).declaration.monitors[1].then == "request_retraining", (
        "what the form does not show stays"
    )
    with ours.read() as c:
        entry = audit.entries(c)[0]
    assert (entry.actor, entry.source, entry.action) == ("single-user", "ui", "monitor.changed")
    assert field(at, "For").value == "5 windows" and "As it is now" in said(at)


def test_a_conflict_is_said_and_changes_nothing(tab: Watch, ours: Store) -> None:
    at = tab(ours.workspace, "auc-floor")
    field(at, "For").set_value("5 windows").run()
    monitor_actions.remove(ours, "delay-30", "parity", BOB)
    button(at, "Save").click().run()
    assert "delay-30 was changed by bob@example.com since this page showed it; reload" in said(at)
    assert known(ours).declaration.monitors[1].persistence == "3 windows"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Warning": "0.5"}, "below: critical (0.69) must lie beyond warning (0.5)"),
        ({"For": "soon"}, "for: 'soon' is no persistence; expected '2 windows' or a time such as 48h"),
        ({"Warning": "many"}, "below.warning: 'many' is not allowed; expected a valid number"),
        ({"Warning": "", "Critical": ""}, "nothing says when to alarm"),
    ],
)
def test_mistakes_are_told_in_the_words_of_the_declaration(
    tab: Watch, watched_workspace: Workspace, fields: dict[str, str], words: str
) -> None:
    at = tab(watched_workspace, "auc-floor")
    for label, text in fields.items():
        field(at, label).set_value(text)
    at.run()
    assert words in said(at)
    assert "As it is now" in said(at), "what is in force stays on the page"


def test_the_wrong_direction_is_refused(tab: Watch, watched_workspace: Workspace) -> None:
    at = tab(watched_workspace, "auc-floor")
    field(at, "Alarms when it").set_value("rises by").run()
    field(at, "Warning").set_value("5%").run()
    assert "higher is better for roc_auc, so this would alarm on good news; use below or drop" in said(at)


def test_a_removed_monitor_closes_its_alerts(tab: Watch, ours: Store) -> None:
    at = tab(ours.workspace, "auc-floor")
    at.session_state["remove-auc-floor-0"] = True
    at.run()
    assert "Its 1 alert will close as “monitor removed”." in said(at)
    button(at, "Remove this monitor").click().run()
    assert toasts(at) == ["Removed: auc-floor"]
    with ours.read() as c:
        closed = alerts.get(c, watched.AUC)
    assert closed is not None and closed.episode.closed_reason == "monitor removed"
    assert field(at, "Monitor").value == "drift"


def test_without_monitors_sensible_ones_are_proposed_and_one_click_previews_one(
    tab: Watch, ours: Store
) -> None:
    for name in ("drift", "auc-floor", "missing_share-wind", "parity"):
        monitor_actions.remove(ours, "delay-30", name, BOB)
    at = tab(ours.workspace)
    assert "No monitor watches this model" in said(at) and "Data arrives" in said(at)
    assert "Drift of any column is more than usual for 2 windows" in [b.label for b in at.button]
    button(at, "ROC AUC drops by 10% for 3 windows").click().run()
    assert "Preview: ROC AUC drops by 10% for 3 windows" in said(at)
    button(at, "Add this monitor").click().run()
    assert toasts(at) == ["Added: roc_auc"]
    assert [monitor.name for monitor in known(ours).declaration.monitors] == ["roc_auc"]
    assert field(at, "Monitor").value == "roc_auc", "the new one is shown"


def test_a_monitor_is_written_from_scratch(tab: Watch, ours: Store) -> None:
    at = tab(ours.workspace)
    button(at, "Add a monitor").click().run()
    field(at, "Metric").set_value(CATALOGUE["missing_share"].title).run()
    assert "Say from which value on" in said(at)
    field(at, "Columns").set_value(["temp"])
    field(at, "Warning").set_value("0.01").run()
    assert "Preview: Missing share of temp is above 1%" in said(at)
    button(at, "Add this monitor").click().run()
    declared = known(ours).declaration.monitors[-1]
    assert (declared.name, declared.columns, declared.above) == ("missing_share-temp", ("temp",), 0.01)


def test_features_together_are_watched_against_their_usual_range(tab: Watch, ours: Store) -> None:
    at = tab(ours.workspace)
    button(at, "Add a monitor").click().run()
    field(at, "Metric").set_value(CATALOGUE["pca_reconstruction"].title).run()
    assert field(at, "Alarms when it").value == "is not as usual (auto)"
    assert "It is held against what is usual for it" in said(at)
    assert "Preview: PCA reconstruction error is outside its usual range for 2 windows" in said(at)
    assert "**2 alerts** over the past" in said(at), "a summer beyond the range, with a calm in between"
    button(at, "Add this monitor").click().run()
    declared = known(ours).declaration.monitors[-1]
    assert (declared.name, declared.threshold) == ("pca_reconstruction", "auto")
    assert "In the tinted bands it breaches." in said(at)


def test_a_reader_previews_and_is_told_who_may_save(
    tab: Watch, ours: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shared, "asking", lambda: Actor("ada@example.com", "ui", frozenset({"viewer"})))
    at = tab(ours.workspace, "auc-floor")
    field(at, "For").set_value("5 windows").run()
    assert "Preview: ROC AUC" in said(at)
    assert button(at, "Save").disabled and button(at, "Give back to the file").disabled
    assert "ask an admin for the role admin or ml_engineer" in button(at, "Save").help


@pytest.mark.parametrize("model", ["never-swept", "newcomer", "cape-islands", "eta-air-time"])
def test_a_model_without_statistics_has_the_forms_all_the_same(
    tab: Watch, watched_workspace: Workspace, model: str
) -> None:
    at = tab(watched_workspace, model=model)
    assert "No monitor watches this model" in said(at)
    assert "Drift of any column is more than usual for 2 windows" in [b.label for b in at.button]
