"""Every state a page can be in, as its script shows it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core import views
from core.settings import Workspace
from core.store import Store, heartbeats, status
from pages import _model_fairness, _shared
from tests.pages import portfolio
from tests.pages.conftest import ROOT

SHELL = str(ROOT / "pages" / "_shell.py")
Open = Callable[..., AppTest]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a page of a workspace with the filters of an address."""

    def opened(workspace: Workspace, page: str | None = None, **address: str) -> AppTest:
        monkeypatch.setenv(_shared.WORKSPACE_VARIABLE, str(workspace.root))
        at = AppTest.from_file(SHELL, default_timeout=30)
        if page:
            at.run()
            at.switch_page(f"{page}.py")
        for name, value in address.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception
        return at

    return opened


def said(at: AppTest) -> str:
    """All words on the page, without Markdown's escapes."""
    kinds = (at.title, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


@pytest.fixture
def own_workspace(portfolio_workspace: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the portfolio that a test may damage."""
    shutil.copytree(portfolio_workspace.root, tmp_path / "own")
    return Workspace.open(tmp_path / "own")


def test_empty_the_overview_shows_the_three_steps(open_page: Open, empty_workspace: Workspace) -> None:
    text = said(open_page(empty_workspace))
    assert all(
        step in text
        for step in ("No model is registered yet", "steward declare", "steward apply", "run --once")
    )


@pytest.mark.parametrize("page", ["model", "fairness", "system"])
def test_empty_the_other_pages_say_so_too(open_page: Open, empty_workspace: Workspace, page: str) -> None:
    text = said(open_page(empty_workspace, page))
    assert any(
        words in text
        for words in ("No model is registered yet", "No model has fairness numbers", "has ever run")
    )


def test_the_overview_puts_what_needs_attention_first_and_says_why(
    open_page: Open, portfolio_workspace: Workspace
) -> None:
    table = open_page(portfolio_workspace).dataframe[0].value
    assert list(table["Model"]) == [
        "cape-islands",
        "never-swept",
        "newcomer",
        "delay-30",
        "eta-air-time",
        "resting",
    ]
    assert [status[0] for status in table["Status"]] == [
        "◌ No data", "◌ No data", "◔ Learning", "○ Data arrives", "○ Data arrives", "‖ Paused",
    ]  # fmt: skip
    why = dict(zip(table["Model"], table["Why"], strict=True))
    assert why["cape-islands"] == "no predictions since 25 October 2013"
    assert why["never-swept"] == "no sweep has looked at it yet"
    assert why["delay-30"] == (
        "99.8% of wind missing since 30 Dec 2013; drift of temp 0.62 (usually up to 0.35)"
    )
    assert table["Since"].isna().to_list() == [False, True, False, False, True, True]


def test_since_is_the_day_in_the_zone_of_the_model(open_page: Open, own_workspace: Workspace) -> None:
    store = Store(own_workspace)
    with store.write() as c:
        silent = status.get(c, "cape-islands")
        assert silent is not None
        status.put(
            c, replace(silent, since=datetime(2013, 10, 25, 2, tzinfo=UTC))
        )  # 10 in the evening before
    store.close()
    table = open_page(own_workspace).dataframe[0].value
    assert str(table["Since"][0])[:10] == "2013-10-24"


def test_a_few_models_get_rows_in_which_a_long_reason_can_be_read_to_its_end(
    open_page: Open, portfolio_workspace: Workspace
) -> None:
    assert open_page(portfolio_workspace).dataframe[0].proto.row_height > 60
    assert not open_page(portfolio_workspace, search="cape").dataframe[0].proto.row_height


def test_no_state_is_called_healthy_while_no_monitor_judges(
    open_page: Open, portfolio_workspace: Workspace
) -> None:
    text = said(open_page(portfolio_workspace))
    assert "Data arrives: 2" in text
    assert "Healthy" not in text


def test_filters_come_from_the_address(open_page: Open, portfolio_workspace: Workspace) -> None:
    at = open_page(portfolio_workspace, team="islands", tier="3")
    assert list(at.dataframe[0].value["Model"]) == ["newcomer"]
    at = open_page(portfolio_workspace, search="OPS@example")
    assert list(at.dataframe[0].value["Model"]) == ["eta-air-time"]


def test_no_match_offers_to_clear_the_filters(open_page: Open, portfolio_workspace: Workspace) -> None:
    at = open_page(portfolio_workspace, search="no such thing")
    assert "None of the 6 models matches" in said(at)
    at.button[0].click().run()
    assert len(at.dataframe[0].value) == 6


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("cape-islands", "No predictions since 25 October 2013 (67 days ago)."),
        ("newcomer", "Still learning what is normal (the reference needs 12 more windows)"),
        ("resting", "Paused: sweeps leave it alone"),
        ("never-swept", "No sweep has looked at this model yet."),
        ("delay-30", "Data arrives and no monitor has judged the model; what stands out: 99.8% of wind"),
    ],
)
def test_a_model_page_opens_with_its_verdict(
    open_page: Open, portfolio_workspace: Workspace, model: str, sentence: str
) -> None:
    assert sentence in said(open_page(portfolio_workspace, "model", model=model))


def test_stale_a_failed_sweep_is_said_with_both_times(
    open_page: Open, portfolio_workspace: Workspace
) -> None:
    text = said(open_page(portfolio_workspace, "model", model="eta-air-time"))
    assert "Stale:" in text
    assert "statistics from 1 Jan 2014 04:00 UTC" in text
    assert "column dep_time is missing" in text


def test_an_unknown_model_in_the_address_is_named(open_page: Open, portfolio_workspace: Workspace) -> None:
    assert "No model is called **gone**" in said(open_page(portfolio_workspace, "model", model="gone"))


@pytest.mark.parametrize(
    ("model", "tab", "words"),
    [
        ("never-swept", "Health", "No sweep has looked at this model yet; `steward run --once` does."),
        ("cape-islands", "Drift", "No data: no column has a reference"),
        ("newcomer", "Drift", "Learning:"),
        ("cape-islands", "Data quality", "No data in this stretch of time."),
        ("cape-islands", "Performance", "Not enough labels"),
        ("cape-islands", "Fairness", "No protected attribute is declared"),
        ("cape-islands", "Cost & latency", "the model declares no `operations.status` column"),
        ("cape-islands", "Rows", "No data: no window with rows"),
    ],
)
def test_a_tab_without_numbers_says_why(
    open_page: Open, portfolio_workspace: Workspace, model: str, tab: str, words: str
) -> None:
    assert words in said(open_page(portfolio_workspace, "model", model=model, tab=tab))


def test_dates_that_cannot_match_are_explained(open_page: Open, portfolio_workspace: Workspace) -> None:
    at = open_page(
        portfolio_workspace, "model", model="delay-30", **{"from": "2013-06-01", "to": "2013-05-01"}
    )
    assert "no window can match" in said(at)


@pytest.mark.parametrize(
    ("tab", "charts"),
    [
        ("Health", 3),
        ("Drift", 3),
        ("Data quality", 3),
        ("Performance", 8),
        ("Fairness", 2),
        ("Cost & latency", 2),
    ],
)
def test_every_tab_draws_its_charts(
    open_page: Open, portfolio_workspace: Workspace, tab: str, charts: int
) -> None:
    at = open_page(portfolio_workspace, "model", model="delay-30", tab=tab)
    assert len(at.get("plotly_chart")) == charts
    assert not at.error


def test_the_estimate_is_marked_and_tells_how_far_it_was_off(
    open_page: Open, portfolio_workspace: Workspace
) -> None:
    at = open_page(portfolio_workspace, "model", model="delay-30", tab="Performance")
    said = [caption.value for caption in at.caption if "Dashed: estimated without labels" in caption.value]
    assert len(said) == 1 and "off by 0.0" in said[0] and "complete windows after the reference" in said[0]


def test_all_features_together_are_drawn_beside_what_the_reference_says_of_them(
    open_page: Open, portfolio_workspace: Workspace
) -> None:
    at = open_page(portfolio_workspace, "model", model="delay-30", tab="Drift")
    text = said(at)
    assert "**PCA reconstruction error**" in text and "features go together differently" in text
    assert "Grey: where 99 of 100 windows lie if nothing changed." in text
    usual = views.usual_together(Store(portfolio_workspace), "delay-30")
    assert usual is not None and usual.low is not None and usual.high is not None
    assert 1.2 < usual.low < 1.45 < usual.middle < 1.55 < usual.high < 1.8
    spec = at.get("plotly_chart")[-1].proto.spec
    assert f'"y1":{usual.high}' in spec.replace(" ", "")


def test_a_model_without_pca_has_no_such_card(open_page: Open, own_workspace: Workspace) -> None:
    store = Store(own_workspace)
    portfolio.register(store, "delay-30", segments=("origin",), protected=("sex",))
    at = open_page(own_workspace, "model", model="delay-30", tab="Drift")
    assert "reconstruction" not in said(at) and len(at.get("plotly_chart")) == 2
    assert views.usual_together(store, "delay-30") is None


def test_features_together_that_cannot_be_measured_say_why(open_page: Open, own_workspace: Workspace) -> None:
    store = Store(own_workspace)
    days = portfolio.windows()[:90]
    needs = "needs 2 to 50 numeric features that vary in the reference; it has 1"
    unknown = portfolio.metric(days, "pca_reconstruction", np.zeros(len(days)))
    unknown = unknown.with_columns(value=pl.lit(None, pl.Float64), reason=pl.lit(needs))
    portfolio.publish(store, "delay-30", "metrics", unknown)
    address = {"from": "2013-01-01", "to": "2013-03-31"}
    at = open_page(own_workspace, "model", model="delay-30", tab="Drift", **address)
    assert f"No data: {needs}." in said(at)


def test_a_segment_and_dates_narrow_what_is_drawn(open_page: Open, portfolio_workspace: Workspace) -> None:
    address = {"from": "2013-06-01", "to": "2013-06-30", "segment": "origin=JFK"}
    at = open_page(portfolio_workspace, "model", model="delay-30", **address)
    rows = at.get("plotly_chart")[0].proto.spec
    assert "2013-06-01" in rows and "2013-07-02" not in rows and "2013-05-30" not in rows


def test_error_a_broken_file_takes_only_its_part_of_the_page(
    open_page: Open, own_workspace: Workspace
) -> None:
    for file in (own_workspace.root / "statistics").rglob("*.metrics.*"):
        file.write_bytes(b"not parquet")
    at = open_page(own_workspace, "model", model="delay-30", tab="Drift")
    text = said(at)
    assert "Drift cannot be shown." in text and "Reference: `" in text
    assert "steward rebuild delay-30" in text
    assert "what stands out" in text
    assert [button.label for button in at.button] == ["Try again"]


def test_an_unforeseen_error_takes_only_its_section() -> None:
    def page() -> None:
        import streamlit as st

        from pages._shared import section

        with section("The first part"):
            st.write("begun")
            [][1]
        with section("The second part"):
            st.write("shown")

    at = AppTest.from_function(page).run()
    assert not at.exception
    assert [text.value for text in at.markdown] == ["begun", "shown"]
    assert "**The first part cannot be shown.**" in at.error[0].value and "Reference: `" in at.error[0].value
    assert "list index" not in at.error[0].value


def test_forbidden_says_which_role_is_needed(
    own_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(_shared.WORKSPACE_VARIABLE, str(own_workspace.root))

    def page() -> None:
        import streamlit as st

        from core.entities import Actor
        from pages._shared import permit

        permit(Actor("vi@example.com", "ui", frozenset({"viewer"})), "rows.open")
        st.write("secret rows")

    at = AppTest.from_function(page).run()
    assert "No access" in at.warning[0].value and "analyst" in at.warning[0].value
    assert not at.markdown


def test_the_overview_says_when_nobody_sweeps(open_page: Open, own_workspace: Workspace) -> None:
    store = Store(own_workspace)
    with store.write() as c:
        heartbeats.forget(c, datetime(2100, 1, 1, tzinfo=UTC))
    store.close()
    assert "No job runner is active." in said(open_page(own_workspace))


def test_the_system_page_shows_runners_failures_and_bad_files(
    open_page: Open, portfolio_workspace: Workspace
) -> None:
    tables = [table.value for table in open_page(portfolio_workspace, "system").dataframe]
    assert list(tables[0]["Alive"]) == ["● Alive"]
    assert list(tables[1]["Error"]) == ["predictions/eta.parquet: column dep_time is missing"]
    assert list(tables[2]["Problem"]) == ["not a Parquet file: no magic bytes"]
    assert list(tables[3]["Windows"]) == [365]


def test_the_fairness_page_shows_the_newest_gap_of_each_attribute(
    open_page: Open, portfolio_workspace: Workspace
) -> None:
    at = open_page(portfolio_workspace, "fairness")
    row = at.dataframe[0].value.iloc[0]
    assert (row["Model"], row["Attribute"], row["Rows"]) == ("delay-30", "sex", 880)
    assert row["demographic_parity_difference"] == pytest.approx(0.17, abs=0.04)
    low, high = map(float, row["95 % between"].split(" to "))
    assert high - low == pytest.approx(0.12, abs=0.011)


@pytest.mark.parametrize("page", ["overview", "model", "fairness", "system"])
def test_closed_modes_show_only_the_sign_in(open_page: Open, peopled: Store, page: str) -> None:
    at = open_page(peopled.workspace, page)
    assert "Sign in to Steward" in said(at)
    assert not at.dataframe and not at.selectbox


def test_stored_text_is_never_markdown(open_page: Open, own_workspace: Workspace) -> None:
    store = Store(own_workspace)
    portfolio.register(store, "sly", description="[click](https://evil.example) :red[now] <b>$x$</b>")
    store.close()
    at = open_page(own_workspace, "model", model="sly")
    shown = next(element.value for element in at.caption if "click" in element.value)
    assert "\\[click\\]\\(https" in shown or "\\[click\\](https" in shown
    assert "\\:red\\[now\\]" in shown and "\\<b\\>" in shown


def test_a_metric_is_picked_by_its_title_and_named_in_the_address(
    open_page: Open, portfolio_workspace: Workspace
) -> None:
    at = open_page(portfolio_workspace, "model", model="delay-30", tab="Drift", distance="psi")
    picker = at.selectbox(key="distance-title")
    assert picker.value == "Population stability index"
    assert "jensen_shannon" not in picker.options
    picker.select("Jensen–Shannon distance").run()
    assert at.query_params["distance"] == "jensen_shannon"
    assert "**Jensen–Shannon distance of temp**" in said(at)


def test_a_metric_in_the_address_that_no_picker_knows_gives_the_first(
    open_page: Open, portfolio_workspace: Workspace
) -> None:
    at = open_page(portfolio_workspace, "model", model="delay-30", tab="Drift", distance="nonsense")
    assert at.selectbox(key="distance-title").value == "Jensen–Shannon distance"


def test_groups_are_named_without_their_attribute() -> None:
    assert _model_fairness.short("colour=white & age=<20", "colour & age") == "white & <20"
    assert _model_fairness.short("age=[20, 30)", "age") == "[20, 30)"
