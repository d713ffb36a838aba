"""The course of an alert's metric around it: drawn, as numbers, and where to see more."""

from datetime import datetime, timedelta

import polars as pl
import streamlit as st

from core import charts, views
from core.alert_text import subject
from core.catalogue import CATALOGUE
from core.verdicts import FRESHNESS
from pages._model_parts import draw, fewest, meaning, nothing, reading, title
from pages._shared import HERE, plain, window_name

# Where the Model page shows more of a metric of each family.
TABS = {
    "drift": "Drift",
    "quality": "Data quality",
    "volume": "Data quality",
    "performance": "Performance",
    "fairness": "Fairness",
    "operations": "Cost & latency",
}


def show(page: views.AlertPage) -> None:
    """Show the chart, the links and the numbers."""
    course(page)
    links(page)
    if page.alert.episode.target.metric != FRESHNESS and page.windows.height:
        values(page)


def course(page: views.AlertPage) -> None:
    """Draw the metric around the alert with threshold and normal band; of a silence, rows per window."""
    episode, zone = page.alert.episode, page.zone
    with st.container(border=True, gap="xsmall"):
        silent = episode.target.metric == FRESHNESS
        heading = title(page.metric) if silent else subject(episode.target)
        st.markdown(f"**{plain(heading)}**", help=meaning(page.metric))
        if not page.windows["value"].drop_nulls().len():
            nothing("no statistics of these windows are kept")
            return
        form, end = reading(page.metric), _end(page)
        if silent:
            figure = charts.bars_over_time(
                page.windows, zone=zone, until=min(end, page.now), annotated=page.annotations
            )
        else:
            figure = charts.over_time(
                {"": page.windows},
                zone=zone,
                reading=form,
                normal=charts.Normal.of(page.reference.filter(pl.col("phase") == "closed")),
                limit=episode.threshold,
                limit_name="threshold",
                fewest=fewest(page.metric),
                until=min(end, page.now),
                annotated=page.annotations,
            )
        beyond = page.windows.filter(pl.col("beyond") & (pl.col("phase") == "closed"))
        charts.mark_episode(figure, beyond, start=episode.first_window, end=end, zone=zone, reading=form)
        figure.update_layout(height=320)
        draw(figure, f"{heading} of {page.alert.model} around the alert", key="course")
        st.caption(
            "The tinted stretch is the alert."
            + ("" if silent else " The grey band is where nine in ten reference windows lie.")
        )


def _end(page: views.AlertPage) -> datetime:
    episode = page.alert.episode
    last = page.declaration.calendar.containing(episode.last_window).end
    if episode.target.metric == FRESHNESS and episode.resolved_at:
        return episode.resolved_at
    return last if episode.resolved_at else max(last, page.now)


def values(page: views.AlertPage) -> None:
    """Show the windows that are drawn as numbers, the newest first."""
    side = page.alert.episode.side
    verdict = (
        pl.when(pl.col("phase") == "open")
        .then(pl.lit("still open"))
        .when(pl.col("phase") == "immature")
        .then(pl.lit("labels still arrive"))
        .when(pl.col("value").is_null())
        .then(pl.coalesce("reason", pl.lit("no value")))
        .when("beyond")
        .then(pl.lit(f"▲ {side} the threshold" if side == "above" else f"▼ {side} the threshold"))
        .otherwise(pl.lit("within"))
    )
    hours = page.declaration.window == "1h"
    start = pl.col("window_start").dt.convert_time_zone(page.zone)
    shown = page.windows.sort("window_start", descending=True).select(
        Window=start.dt.to_string("%Y-%m-%d %H:%M" if hours else "%Y-%m-%d"),
        Value=pl.col("value").round_sig_figs(4),
        Verdict=verdict,
        Rows="n",
        Threshold=pl.lit(page.alert.episode.threshold).round_sig_figs(4),
    )
    st.dataframe(
        shown,
        hide_index=True,
        height=280,
        placeholder="–",
        column_config={
            "Window": st.column_config.TextColumn(width=110),
            "Value": st.column_config.NumberColumn(width=80),
            "Verdict": st.column_config.TextColumn(width=150),
            "Rows": st.column_config.NumberColumn(format="localized", width=80),
            "Threshold": st.column_config.NumberColumn(width=90),
        },
        alt="The windows around the alert, newest first",
    )


def links(page: views.AlertPage) -> None:
    """Link to the rows of the breaching window, and to where the Model page shows more of this metric."""
    target, declared = page.alert.episode.target, page.declaration
    silent = target.metric == FRESHNESS  # from its last row on: the rows before it are the last there are
    instant = page.alert.episode.last_window - timedelta(microseconds=int(silent))
    named = window_name(declared, instant)
    start, until = page.stretch
    last = (until - timedelta(microseconds=1)).astimezone(declared.zone)
    address = {
        "model": page.alert.model,
        "from": f"{start.astimezone(declared.zone):%Y-%m-%d}",
        "to": f"{min(last, page.now):%Y-%m-%d}",
    }
    address |= {"segment": target.segment} if target.segment else {}
    info = CATALOGUE.get(page.metric)
    tab = TABS[info.family] if info else "Health"
    drift = {"column": target.column, "window": named} if tab == "Drift" else {}
    with st.container(horizontal=True):
        st.page_link(
            HERE / "model.py",
            label="Why, in numbers",
            icon=":material/search_insights:",
            query_params={"model": page.alert.model, "tab": "Why", "alert": str(page.alert.id)},
        )
        st.page_link(
            HERE / "model.py",
            label=f"Rows of {named}",
            icon=":material/table_rows:",
            query_params=address | {"tab": "Rows", "rows": named},
            help=f"The last window {'with rows' if silent else 'that breached'}, straight from the log.",
        )
        st.page_link(
            HERE / "model.py",
            label=f"{tab} of {page.alert.model}",
            icon=":material/query_stats:",
            query_params=address | {"tab": tab} | drift,
        )
        if page.alert.episode.monitor in {monitor.name for monitor in declared.monitors}:
            st.page_link(
                HERE / "model.py",
                label=f"Monitor {page.alert.episode.monitor}",
                icon=":material/tune:",
                query_params={
                    "model": page.alert.model,
                    "tab": "Monitors",
                    "monitor": page.alert.episode.monitor,
                },
                help="The rule that raised this alert, and what another limit would have said.",
            )
