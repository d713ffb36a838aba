"""One stretch of time at a glance: distributions against the reference, calibration, confusion, groups."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import polars as pl
from numpy.typing import ArrayLike

from core.charts.style import COLOURS, GREY, HEIGHT, Reading, empty, transparent

BINS = 40
TAIL = 0.005
CIVIDIS_IS_LIGHT_FROM = 0.5


def distribution(edges: ArrayLike, reference: ArrayLike, current: ArrayLike, *, unit: str = "") -> go.Figure:
    """Return two numeric distributions as shares of equal-width bins, the reference as a grey area.

    The stored bins hold equal shares of the reference, so drawn as they are the reference would be flat. They
    are redrawn at equal width, assuming even spread inside a stored bin; what lies outside the middle 99 % of
    both sides is gathered in the first and the last bar.

    Parameters
    ----------
    edges : shape (m + 1,)
    reference, current : shape (m + 2,)
        Counts below, per bin, above.
    """
    edges = np.asarray(edges, float)
    sides = [np.cumsum(np.asarray(counts, float)) for counts in (reference, current)]
    cumulative = [side[:-1] / max(side[-1], 1.0) for side in sides]  # share at or below each edge
    low = min(_quantile(edges, c, TAIL) for c in cumulative)
    high = max(_quantile(edges, c, 1 - TAIL) for c in cumulative)
    ticks = np.linspace(low, high if high > low else low + 1, BINS + 1)
    figure = _frame("share of rows", Reading(".1~%", zero=True), {"title": unit or None})
    for name, c, colour in (("reference", cumulative[0], GREY), ("selected", cumulative[1], COLOURS[0])):
        at = np.interp(ticks, edges, c)
        at[0], at[-1] = 0.0, 1.0
        shares = np.diff(at)
        figure.add_scatter(
            x=np.repeat(ticks, 2)[1:-1],
            y=np.repeat(shares, 2),
            name=name,
            mode="lines",
            line={"color": colour, "width": 2 if name == "selected" else 1},
            fill="tozeroy" if name == "reference" else None,
            fillcolor=transparent(GREY, 0.3),
            hovertemplate="%{x:.4~g}<br>%{y:.2%}<extra>" + name + "</extra>",
        )
    return figure


def values(names: Sequence[str], reference: ArrayLike, current: ArrayLike, *, most: int = 15) -> go.Figure:
    """Return the shares of a categorical column's values as paired bars, the commonest first.

    Parameters
    ----------
    names : the values, with "other" and "unseen" last
    reference, current : counts in the order of `names`
    most : values drawn one by one; the rest are added up in one bar
    """
    shares = np.stack([_shares(reference), _shares(current)])
    order = np.argsort(-shares.max(axis=0), kind="stable")
    shown, rest = order[:most], order[most:]
    labels = [str(names[i]) for i in shown]
    drawn = shares[:, shown]
    if rest.size:
        labels.append(f"{rest.size} more")
        drawn = np.c_[drawn, shares[:, rest].sum(axis=1)]
    figure = _frame(
        "",
        Reading(zero=True),
        {"tickformat": ".0%", "title": "share of rows"},
        {"autorange": "reversed", "tickformat": None, "type": "category"},
        height=max(HEIGHT, 70 + 26 * len(labels)),
        bargap=0.25,
    )
    for name, row, colour in (("reference", drawn[0], GREY), ("selected", drawn[1], COLOURS[0])):
        figure.add_bar(
            x=row,
            y=labels,
            orientation="h",
            name=name,
            marker_color=colour,
            hovertemplate="%{y}<br>%{x:.2%}<extra>" + name + "</extra>",
        )
    return figure


def calibration(frame: pl.DataFrame) -> go.Figure:
    """Return observed rate against mean score, with intervals and the diagonal.

    Parameters
    ----------
    frame : columns `score` (mean of the bin), `rate`, `lower`, `upper`, `n`
    """
    whole = [-0.02, 1.02]
    figure = _frame(
        "observed rate",
        Reading(".0%"),
        {"title": "mean score", "tickformat": ".0%", "range": whole},
        {"range": whole},
        height=320,
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": GREY, "dash": "dash", "width": 1.5},
        name="perfect",
        hoverinfo="skip",
    )
    rate = frame["rate"].to_numpy()
    figure.add_scatter(
        x=frame["score"].to_numpy(),
        y=rate,
        mode="lines+markers",
        name="selected range",
        line={"color": COLOURS[0], "width": 2},
        marker={"size": 7},
        error_y={
            "array": frame["upper"].to_numpy() - rate,
            "arrayminus": rate - frame["lower"].to_numpy(),
            "thickness": 1,
            "width": 3,
        },
        text=[f"{n:,}" for n in frame["n"]],
        hovertemplate="mean score %{x:.1%}<br>observed <b>%{y:.1%}</b><br>n = %{text}<extra></extra>",
    )
    return figure


def confusion(counts: ArrayLike, classes: Sequence[str]) -> go.Figure:
    """Return a confusion matrix: rows are labels, columns predictions, colour is the share of the row.

    Parameters
    ----------
    counts : shape (label, prediction)
    """
    table = np.asarray(counts, float)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    text = [
        [f"{share:.1%}<br>{int(n):,}" for share, n in zip(s, c, strict=True)]
        for s, c in zip(shares, table, strict=True)
    ]
    # Plotly would choose between black and white as if on the theme's own ground.
    notes = [
        {
            "x": x,
            "y": y,
            "text": text[y][x],
            "showarrow": False,
            "font": {"color": "#FFFFFF" if shares[y, x] < CIVIDIS_IS_LIGHT_FROM else "#17202B"},
        }
        for y, x in np.ndindex(shares.shape)
    ]
    figure = _frame(
        "label",
        Reading(""),
        {"title": "predicted", "type": "category", "showgrid": False},
        {"autorange": "reversed", "type": "category", "showgrid": False},
        height=max(260, 90 + 56 * len(classes)),
        annotations=notes,
    )
    figure.add_heatmap(
        x=list(classes),
        y=list(classes),
        z=shares,
        text=text,
        zmin=0,
        zmax=1,
        colorscale="Cividis",
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="label %{y}<br>predicted %{x}<br>%{text} of this label<extra></extra>",
    )
    return figure


def groups(frame: pl.DataFrame, *, reading: Reading | None = None, overall: float | None = None) -> go.Figure:
    """Return one value per group as a point with its interval; hollow points rest on too few rows to judge.

    Parameters
    ----------
    frame : columns `group`, `value`, `lower`, `upper`, `n`, `judged`
    overall : the value of all rows, drawn as a line
    """
    reading = reading or Reading(".1~%")
    rows = frame.drop_nulls("value").sort("value", descending=True)
    value = rows["value"].to_numpy()
    figure = _frame(
        "",
        reading,
        {"tickformat": reading.format, "showgrid": True},
        {"type": "category", "tickformat": None},
        height=max(160, 60 + 30 * rows.height),
        showlegend=False,
    )
    if overall is not None:
        figure.add_vline(x=overall, line={"color": GREY, "dash": "dash", "width": 1.5})
    figure.add_scatter(
        x=value,
        y=rows["group"].to_list(),
        mode="markers",
        marker={
            "size": 10,
            "color": COLOURS[0],
            "symbol": ["circle" if judged else "circle-open" for judged in rows["judged"]],
        },
        error_x={
            "array": (rows["upper"].fill_null(rows["value"]) - rows["value"]).to_numpy(),
            "arrayminus": (rows["value"] - rows["lower"].fill_null(rows["value"])).to_numpy(),
            "thickness": 2,
            "width": 4,
            "color": COLOURS[0],
        },
        text=[
            f"{n:,}" + ("" if j else " (too few to judge)")
            for n, j in zip(rows["n"], rows["judged"], strict=True)
        ],
        hovertemplate=f"%{{y}}<br><b>%{{x:{reading.format}}}</b><br>n = %{{text}}<extra></extra>",
    )
    return figure


def _frame(
    y_title: str,
    reading: Reading,
    xaxis: Mapping[str, object],
    yaxis: Mapping[str, object] | None = None,
    **layout: object,
) -> go.Figure:
    y = {
        "title": y_title or None,
        "tickformat": reading.format or None,
        "rangemode": "tozero" if reading.zero else "normal",
    }
    return empty(xaxis, y | dict(yaxis or {}), **layout)


def _shares(counts: ArrayLike) -> np.ndarray:
    values = np.asarray(counts, float)
    shares: np.ndarray = values / max(float(values.sum()), 1.0)
    return shares


def _quantile(edges: np.ndarray, cumulative: np.ndarray, share: float) -> float:
    rising = np.flatnonzero(np.diff(cumulative, prepend=-1.0) > 0)
    return float(np.interp(share, cumulative[rising], edges[rising]))
