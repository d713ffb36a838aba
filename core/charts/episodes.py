"""Alerts in figures: one episode marked in its metric's course, and all that happened on one time axis."""

from datetime import datetime
from typing import Any

import plotly.graph_objects as go
import polars as pl

from core.charts.marks import EXPLAINED
from core.charts.style import COLOURS, GREY, Reading, transparent
from core.charts.windows import wall_time, wall_times

LANE_PX = 30
MOST_LANES = 12
SEVERITY_COLOURS = {"critical": "#C8372D", "warning": "#E69F00"}
SYMBOLS = {
    "retraining": "star",
    "version": "diamond",
    "schema": "triangle-up",
    "reference": "square",
    "declaration": "circle",
}


def mark_episode(
    figure: go.Figure,
    beyond: pl.DataFrame,
    *,
    start: datetime,
    end: datetime,
    zone: str,
    reading: Reading | None = None,
) -> None:
    """Shade the stretch of an alert, and mark the windows that lie beyond its threshold.

    Parameters
    ----------
    beyond : those windows, columns `window_start` and `value`
    """
    tint(figure, start, end, zone=zone)
    form = (reading or Reading()).format
    figure.add_scatter(
        x=wall_times(beyond["window_start"], zone),
        y=beyond["value"].to_numpy(),
        mode="markers",
        marker={"symbol": "circle", "size": 7 if beyond.height <= 120 else 4, "color": COLOURS[1]},
        name="beyond the threshold",
        showlegend=True,
        hovertemplate=f"%{{x|%-d %b %Y}}<br><b>%{{y:{form}}}</b>, beyond the threshold<extra></extra>",
    )


def tint(figure: go.Figure, start: datetime, end: datetime, *, zone: str) -> None:
    """Shade the stretch of an alert."""
    figure.add_shape(
        type="rect",
        yref="paper",
        x0=wall_time(start, zone),
        x1=wall_time(end, zone),
        y0=0,
        y1=1,
        fillcolor=COLOURS[1],
        opacity=0.10,
        line_width=0,
        layer="below",
    )


def timeline(events: pl.DataFrame, *, zone: str, until: datetime, since: datetime | None = None) -> go.Figure:
    """Return what happened on one time axis: a bar per alert (in its monitor's row) or annotation, and marks.

    Parameters
    ----------
    events : columns `at`, `until` (null = still lasting), `kind`, `lane`, `severity`, `what`
    until : the right end of the axis, and of what still lasts
    since : its left end; without it, when the first thing happened
    """
    figure = go.Figure()
    lanes = _lanes(events)
    shown = events.filter(pl.col("lane").is_in(lanes))
    first = wall_time(since or events["at"].min() or until, zone)
    last = wall_time(until, zone)
    least = (last - first) / 150  # a bar of an hour in a year would be no pixel wide
    for severity, colour in SEVERITY_COLOURS.items():
        _draw_bars(figure, shown.filter(pl.col("severity") == severity), severity, colour, zone, last, least)
    explained = shown.filter(pl.col("kind") == "annotation")
    _draw_bars(figure, explained, "annotation", EXPLAINED, zone, last, least)
    for kind, symbol in SYMBOLS.items():
        _draw_moments(figure, shown.filter(pl.col("kind") == kind), kind, symbol, zone)
    room = (last - first) / 40
    figure.update_layout(
        height=72 + LANE_PX * max(len(lanes), 2),
        margin={"l": 4, "r": 4, "t": 22, "b": 16},
        barmode="overlay",
        bargap=0.4,
        dragmode=False,
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": None},
    )
    figure.update_xaxes(
        type="date",
        range=[first - room, last + room],
        automargin=True,
        fixedrange=True,
        nticks=6,
        tickangle=0,
    )
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=lanes[::-1],
        range=[-0.6, len(lanes) - 0.4],
        automargin=True,
        fixedrange=True,
        showgrid=True,
        gridcolor=transparent(GREY, 0.25),
    )
    return figure


def _lanes(events: pl.DataFrame) -> list[str]:
    """Return the rows from top to bottom: the monitors with the newest alerts, then the moments."""
    alerts = events.filter(pl.col("kind") == "alert").sort("at", descending=True)
    monitors = alerts["lane"].unique(maintain_order=True).to_list()
    moments = [kind for kind in ("annotation", *SYMBOLS) if kind in set(events["kind"])]
    return monitors[: MOST_LANES - len(moments)] + moments


def _draw_bars(
    figure: go.Figure,
    bars: pl.DataFrame,
    name: str,
    colour: str,
    zone: str,
    last: datetime,
    least: Any,
) -> None:
    if not bars.height:
        return
    start = bars["at"].dt.convert_time_zone(zone).dt.replace_time_zone(None)
    end = bars["until"].dt.convert_time_zone(zone).dt.replace_time_zone(None).fill_null(last)
    length = (end - start).dt.total_milliseconds().clip(lower_bound=int(least.total_seconds() * 1000))
    figure.add_bar(
        orientation="h",
        base=start.to_numpy(),
        x=length.to_numpy(),
        y=bars["lane"].to_list(),
        name=name,
        marker={"color": transparent(colour, 0.75), "line": {"color": colour, "width": 1}},
        customdata=pl.DataFrame(
            {"at": start.dt.to_string("%-d %b %Y"), "what": _escaped(bars["what"])}
        ).rows(),
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )


def _draw_moments(figure: go.Figure, moments: pl.DataFrame, kind: str, symbol: str, zone: str) -> None:
    if not moments.height:
        return
    figure.add_scatter(
        x=wall_times(moments["at"], zone),
        y=moments["lane"].to_list(),
        mode="markers",
        marker={"symbol": symbol, "size": 11, "color": COLOURS[0]},
        name=kind,
        showlegend=False,
        text=_escaped(moments["what"]).to_list(),
        hovertemplate="%{x|%-d %b %Y %H:%M}<br>%{text}<extra></extra>",
    )


def _escaped(texts: pl.Series) -> pl.Series:
    """Return stored texts as plotly shows them literally: it takes some HTML for markup."""
    return texts.str.replace_all("&", "&amp;", literal=True).str.replace_all("<", "&lt;", literal=True)
