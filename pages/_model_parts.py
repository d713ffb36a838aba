"""What the tabs of the Model page share: the selected stretch, a metric's series and how it is drawn."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import plotly.graph_objects as go
import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import charts, views
from core.catalogue import CATALOGUE
from core.declaration import Declaration
from core.entities import Actor
from core.health import MINIMUM_LABELLED
from pages._shared import read, section

LOADING_PX = 2 * charts.HEIGHT  # two rows of cards: what a tab shows first
PLAIN_CHART = {"displayModeBar": False, "displaylogo": False, "responsive": True}


@dataclass(frozen=True)
class Selection:
    """What the filters above the tabs select: `start` and `end` are instants, None = no limit."""

    page: views.ModelPage
    start: datetime | None
    end: datetime | None
    segment: str
    actor: Actor

    @property
    def slug(self) -> str:
        """The model's name."""
        return self.declaration.model

    @property
    def declaration(self) -> Declaration:
        """What the team declared."""
        return self.page.declaration

    @property
    def zone(self) -> str:
        """The model's time zone, in which everything is drawn."""
        return self.declaration.predictions.timezone


def series(
    chosen: Selection, metrics: Sequence[str], columns: Sequence[str] | None = None, group: str | None = ""
) -> pl.DataFrame:
    """Return the metrics of the selected stretch and segment."""
    names = None if columns is None else tuple(columns)
    asked = (chosen.slug, tuple(metrics), chosen.start, chosen.end, chosen.segment, names, group)
    with st.skeleton(height=LOADING_PX):
        return read(views.series, *asked)


def normals(chosen: Selection, metrics: Sequence[str]) -> Mapping[str, charts.Normal]:
    """Return what the reference windows showed of metrics about the whole model."""
    frame = read(views.reference_series, chosen.slug, tuple(metrics), chosen.segment)
    whole = frame.filter((pl.col("column") == "") & (pl.col("phase") == "closed") & (pl.col("group") == ""))
    found = (
        (str(name), charts.Normal.of(mine.filter(_rests_on(fewest(str(name))))))
        for (name,), mine in whole.partition_by("metric", as_dict=True).items()
    )
    return {name: normal for name, normal in found if normal is not None}


def title(metric: str) -> str:
    """Return a metric's title; a custom metric is called by its name."""
    return CATALOGUE[metric].title if metric in CATALOGUE else metric


def meaning(metric: str) -> str | None:
    """Return a metric's definition for the help mark."""
    return CATALOGUE[metric].definition if metric in CATALOGUE else None


def pick_metric(label: str, names: Sequence[str], key: str, *, width: int = 260, row: bool = False) -> str:
    """Show metrics by their titles, in a row of buttons or a list; the address has the name under `key`.

    Streamlit's own binding would write the title into the address.
    """
    titles = {title(name): name for name in names}
    asked, widget = st.query_params.get(key, ""), f"{key}-title"
    st.session_state[widget] = title(asked if asked in names else names[0])

    def remember() -> None:
        st.query_params[key] = titles[st.session_state[widget]]

    if row:
        st.segmented_control(label, list(titles), required=True, key=widget, on_change=remember)
    else:
        st.selectbox(label, list(titles), key=widget, on_change=remember, width=width)
    return titles[st.session_state[widget]]


def reading(metric: str) -> charts.Reading:
    """Return how a metric's numbers are written."""
    info = CATALOGUE.get(metric)
    if metric.endswith(("_share", "_rate")) or metric in ("tpr", "fpr", "fnr"):
        return charts.Reading(".1~%", zero=True)
    if info is None:
        return charts.Reading()
    if info.unit == "rows":
        return charts.Reading(",.0f", zero=True)
    unit = "" if info.unit in ("label", "column", "nats", "standard deviations") else info.unit
    return charts.Reading(unit=unit, zero=info.family in ("drift", "operations"))


def fewest(metric: str) -> int:
    """Return on how many rows a window's value must rest to be drawn in the line and to count as usual."""
    info = CATALOGUE.get(metric)
    return MINIMUM_LABELLED if info is not None and info.family == "performance" else 0


def _rests_on(rows: int) -> pl.Expr:
    return pl.col("n").fill_null(rows) >= rows


def metric_chart(
    chosen: Selection,
    metric: str,
    frame: pl.DataFrame,
    normal: charts.Normal | None = None,
    *,
    bars: bool = False,
    key: str = "",
) -> None:
    """Draw one metric of the selected stretch in a card, and its estimate dashed where the frame has it.

    Says why where there is nothing to draw.
    """
    with st.container(border=True, gap="xsmall"), section(title(metric)):
        st.markdown(f"**{title(metric)}**", help=meaning(metric))
        mine = frame.filter(pl.col("metric") == metric)
        if metric == "labelled_share":
            mine = mine.drop("lower", "upper")  # counted, not estimated: it has no interval
        estimated = frame.filter((pl.col("metric") == f"estimated_{metric}") & (pl.col("column") == ""))
        if estimated["value"].drop_nulls().len():
            beside_estimate(chosen, metric, mine, estimated, normal)
            return
        if not mine["value"].drop_nulls().len():
            nothing(mine["reason"].drop_nulls().mode()[0] if mine["reason"].drop_nulls().len() else None)
            return
        if (mine["value"].fill_null(0) == 0).all():
            st.caption(":material/check: Zero in every window shown.")
            return
        if bars:
            figure = drawn(
                charts.bars_over_time,
                mine,
                zone=chosen.zone,
                until=until(chosen),
                annotated=chosen.page.annotations,
            )
        else:
            figure = drawn(
                charts.over_time,
                {"": mine},
                zone=chosen.zone,
                reading=reading(metric),
                normal=normal,
                reference_until=reference_end(chosen),
                fewest=fewest(metric),
                until=until(chosen),
                annotated=chosen.page.annotations,
            )
        draw(figure, f"{title(metric)} of {chosen.slug} per window", key=f"{metric}{key}")


def beside_estimate(
    chosen: Selection,
    metric: str,
    mine: pl.DataFrame,
    estimated: pl.DataFrame,
    normal: charts.Normal | None,
) -> None:
    """Draw a metric as labels showed it, and dashed as it was estimated without them."""
    known = mine["value"].drop_nulls().len() > 0
    lines = {"from labels": mine} if known else {}
    # The estimate rests on all rows: its line goes on where labels still arrive or never come.
    lines |= {"estimated": estimated.drop("lower", "upper") if known else estimated}
    figure = drawn(
        charts.over_time,
        lines,
        zone=chosen.zone,
        reading=reading(metric),
        normal=normal,
        reference_until=reference_end(chosen),
        fewest=fewest(metric),
        until=until(chosen),
        annotated=chosen.page.annotations,
        dashed=("estimated",),
    )
    draw(figure, f"{title(metric)} of {chosen.slug} per window, and its estimate", key=metric)
    error = views.estimate_error(mine, estimated, after=reference_end(chosen), fewest=fewest(metric))
    if error is None:
        st.caption("Dashed: estimated without labels. No window after the reference can tell yet how well.")
    else:
        st.caption(
            f"Dashed: estimated without labels, off by {error.mean:.3g} on average in the {error.windows:,} "
            "complete windows after the reference."
        )


def reference_end(chosen: Selection) -> datetime | None:
    """Return the end of the reference period, which charts shade; None where the reference is no period."""
    reference = chosen.page.reference
    if reference is None or reference.last_window is None:
        return None
    return chosen.declaration.calendar.containing(reference.last_window).end


def until(chosen: Selection) -> datetime:
    """Return where time axes end: now or the end of the stretch, so that a silence shows as empty space."""
    return min(chosen.end or chosen.page.now, chosen.page.now)


def drawn(
    chart: Callable[..., go.Figure], data: pl.DataFrame | Mapping[str, pl.DataFrame], **options: Any
) -> go.Figure:
    """Return ``chart(data, **options)``, remembered by what it shows: a team looks at the same model."""
    content = hashlib.sha256(repr((chart.__name__, options)).encode())
    for name, frame in (data if isinstance(data, Mapping) else {"": data}).items():
        content.update(repr((name, frame.columns)).encode())
        content.update(frame.hash_rows().to_numpy().tobytes())
    return remembered(content.hexdigest(), chart, data, options)


@st.cache_resource(ttl=timedelta(seconds=60), max_entries=200, show_spinner=False)
def remembered(
    content: str, _chart: Callable[..., go.Figure], _data: Any, _options: Mapping[str, Any]
) -> go.Figure:
    """Return ``_chart(_data, **_options)``, remembered under `content`, which names all it shows."""
    figure = _chart(_data, **_options)
    sent = figure.to_dict()
    figure.to_dict = lambda: sent  # asked for in every run; plotly takes longer for it than all else takes
    return figure


def draw(figure: go.Figure, alt: str, key: str | None = None) -> None:
    """Show a figure without the toolbar; `alt` is its name for screen readers."""
    st.plotly_chart(figure, config=PLAIN_CHART, alt=alt, key=f"chart-{key}" if key else None)


def nothing(reason: str | None = None) -> None:
    """Show that there is no number here, and why: an empty chart would look like zero."""
    st.caption(
        f":material/signal_disconnected: No data{': ' + reason if reason else ' in this stretch of time'}."
    )


def grid(count: int) -> list[DeltaGenerator]:
    """Return `count` places for cards, two in a row; one in a row on a phone."""
    places: list[DeltaGenerator] = []
    for start in range(0, count, 2):
        places += st.columns(2)[: min(2, count - start)]
    return places
