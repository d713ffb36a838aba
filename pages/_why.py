"""The reasons of an alert, as the Why tab and the Alert page show them."""

from datetime import datetime

import polars as pl
import streamlit as st

from core import charts, views
from core.alert_text import number
from core.catalogue import CATALOGUE
from core.findings import NOTABLE_EXCESS, NOTABLE_SHARE
from core.numerals import significant
from core.verdicts import shown_metric
from core.why import rate_of
from pages._model_parts import draw, nothing
from pages._shared import plain

MOST_ROWS = 8


def show(page: views.WhyPage, now: datetime) -> None:
    """Show the verdict, the inputs and parts of the traffic that explain it, and what happened around it."""
    st.info(f"**{plain(page.explanation.verdict)}**", icon=":material/search_insights:")
    st.caption(_compared(page))
    left, right = st.columns([3, 2])
    with left:
        inputs(page)
    with right:
        parts(page)
    if page.events.height:
        with st.container(border=True, gap="xsmall"):
            st.markdown("**What happened around it**", help="The tinted stretch is the alert.")
            start, end = page.stretch
            zone, episode = page.declaration.predictions.timezone, page.alert.episode
            figure = charts.timeline(page.events, zone=zone, since=start, until=min(end, now))
            lasted = page.declaration.calendar.containing(episode.last_window).end
            charts.tint(figure, episode.first_window, lasted, zone=zone)
            draw(
                figure, f"What happened to {page.alert.model} around the alert", key=f"around-{page.alert.id}"
            )


def _compared(page: views.WhyPage) -> str:
    """Say which windows are compared with which."""
    zone, why, episode = page.declaration.zone, page.explanation.why, page.alert.episode
    days = [f"{at.astimezone(zone):%-d %b %Y}" for at in (episode.first_window, episode.last_window)]
    alert = (
        "the window of " + days[0] if days[0] == days[1] else f"{why.windows} windows, {' to '.join(days)}"
    )
    normal = "the reference"
    if page.reference:
        normal += ", " + " to ".join(f"{at.astimezone(zone):%-d %b %Y}" for at in page.reference)
    return f"Now: {alert}. Before: {normal}."


def inputs(page: views.WhyPage) -> None:
    """Show which inputs moved, the heaviest first."""
    columns = page.explanation.why.columns
    st.markdown(
        "**Inputs, by how far they moved × how much they matter**",
        help=f"An input moved if its Jensen-Shannon distance (0-1), or its share of missing values, lies "
        f"{NOTABLE_EXCESS} above what nineteen of twenty reference windows stay below. Averages over the "
        "windows of the alert.",
    )
    if not columns.height:
        nothing("no input is compared with a reference")
        return
    matters = columns["importance"].null_count() < columns.height
    moved = columns["weight"].sum() > 0
    gone = (columns["missing"] - columns["usual_missing"].fill_null(0.0)).max()
    medians = {name: f"{significant(a)} → {significant(b)}" for name, (a, b) in page.medians.items()}
    median = pl.col("column").replace_strict(medians, default=None, return_dtype=pl.String)
    shown = columns.head(MOST_ROWS).select(
        pl.col("column").alias("Input"),
        pl.col("weight").alias("Weight"),
        median.alias("Median"),
        pl.col("distance").alias("JS distance"),
        pl.col("usual").alias("Usually up to"),
        pl.col("missing").alias("Missing"),
        pl.col("importance").alias("Importance"),
    )
    told = {"Importance": matters, "Weight": moved, "Median": bool(medians)}
    told["Missing"] = isinstance(gone, float) and gone >= NOTABLE_SHARE
    number = st.column_config.NumberColumn(format="%.3f", width=95)
    st.dataframe(
        shown.drop(name for name, useful in told.items() if not useful),
        hide_index=True,
        placeholder="–",
        height="content",
        column_config={
            "Input": st.column_config.TextColumn(width=110),
            "Median": st.column_config.TextColumn(
                width=120, help="Before → now, of the three numbers that moved most."
            ),
            "Weight": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1, width=110),
            "JS distance": number,
            "Usually up to": number,
            "Missing": st.column_config.NumberColumn(format="percent", width=80),
            "Importance": st.column_config.NumberColumn(format="percent", width=90),
        },
        alt="Inputs by how far they moved",
    )
    notes = [] if moved else ["None moved notably, so there is nothing to weigh."]
    notes += [f"The first {MOST_ROWS} of {columns.height}."] if columns.height > MOST_ROWS else []
    if not matters:
        notes.append("How much each matters is not known, so all count alike; the declaration may say it.")
    elif not page.declaration.importance:
        notes.append(
            "Importance: what each alone explains of the predictions in the reference, as a share of all; "
            "`importance:` in the declaration overrides it."
        )
    st.caption(" ".join(notes))


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
    st.markdown(said)
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
        pl.col("part").alias(name), Change="share", Before="before", Now="now", Rows="n"
    )
    shown = shown.drop("Change") if rate else shown
    st.dataframe(
        shown.head(MOST_ROWS) if not rate else shown,
        hide_index=True,
        placeholder="–",
        height="content" if shown.height <= MOST_ROWS or not rate else 320,
        column_config={
            name: st.column_config.TextColumn(width=250 if rate else 120),
            "Before": st.column_config.TextColumn(width=60),
            "Now": st.column_config.TextColumn(width=60),
            "Change": st.column_config.ProgressColumn(
                "Share of the change", format="percent", min_value=0, max_value=1, width=120
            ),
            "Rows": st.column_config.NumberColumn(format="localized", width=60),
        },
        alt=f"{name}s and what they carry",
    )
    if rate:
        least = page.declaration.minimum_group_size
        st.caption(f"Groups with fewer than {least} rows in the last window of the alert are not judged.")
