"""A monitor's course: the values it judged, the bands in which it alarms, its breaches and its alerts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import plotly.graph_objects as go
import polars as pl

from core.charts.episodes import SEVERITY_COLOURS
from core.charts.over_time import over_time
from core.charts.style import GREY, MAX_POINTS, Reading, transparent
from core.charts.windows import wall_time, wall_times
from core.entities import Annotation

HEIGHT = 320
_SIDES = ("low", "high")
_MARKS = {1: ("warning", "diamond"), 2: ("critical", "triangle-up")}


def monitored(
    frames: Mapping[str, pl.DataFrame],
    *,
    zone: str,
    reading: Reading | None = None,
    banded: bool = True,
    until: datetime | None = None,
    annotated: Sequence[Annotation] = (),
) -> go.Figure:
    """Return one target's values with the bands of its rule.

    Parameters
    ----------
    frames : ``verdicts``, VERDICTS of one monitor and target by time, and ``alerts``, the stretches in which
        it alarms: `start`, `end`, `severity`
    banded : whether what lies beyond a limit is a breach; else the limit only shows what is usual
    until : the right end of the time axis
    annotated : what people explained, drawn as bands
    """
    verdicts, form = frames["verdicts"], reading or Reading()
    judged = pl.when(pl.col("level").is_not_null()).then(pl.col("value"))
    line = verdicts.select("window_start", "window_end", value=judged)
    figure = over_time({"": line}, zone=zone, reading=form, until=until, annotated=annotated)
    low, high = _reach(verdicts, form)
    figure.layout.yaxis.range = [low, high]
    mark_alerts(figure, frames["alerts"], zone)
    if not banded:
        _draw_usual(figure, verdicts, zone, form)
    for side in _SIDES if banded else ():
        edge = low if side == "low" else high
        _draw_band(figure, verdicts, side, f"critical_{side}", edge, "warning", zone, form)
        _draw_band(figure, verdicts, f"critical_{side}", "", edge, "critical", zone, form)
    _draw_breaches(figure, verdicts, zone, form)
    _draw_unjudged(figure, verdicts, zone, form)
    figure.update_layout(height=HEIGHT)
    return figure


def mark_alerts(figure: go.Figure, alerts: pl.DataFrame, zone: str) -> None:
    """Shade the stretches of alerts (`start`, `end`, `severity`), with a bar along the time axis."""
    for severity, colour in SEVERITY_COLOURS.items():
        for start, end in alerts.filter(pl.col("severity") == severity).select("start", "end").iter_rows():
            shared = {
                "type": "rect",
                "yref": "paper",
                "x0": wall_time(start, zone),
                "x1": wall_time(end, zone),
            }
            figure.add_shape(**shared, y0=0, y1=1, fillcolor=GREY, opacity=0.13, line_width=0, layer="below")
            figure.add_shape(**shared, y0=0, y1=0.025, fillcolor=colour, line_width=0)


def _reach(verdicts: pl.DataFrame, reading: Reading) -> tuple[float, float]:
    """Return the ends of the value axis: everything drawn and the limits, with room for the bands."""
    drawn = verdicts.select("value", "low", "high", "critical_low", "critical_high").to_numpy()
    known = drawn[np.isfinite(drawn)]
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    room = (high - low or abs(high) or 1.0) * 0.08
    return (0.0 if reading.zero and low >= 0 else low - room), high + room


def _draw_band(
    figure: go.Figure,
    verdicts: pl.DataFrame,
    limit: str,
    beyond: str,
    edge: float,
    severity: str,
    zone: str,
    reading: Reading,
) -> None:
    """Draw a limit as a line and tint what lies beyond it, up to the next limit or the edge of the chart."""
    known = verdicts.filter(pl.col(limit).is_not_null())
    if not known.height:
        return
    if beyond and (known[limit] == known[beyond]).fill_null(False).all():
        return  # one limit alone, and it is critical
    x, steps = _edges(known, limit, beyond, zone)
    y = np.repeat(steps[limit].to_numpy(), 2)
    outer = np.full(len(y), edge)
    if beyond:
        outer = np.repeat(steps[beyond].fill_null(edge).to_numpy(), 2)
    colour = SEVERITY_COLOURS[severity]
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([y, outer[::-1]]),
        fill="toself",
        mode="lines",
        line={"width": 0},
        fillcolor=transparent(colour, 0.13),
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": colour, "width": 1.5, "dash": "dot" if severity == "warning" else "dash"},
        name=_named(severity, limit, steps[limit], reading),
        showlegend=True,
        hovertemplate=f"{severity} %{{y:{reading.format}}}{reading.suffix}<extra></extra>",
    )


def _draw_usual(figure: go.Figure, verdicts: pl.DataFrame, zone: str, reading: Reading) -> None:
    """Draw the upper limit as what is usual, without a band."""
    known = verdicts.filter(pl.col("high").is_not_null())
    if not known.height:
        return
    x, steps = _edges(known, "high", "", zone)
    figure.add_scatter(
        x=x,
        y=np.repeat(steps["high"].to_numpy(), 2),
        mode="lines",
        line={"color": GREY, "width": 1.5, "dash": "dot"},
        name="usual",
        showlegend=True,
        hovertemplate=f"usual %{{y:{reading.format}}}{reading.suffix}<extra></extra>",
    )


def _edges(known: pl.DataFrame, limit: str, beyond: str, zone: str) -> tuple[np.ndarray, pl.DataFrame]:
    """Return the windows at which a limit changes, and the times of its steps, two to each."""
    steps = _steps(known, limit, beyond)
    x = np.repeat(wall_times(steps["window_start"], zone), 2)[1:]
    return np.append(x, wall_times(known["window_end"][-1:], zone)), steps


def _steps(known: pl.DataFrame, limit: str, beyond: str) -> pl.DataFrame:
    """Return the windows at which a limit changes, as few as can be told apart."""
    names = [limit, beyond] if beyond else [limit]
    moved = known.filter(
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names)
        | (pl.int_range(pl.len()) == 0)
    )
    return moved.gather_every(max(1, -(-moved.height // MAX_POINTS)))


def _named(severity: str, limit: str, values: pl.Series, reading: Reading) -> str:
    if values.n_unique() > 1:
        return f"{severity} limit"
    side = "below" if limit.endswith("low") else "above"
    return f"{severity} {side} {reading.text(float(values[0]))}"


def _draw_breaches(figure: go.Figure, verdicts: pl.DataFrame, zone: str, reading: Reading) -> None:
    for level, (severity, symbol) in _MARKS.items():
        found = verdicts.filter(pl.col("level") == level)
        if found.height:
            _points(
                figure,
                found,
                zone,
                reading,
                marker={"symbol": symbol, "size": 8, "color": SEVERITY_COLOURS[severity]},
                name=f"breach, {severity}",
                text=[f"beyond the {severity} limit"] * found.height,
            )


def _draw_unjudged(figure: go.Figure, verdicts: pl.DataFrame, zone: str, reading: Reading) -> None:
    found = verdicts.filter(pl.col("level").is_null() & pl.col("value").is_not_null())
    if found.height:
        marker = {"symbol": "circle-open", "size": 5, "color": GREY, "opacity": 0.6}
        _points(
            figure, found, zone, reading, marker=marker, name="not judged", text=found["reason"].to_list()
        )


def _points(
    figure: go.Figure,
    frame: pl.DataFrame,
    zone: str,
    reading: Reading,
    *,
    marker: Mapping[str, object],
    name: str,
    text: list[str],
) -> None:
    figure.add_scatter(
        x=wall_times(frame["window_start"], zone),
        y=frame["value"].to_numpy(),
        mode="markers",
        marker=dict(marker),
        name=name,
        showlegend=True,
        text=text,
        hovertemplate=f"%{{x|%-d %b %Y}}<br><b>%{{y:{reading.format}}}{reading.suffix}</b>, %{{text}}"
        "<extra></extra>",
    )
