"""The tab Rows: rows of one window, declared columns only, sensitive ones masked, opened on the record."""

from datetime import datetime

import polars as pl
import streamlit as st

from core import views
from core.views.rows import LIMIT
from pages._model_parts import Selection, nothing, series
from pages._shared import permit, plain, store


def show(chosen: Selection) -> None:
    """Show the tab."""
    permit(chosen.actor, "rows.open", chosen.slug)
    windows = series(chosen, ("volume",), columns=("",)).filter(pl.col("value") > 0).sort("window_start")
    if not windows.height:
        nothing("no window with rows in this stretch of time")
        return
    starts = windows["window_start"].dt.convert_time_zone(chosen.zone)
    form = "%Y-%m-%d %H:%M" if chosen.declaration.window == "1h" else "%Y-%m-%d"
    labels = starts.dt.to_string(form).to_list()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox("Window", labels[::-1], key="rows", bind="query-params", width=200)
        wanted = (chosen.slug, label)
        if st.button("Open rows", icon=":material/table_rows:", type="primary"):
            st.session_state["opened-rows"] = (wanted, opened(chosen, starts[labels.index(label)]))
    st.caption(
        f"Up to {LIMIT} rows straight from the log, with the declared columns only. Opening them is recorded "
        "in the audit log with your name."
    )
    kept = st.session_state.get("opened-rows")
    if kept is not None and kept[0] == wanted:
        table(kept[1], chosen.zone)


def opened(chosen: Selection, instant: datetime) -> views.Rows:
    """Return the rows of the window, freshly read: what was opened once is not served to the next person."""
    with st.spinner("Reading the log…"):
        return views.rows(store(), chosen.slug, instant, chosen.actor)


def table(found: views.Rows, zone: str) -> None:
    """Show the rows and say what they are."""
    st.dataframe(found.frame, hide_index=True, placeholder="–", height=520, alt="Rows of the selected window")
    masked = f" Masked as sensitive: {', '.join(found.masked)}." if found.masked else ""
    cut = " There may be more." if found.frame.height == LIMIT else ""
    files = f"{found.files} log file{'s' if found.files > 1 else ''}"
    st.caption(plain(f"{found.frame.height:,} rows from {files}, times in {zone}.{cut}{masked}"))
