"""Messages: a test for every channel, what channels refused for good, and what waits for another try."""

import polars as pl
import streamlit as st

from core import views
from core.actions import messages as message_actions
from pages import _shared
from pages._commands import carry_out, outcome, turn
from pages._shared import store

WHEN = "D MMM YYYY HH:mm"
WORDS = {"dead": "✕ Given up", "pending": "◔ Waiting"}


def show(found: views.SystemPage) -> None:
    """Show what could not be told, what waits for its next attempt, and how to try."""
    st.subheader("Messages", anchor=False)
    outcome()
    why = _shared.refusal(_shared.asking(), "message.again")
    send_test(why)
    stuck = found.messages
    if not stuck.height:
        st.caption(
            ":material/check: Nothing waits to be sent, and no channel has refused a message for good."
        )
        return
    dead = stuck.filter(pl.col("state") == "dead").height
    if dead:
        st.warning(
            f"**{dead} message{'s' if dead > 1 else ''} could not be delivered** and will not be tried again "
            "by itself. Tick it and send it again once its channel works.",
            icon=":material/mark_email_unread:",
        )
    place = st.container()
    ticked = stuck[[row for row in choose(stuck) if row < stuck.height]].filter(pl.col("state") == "dead")
    if dead:
        place.button(
            "Send again",
            key=f"again-{turn()}",
            icon=":material/send:",
            disabled=why is not None or not ticked.height,
            help=why,
            on_click=_again,
            args=(ticked["id"].to_list(),),
        )


def send_test(why: str | None) -> None:
    """Offer a test message for each channel of steward.yaml."""
    channels = sorted(store().workspace.settings.channels)
    if not channels:
        st.caption("steward.yaml declares no channel, so nobody is told anything.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        channel = st.selectbox("Channel", channels, key="channel", width=240)
        st.button(
            "Send a test message",
            key=f"test-{turn()}",
            icon=":material/outgoing_mail:",
            disabled=why is not None,
            help=why,
            on_click=_test,
            args=(channel,),
        )


def choose(stuck: pl.DataFrame) -> list[int]:
    """Show the messages and return the rows ticked."""
    chosen = st.dataframe(
        stuck.select(
            pl.col("state").replace_strict(WORDS).alias("State"),
            pl.col("channel").alias("Channel"),
            pl.col("kind").alias("Kind"),
            pl.col("model").alias("Model"),
            pl.col("attempts").alias("Attempts"),
            pl.col("last_error").alias("Last error"),
            pl.col("created_at").alias("Written (UTC)"),
            pl.when(pl.col("state") == "pending").then("next_attempt_at").alias("Next try (UTC)"),
        ),
        # Ticks are positions: named by its messages, the table forgets them when others stand there.
        key=f"messages-{hash(tuple(stuck['id']))}-{turn()}",
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        height="content" if stuck.height <= 8 else 320,
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
    return chosen.selection.rows


def _again(identifiers: list[int]) -> None:
    def send() -> str:
        sent = [
            message_actions.send_again(store(), identifier, _shared.asking()) for identifier in identifiers
        ]
        return f"Queued again: {len(sent)} message{'' if len(sent) == 1 else 's'}"

    carry_out(send)


def _test(channel: str) -> None:
    def send() -> str:
        message_actions.send_test(store(), channel, _shared.asking())
        return f"A test message for {channel} is queued; running jobs send it at once."

    carry_out(send)
