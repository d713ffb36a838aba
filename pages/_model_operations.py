"""The tab Cost & latency: how the serving system does."""

import polars as pl
import streamlit as st

from core import charts
from pages._model_parts import (
    Selection,
    draw,
    drawn,
    metric_chart,
    nothing,
    reading,
    reference_end,
    series,
    until,
)

LATENCIES = {"latency_p50": "p50", "latency_p95": "p95", "latency_p99": "p99"}


def show(chosen: Selection) -> None:
    """Show the tab."""
    declared = chosen.declaration
    frame = series(
        chosen,
        (*LATENCIES, "error_share", "throughput", "cost_per_prediction", *declared.custom),
        columns=None,
    )
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Latency**", help="p95: 95 of 100 predictions were answered at least this fast.")
        if declared.operations.latency_ms is None:
            undeclared("latency_ms")
        else:
            latency(chosen, frame)
    left, right = st.columns(2)
    with left:
        metric_chart(chosen, "throughput", frame)
        _declared_chart(chosen, "cost_per_prediction", "cost_usd", declared.operations.cost_usd, frame)
    with right:
        _declared_chart(chosen, "error_share", "status", declared.operations.status, frame)
        for name in declared.custom:
            metric_chart(chosen, name, frame)


def _declared_chart(
    chosen: Selection, metric: str, key: str, column: str | None, frame: pl.DataFrame
) -> None:
    if column is None:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{metric.replace('_', ' ').capitalize()}**")
            undeclared(key)
    else:
        metric_chart(chosen, metric, frame)


def latency(chosen: Selection, frame: pl.DataFrame) -> None:
    """Draw the three latency percentiles."""
    lines = {name: frame.filter(pl.col("metric") == metric) for metric, name in LATENCIES.items()}
    if not any(line["value"].drop_nulls().len() for line in lines.values()):
        nothing()
        return
    figure = drawn(
        charts.over_time,
        lines,
        zone=chosen.zone,
        reading=reading("latency_p50"),
        reference_until=reference_end(chosen),
        until=until(chosen),
        annotated=chosen.page.annotations,
    )
    draw(figure, f"Latency percentiles of {chosen.slug} per window", key="latency")


def undeclared(key: str) -> None:
    """Say which key of the declaration would bring the number."""
    nothing(f"the model declares no `operations.{key}` column")
