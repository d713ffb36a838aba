"""The tab Performance: metrics against late labels over time, then calibration and confusion."""

from collections.abc import Mapping

import polars as pl
import streamlit as st

from core import charts, views
from core.health import MINIMUM_LABELLED
from pages._model_parts import (
    Selection,
    draw,
    drawn,
    grid,
    metric_chart,
    normals,
    nothing,
    reference_end,
    series,
    title,
    until,
)
from pages._shared import arrow, clock_text, read, section

# The four that say most, first; the rest stand in the table below.
CHARTS = {
    "binary_classification": ("roc_auc", "f1", "calibration_gap", "log_loss"),
    "multiclass_classification": ("accuracy", "f1_macro", "log_loss", "balanced_accuracy"),
    "regression": ("mae", "bias", "rmse", "r2"),
}
MORE = {
    "binary_classification": (
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "specificity",
        "average_precision",
        "brier",
        "expected_calibration_error",
        "matthews_correlation",
        "calibration_shift",
        "label_rate",
        "prediction_rate",
    ),
    "multiclass_classification": (
        "precision_macro",
        "recall_macro",
        "f1_weighted",
        "f1_micro",
        "matthews_correlation",
    ),
    "regression": ("mape", "rmsle", "error_p10", "error_p50", "error_p90"),
}


def show(chosen: Selection) -> None:
    """Show the tab."""
    task = chosen.declaration.task
    if task not in CHARTS:
        nothing("a custom model has no prediction to hold against a label")
        return
    if chosen.declaration.actual is None:
        st.info(
            "**No labels:** this model declares no `actual` column and no label files, so its performance "
            "cannot be measured. Add `predictions.actual` or `labels:` to its declaration.",
            icon=":material/label_off:",
        )
        return
    drawn_alone = (*CHARTS[task], *(("value",) if chosen.declaration.costs else ()))
    names = (*drawn_alone, *MORE[task])
    estimates = [f"estimated_{name}" for name in drawn_alone]
    every = series(chosen, (*names, "labelled_share", *estimates), columns=("",))
    frame = views.with_labelled(every)
    labels_state(chosen, frame)
    normal = normals(chosen, names)
    for place, metric in zip(grid(len(drawn_alone)), drawn_alone, strict=True):
        with place:
            metric_chart(chosen, metric, frame, normal.get(metric))
    if task == "binary_classification":
        rates(chosen, frame)
    left, right = st.columns(2)
    with left:
        metric_chart(chosen, "labelled_share", frame)
    with right, st.container(border=True, gap="xsmall"):
        st.markdown("**All metrics, newest complete window**")
        everything(frame, names, normal)
    with section("Calibration and confusion"):
        at_a_glance(chosen)


def rates(chosen: Selection, frame: pl.DataFrame) -> None:
    """Draw how often the model said yes beside how often it was so."""
    with st.container(border=True, gap="xsmall"), section("Predicted and actual rate"):
        st.markdown(
            "**Predicted and actual rate**",
            help="Share of rows predicted positive, and share whose label is. Where both rise together the "
            "world has changed and the model saw it; where they part it did not.",
        )
        # A year of days is noisy: the lines cross daily, and their courses tell who is above for weeks.
        lines = {
            name: frame.filter(pl.col("metric") == metric).drop("lower", "upper")
            for name, metric in (("actual", "label_rate"), ("predicted", "prediction_rate"))
        }
        if not any(line["value"].drop_nulls().len() for line in lines.values()):
            nothing()
            return
        figure = drawn(
            charts.over_time,
            lines,
            zone=chosen.zone,
            reading=charts.Reading(".0%", zero=True),
            reference_until=reference_end(chosen),
            until=until(chosen),
            annotated=chosen.page.annotations,
        )
        draw(figure, f"Predicted and actual rate of {chosen.slug} per window", key="rates")


def labels_state(chosen: Selection, frame: pl.DataFrame) -> None:
    """Say so when no window shown has complete labels yet."""
    measured = ~pl.col("metric").str.starts_with("estimated_") & (pl.col("metric") != "labelled_share")
    mature = frame.filter((pl.col("phase") == "closed") & measured)
    if mature["value"].drop_nulls().len():
        st.caption(
            "The dashed line and grey band are what is usual: the middle and nine in ten of the reference's "
            "windows. Hatched windows are open or still wait for labels: their values, hollow points, are "
            "partial, and labels that come early are seldom like those that come late. The line “estimated” "
            "is what scores let expect without labels."
        )
        return
    share = frame.filter(pl.col("metric") == "labelled_share").drop_nulls("value").sort("window_start")
    ripe = frame["mature_at"].drop_nulls().sort()
    have = (
        f" The newest window has labels for {share['value'][-1]:.0%} of {share['n'][-1]:,} rows."
        if share.height
        else ""
    )
    when = f" The first window is complete on {clock_text(ripe[0], chosen.zone)}." if ripe.len() else ""
    st.info(f"**Not enough labels** for a complete window yet.{have}{when}", icon=":material/label:")


def everything(frame: pl.DataFrame, names: tuple[str, ...], normal: Mapping[str, charts.Normal]) -> None:
    """Show each metric's newest complete value with its interval, beside the reference."""
    newest = (
        frame.filter(
            (pl.col("phase") == "closed")
            & pl.col("value").is_not_null()
            & pl.col("metric").is_in(names)
            & (pl.col("n") >= MINIMUM_LABELLED)
        )
        .sort("window_start")
        .group_by("metric", maintain_order=True)
        .last()
    )
    if not newest.height:
        nothing(f"no window with complete labels has {MINIMUM_LABELLED} of them")
        return
    order = {name: i for i, name in enumerate(names)}
    shown = newest.sort(pl.col("metric").replace_strict(order, return_dtype=pl.Int8)).select(
        Metric=pl.col("metric").replace_strict({name: title(name) for name in names}),
        Value=pl.col("value").round_sig_figs(3),
        Low=pl.col("lower").round_sig_figs(3),
        High=pl.col("upper").round_sig_figs(3),
        Usual=pl.col("metric")
        .replace_strict(
            {name: found.middle for name, found in normal.items()}, default=None, return_dtype=pl.Float64
        )
        .round_sig_figs(3),
        Rows="n",
    )
    st.dataframe(arrow(shown), hide_index=True, placeholder="–", height=250, alt="All performance metrics")


def at_a_glance(chosen: Selection) -> None:
    """Draw calibration and confusion over all complete windows of the stretch."""
    found = read(views.scores, chosen.slug, chosen.start, chosen.end, chosen.segment)
    if found is None:
        return
    st.subheader("All complete windows of this stretch", anchor=False)
    share = f" ({found.labelled / found.rows:.0%})" if found.rows else ""
    st.caption(f"{found.labelled:,} of {found.rows:,} predictions have a label{share}.")
    left, right = st.columns(2)
    with left, st.container(border=True, gap="xsmall"):
        st.markdown(
            "**Calibration**",
            help="Of the rows scored about x %, how many were positive? On the diagonal the score can be "
            "read as a probability. Points of about equal size, with 95 % Wilson intervals.",
        )
        if found.calibration is None:
            nothing("only models with one score per row have a calibration curve")
        else:
            draw(charts.calibration(found.calibration), f"Calibration of {chosen.slug}", key="calibration")
    with right, st.container(border=True, gap="xsmall"):
        st.markdown("**Confusion**", help="Rows are labels, columns predictions; each row adds up to 100 %.")
        draw(charts.confusion(found.confusion, found.classes), f"Confusion of {chosen.slug}", key="confusion")
