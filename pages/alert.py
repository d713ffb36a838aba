"""One alert: what is amiss in one sentence, its metric around it, what happened, and what to do."""

import polars as pl
import streamlit as st

from core import views
from core.actions import alerts as alert_actions
from core.alert_text import subject
from core.entities import Actor
from core.views.alert import sentence
from pages import _alert_course, _shared
from pages._alert_parts import actions, severity_column, severity_words, state_badge
from pages._commands import carry_out, outcome, turn
from pages._shared import HERE, badge, clock_text, escaped, plain, read, refusal, require, section, store

MOST_EVENTS = 50


def asked() -> int | None:
    """Return the number in the address; None and a hint where there is none."""
    given = st.query_params.get("id", "")
    if given.isdecimal() and len(given) < 10:
        return int(given)
    if given:
        st.warning(f"**{plain(given)}** is no number of an alert.", icon=":material/help:")
    else:
        st.info(
            "No alert is chosen. The list shows what needs somebody now.", icon=":material/notifications:"
        )
    return None


def opening(page: views.AlertPage) -> None:
    """Show severity, state and the sentence, and who looks after it."""
    alert = page.alert
    st.markdown(f"{badge(alert.episode.severity.value)} {state_badge(page.state)}")
    st.markdown(f"#### {plain(sentence(alert, page.zone, page.now))}")
    raised, taken, rests = (
        clock_text(at, page.zone)
        for at in (alert.episode.opened_at, alert.acknowledged_at, alert.snoozed_until)
    )
    facts = [f"monitor {alert.episode.monitor}", f"raised {raised}", f"owner {page.declaration.owner}"]
    facts += [f"acknowledged by {alert.acknowledged_by} {taken}"] if alert.acknowledged_by else []
    facts += [f"assigned to {alert.assigned_to}"] if alert.assigned_to else []
    facts += [f"snoozed until {rests}: {alert.snooze_reason}"] if page.state == "snoozed" else []
    st.caption(plain(" · ".join(facts)))
    if why := read(views.reasons, page.alert.id):
        st.info(f"**Why:** {plain(why)}", icon=":material/search_insights:")
    if page.request is not None:
        at = clock_text(page.request.requested_at, page.zone)
        said = f"**Retraining requested** {at}: {plain(page.request.text)} ({page.request.state})."
        st.info(said, icon=":material/model_training:")


def happened(page: views.AlertPage) -> None:
    """Show what happened to the alert, in order; long stories from where they matter still."""
    events = page.events.tail(MOST_EVENTS)
    at = pl.col("at").dt.convert_time_zone(page.zone).dt.to_string("%-d %b %Y %H:%M")
    detail = pl.when(pl.col("detail").is_not_null()).then(pl.format(": {}", escaped("detail")))
    line = pl.format("- {}  \n**{}** by {}{}", at, "event", escaped("actor"), detail.fill_null(""))
    st.markdown("**What happened**")
    st.markdown("\n".join(events.select(line).to_series()) or "Nothing yet.")
    if events.height < page.events.height:
        st.caption(f"The last {MOST_EVENTS} of {page.events.height}.")


def comment(page: views.AlertPage, actor: Actor) -> None:
    """Show where to write down what one knows about the alert, also after it was resolved."""
    if refusal(actor, "alert.attend", page.alert.model):
        return
    name = f"comment-{turn()}"
    with st.form(name, border=False):
        st.text_area(
            "Comment",
            key=f"{name}-text",
            max_chars=alert_actions.LONGEST_TEXT,
            height=68,
            placeholder="What you know about it: seen upstream, ticket, decision",
            label_visibility="collapsed",
        )
        run = (page.alert.id, f"{name}-text")
        st.form_submit_button("Comment", icon=":material/add_comment:", on_click=_comment, args=run)


def _comment(identifier: int, field: str) -> None:
    text = st.session_state[field]

    def say() -> str:
        alert_actions.comment(store(), identifier, _shared.asking(), text=text)
        return "Commented"

    carry_out(say)


@st.fragment
def others(found: pl.DataFrame, model: str) -> None:
    """Show the model's other alerts of that time; a click opens one."""
    st.markdown(f"**What else was amiss with {plain(model)} then**")
    if not found.height:
        st.caption(":material/check: No other alert of this model was open at that time.")
        return
    chosen = st.dataframe(
        found.select(
            Severity=severity_words(), What="message", Since="on", State=pl.col("state").str.to_titlecase()
        ),
        key="others",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-cell",
        height="content" if found.height <= 8 else 320,
        column_config={
            "Severity": severity_column(),
            "State": st.column_config.TextColumn(width=112),
            "What": st.column_config.TextColumn(width=188),
            "Since": st.column_config.DateColumn(format="D MMM YYYY", width=92),
        },
        alt="Other alerts of the model that were open then",
    )
    if chosen.selection.cells:
        other = found["id"][chosen.selection.cells[0][0]]
        st.switch_page(HERE / "alert.py", query_params={"id": str(other)})


actor = require("health.see")
st.page_link(HERE / "alerts.py", label="All alerts", icon=":material/arrow_back:")
heading = st.empty()
heading.title("Alert", anchor=False)
with section("The alert"):
    identifier = asked()
    page = read(views.alert_page, identifier) if identifier is not None else None
    if page is not None:
        heading.title(f"{page.alert.model}: {subject(page.alert.episode.target)}", anchor=False)
        outcome()
        opening(page)
        if page.state != "resolved":
            seen, about = {page.alert.id: page.seen}, {page.alert.model}
            actions(seen, actor, now=page.now, states={page.state}, models=about, key="one")
        left, right = st.columns([5, 4])
        with left, section("The course of the metric"):
            _alert_course.show(page)
        with right:
            happened(page)
            comment(page, actor)
            others(page.others, page.alert.model)
    elif identifier is not None:
        st.warning(
            f"There is no alert **{identifier}** here. It may be of another workspace.",
            icon=":material/help:",
        )
