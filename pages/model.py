"""One model: a verdict in one sentence, then its tabs; everything chosen here lives in the address."""

from datetime import date, datetime, time, timedelta

import streamlit as st

from core import views
from core.entities import Actor
from pages import (
    _model_documentation,
    _model_drift,
    _model_fairness,
    _model_health,
    _model_history,
    _model_monitors,
    _model_operations,
    _model_performance,
    _model_quality,
    _model_rows,
    _model_versions,
    _model_why,
)
from pages._model_parts import Selection
from pages._shared import HERE, badge, clock_text, plain, read, require, section

TABS = {
    "Health": _model_health.show,
    "Why": _model_why.show,
    "Drift": _model_drift.show,
    "Data quality": _model_quality.show,
    "Performance": _model_performance.show,
    "Fairness": _model_fairness.show,
    "Cost & latency": _model_operations.show,
    "Monitors": _model_monitors.show,
    "Versions": _model_versions.show,
    "Documentation": _model_documentation.show,
    "History": _model_history.show,
    "Rows": _model_rows.show,
}
# Without a choice of dates this many windows are shown: enough for a year of days, few enough to stay quick.
DEFAULT_WINDOWS = 400
EARLIEST = date(1970, 1, 1)


def pick_model() -> str | None:
    """Show the model picker and return the chosen name; says so when the address names an unknown model."""
    found = read(views.overview)
    names = sorted(found.models["model"])
    if not names:
        st.info("No model is registered yet. The health overview shows the first three steps.")
        st.page_link(HERE / "overview.py", label="Health overview", icon=":material/arrow_back:")
        return None
    asked = st.query_params.get("model")
    if asked is not None and asked not in names:
        st.warning(f"No model is called **{plain(asked)}**. It may have been renamed or never applied.")
    chosen: str | None = st.selectbox(
        "Model", names, index=None, key="model", bind="query-params", placeholder="Choose a model", width=300
    )
    return chosen


def pick_stretch(page: views.ModelPage) -> tuple[date | None, date | None, str]:
    """Show the pickers of dates and segment, and return what they say."""
    # Streamlit's own bounds are ten years around today: older logs and fixed clocks would be out of reach.
    today = page.now.astimezone(page.declaration.zone).date()
    start, end = (
        st.date_input(
            name.capitalize(),
            value=None,
            min_value=EARLIEST,
            max_value=today,
            key=name,
            bind="query-params",
            format="YYYY-MM-DD",
            width=150,
        )
        for name in ("from", "to")
    )
    segment = ""
    if page.segments:
        segment = (
            st.selectbox(
                "Segment",
                page.segments,
                index=None,
                key="segment",
                bind="query-params",
                placeholder="All rows",
                width=200,
            )
            or ""
        )
    return start, end, segment


def selection(
    page: views.ModelPage, start: date | None, end: date | None, segment: str, actor: Actor
) -> Selection:
    """Return the selected stretch as instants; without a start, the newest windows."""
    zone = page.declaration.zone
    until = datetime.combine(end + timedelta(days=1), time.min, zone) if end else None
    if start is not None:
        return Selection(page, datetime.combine(start, time.min, zone), until, segment, actor)
    newest = page.status.last_window if page.status else None
    since = newest - DEFAULT_WINDOWS * page.declaration.calendar.nominal if newest else None
    return Selection(page, since, until, segment, actor)


def opening(page: views.ModelPage) -> None:
    """Show the state, the verdict, and a strip when the numbers are older than they should be."""
    status = page.status
    judged = views.shown_state(status.state, status.rules) if status else "no_data"
    state = "paused" if page.registered.paused else judged
    declared = page.declaration
    sentence = views.verdict(status, page.registered.paused, declared.predictions.timezone, page.now)
    st.markdown(f"{badge(state)} &nbsp; {plain(sentence)}")
    facts = [declared.task.replace("_", " "), f"risk tier {declared.risk_tier}", f"owner {declared.owner}"]
    facts += [f"version {status.version}"] if status and status.version else []
    st.caption(
        plain(" · ".join(facts)) + (f"  \n{plain(declared.description)}" if declared.description else "")
    )
    if page.last_error:
        failed = f" at {clock_text(page.last_finished)} UTC" if page.last_finished else ""
        as_of = (
            f"from {clock_text(status.updated_at)} UTC" if status and status.updated_at else "not there yet"
        )
        st.warning(
            f"**Stale:** statistics {as_of}; the last sweep failed{failed}: {plain(page.last_error)}",
            icon=":material/history:",
        )


actor = require("health.see")
heading = st.empty()
with section("The model"):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        slug = pick_model()
        page = read(views.model_page, slug) if slug else None
        stretch = pick_stretch(page) if page else (None, None, "")
    heading.title(slug or "Model", anchor=False)
    if page is None:
        st.caption("Choose a model to see its health, drift, quality, performance, fairness, cost and rows.")
    elif stretch[0] and stretch[1] and stretch[0] > stretch[1]:
        st.warning("**From** lies after **To**: no window can match. Swap the two dates.")
    else:
        opening(page)
        chosen = selection(page, *stretch, actor)
        tabs = st.tabs(list(TABS), key="tab", bind="query-params")
        for tab, (name, show) in zip(tabs, TABS.items(), strict=True):
            if tab.open:
                with tab, section(name):
                    show(chosen)
