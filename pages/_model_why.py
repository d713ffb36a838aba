"""The tab Why: what explains the model's alerts, one at a time, those that last first."""

import streamlit as st

from core import views
from pages import _why
from pages._model_parts import Selection
from pages._shared import HERE, read

MOST_ALERTS = 50


def show(chosen: Selection) -> None:
    """Show the tab."""
    found = read(views.alerts_page, True, chosen.slug).alerts.head(MOST_ALERTS)
    if not found.height:
        st.caption(":material/check: No alert has ever come, so there is nothing to explain.")
        return
    days = found["on"].dt.to_string("%-d %b %Y")
    names = {
        str(identifier): f"{state.capitalize()} since {day}: {message}"
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
        st.page_link(
            HERE / "alert.py",
            label="Open this alert",
            icon=":material/notifications_active:",
            query_params={"id": alert},
        )
