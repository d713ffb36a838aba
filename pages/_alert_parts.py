"""What every page with alerts shares: their words, their table, and the forms of what people do with them."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

import polars as pl
import streamlit as st

from core.actions import alerts as alert_actions
from core.entities import Actor, Alert
from pages import _shared
from pages._commands import carry_out, turn
from pages._shared import STATES, plain, refusal, store

SEVERITIES = ("critical", "warning")
STATE_WORDS = {
    "open": (":material/notifications_active:", "Open", "red"),
    "acknowledged": (":material/person_check:", "Acknowledged", "blue"),
    "snoozed": (":material/snooze:", "Snoozed", "gray"),
    "resolved": (":material/check_circle:", "Resolved", "gray"),
}
DONE = {
    "acknowledge": "Acknowledged",
    "assign": "Assigned",
    "snooze": "Snoozed",
    "unsnooze": "Woken",
    "resolve": "Resolved",
}
Command = Callable[..., list[Alert]]


def state_badge(state: str) -> str:
    """Return the Markdown badge of an alert's state."""
    icon, word, colour = STATE_WORDS[state]
    return f":{colour}-badge[{icon} {word}]"


def severity_column() -> Any:
    """Return how severities are shown: glyph, word and colour."""
    shown = [STATES[severity] for severity in SEVERITIES]
    return st.column_config.MultiselectColumn(
        options=[f"{words.glyph} {words.word}" for words in shown],
        color=[words.light for words in shown],
        width=100,
    )


def severity_words() -> pl.Expr:
    """Return the column that `severity_column` shows."""
    words = {severity: f"{STATES[severity].glyph} {STATES[severity].word}" for severity in SEVERITIES}
    return pl.concat_list(pl.col("severity").replace_strict(words, return_dtype=pl.String))


def actions(
    seen: Mapping[int, int],
    actor: Actor,
    *,
    now: datetime,
    states: Collection[str],
    models: Collection[str],
    key: str,
) -> None:
    """Show what can be done with alerts; without any, or for roles that only read, disabled and explained.

    Parameters
    ----------
    seen : the alerts by id, and how many events of each are on the page
    states, models : the states they are in, and the models they are about
    """
    why = next(filter(None, (refusal(actor, "alert.attend", m) for m in sorted(set(models)))), None)
    barred = why is not None
    if not barred and "resolved" in states:
        why = "A resolved alert stays as it is; untick it to act on the others."
    off = not seen or why is not None
    name = f"{key}-{turn()}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Acknowledge",
            key=f"{name}-acknowledge",
            icon=":material/person_check:",
            type="primary" if "open" in states and not off else "secondary",
            disabled=off or not {"open", "snoozed"} & set(states),
            help=why,
            on_click=_carry_out,
            args=("acknowledge", seen),
        )
        _assign(seen, actor, off, why, name)
        _snooze(seen, now, off, why, name)
        if "snoozed" in states:
            st.button(
                "Wake",
                key=f"{name}-unsnooze",
                icon=":material/alarm:",
                disabled=off,
                help=why,
                on_click=_carry_out,
                args=("unsnooze", seen),
            )
        _resolve(seen, off, why, name)
    if why:
        st.caption(f"{':material/lock:' if barred else ':material/info:'} {plain(why)}")


def _assign(seen: Mapping[int, int], actor: Actor, off: bool, why: str | None, name: str) -> None:
    with (
        st.popover("Assign", icon=":material/person_add:", disabled=off, help=why, key=f"{name}-assign"),
        st.form(f"{name}-assign-form", border=False),
    ):
        st.text_input("To", key=f"{name}-to", value=actor.id, placeholder="ada@example.com", width=280)
        st.caption("Empty takes the assignment back.")
        _submit("Assign", "assign", seen, {"to": f"{name}-to"}, off=off)


def _snooze(seen: Mapping[int, int], now: datetime, off: bool, why: str | None, name: str) -> None:
    today = now.astimezone(UTC).date()
    with (
        st.popover("Snooze", icon=":material/snooze:", disabled=off, help=why, key=f"{name}-snooze"),
        st.form(f"{name}-snooze-form", border=False),
    ):
        st.date_input(
            "Until",
            value=today + timedelta(days=7),
            min_value=today + timedelta(days=1),
            max_value=today + alert_actions.LONGEST_SNOOZE,
            key=f"{name}-until",
            format="YYYY-MM-DD",
            width=280,
            help=f"Midnight UTC as that day begins, at most {alert_actions.LONGEST_SNOOZE.days} days ahead.",
        )
        st.text_input("Why can it wait?", key=f"{name}-wait", max_chars=alert_actions.LONGEST_TEXT, width=280)
        _submit("Snooze", "snooze", seen, {"until": f"{name}-until", "reason": f"{name}-wait"}, off=off)


def _resolve(seen: Mapping[int, int], off: bool, why: str | None, name: str) -> None:
    with (
        st.popover("Resolve", icon=":material/check_circle:", disabled=off, help=why, key=f"{name}-resolve"),
        st.form(f"{name}-resolve-form", border=False),
    ):
        st.text_input("Why is it over?", key=f"{name}-over", max_chars=alert_actions.LONGEST_TEXT, width=280)
        st.caption("The same cause stays mute until one quiet window; after that it can alarm again.")
        _submit("Resolve", "resolve", seen, {"reason": f"{name}-over"}, off=off)


def _submit(
    label: str, command: str, seen: Mapping[int, int], fields: Mapping[str, str], *, off: bool
) -> None:
    run = (command, seen, fields)
    st.form_submit_button(label, type="primary", disabled=off, on_click=_carry_out, args=run)


def _carry_out(command: str, seen: Mapping[int, int], fields: Mapping[str, str] | None = None) -> None:
    """Run a command of core.alert_actions as whoever asks now, with what its form says."""
    given = {name: st.session_state[key] for name, key in (fields or {}).items()}
    if "until" in given:
        given["until"] = datetime.combine(given["until"], time.min, UTC)
    if "to" in given:
        given["to"] = given["to"].strip() or None
    run: Command = getattr(alert_actions, command)

    def attend() -> str:
        changed = run(store(), list(seen), _shared.asking(), seen=seen, **given)
        count = f"{len(changed)} alert{'' if len(changed) == 1 else 's'}"
        return f"{DONE[command]}: {count}" if changed else "It was so already."

    carry_out(attend)
