"""What people said about stretches of time: a form to say more, and the list, where it can be taken back."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from core.actions import alerts as alert_actions
from core.actions import annotations as annotation_actions
from core.entities import Actor, Annotation
from pages import _shared
from pages._commands import carry_out, outcome, turn
from pages._shared import plain, refusal, store

ALL_MODELS = "All models"
MOST_SHOWN = 20


def panel(
    annotated: Sequence[Annotation], actor: Actor, zones: Mapping[str | None, str], *, now: datetime
) -> None:
    """Show the form and the list.

    Parameters
    ----------
    annotated : those that stand, in time order
    zones : what can be annotated, models by name or None for all, and the zone in which its days begin
    """
    outcome()
    whys = [refusal(actor, "annotation.say", model) for model in zones]
    may = None in whys
    if may:
        _form(zones, now)
    else:
        st.caption(f":material/lock: {plain(whys[0] or '')}.")
    if not annotated:
        st.caption("Nothing is annotated.")
    for said in annotated[-MOST_SHOWN:][::-1]:
        zone = zones.get(said.model) or next(iter(zones.values()))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{_days(said, zone)} · **{plain(said.text)}**  \n:small[{_details(said)}]")
            st.button(
                "Take back",
                key=f"annotation-{said.id}-{turn()}",
                icon=":material/undo:",
                disabled=not may,
                on_click=_remove,
                args=(said.id,),
            )
    if len(annotated) > MOST_SHOWN:
        st.caption(f"The latest {MOST_SHOWN} of {len(annotated)}; all: `steward annotations list`.")


def _form(zones: Mapping[str | None, str], now: datetime) -> None:
    name, about = f"annotate-{turn()}", list(zones)
    today = now.astimezone(ZoneInfo(zones[about[0]])).date()
    with st.form(name, border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if len(about) > 1:
                names = [ALL_MODELS if each is None else each for each in about]
                st.selectbox("Model", names, key=f"{name}-model", width=200)
            for which in ("first", "last"):
                label = f"{which.capitalize()} day"
                st.date_input(label, value=today, key=f"{name}-{which}", format="YYYY-MM-DD", width=150)
            st.text_input(
                "What happened?",
                key=f"{name}-text",
                max_chars=alert_actions.LONGEST_TEXT,
                placeholder="Black Friday campaign",
                width=380,
            )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.checkbox(
                "Mute",
                key=f"{name}-mute",
                help="Its windows get no verdict, those of the past neither. At most 90 days.",
            )
            st.checkbox(
                "Leave out of the reference",
                key=f"{name}-exclude",
                help="The reference does without its windows; what is compared with it is counted again.",
            )
            st.form_submit_button("Annotate", icon=":material/add:", on_click=_add, args=(name, zones))


def _add(name: str, zones: Mapping[str | None, str]) -> None:
    """Annotate what the form says."""
    said: dict[str, Any] = {
        part: st.session_state.get(f"{name}-{part}")
        for part in ("model", "first", "last", "text", "mute", "exclude")
    }
    chosen = said["model"] or next(iter(zones))
    model = None if chosen == ALL_MODELS else chosen
    zone = zones[model]
    start, end = _begins(said["first"], zone), _begins(said["last"] + timedelta(days=1), zone)

    def annotate() -> str:
        made = annotation_actions.add(
            store(),
            _shared.asking(),
            model=model,
            start=start,
            end=end,
            text=said["text"],
            mute=said["mute"],
            exclude_from_reference=said["exclude"],
        )
        return f"Annotated: {made.text}"

    carry_out(annotate)


def _remove(identifier: int) -> None:
    def take_back() -> str:
        return f"Taken back: {annotation_actions.remove(store(), identifier, _shared.asking()).text}"

    carry_out(take_back)


def _begins(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _days(said: Annotation, zone: str) -> str:
    first, end = (instant.astimezone(ZoneInfo(zone)) for instant in (said.start, said.end))
    if first.time() == end.time() == time():
        last = end - timedelta(days=1)
        return f"{first:%-d %b %Y}" + ("" if last.date() == first.date() else f" to {last:%-d %b %Y}")
    return f"{first:%-d %b %Y %H:%M} to {end:%-d %b %Y %H:%M}"


def _details(said: Annotation) -> str:
    effects = ["muted"] * said.mute + ["not in the reference"] * said.exclude_from_reference
    return plain(" · ".join([said.model or "all models", *effects, f"by {said.made_by}"]))
