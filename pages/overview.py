"""Health overview: which models are unhealthy, since when and why."""

from typing import Any

import polars as pl
import streamlit as st

from core import views
from core.catalogue import CATALOGUE
from core.views.overview import SHOWN_ORDER
from pages._shared import (
    HERE,
    STATES,
    age_text,
    read,
    require,
    section,
    wall_clock,
)

# A runner beats every few seconds; after this long without a beat nobody sweeps.
RUNNER_IS_GONE_AFTER_S = 300
TABLE_HEIGHT = 740
ONE_LINE = 50  # characters that surely fit into Why
WRAPPING_HEIGHT = 62  # Streamlit breaks text into lines in rows higher than 4 rem


def headline(found: views.Overview) -> None:
    """Say how many models there are in each state, and whether anybody keeps the numbers fresh."""
    counts = dict(found.models.group_by("shown").len().iter_rows())
    badges = [
        f":{STATES[s].colour}-badge[:material/{STATES[s].icon}: {STATES[s].word}: {counts[s]}]"
        for s in SHOWN_ORDER
        if s in counts
    ]
    noticed = found.models.filter((pl.col("state") == "healthy") & pl.col("since").is_not_null()).height
    if noticed:
        badges.append(f":orange-badge[:material/visibility: Something stands out: {noticed}]")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("  ".join(badges), width="content")
        alerts = int(found.models["open_alerts"].sum())
        if alerts:
            label = f"{alerts} open alert{'s' if alerts > 1 else ''}"
            st.page_link(HERE / "alerts.py", label=label, icon=":material/notifications:")
    silence = (wall_clock() - found.runner_seen).total_seconds() if found.runner_seen else None
    if silence is None or silence > RUNNER_IS_GONE_AFTER_S:
        seen = (
            f"the last one was seen {age_text(wall_clock() - found.runner_seen)} ago"
            if found.runner_seen
            else ""
        )
        st.info(
            f"No job runner is active{'; ' + seen if seen else ''}. These numbers stay as they are until "
            "`steward jobs` (or `steward run --once`) runs.",
            icon=":material/schedule:",
        )


def start_card() -> None:
    """Show the three steps to a first model."""
    with st.container(border=True):
        st.subheader("No model is registered yet", anchor=False)
        st.markdown(
            "1. `steward declare my-model predictions.parquet` writes a declaration and guesses the rest.\n"
            "2. Check it, then `steward apply` registers the model.\n"
            "3. `steward run --once` reads the log; from then on `steward jobs` keeps this page fresh."
        )
        st.caption("To see Steward with real data first: `steward demo`.")


def filters(models: pl.DataFrame) -> pl.DataFrame:
    """Show the filters, which live in the address, and return the models they leave."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            "Search",
            key="search",
            bind="query-params",
            placeholder="Model, owner or reason",
            icon=":material/search:",
            width=280,
        )
        states = st.multiselect(
            "State",
            [s for s in SHOWN_ORDER if s in set(models["shown"])],
            key="state",
            bind="query-params",
            placeholder="Any",
            width=240,
        )
        teams = st.multiselect(
            "Team",
            models["team"].drop_nulls().unique().sort().to_list(),
            key="team",
            bind="query-params",
            placeholder="Any",
            width=220,
        )
        tiers = st.multiselect(
            "Risk tier",
            [str(t) for t in models["risk_tier"].unique().sort()],
            key="tier",
            bind="query-params",
            placeholder="Any",
            width=180,
            help="1 is the highest risk, 4 the lowest.",
        )
    text = pl.concat_str("model", "owner", pl.col("team").fill_null(""), "why", separator=" ")
    kept = (
        models.filter(text.str.to_lowercase().str.contains(search.lower(), literal=True))
        if search
        else models
    )
    if states:
        kept = kept.filter(pl.col("shown").is_in(states))
    if teams:
        kept = kept.filter(pl.col("team").is_in(teams))
    return kept.filter(pl.col("risk_tier").cast(pl.String).is_in(tiers)) if tiers else kept


def clear_filters() -> None:
    """Put every filter back to showing all."""
    st.session_state.update(search="", state=[], team=[], tier=[])


def table(models: pl.DataFrame) -> pl.DataFrame:
    """Return what the table shows, one row per model, and nothing the browser does not need."""
    words = {state: f"{w.glyph} {w.word}" for state, w in STATES.items()}
    titles = {name: CATALOGUE[name].title for name in models["headline"].unique() if name in CATALOGUE}
    return models.select(
        Model="model",
        Status=pl.concat_list(pl.col("shown").replace_strict(words, default=None, return_dtype=pl.String)),
        Alerts=pl.when((pl.col("open_alerts") > 0) | pl.col("rules").is_not_null())
        .then("open_alerts")
        .cast(pl.Int16),
        Since="on",
        Why="why",
        Metric=pl.col("headline").replace(titles).cast(pl.Categorical),
        Now=pl.col("headline_value").round_sig_figs(3).cast(pl.Float32),
        Usual=pl.col("headline_reference").round_sig_figs(3).cast(pl.Float32),
        Trend=pl.col("sparkline").list.tail(14),
        Missing=pl.col("missing_value").cast(pl.Float32),
        Gap=pl.col("fairness_value").abs().cast(pl.Float32),
        Drift=pl.col("drift_value").cast(pl.Float32),
        Drifted="drift_column",
        Rows=pl.col("rows").cast(pl.Int64),
        Tier=pl.col("risk_tier").cast(pl.Int8),
        Team=pl.col("team").cast(pl.Categorical),
    )


def columns() -> dict[str, Any]:
    """Return how the table's columns are written and explained; up to the trend they fit a small screen."""
    config = st.column_config
    return {
        "Model": config.TextColumn(width=132, pinned=True),
        "Status": config.MultiselectColumn(
            options=[f"{w.glyph} {w.word}" for w in STATES.values()],
            color=[w.light for w in STATES.values()],  # under white letters in both themes
            width=120,
            help="'Data arrives' says no more than that: no monitor has judged the model.",
        ),
        "Alerts": config.NumberColumn(
            width=52, help="Alerts that are not resolved, snoozed ones too; a dash where no monitor judges."
        ),
        "Since": config.DateColumn(
            width=92,
            format="D MMM YYYY",
            help="Since when the model is in this state, in its time zone; where data arrives, since when "
            "something in Why.",
        ),
        "Why": config.TextColumn(
            width=352,
            help="Why it is in this state; where no monitor has judged the model, what stands out: what "
            "leaves the range that is usual in the reference windows.",
        ),
        "Metric": config.TextColumn(width=134, help="The performance metric that speaks for the model."),
        "Now": config.NumberColumn(
            width=60, help="Its value in the newest window with complete labels, and at least 30 of them."
        ),
        "Usual": config.NumberColumn(
            width=60, help="The middle of its values in the windows of the reference, as drawn in the charts."
        ),
        "Trend": config.LineChartColumn(
            width=110, help="Its last 14 windows with complete labels, each row on its own scale."
        ),
        "Missing": config.NumberColumn(
            width=80,
            format="percent",
            help="Share of missing values in the column that misses most, newest window.",
        ),
        "Gap": config.NumberColumn(
            width=56, format="%.2f", help="Widest gap between the groups of a protected attribute."
        ),
        "Drift": config.NumberColumn(
            width=60,
            format="%.2f",
            help="Jensen-Shannon distance from the reference, in the newest window, of the column that "
            "exceeds most what is usual for it: 0 is equal, 1 is disjoint.",
        ),
        "Drifted": config.TextColumn("of column", width=110),
        "Rows": config.NumberColumn(width=72, format="localized", help="Predictions in the newest window."),
        "Tier": config.NumberColumn(width=48, help="Risk tier: 1 is the highest."),
        "Team": config.TextColumn(width=120),
    }


@st.fragment
def portfolio(models: pl.DataFrame) -> None:
    """Show filters and table; a click on a row opens its model."""
    kept = filters(models)
    if not kept.height:
        st.info(
            f"None of the {models.height} models matches these filters.", icon=":material/filter_alt_off:"
        )
        st.button("Clear filters", on_click=clear_filters, icon=":material/close:")
        return
    few = kept.height <= 20
    wordy = bool((kept["why"].str.len_chars() > ONE_LINE).any())
    chosen = st.dataframe(
        table(kept).to_arrow(compat_level=pl.CompatLevel.oldest()),
        key="models",
        hide_index=True,
        column_config=columns(),
        on_select="rerun",
        selection_mode="single-cell",
        placeholder="–",
        height="content" if few else TABLE_HEIGHT,
        row_height=WRAPPING_HEIGHT if few and wordy else None,
        alt="Models with their state, since when and why; those that need attention come first.",
    )
    shown = (
        f"{kept.height} of {models.height} models" if kept.height < models.height else f"{kept.height} models"
    )
    st.caption(f"{shown} · click a row to open the model · a dash means not measured, never zero")
    if chosen.selection.cells:
        st.switch_page(HERE / "model.py", query_params={"model": kept["model"][chosen.selection.cells[0][0]]})


require("health.see")
st.title("Health overview", anchor=False)
with section("The overview"):
    with st.skeleton(height=TABLE_HEIGHT):
        found = read(views.overview)
    if found.models.height:
        headline(found)
        portfolio(found.models)
    else:
        start_card()
