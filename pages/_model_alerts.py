"""What stands at the top of the tab Health: the model's open alerts and its retraining requests."""

import polars as pl
import streamlit as st

from core import views
from pages._alert_parts import severity_column, severity_words
from pages._model_parts import Selection
from pages._shared import HERE, clock_text, plain, read


def show(chosen: Selection) -> None:
    """Show what is open; nothing where nothing is."""
    requests = read(views.open_requests, chosen.slug)
    if requests:
        said = (
            f"{plain(request.text)} ({clock_text(request.requested_at, chosen.zone)}, {request.state})"
            for request in requests
        )
        st.info(f"**Retraining requested:** {'; '.join(said)}.", icon=":material/model_training:")
    alerts = read(views.alerts_page, False, chosen.slug).alerts
    if alerts.height:
        table(alerts)


@st.fragment
def table(alerts: pl.DataFrame) -> None:
    """Show the open alerts; a click opens one."""
    chosen = st.dataframe(
        alerts.select(
            Severity=severity_words(),
            State=pl.col("state").str.to_titlecase(),
            Alert="message",
            Since="on",
            Assigned=pl.coalesce("assigned_to", "acknowledged_by"),
        ),
        key="open-alerts",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-cell",
        placeholder="–",
        height="content" if alerts.height <= 6 else 250,
        column_config={
            "Severity": severity_column(),
            "State": st.column_config.TextColumn(width=110),
            "Alert": st.column_config.TextColumn(width=520),
            "Since": st.column_config.DateColumn(format="D MMM YYYY", width=100),
            "Assigned": st.column_config.TextColumn(width=180),
        },
        alt="Open alerts of the model",
    )
    if chosen.selection.cells:
        alert = alerts["id"][chosen.selection.cells[0][0]]
        st.switch_page(HERE / "alert.py", query_params={"id": str(alert)})
