"""What could not be told: messages that channels refused for good, and those that wait for another try."""

import polars as pl
import streamlit as st

from core import views

WHEN = "D MMM YYYY HH:mm"


def show(found: views.SystemPage) -> None:
    """Show what could not be told, and what waits for its next attempt."""
    st.subheader("Messages", anchor=False)
    if not found.messages.height:
        st.caption(
            ":material/check: Nothing waits to be sent, and no channel has refused a message for good."
        )
        return
    dead = found.messages.filter(pl.col("state") == "dead").height
    if dead:
        st.warning(
            f"**{dead} message{'s' if dead > 1 else ''} could not be delivered** and will not be tried again "
            "by itself.",
            icon=":material/mark_email_unread:",
        )
    words = {"dead": "✕ Given up", "pending": "◔ Waiting"}
    st.dataframe(
        found.messages.select(
            pl.col("state").replace_strict(words).alias("State"),
            pl.col("channel").alias("Channel"),
            pl.col("kind").alias("Kind"),
            pl.col("model").alias("Model"),
            pl.col("attempts").alias("Attempts"),
            pl.col("last_error").alias("Last error"),
            pl.col("created_at").alias("Written (UTC)"),
            pl.when(pl.col("state") == "pending").then("next_attempt_at").alias("Next try (UTC)"),
        ),
        hide_index=True,
        placeholder="–",
        height="content" if found.messages.height <= 8 else 320,
        column_config={
            "Written (UTC)": st.column_config.DatetimeColumn(format=WHEN, width=140),
            "Next try (UTC)": st.column_config.DatetimeColumn(format=WHEN, width=140),
            "State": st.column_config.TextColumn(width=100),
            "Kind": st.column_config.TextColumn(width=80),
            "Attempts": st.column_config.NumberColumn(width=80),
            "Last error": st.column_config.TextColumn(width=420),
        },
        alt="Messages that were not delivered",
    )
