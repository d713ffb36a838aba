"""What is drawn around a line: the reference, limits, what chance would show, unfinished windows."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

import numpy as np
import plotly.graph_objects as go
import polars as pl

from core.charts.style import COLOURS, GREY, MAX_POINTS, Reading, transparent
from core.charts.windows import thinned, wall_time, wall_times, with_gaps
from core.entities import Annotation
from core.usual import Normal

EXPLAINED = COLOURS[3]
_BAND = {
    "type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "fillcolor": EXPLAINED,
    "line": {"width": 0},
}  # fmt: skip
_LABEL = {
    "y": 1, "xref": "x", "yref": "paper", "yanchor": "top", "showarrow": False, "text": "▼",
    "font": {"size": 12, "color": EXPLAINED}, "captureevents": True,
}  # fmt: skip
PARTIAL = "partial so far"


def draw_normal(figure: go.Figure, normal: Normal | None, first: datetime, last: datetime) -> None:
    """Draw the middle and the range of the reference windows."""
    if normal is None:
        return
    if normal.low is not None and normal.high is not None:
        figure.add_shape(
            type="rect",
            x0=first,
            x1=last,
            y0=normal.low,
            y1=normal.high,
            fillcolor=GREY,
            opacity=0.16,
            line_width=0,
        )
    figure.add_scatter(
        x=[first, last],
        y=[normal.middle, normal.middle],
        mode="lines",
        line={"color": GREY, "width": 1.5, "dash": "dash"},
        name="middle of the reference",
        showlegend=True,
        hovertemplate=f"reference %{{y:{figure.layout.yaxis.tickformat}}}<extra></extra>",
    )


def draw_limit(figure: go.Figure, limit: float | None, name: str) -> None:
    """Draw a line to compare with, with its name."""
    if limit is not None:
        figure.add_hline(
            y=limit,
            line={"color": COLOURS[1], "width": 1.5, "dash": "dot"},
            annotation={"text": name, "font": {"size": 11}, "xanchor": "right", "yanchor": "bottom"},
        )


def draw_reference_period(figure: go.Figure, first: datetime, until: datetime) -> None:
    """Shade the reference period; the legend names it, so that no line runs through its name."""
    figure.add_shape(
        type="rect",
        xref="x",
        yref="paper",
        x0=first,
        x1=until,
        y0=0,
        y1=1,
        fillcolor=GREY,
        opacity=0.10,
        line_width=0,
    )
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        marker={"symbol": "square", "size": 11, "color": transparent(GREY, 0.35)},
        name="reference period",
        showlegend=True,
        hoverinfo="skip",
    )


def draw_annotations(
    figure: go.Figure,
    annotated: Sequence[Annotation],
    zone: str,
    first: datetime,
    last: datetime,
    *,
    layer: str = "below",
) -> None:
    """Shade what people explained, a mute darker; a mark on top of each band says it on hover."""
    bands, labels = [], []
    for each in annotated:
        start, end = (wall_time(instant, zone) for instant in (each.start, each.end))
        if start >= last or end <= first:
            continue
        low, high = max(start, first), min(end, last)
        opacity = 0.28 if each.mute else 0.16
        bands.append({"x0": low, "x1": high, "opacity": opacity, "layer": layer} | _BAND)
        labels.append({"x": low + (high - low) / 2, "hovertext": _explained(each, start, end)} | _LABEL)
    if bands:  # given in one piece: plotly takes long to update a layout
        figure.layout.shapes = (*figure.layout.shapes, *bands)
        figure.layout.annotations = (*figure.layout.annotations, *labels)


def _explained(said: Annotation, start: datetime, end: datetime) -> str:
    form = "%-d %b %Y" if start.time() == end.time() == time() else "%-d %b %Y %H:%M"
    last = end - timedelta(days=1) if form == "%-d %b %Y" else end
    days = f"{start:{form}}" + (f" to {last:{form}}" if last != start else "")
    effects = ["muted"] * said.mute + ["not in the reference"] * said.exclude_from_reference
    text = said.text.replace("&", "&amp;").replace("<", "&lt;")
    return f"<b>{text}</b><br>" + " · ".join([days, *effects, f"by {said.made_by}"])


def draw_few(figure: go.Figure, frame: pl.DataFrame, zone: str, fewest: int, spec: str) -> None:
    """Draw windows on fewer than `fewest` rows as faint hollow points: they say more about chance."""
    if frame.height:
        figure.add_scatter(
            x=wall_times(frame["window_start"], zone),
            y=frame["value"].to_numpy(),
            mode="markers",
            marker={"symbol": "circle-open", "size": 5, "color": GREY, "opacity": 0.5},
            name=f"fewer than {fewest} rows",
            showlegend=True,
            text=[f"{n:,}" for n in frame["n"]],
            hovertemplate=f"%{{x|%-d %b %Y}}<br>%{{y:{spec}}}<br>n = %{{text}}, too few<extra></extra>",
        )


def draw_partial(
    figure: go.Figure, frame: pl.DataFrame, details: list[str], zone: str, colour: str, reading: Reading
) -> None:
    """Draw values of windows that are not complete as hollow points: early labels are no fair sample."""
    if frame.height:
        named = any(trace.name == PARTIAL for trace in figure.data)
        figure.add_scatter(
            x=wall_times(frame["window_start"], zone),
            y=frame["value"].to_numpy(),
            mode="markers",
            marker={"symbol": "circle-open", "size": 7, "color": colour, "line": {"width": 1.5}},
            name=PARTIAL,
            showlegend=not named,
            text=details,
            hovertemplate=f"%{{x|%-d %b %Y %H:%M}}<br><b>%{{y:{reading.format}}}{reading.suffix}</b>%{{text}}"
            "<extra></extra>",
        )


def draw_course(
    figure: go.Figure, frame: pl.DataFrame, zone: str, colour: str, name: str = "", dash: str = "solid"
) -> None:
    """Draw the running middle of seven windows: what a year of days says beneath their noise."""
    middle = frame["value"].cast(pl.Float64).fill_nan(None).rolling_median(7, min_samples=4, center=True)
    figure.add_scatter(
        x=wall_times(frame["window_start"], zone),
        y=middle.cast(pl.Float32).to_numpy(),
        mode="lines",
        connectgaps=False,
        line={"color": colour, "width": 2.5, "dash": dash},
        name=f"{name}, middle of 7 windows" if name else "middle of 7 windows",
        showlegend=True,
        hoverinfo="skip",
    )


def draw_chance(figure: go.Figure, frame: pl.DataFrame, zone: str) -> None:
    """Draw what chance alone would show, where the rows say it."""
    if "expected" not in frame.columns or not frame["expected"].drop_nulls().len():
        return
    shown = with_gaps(frame) if frame.height <= MAX_POINTS else thinned(frame)
    figure.add_scatter(
        x=wall_times(shown["window_start"], zone),
        y=shown["expected"].cast(pl.Float32).to_numpy(),
        mode="lines",
        connectgaps=False,
        line={"color": GREY, "width": 1.5, "dash": "dot"},
        name="by chance alone",
        showlegend=True,
        hovertemplate=f"by chance alone %{{y:{figure.layout.yaxis.tickformat}}}<extra></extra>",
    )


def draw_usual(figure: go.Figure, frame: pl.DataFrame, zone: str) -> None:
    """Draw what earlier windows alike, such as those of the same weekday, showed, where the rows say it."""
    if "usual" not in frame.columns or not frame["usual"].drop_nulls().len():
        return
    shown = thinned(frame.sort("window_start"))
    figure.add_scatter(
        x=wall_times(shown["window_start"], zone),
        y=shown["usual"].cast(pl.Float32).to_numpy(),
        mode="lines",
        connectgaps=False,
        line={"color": COLOURS[4], "width": 1.5, "dash": "dot"},
        name="usual",
        showlegend=True,
        hovertemplate=f"usual %{{y:{figure.layout.yaxis.tickformat}}}<extra></extra>",
    )


def draw_breaks(figure: go.Figure, frame: pl.DataFrame, zone: str) -> None:
    """Draw a line wherever the reference, and so the bins, changed."""
    if "reference_id" not in frame.columns:
        return
    ordered = frame.sort("window_start").drop_nulls("reference_id")
    changed = ordered.filter(pl.col("reference_id") != pl.col("reference_id").shift(1))
    for instant in changed["window_start"]:
        figure.add_vline(x=wall_time(instant, zone), line={"color": GREY, "width": 1.5, "dash": "dashdot"})
        figure.add_annotation(
            x=wall_time(instant, zone),
            y=1,
            yref="paper",
            text="new reference",
            yanchor="bottom",
            showarrow=False,
            font={"size": 11, "color": GREY},
        )


def draw_unfinished(figure: go.Figure, frame: pl.DataFrame, zone: str) -> None:
    """Hatch the windows that are open or whose labels still arrive."""
    if "phase" not in frame.columns:
        return
    unfinished = frame.filter(pl.col("phase") != "closed")
    if not unfinished.height:
        return
    length = unfinished["window_end"] - unfinished["window_start"]
    figure.add_bar(
        x=wall_times(unfinished["window_start"] + length / 2, zone),
        y=np.ones(unfinished.height),
        width=length.dt.total_milliseconds().to_numpy(),
        yaxis="y2",
        marker={
            "color": transparent(GREY, 0.12),
            "line": {"width": 0},
            "pattern": {"shape": "/", "fgcolor": transparent(GREY, 0.55), "size": 7, "solidity": 0.15},
        },
        text=["window still open" if p == "open" else "labels still arriving" for p in unfinished["phase"]],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
