"""The tab Health: the facts of the newest window, then volume, headline metric and drift over time."""

import polars as pl
import streamlit as st

from core import charts, views
from core.entities import ModelStatus
from core.numerals import significant
from core.usual import with_usual
from pages import _model_alerts
from pages._model_parts import Selection, draw, drawn, metric_chart, normals, nothing, series, title, until
from pages._shared import read


def show(chosen: Selection) -> None:
    """Show the tab."""
    status = chosen.page.status
    if status is None:
        st.info(
            "No sweep has looked at this model yet; `steward run --once` does.", icon=":material/schedule:"
        )
        return
    _model_alerts.show(chosen)
    facts(status)
    headline = status.headline or "labelled_share"
    frame = series(chosen, ("volume", headline), columns=("",))
    left, right = st.columns(2)
    with left:
        metric_chart(chosen, "volume", frame, bars=True)
    with right:
        metric_chart(chosen, headline, frame, normals(chosen, (headline,)).get(headline))
    drifted_columns(chosen)


def facts(status: ModelStatus) -> None:
    """Show the newest window's numbers; their arrows are grey, because nothing has judged them."""
    with st.container(horizontal=True):
        if status.headline and status.headline_value is not None:
            change = (
                status.headline_value - status.headline_reference
                if status.headline_reference is not None
                else None
            )
            st.metric(
                title(status.headline),
                significant(status.headline_value),
                None if change is None else f"{change:+.2g}",
                delta_color="off",
                delta_description=None if change is None else "against usual",
                help="Newest window with complete labels, at least 30 of them; usual is the middle of its "
                "values in the windows of the reference.",
                border=True,
                width=215,
            )
        _fact(
            "Strongest drift",
            status.drift_value,
            ".2f",
            _in_column(status.drift_column),
            "Jensen-Shannon distance, newest window, of the column that exceeds most what is usual for it.",
        )
        _fact(
            "Most missing",
            status.missing_value,
            ".1%",
            _in_column(status.missing_column),
            "Share of rows without a value.",
        )
        _fact(
            "Widest group gap",
            status.fairness_value,
            ".2f",
            f"by {status.fairness_attribute}",
            "Largest difference between the groups of a protected attribute.",
        )
        _fact("Rows", status.rows, ",", "newest window", "Predictions in the newest closed window.")


def _in_column(name: str | None) -> str | None:
    return f"in {name}" if name else None


def _fact(name: str, value: float | None, spec: str, where: str | None, meaning: str) -> None:
    if value is not None:
        st.metric(
            name,
            f"{value:{spec}}",
            where,
            delta_color="off",
            delta_arrow="off",
            help=meaning,
            border=True,
            width=165,
        )


def drifted_columns(chosen: Selection) -> None:
    """Draw how many columns left the range that is usual for them."""
    metric = "jensen_shannon"
    frame = series(chosen, (metric,)).filter(pl.col("value").is_not_null())
    reference = read(views.reference_series, chosen.slug, (metric,), chosen.segment)
    with st.container(border=True, gap="xsmall"):
        st.markdown(
            "**Columns that differ more than usual from the reference**",
            help="Columns whose Jensen-Shannon distance lies above that of 19 in 20 reference windows; "
            "so about one in twenty does without any drift. The tab Drift names them.",
        )
        if not frame.height or not reference.height:
            waits = chosen.page.status.state == "learning" if chosen.page.status else False
            nothing(
                "the reference is not complete yet" if waits else "no column is compared with a reference"
            )
            return
        counted = (
            with_usual(frame, reference)
            .group_by("window_start", "window_end", "phase", "reference_id")
            .agg(value=(pl.col("excess") > 0).sum().cast(pl.Float64))
            .sort("window_start")
        )
        draw(
            drawn(
                charts.bars_over_time,
                counted,
                zone=chosen.zone,
                until=until(chosen),
                annotated=chosen.page.annotations,
            ),
            f"Columns of {chosen.slug} that differ more than usual, per window",
            key="drifted-columns",
        )
        st.caption(f"Of {frame['column'].n_unique()} columns compared.")
