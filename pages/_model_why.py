"""The tab Why: what explains the model's alerts, one at a time, those that last first."""

import polars as pl
import streamlit as st

from core import views
from pages import _why
from pages._model_parts import Selection
from pages._shared import HERE, read, window_name

MOST_ALERTS = 50


def show(chosen: Selection) -> None:
    """Show the tab."""
    found = read(views.alerts_page, True, chosen.slug).alerts.head(MOST_ALERTS)
    if not found.height:
        st.caption(":material/check: No alert has ever come, so there is nothing to explain.")
        return
    days = found["on"].dt.to_string("%-d %b %Y")
    names = {
        str(identifier): f"{day}, {state}: {message}"
        for identifier, state, day, message in zip(
            found["id"], found["state"], days, found["message"], strict=True
        )
    }
    asked = st.query_params.get("alert", "")
    st.session_state["chosen-alert"] = asked if asked in names else next(iter(names))

    def remember() -> None:
        st.query_params["alert"] = st.session_state["chosen-alert"]

    alert = st.selectbox(
        "Alert", list(names), format_func=names.__getitem__, key="chosen-alert", on_change=remember
    )
    page = read(views.why_page, int(alert))
    if page is not None:
        _why.show(page, chosen.page.now)
        links(page)


def links(page: views.WhyPage) -> None:
    """Lead to the alert, and to the input that explains most."""
    with st.container(horizontal=True):
        st.page_link(
            HERE / "alert.py",
            label="Open this alert",
            icon=":material/notifications_active:",
            query_params={"id": str(page.alert.id)},
        )
        moved = page.explanation.why.columns.filter(pl.col("weight") > 0)
        if moved.height:
            named = window_name(page.declaration, page.alert.episode.last_window)
            st.page_link(
                HERE / "model.py",
                label=f"Distribution of {moved['column'][0]}",
                icon=":material/query_stats:",
                query_params={
                    "model": page.alert.model,
                    "tab": "Drift",
                    "column": moved["column"][0],
                    "window": named,
                },
            )
