"""The tab Health: the facts of the newest window, then volume, headline metric and drift over time."""

import polars as pl
import streamlit as st

from core import charts
from core.entities import ModelStatus
from pages._model_parts import Selection, draw, metric_chart, normals, nothing, reference_end, series, title


def show(chosen: Selection) -> None:
    """Show the tab."""
    status = chosen.page.status
    if status is None:
        st.info(
            "No sweep has looked at this model yet; `steward run --once` does.", icon=":material/schedule:"
        )
        return
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
                f"{status.headline_value:.3g}",
                None if change is None else f"{change:+.3g}",
                delta_color="off",
                delta_description=None if change is None else "against the reference",
                border=True,
                width=215,
            )
        _fact(
            "Strongest drift",
            status.drift_value,
            ".2f",
            status.drift_column,
            "Jensen-Shannon distance, 0 to 1.",
        )
        _fact(
            "Most missing",
            status.missing_value,
            ".1%",
            status.missing_column,
            "Share of rows without a value.",
        )
        _fact(
            "Widest group gap",
            status.fairness_value,
            ".2f",
            status.fairness_attribute,
            "Largest difference between the groups of a protected attribute.",
        )
        _fact("Rows", status.rows, ",", "newest window", "Predictions in the newest closed window.")


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
    """Draw each window's strongest drift, beside what chance alone shows on as many rows."""
    frame = series(chosen, ("jensen_shannon",)).filter(pl.col("value").is_not_null())
    with st.container(border=True, gap="xsmall"):
        st.markdown(
            "**Strongest drift of any column**",
            help="Each window's largest Jensen-Shannon distance; hover for the column.",
        )
        if not frame.height:
            waits = chosen.page.status.state == "learning" if chosen.page.status else False
            nothing(
                "the reference is not complete yet" if waits else "no column is compared with a reference"
            )
            return
        worst = frame.sort("value").group_by("window_start").last().sort("window_start")
        figure = charts.over_time(
            {"": worst.drop("lower", "upper")},
            zone=chosen.zone,
            reading=charts.Reading(".2f", zero=True),
            reference_until=reference_end(chosen),
            notes="column",
        )
        draw(figure, f"Strongest drift of {chosen.slug} per window", key="strongest-drift")
