"""The plots of a model card on a page: a metric's course, and values with their intervals."""

import plotly.graph_objects as go
import polars as pl

from core.card import Course, Intervals
from core.charts.over_time import over_time
from core.charts.style import COLOURS, empty
from core.usual import Normal


def card_plot(block: Course | Intervals, zone: str) -> go.Figure:
    """Return a card's plot; times are drawn in `zone`."""
    return _course(block, zone) if isinstance(block, Course) else _intervals(block)


def _course(block: Course, zone: str) -> go.Figure:
    frame = pl.DataFrame(
        {
            "window_start": [point.at for point in block.points],
            **{name: [getattr(p, name) for p in block.points] for name in ("value", "lower", "upper")},
        },
        schema_overrides=dict.fromkeys(("value", "lower", "upper"), pl.Float64)
        | {"window_start": pl.Datetime("us", "UTC")},
    )
    step = frame["window_start"].diff().median()
    frame = frame.with_columns(
        window_end=pl.col("window_start") + (step if step is not None else pl.duration(days=1))
    )
    normal = None
    if block.usual is not None:
        low, middle, high = block.usual
        normal = Normal(middle, low, high)
    return over_time({"": frame}, zone=zone, normal=normal)


def _intervals(block: Intervals) -> go.Figure:
    rows = block.rows[::-1]  # plotly draws from below
    places = list(range(len(rows)))
    figure = empty(
        {"showgrid": True, "tickformat": ",.3~r"},
        {
            "tickmode": "array",
            "tickvals": places,
            "ticktext": [_shown(row.label) for row in rows],
            "range": [-0.6, len(rows) - 0.4],
            "showgrid": False,
        },
        height=max(110, 50 + 26 * len(rows)),
        showlegend=False,
    )
    figure.add_scatter(
        x=[row.value for row in rows],
        y=places,
        mode="markers",
        marker={"size": 9, "color": COLOURS[0]},
        error_x={
            "array": [(row.upper if row.upper is not None else row.value) - row.value for row in rows],
            "arrayminus": [row.value - (row.lower if row.lower is not None else row.value) for row in rows],
            "thickness": 2,
            "width": 4,
            "color": COLOURS[0],
        },
        hovertemplate="<b>%{x:.4~g}</b><extra></extra>",
    )
    asked = [
        (row.threshold, place) for row, place in zip(rows, places, strict=True) if row.threshold is not None
    ]
    if asked:
        figure.add_scatter(
            x=[threshold for threshold, _ in asked],
            y=[place for _, place in asked],
            mode="markers",
            marker={"symbol": "line-ns", "size": 16, "line": {"width": 2.5, "color": COLOURS[1]}},
            hovertemplate="asked for %{x:.4~g}<extra></extra>",
        )
    return figure


def _shown(label: str) -> str:
    short = label if len(label) <= 36 else label[:35] + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;")
