"""Alerts: what needs somebody now, in all models, and what to do about many at once."""

import polars as pl
import streamlit as st

from core import views
from core.entities import Actor
from core.views.alerts import ALERT_STATES, MOST_RESOLVED, SEVERITIES
from pages import _annotations
from pages._alert_parts import actions, severity_column, severity_words, state_badge
from pages._commands import outcome, turn
from pages._shared import HERE, badge, read, require, section

TABLE_HEIGHT = 660
# Other keys than on the other pages: a key they share would carry its choice over from page to page.
FILTERS = ("states", "severity", "models", "teams", "people")


def pick_states() -> list[str]:
    """Show the filter of states; `resolved` is asked for, since there are many of them."""
    return st.multiselect(
        "State",
        ALERT_STATES,
        key="states",
        bind="query-params",
        placeholder="All but resolved",
        width=178,
        help=f"Of the resolved, the last {MOST_RESOLVED} are shown.",
    )


def filters(alerts: pl.DataFrame, states: list[str]) -> pl.DataFrame:
    """Show the other filters, which live in the address like the first, and return the alerts they leave."""
    people = pl.concat([alerts["owner"], alerts["assigned_to"].drop_nulls()]).unique().sort().to_list()
    options = {
        "Severity": ("severity", list(SEVERITIES), 160),
        "Model": ("models", alerts["model"].unique().sort().to_list(), 178),
        "Team": ("teams", alerts["team"].drop_nulls().unique().sort().to_list(), 160),
        "Owner or assigned": ("people", people, 240),
    }
    chosen = {
        key: st.multiselect(label, values, key=key, bind="query-params", placeholder="Any", width=width)
        for label, (key, values, width) in options.items()
    }
    kept = alerts.filter(pl.col("state").is_in(states)) if states else alerts
    for column, key in (("severity", "severity"), ("model", "models"), ("team", "teams")):
        kept = kept.filter(pl.col(column).is_in(chosen[key])) if chosen[key] else kept
    people = chosen["people"]
    mine = pl.col("owner").is_in(people) | pl.col("assigned_to").fill_null("").is_in(people)
    return kept.filter(mine) if people else kept


def clear_filters() -> None:
    """Put every filter back to showing all."""
    st.session_state.update(dict.fromkeys(FILTERS, []))


def summary(alerts: pl.DataFrame) -> None:
    """Say how many wait for somebody, by severity, and how many are looked after."""
    waiting = alerts.filter(pl.col("state") == "open")
    by_severity = dict(waiting.group_by("severity").len().iter_rows())
    by_state = dict(alerts.group_by("state").len().iter_rows())
    said = [
        f"{badge(severity)} {by_severity[severity]}" for severity in SEVERITIES if severity in by_severity
    ]
    said += [f"{state_badge(state)} {by_state[state]}" for state in ALERT_STATES[1:3] if state in by_state]
    if said:
        st.markdown(" &nbsp; ".join(said))


def nothing_open() -> None:
    """Say that nothing is amiss, as far as anybody looks."""
    models = read(views.overview).models
    judged = models.filter(pl.col("rules").is_not_null()).height
    if judged:
        st.info(
            f"**No alert is open.** Monitors judge {judged} of {models.height} models.",
            icon=":material/check_circle:",
        )
    else:
        st.info(
            "**No alert is open, because no monitor has judged a model yet.** Add `monitors:` to a "
            "declaration, `steward apply` it, and the next sweep judges.",
            icon=":material/notifications_off:",
        )
    st.page_link(HERE / "overview.py", label="Health overview", icon=":material/monitor_heart:")


def table(alerts: pl.DataFrame) -> pl.DataFrame:
    """Return what the table shows, one row per alert."""
    return alerts.select(
        Severity=severity_words(),
        Model="model",
        What="message",
        State=pl.col("state").str.to_titlecase(),
        Since="on",
        Days=pl.col("days").cast(pl.Float32),
        Value="value_text",
        Threshold="threshold_text",
        Assigned=pl.coalesce("assigned_to", "acknowledged_by"),
        Owner="owner",
        Team="team",
    )


def choose(kept: pl.DataFrame) -> tuple[list[int], list[tuple[int, str]]]:
    """Show the table and return the rows ticked and the cell clicked."""
    config = st.column_config
    chosen = st.dataframe(
        table(kept).to_arrow(compat_level=pl.CompatLevel.oldest()),
        # Ticks are positions: named by its alerts, the table forgets them when other alerts stand there.
        key=f"alerts-{hash(tuple(kept['id']))}-{turn()}",
        hide_index=True,
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        placeholder="–",
        height="content" if kept.height <= 18 else TABLE_HEIGHT,
        alt="Alerts, those that wait for somebody first",
        column_config={
            "Severity": severity_column(),
            "State": config.TextColumn(width=104),
            "Model": config.TextColumn(width=126),
            "What": config.TextColumn(width=360),
            "Since": config.DateColumn(
                width=92, format="D MMM YYYY", help="First window that breached, in the model's time zone."
            ),
            "Days": config.NumberColumn(
                "Lasted", width=68, format="%.1f d", help="Since it was raised, until it was resolved."
            ),
            "Value": config.TextColumn(width=84, help="In the last window that breached.", alignment="right"),
            "Threshold": config.TextColumn(width=84, alignment="right"),
            "Assigned": config.TextColumn(
                width=140, help="To whom it is assigned, or else who acknowledged it."
            ),
            "Owner": config.TextColumn(width=170),
            "Team": config.TextColumn(width=110),
        },
    )
    return chosen.selection.rows, chosen.selection.cells


@st.fragment
def desk(actor: Actor) -> None:
    """Show the filters, what can be done with the ticked alerts, and the alerts; a click opens one."""
    outcome()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        states = pick_states()
        found = read(views.alerts_page, "resolved" in states)
        if found.alerts.height:
            kept = filters(found.alerts, states)
    if not found.alerts.height:
        nothing_open()
        return
    if not kept.height:
        st.info(
            f"None of the {found.alerts.height} alerts matches these filters.",
            icon=":material/filter_alt_off:",
        )
        st.button("Clear filters", on_click=clear_filters, icon=":material/close:")
        return
    summary(kept)
    bar = st.container()
    rows, cells = choose(kept)
    ticked = kept[[row for row in rows if row < kept.height]]
    with bar:
        seen = dict(ticked.select("id", "seen").iter_rows())
        about = set(ticked["model"])
        actions(seen, actor, now=found.now, states=set(ticked["state"]), models=about, key="bulk")
    shown = f"{kept.height} of {found.alerts.height} alerts" if kept.height < found.alerts.height else (
        f"{kept.height} alert{'s' if kept.height > 1 else ''}"
    )  # fmt: skip
    st.caption(f"{shown} · click a row to open the alert · tick rows to act on several at once")
    if cells:
        st.switch_page(HERE / "alert.py", query_params={"id": str(kept["id"][cells[0][0]])})


actor = require("health.see")
st.title("Alerts", anchor=False)
with section("The alerts"):
    desk(actor)
with section("Annotations"), st.expander("Annotations", icon=":material/edit_calendar:"):
    found = read(views.annotated)
    zones: dict[str | None, str] = {None: "UTC"}
    zones.update(found.zones)
    _annotations.panel(found.annotations, actor, zones, now=found.now)
