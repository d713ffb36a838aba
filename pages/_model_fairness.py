"""The tab Fairness: rates by group with their intervals, and the gaps between groups over time."""

import polars as pl
import streamlit as st

from core import charts
from pages._model_parts import (
    Selection,
    draw,
    meaning,
    nothing,
    pick_metric,
    reading,
    reference_end,
    series,
    title,
    until,
)

RATES = ("selection_rate", "accuracy", "tpr", "fpr", "fnr", "precision")
ERRORS = ("bias", "mae")
GAPS = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "predictive_parity_difference",
)
FOUR_FIFTHS = 0.8


def show(chosen: Selection) -> None:
    """Show the tab."""
    if not chosen.declaration.protected:
        st.info(
            "**No protected attribute is declared**, so nothing is known about fairness. Add `protected:` to "
            "the declaration to see rates by group.",
            icon=":material/balance:",
        )
        return
    regression = chosen.declaration.task == "regression"
    rates, gaps = (ERRORS, ("bias_difference", "mae_difference")) if regression else (RATES, GAPS)
    frame = series(chosen, (*rates, *gaps), group=None)
    attributes = attributes_of(frame, gaps, tuple(chosen.page.groups))
    if not attributes:
        nothing()
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        attribute = st.segmented_control(
            "Attribute",
            attributes,
            default=attributes[0],
            required=True,
            key="attribute",
            bind="query-params",
        )
        rate = pick_metric("By group", rates, "rate", width=200)
        gap = pick_metric("Gap", gaps, "gap", width=290)
    left, right = st.columns(2)
    with left, st.container(border=True, gap="xsmall"):
        members = chosen.page.groups.get(attribute, ())
        mine = frame.filter((pl.col("metric") == rate) & pl.col("group").is_in(members))
        names = {group: short(group, attribute) for group in members}
        by_group(chosen, mine.with_columns(pl.col("group").replace(names)), rate)
    with right, st.container(border=True, gap="xsmall"):
        over_time(chosen, frame.filter((pl.col("metric") == gap) & (pl.col("column") == attribute)), gap)


def attributes_of(frame: pl.DataFrame, gaps: tuple[str, ...], declared: tuple[str, ...]) -> list[str]:
    """Return the attributes measured in the order of the declaration, intersections last."""
    names = frame.filter(pl.col("metric").is_in(gaps))["column"].unique().sort().to_list()
    return sorted(names, key=lambda name: declared.index(name) if name in declared else len(declared))


def short(group: str, attribute: str) -> str:
    """Return a group's name without the names of its attributes."""
    for name in attribute.split(" & "):
        group = group.replace(f"{name}=", "", 1)
    return group


def by_group(chosen: Selection, frame: pl.DataFrame, rate: str) -> None:
    """Draw the newest complete window's rate of each group."""
    st.markdown(f"**{title(rate)} by group**", help=meaning(rate))
    closed = frame.filter(pl.col("phase") == "closed")
    if not closed["value"].drop_nulls().len():
        nothing("no window with complete labels yet" if frame.height else None)
        return
    newest = closed.filter(pl.col("window_start") == closed["window_start"].max())
    smallest = chosen.declaration.minimum_group_size
    figure = charts.groups(newest.with_columns(judged=pl.col("n") >= smallest), reading=reading(rate))
    draw(figure, f"{title(rate)} by group", key="by-group")
    without = newest.filter(pl.col("value").is_null())
    day = newest["window_start"].dt.convert_time_zone(chosen.zone).dt.to_string("%-d %b %Y")[0]
    st.caption(
        f"Window from {day}; bars are 95 % Wilson intervals. Hollow: fewer than {smallest} rows, not judged."
        + (f" Undefined: {', '.join(without['group'])}." if without.height else "")
    )


def over_time(chosen: Selection, frame: pl.DataFrame, gap: str) -> None:
    """Draw the gap between the groups over time, a ratio with the four-fifths line."""
    st.markdown(f"**{title(gap)} over time**", help=meaning(gap))
    if not frame["value"].drop_nulls().len():
        nothing(next(iter(frame["reason"].drop_nulls()), None))
        return
    ratio = gap.endswith("_ratio")
    figure = charts.over_time(
        {"": frame},
        zone=chosen.zone,
        reading=charts.Reading(".2f", zero=True),
        limit=FOUR_FIFTHS if ratio else None,
        limit_name="four-fifths rule",
        reference_until=reference_end(chosen),
        until=until(chosen),
        annotated=chosen.page.annotations,
    )
    draw(figure, f"{title(gap)} per window", key="gap")
    st.caption(
        "1 is equal treatment; below 0.8 is commonly taken as a sign of disparate impact."
        if ratio
        else "0 is equal treatment. No monitor judges it yet."
    )
