"""The reasons of an alert, as the Why tab and the Alert page show them."""

from datetime import datetime

import polars as pl
import streamlit as st

from core import charts, views
from core.alert_text import number
from core.catalogue import CATALOGUE
from core.numerals import significant
from core.verdicts import shown_metric
from core.why import rate_of
from pages._model_parts import draw, nothing
from pages._shared import plain

MOST_ROWS = 8


def show(page: views.WhyPage, now: datetime) -> None:
    """Show the verdict, the inputs and parts of the traffic that explain it, and what happened around it."""
    found = page.explanation
    st.info(f"**{plain(found.verdict)}**", icon=":material/search_insights:")
    left, right = st.columns(2)
    with left:
        inputs(page)
    with right:
        parts(page)
    if page.events.height:
        with st.container(border=True, gap="xsmall"):
            st.markdown("**What happened around it**")
            start, end = page.stretch
            zone = page.declaration.predictions.timezone
            figure = charts.timeline(page.events, zone=zone, since=start, until=min(end, now))
            draw(
                figure, f"What happened to {page.alert.model} around the alert", key=f"around-{page.alert.id}"
            )


def inputs(page: views.WhyPage) -> None:
    """Show which inputs moved, the heaviest first."""
    columns = page.explanation.why.columns
    st.markdown(
        "**Inputs, by how far they moved × how much they matter**",
        help="Moved: how far the Jensen-Shannon distance, or the share of missing values, lies above what "
        "nineteen of twenty reference windows stay below. Averages over the windows of the alert.",
    )
    if not columns.height:
        nothing("no input is compared with a reference")
        return
    matters = columns["importance"].null_count() < columns.height
    if not matters:
        st.caption("How much each input matters is not known, so all count alike; declare `importance:`.")
    elif not page.declaration.importance:
        st.caption(
            "Importance is what each input alone explains of the predictions in the reference, in shares of "
            "the sum; declare `importance:` if you know better."
        )
    medians = {name: f"{significant(a)} → {significant(b)}" for name, (a, b) in page.medians.items()}
    median = pl.col("column").replace_strict(medians, default=None, return_dtype=pl.String)
    shown = columns.head(MOST_ROWS).select(
        Input="column",
        Median=median,
        Weight="weight",
        Distance="distance",
        Usual="usual",
        Missing="missing",
        Importance="importance",
    )
    distance = st.column_config.NumberColumn(format="%.3f", width=80)
    empty = [name for name, known in (("Importance", matters), ("Median", bool(medians))) if not known]
    st.dataframe(
        shown.drop(empty),
        hide_index=True,
        placeholder="–",
        height="content",
        column_config={
            "Input": st.column_config.TextColumn(width=130),
            "Median": st.column_config.TextColumn(
                width=130,
                help="In the reference → in the windows of the alert; of the three that moved most.",
            ),
            "Weight": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1, width=110),
            "Distance": distance,
            "Usual": st.column_config.NumberColumn("Usually up to", format="%.3f", width=100),
            "Missing": st.column_config.NumberColumn(format="percent", width=80),
            "Importance": st.column_config.NumberColumn(format="percent", width=90),
        },
        alt="Inputs by how far they moved",
    )
    if columns.height > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS} of {columns.height}.")


def parts(page: views.WhyPage) -> None:
    """Show which segments, or which groups of a gap, carry the change."""
    found, metric = page.explanation.why.parts, shown_metric(page.alert.episode.target.metric)
    rate = rate_of(metric)
    name = "Group" if rate else "Segment"
    said = (
        f"**{name}s, by their {CATALOGUE[rate].title.lower()}**"
        if rate
        else "**Segments, by their share of the change**"
    )
    st.markdown(said, help="Before: the reference's windows. Now: the windows of the alert.")
    if not found.height:
        sliced = page.alert.episode.target.segment or page.alert.episode.target.group
        nothing("this alert is about one segment" if sliced else "the model has no segments for this metric")
        return
    ordered = found.sort("now") if rate else found
    written = [
        pl.Series(
            column, [None if value is None else number(rate or metric, value) for value in found_column]
        )
        for column, found_column in ((c, ordered[c].to_list()) for c in ("before", "now"))
    ]
    shown = ordered.with_columns(written).select(
        pl.col("part").alias(name), Change="share", Before="before", Now="now", Rows="rows"
    )
    shown = shown.drop("Change") if rate else shown
    st.dataframe(
        shown.head(MOST_ROWS) if not rate else shown,
        hide_index=True,
        placeholder="–",
        height="content" if shown.height <= MOST_ROWS or not rate else 320,
        column_config={
            name: st.column_config.TextColumn(width=170),
            "Change": st.column_config.ProgressColumn(
                "Share of the change", format="percent", min_value=0, max_value=1, width=130
            ),
            "Rows": st.column_config.NumberColumn("Share of rows", format="percent", width=100),
        },
        alt=f"{name}s and what they carry",
    )
