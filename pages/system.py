"""Jobs & system: do sweeps run, what got stuck, failed or is unreadable; and who may do what."""

from typing import Any

import polars as pl
import streamlit as st

from core import views
from pages import _system_messages, _system_people
from pages._shared import age_text, require, section, store

RUNNER_IS_GONE_AFTER_S = 300
WHEN = "D MMM YYYY HH:mm"


def runners(found: views.SystemPage) -> None:
    """Show who sweeps, and whether it is alive."""
    st.subheader("Job runners", anchor=False)
    if not found.runners.height:
        st.info(
            "No job runner has ever run here. Start one with `steward jobs`, or `steward up` for everything.",
            icon=":material/schedule:",
        )
        return
    age = (pl.lit(found.wall) - pl.col("seen_at")).dt.total_seconds()
    shown = found.runners.with_columns(
        Alive=pl.when(age <= RUNNER_IS_GONE_AFTER_S).then(pl.lit("● Alive")).otherwise(pl.lit("◌ Silent")),
        Seen=pl.Series(
            [age_text(found.wall - at) + " ago" for at in found.runners["seen_at"]], dtype=pl.String
        ),
    ).select(
        "Alive",
        "Seen",
        pl.col("kind").alias("Kind"),
        pl.col("host").alias("Host"),
        pl.col("pid").alias("Process"),
        pl.col("note").alias("Note"),
    )
    st.dataframe(
        shown, hide_index=True, placeholder="–", height="content", alt="Job runners and their last heartbeat"
    )


def failing(found: views.SystemPage) -> None:
    """Show the models whose last sweep failed."""
    st.subheader("Failed models", anchor=False)
    failed = found.failed
    if not failed.height:
        st.caption(":material/check: The last sweep of every model ended without an error.")
        return
    st.dataframe(
        failed.select(
            pl.col("model").alias("Model"),
            pl.col("failures").alias("Failures in a row"),
            pl.col("last_finished").alias("Last tried (UTC)"),
            pl.col("due_at").alias("Next try (UTC)"),
            pl.col("error").alias("Error"),
        ),
        hide_index=True,
        height="content" if failed.height <= 10 else 390,
        alt="Models whose last sweep failed",
        column_config=_times("Last tried (UTC)", "Next try (UTC)")
        | {"Error": st.column_config.TextColumn(width=600)},
    )


def unreadable(found: views.SystemPage) -> None:
    """Show log files that were left out."""
    st.subheader("Files that could not be read", anchor=False)
    if not found.bad.height:
        st.caption(":material/check: Every log and label file found so far could be read.")
        return
    st.caption("They are skipped and tried again as soon as they change; the other files are not affected.")
    st.dataframe(
        found.bad.select(
            pl.col("model").alias("Model"), pl.col("error").alias("Problem"), pl.col("path").alias("File")
        ),
        hide_index=True,
        height="content" if found.bad.height <= 10 else 390,
        alt="Files that could not be read",
        column_config={
            "Problem": st.column_config.TextColumn(width=420),
            "File": st.column_config.TextColumn(width=420),
        },
    )


def left_out(found: views.SystemPage) -> None:
    """Show rows of readable files that could not be counted, by reason."""
    if not found.problems.height:
        return
    st.subheader("Rows that were left out", anchor=False)
    st.dataframe(
        found.problems.select(
            pl.col("model").alias("Model"),
            pl.col("reason").alias("Reason"),
            pl.col("rows").alias("Rows"),
            pl.col("files").alias("Files"),
        ),
        hide_index=True,
        height="content" if found.problems.height <= 10 else 390,
        column_config={"Rows": st.column_config.NumberColumn(format="localized")},
        alt="Rows that were left out",
    )


def history(found: views.SystemPage) -> None:
    """Show the last sweeps that did something or failed."""
    st.subheader("Last sweeps", anchor=False)
    if not found.sweeps.height:
        st.caption("No sweep has read anything yet. `steward run --once` starts one.")
        return
    seconds = (pl.col("finished") - pl.col("started")).dt.total_milliseconds() / 1000
    st.dataframe(
        found.sweeps.select(
            pl.col("finished").alias("Finished (UTC)"),
            pl.col("model").alias("Model"),
            seconds.alias("Seconds"),
            pl.col("windows").alias("Windows"),
            pl.col("rows").alias("Rows"),
            pl.col("files").alias("Files"),
            pl.col("error").alias("Error"),
            pl.col("error_id").alias("Reference"),
        ),
        hide_index=True,
        placeholder="–",
        height="content" if found.sweeps.height <= 10 else 390,
        column_config=_times("Finished (UTC)")
        | {
            "Seconds": st.column_config.NumberColumn(format="%.2f"),
            "Rows": st.column_config.NumberColumn(format="localized"),
            "Reference": st.column_config.TextColumn(help="Find it in the runner's log."),
        },
        alt="Last sweeps that did something or failed",
    )


def _times(*names: str) -> dict[str, Any]:
    return {name: st.column_config.DatetimeColumn(format=WHEN, width=140) for name in names}


PARTS = {
    "Job runners": runners,
    "Messages": _system_messages.show,
    "Failed models": failing,
    "Files that could not be read": unreadable,
    "Rows that were left out": left_out,
    "Last sweeps": history,
}

actor = require("health.see")
st.title("Jobs & system", anchor=False)
jobs, people = st.tabs(["Jobs and messages", "Users and tokens"], key="part", bind="query-params")
if jobs.open:
    with jobs, section("The system page"):
        # Heartbeats leave the caches of the other pages alone, so this page reads afresh each time.
        found = views.system(store())
        for name, part in PARTS.items():
            with section(name):
                part(found)
if people.open:
    with people, section("Users and tokens"):
        _system_people.show(actor)
