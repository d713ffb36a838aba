"""The tab History: alerts, retraining requests, versions, references and declarations on one time axis."""

from datetime import UTC, datetime

import polars as pl
import streamlit as st

from core import charts, views
from core.views.history import KINDS
from pages import _annotations
from pages._model_parts import Selection, draw, nothing
from pages._shared import HERE, read

TABLE_HEIGHT = 420


def show(chosen: Selection) -> None:
    """Show the tab."""
    with st.expander("Annotations", icon=":material/edit_calendar:"):
        zones: dict[str | None, str] = {chosen.slug: chosen.zone}
        _annotations.panel(chosen.page.annotations, chosen.actor, zones, now=chosen.page.now)
    found = read(views.history, chosen.slug)
    kept = within(found.events, chosen)
    if not kept.height:
        nothing(
            "nothing has happened to this model" + (" in this stretch of time" if found.events.height else "")
        )
        return
    with st.container(border=True, gap="xsmall"):
        st.markdown(
            "**What happened, and when**",
            help="A bar is an alert, from its start until it was resolved, in the row of its monitor, or an "
            "annotation.",
        )
        until = min(chosen.end or found.now, found.now)
        figure = charts.timeline(kept, zone=chosen.zone, since=since(chosen), until=until)
        draw(figure, f"What happened to {chosen.slug}, on a time axis", key="history")
    table(kept, chosen.zone)


def within(events: pl.DataFrame, chosen: Selection) -> pl.DataFrame:
    """Return what happened in the stretch chosen above the tabs; without dates, all of it."""
    kept, start = events, since(chosen)
    if chosen.end is not None:
        kept = kept.filter(pl.col("at") < chosen.end.astimezone(UTC))
    if start is not None:
        lasting = pl.when(pl.col("kind") == "alert").then(pl.lit(chosen.page.now))
        ended = pl.coalesce("until", lasting.otherwise("at"))
        kept = kept.filter(ended >= start.astimezone(UTC))
    return kept


def since(chosen: Selection) -> datetime | None:
    """Return the start that was chosen; the other tabs' default of some hundred windows does not count."""
    return chosen.start if st.session_state.get("from") else None


@st.fragment
def table(events: pl.DataFrame, zone: str) -> None:
    """Show what happened, the newest first; a click on an alert opens it."""
    kinds = st.pills(
        "Show", KINDS, selection_mode="multi", key="kind", bind="query-params", label_visibility="collapsed"
    )
    kept = events.filter(pl.col("kind").is_in(kinds)) if kinds else events
    if not kept.height:
        nothing("none of these happened")
        return
    at, until = (pl.col(n).dt.convert_time_zone(zone).dt.to_string("%Y-%m-%d %H:%M") for n in ("at", "until"))
    lasting = pl.when(pl.col("kind") == "alert").then(pl.lit("still open")).otherwise(pl.lit(""))
    until = pl.coalesce(until, lasting)
    chosen = st.dataframe(
        kept.select(When=at, Kind=pl.col("kind").str.to_titlecase(), What="what", Until=until, Who="who"),
        key="history",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-cell",
        placeholder="–",
        height="content" if kept.height <= 11 else TABLE_HEIGHT,
        column_config={
            "When": st.column_config.TextColumn(width=130),
            "Until": st.column_config.TextColumn(width=130),
            "Kind": st.column_config.TextColumn(width=100),
            "What": st.column_config.TextColumn(width=620),
            "Who": st.column_config.TextColumn(width=150),
        },
        alt="What happened to the model, newest first",
    )
    st.caption(f"Times in {zone}. Click an alert to open it.")
    if chosen.selection.cells:
        alert = kept["alert"][chosen.selection.cells[0][0]]
        if alert is not None:
            st.switch_page(HERE / "alert.py", query_params={"id": str(alert)})
