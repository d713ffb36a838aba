"""Values per window: lines with their intervals, bars and heat maps.

Rows have `window_start`, `window_end`, `value` and, where there are any, `lower`, `upper`, `n`, `expected`,
`reference_id`, `usual` (of the volume), `phase` (closed, open, immature) and `labelled` (the share of labels
so far). No row and a null value are both a gap, never a zero; what is partial stands apart from the line.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import numpy as np
import plotly.graph_objects as go
import polars as pl

from core.charts import marks
from core.charts.style import COLOURS, Reading, empty, transparent
from core.charts.windows import thinned, wall_time, wall_times, whole_days, window_middle, with_gaps
from core.entities import Annotation
from core.usual import Normal

NOISY = 90  # more windows than this get their running middle drawn over them


def over_time(
    lines: Mapping[str, pl.DataFrame],
    *,
    zone: str,
    reading: Reading | None = None,
    normal: Normal | None = None,
    limit: float | None = None,
    limit_name: str = "",
    reference_until: datetime | None = None,
    notes: str | None = None,
    fewest: int = 0,
    until: datetime | None = None,
    annotated: Sequence[Annotation] = (),
    dashed: Collection[str] = (),
) -> go.Figure:
    """Return values per window as lines with their interval bands.

    Where the first line has `expected`, what chance alone would show is drawn in grey.

    Parameters
    ----------
    lines : name → frame
        In drawing order; a name "" hides the legend.
    normal : what the reference windows showed, drawn as a grey line and band.
    limit : a line to compare with, such as 0.8 for a ratio.
    reference_until : end of the reference period, drawn as a shaded stretch.
    notes : a column shown in the hover of each point.
    fewest : windows on fewer rows are drawn as faint points, apart from the line.
    until : the right end of the time axis, so that a silence up to now shows.
    annotated : what people explained, drawn as bands.
    dashed : names of lines that are estimated, not measured.
    """
    reading = reading or Reading()
    every = pl.concat([frame.select("window_start", "window_end") for frame in lines.values()])
    figure = _frame(reading)
    if every.height:
        first, last = _span(every, zone, until)
        figure.layout.xaxis.range = _reach(first, last)
        marks.draw_normal(figure, normal, first, last)
        marks.draw_limit(figure, limit, limit_name)
        marks.draw_annotations(figure, annotated, zone, first, last)
        if reference_until is not None and wall_time(reference_until, zone) > first:
            marks.draw_reference_period(figure, first, min(wall_time(reference_until, zone), last))
    for colour, (name, frame) in zip(COLOURS * 9, lines.items(), strict=False):
        complete, partial = _by_phase(frame)
        enough, few = _by_rows(complete, fewest)
        marks.draw_few(figure, few, zone, fewest, reading.format)
        marks.draw_partial(figure, partial, _partial_details(partial, reading), zone, colour, reading)
        noisy = enough["value"].count() > NOISY
        dash = "dash" if name in dashed else "solid"
        _draw_line(figure, name, enough, zone, reading, colour, notes, faint=noisy, dash=dash)
        if noisy:
            marks.draw_course(figure, with_gaps(enough), zone, colour, name, dash)
    whole = next(iter(lines.values()))
    marks.draw_chance(figure, whole, zone)
    marks.draw_usual(figure, whole, zone)
    marks.draw_breaks(figure, whole, zone)
    marks.draw_unfinished(figure, whole, zone)
    return figure


def bars_over_time(
    frame: pl.DataFrame,
    *,
    zone: str,
    reading: Reading | None = None,
    until: datetime | None = None,
    annotated: Sequence[Annotation] = (),
) -> go.Figure:
    """Return one bar per window up to `until`; windows without rows stay empty."""
    reading = reading or Reading(format=",.0f", zero=True)
    shown = thinned(frame)
    figure = _frame(reading, bargap=0.15 if shown.height < 120 else 0)
    figure.add_bar(
        x=wall_times(shown.select(window_middle()).to_series(), zone),
        y=shown["value"].to_numpy(),
        marker_color=COLOURS[0],
        marker_line_width=0,
        showlegend=False,
        hovertemplate=f"%{{x|%-d %b %Y}}<br><b>%{{y:{reading.format}}}{reading.suffix}</b><extra></extra>",
    )
    marks.draw_usual(figure, frame.with_columns(window_start=window_middle()), zone)
    if frame.height:
        first, last = figure.layout.xaxis.range = _span(frame, zone, until)
        marks.draw_annotations(figure, annotated, zone, first, last)
    marks.draw_unfinished(figure, frame, zone)
    return figure


def heat_over_time(
    frame: pl.DataFrame,
    *,
    zone: str,
    reading: Reading | None = None,
    annotated: Sequence[Annotation] = (),
) -> go.Figure:
    """Return a heat map of `value` by `column` and window (Cividis: dark is low), the worst column on top."""
    reading = reading or Reading(format=".1~%")
    order = (
        frame.group_by("column").agg(pl.col("value").max()).sort("value", "column", descending=[False, True])
    )
    wide = frame.pivot(on="column", index="window_start", values="value").sort("window_start")
    columns = order["column"].to_list()
    figure = _frame(
        reading,
        height=60 + max(60, 22 * len(columns)),
        yaxis={"tickformat": None, "showgrid": False, "tickmode": "linear", "dtick": 1},
        xaxis={"nticks": 4},
    )
    figure.add_heatmap(
        x=wall_times(wide["window_start"], zone),
        y=columns,
        z=wide.select(columns).to_numpy().T.astype("float32"),
        zmin=0,
        colorscale="Cividis",
        colorbar={"thickness": 10, "tickformat": reading.format, "outlinewidth": 0},
        hovertemplate=f"%{{y}}<br>%{{x|%-d %b %Y}}<br><b>%{{z:{reading.format}}}</b><extra></extra>",
        xgap=0,
        ygap=1,
    )
    if frame.height:
        marks.draw_annotations(figure, annotated, zone, *_span(frame, zone, None), layer="above")
    return figure


def _by_phase(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the frame without the values of windows that are not complete yet, and those rows apart."""
    if "phase" not in frame.columns or (frame["phase"] == "closed").all():
        return frame, frame.clear()
    closed = pl.col("phase") == "closed"
    return _without_values(frame, closed), frame.filter(~closed & pl.col("value").is_not_null())


def _by_rows(frame: pl.DataFrame, fewest: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the frame without the values on fewer rows (gaps no line crosses), and those rows apart."""
    if not fewest or (frame["n"].fill_null(0) >= fewest).all():
        return frame, frame.clear()
    enough = pl.col("n") >= fewest
    return _without_values(frame, enough), frame.filter(~enough & pl.col("value").is_not_null())


def _without_values(frame: pl.DataFrame, kept: pl.Expr) -> pl.DataFrame:
    names = [name for name in ("value", "lower", "upper") if name in frame.columns]
    return frame.with_columns(pl.when(kept).then(pl.col(name)).alias(name) for name in names)


def _span(windows: pl.DataFrame, zone: str, until: datetime | None) -> list[datetime]:
    first, last = windows["window_start"].min(), windows["window_end"].max()
    return [wall_time(first, zone), wall_time(max(last, until or last), zone)]  # type: ignore[type-var]


def _reach(first: datetime, last: datetime) -> list[datetime]:
    # Half a marker of room on both sides.
    room = (last - first) / 100
    return [first - room, last + room]


def _frame(
    reading: Reading,
    xaxis: Mapping[str, object] | None = None,
    yaxis: Mapping[str, object] | None = None,
    **layout: object,
) -> go.Figure:
    x = {"type": "date", "showgrid": False, "nticks": 6, "tickangle": 0}
    y = {
        "tickformat": reading.format,
        "ticksuffix": reading.suffix,
        "rangemode": "tozero" if reading.zero else "normal",
        "nticks": 6,
    }
    second = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    return empty(x | dict(xaxis or {}), y | dict(yaxis or {}), yaxis2=second, hovermode="closest", **layout)


def _draw_line(
    figure: go.Figure,
    name: str,
    frame: pl.DataFrame,
    zone: str,
    reading: Reading,
    colour: str,
    notes: str | None,
    *,
    faint: bool = False,
    dash: str = "solid",
) -> None:
    thin = thinned(frame.sort("window_start"))
    shown = with_gaps(thin) if thin.height == frame.height else thin
    x = wall_times(shown["window_start"], zone)
    y = shown["value"].cast(pl.Float64).to_numpy()
    if {"lower", "upper"} <= set(shown.columns):
        low, high = (shown[name].cast(pl.Float32).to_numpy() for name in ("lower", "upper"))
        _draw_band(figure, x, low, high, colour)
    present = np.isfinite(y)
    alone = present & ~np.r_[False, present[:-1]] & ~np.r_[present[1:], False]
    day = "%a %-d %b %Y" if whole_days(frame) else "%a %-d %b %Y %H:%M"
    figure.add_scatter(
        x=x,
        y=y,
        name=name,
        showlegend=bool(name) and not faint,
        mode="lines+markers",
        connectgaps=False,
        line={
            "color": transparent(colour, 0.45) if faint else colour,
            "width": 1.2 if faint else 2,
            "dash": dash,
        },
        marker={"color": colour, "size": np.where(alone | (len(y) <= 120), 5, 0), "line": {"width": 0}},
        text=_details(shown, reading, notes),
        hovertemplate=f"%{{x|{day}}}<br><b>%{{y:{reading.format}}}{reading.suffix}</b>%{{text}}"
        f"<extra>{name}</extra>",
    )


def _draw_band(figure: go.Figure, x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str) -> None:
    # One closed outline per unbroken stretch; `tonexty` would draw across the gaps.
    good = np.isfinite(low) & np.isfinite(high)
    stretches = [
        part
        for part in np.split(np.arange(len(x)), np.flatnonzero(np.diff(good.astype(int))) + 1)
        if part.size
    ]
    xs: list[np.ndarray] = []
    ys: list[np.ndarray] = []
    for part in (p for p in stretches if good[p[0]] and p.size > 1):
        xs += [x[part], x[part][::-1], np.array([np.nan])]
        ys += [high[part], low[part][::-1], np.array([np.nan], "float32")]
    if xs:
        figure.add_scatter(
            x=np.concatenate(xs),
            y=np.concatenate(ys),
            fill="toself",
            mode="lines",
            line={"width": 0},
            fillcolor=transparent(colour, 0.18),
            hoverinfo="skip",
            showlegend=False,
        )


def _partial_details(partial: pl.DataFrame, reading: Reading) -> list[str]:
    """Say of each partial value how many of its labels have come, besides what is said of any value."""
    if not partial.height:
        return []
    came = pl.format("partial, {} of its labels so far", _percent("labelled"))
    waiting = came if "labelled" in partial.columns else pl.lit("partial, labels still arrive")
    still_open = pl.when(pl.col("phase") == "open").then(pl.lit("partial, window still open"))
    return _details(partial.with_columns(_note=still_open.otherwise(waiting)), reading, "_note")


def _percent(name: str) -> pl.Expr:
    return pl.format("{} %", (pl.col(name).fill_null(0.0) * 100).floor().cast(pl.Int64))


def _details(frame: pl.DataFrame, reading: Reading, notes: str | None) -> list[str]:
    empty = pl.Series([None] * frame.height)
    names = ("lower", "upper", "n", notes or "")
    columns = (frame[name] if name in frame.columns else empty for name in names)
    texts = []
    for low, high, n, note in zip(*columns, strict=True):
        text = f"<br>{note}" if note else ""
        if low is not None and high is not None:
            text += f"<br>95 % between {reading.text(low)} and {reading.text(high)}"
        texts.append(text + (f"<br>n = {n:,.0f}" if n is not None else ""))
    return texts
