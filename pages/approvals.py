"""Approvals: what waits for a decision, on which evidence, and what was decided."""

from collections.abc import Callable

import polars as pl
import streamlit as st

from core import views
from core.actions import promotions, releases, waivers
from core.approving import barred
from core.entities import Actor
from core.governed import Release
from core.lifecycle import OPEN
from pages import _shared
from pages._commands import carry_out, outcome
from pages._promotion_parts import (
    card_link,
    checklist,
    decide,
    state_badge,
    verdict,
    with_reason,
    withdraw,
    word,
)
from pages._shared import (
    HERE,
    alone,
    arrow,
    clock_text,
    plain,
    read,
    refusal,
    require,
    section,
    store,
    wants_sign_in,
)


def chosen_request(found: views.Approvals) -> views.Request | None:
    """Show the open requests and return the one that is chosen, by the address or by a click."""
    frame = pl.DataFrame(
        [
            {
                "State": word(each.promotion.state),
                "Model": each.promotion.model,
                "Version": each.promotion.number,
                "Tier": each.risk_tier,
                "Requested by": each.promotion.requested_by,
                "Since": each.promotion.requested_at.date(),
                "Missing": each.free,
            }
            for each in found.open
        ]
    )
    picked = st.dataframe(
        arrow(frame),
        key="open",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height="content" if frame.height <= 8 else 320,
        column_config={
            "State": st.column_config.TextColumn(width=120),
            "Version": st.column_config.NumberColumn(width=66),
            "Tier": st.column_config.NumberColumn(width=52),
            "Since": st.column_config.DateColumn(format="D MMM YYYY", width=100),
            "Missing": st.column_config.NumberColumn(width=70, help="Approvals that are still missing."),
        },
        alt="Requests that are not closed, the oldest first",
    )
    rows = [row for row in picked.selection.rows if row < len(found.open)]
    if rows:
        chosen = found.open[rows[0]]
        st.query_params["id"] = str(chosen.promotion.id)
        return chosen
    asked = st.query_params.get("id", "")
    named = [each for each in found.open if str(each.promotion.id) == asked]
    return named[0] if named else (found.open[0] if not asked else None)


def details(request: views.Request, actor: Actor) -> None:
    """Show one request: what is asked, what it rests on, what was said, and the decision."""
    promotion = request.promotion
    live = (
        f"in place of version {request.champion.number}" if request.champion else "as the first one released"
    )
    st.subheader(f"{promotion.model}: version {promotion.number} to {promotion.environment}", anchor=False)
    st.markdown(
        f"{state_badge(promotion.state)} &nbsp; requested by {plain(promotion.requested_by)} on "
        f"{clock_text(promotion.requested_at)} UTC, {live}"
        + (f" · ends {clock_text(promotion.expires_at)} UTC" if promotion.expires_at else "")
    )
    if promotion.note:
        st.markdown(f"> {plain(promotion.note)}")
    address = {"of": promotion.model, "b": str(promotion.number)}
    if request.champion is not None and request.champion.number != promotion.number:
        address["a"] = str(request.champion.number)
    st.page_link(
        HERE / "compare.py",
        label="Compare the versions",
        icon=":material/compare_arrows:",
        query_params=address,
    )
    card_link(promotion.model, promotion.number)
    left, right = st.columns([3, 2])
    with left, st.container(border=True):
        st.markdown("**The gate when it was submitted**")
        st.markdown(verdict(promotion.gate or ()))
        checklist(promotion.gate or ())
    with right, st.container(border=True):
        st.markdown("**Decision**")
        seats = " and ".join(" or ".join(seat) for seat in request.tier.approvals) or "none, the gate decides"
        st.caption(f"Needed: {seats}, each by another person. Still missing: {request.free}.")
        decision(request, actor)
        said(request)


def decision(request: views.Request, actor: Actor) -> None:
    """Show what the person may do with the request."""
    promotion = request.promotion
    if promotion.state == "awaiting_approval":
        why = refusal(actor, "promotion.decide", promotion.model)
        near = barred(request.tier, promotion, request.version, actor.id)
        if near or not wants_sign_in(actor, "promotion.decide", promotion.model):
            decide(promotion, why=f"{actor.id} {near}" if near else why)
    elif promotion.state == "approved":
        st.markdown("Approved; a release engineer releases it from the model's tab Versions.")
        st.page_link(
            HERE / "model.py",
            label="Versions of the model",
            icon=":material/rocket_launch:",
            query_params={"model": promotion.model, "tab": "Versions"},
        )
    elif promotion.state in ("draft", "checks_failed"):
        asks = refusal(actor, "promotion.request", promotion.model)
        st.button(
            "Submit again",
            icon=":material/outbox:",
            type="primary",
            disabled=asks is not None,
            help=asks,
            on_click=_submit,
            args=(promotion.id, promotion.revision),
        )
    if promotion.state not in OPEN:
        ended = f"{word(promotion.state)} by {promotion.updated_by} on {clock_text(promotion.updated_at)} UTC"
        reason = f": {promotion.closed_reason}" if promotion.closed_reason else ""
        st.markdown(plain(f"{ended}{reason}"))
        return
    asks = refusal(actor, "promotion.request", promotion.model)
    with_reason("Withdraw", "undo", "Why?", withdraw(promotion), why=asks, key=f"withdraw-{promotion.id}")


def said(request: views.Request) -> None:
    """Show what was said, in order."""
    verbs = {"approve": "approved", "reject": "rejected", "ask_back": "asked back", "comment": "said"}
    lines = [
        f"- {clock_text(each.at)} UTC · **{plain(each.actor)}** {verbs[each.decision]}"
        + (f": {plain(each.comment)}" if each.comment else "")
        for each in request.said
    ]
    if lines:
        st.markdown("\n".join(lines))


def others(found: views.Approvals, actor: Actor) -> None:
    """Show waivers and emergencies that wait for a second person."""
    models = [*(each.model for each in found.waivers), *(each.model for each in found.unreviewed)]
    wants_sign_in(actor, "waiver.confirm", models[0])
    for waiver in found.waivers:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(
                f"**Waiver of {plain(waiver.check)}** for {plain(waiver.model)} version {waiver.number}, "
                f"until {clock_text(waiver.expires_at)} UTC  \n"
                f"{plain(waiver.proposed_by)}: {plain(waiver.reason)}",
                width="stretch",
            )
            why = refusal(actor, "waiver.confirm", waiver.model)
            own = (
                f"{actor.id} proposed it; a second person confirms it."
                if actor.id == waiver.proposed_by
                else None
            )
            st.button(
                "Confirm",
                key=f"waiver-{waiver.id}",
                disabled=bool(why or own),
                help=why or own,
                on_click=_confirm,
                args=(waiver.id,),
            )
    for event in found.unreviewed:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(
                f"**{plain(event.model)}: {_emergency(event)}** "
                f"without an approval, {clock_text(event.at)} UTC by {plain(event.actor)}  \n"
                f"{plain(event.reason)}",
                width="stretch",
            )
            why = refusal(actor, "release.review", event.model)
            own = "Somebody who did not act reviews it." if actor.id == event.actor else None
            look = _review(event.id)
            with_reason("Review", "policy", "What was found?", look, why=why or own, key=f"r-{event.id}")


def _emergency(event: Release) -> str:
    match event.event:
        case "rolled_back":
            return f"version {event.previous} was rolled back to version {event.number}"
        case "adopted":
            return f"version {event.number}, which ran already, was adopted"
    return f"version {event.number} was {event.event.replace('_', ' ')}"


def closed(found: views.Approvals) -> None:
    """Show what was decided."""
    frame = pl.DataFrame(
        [
            {
                "Closed": each.updated_at.date(),
                "Model": each.model,
                "Version": each.number,
                "Outcome": word(each.state),
                "By": each.updated_by,
                "Requested by": each.requested_by,
                "Why": each.closed_reason,
            }
            for each in found.closed
        ],
        schema_overrides={"Why": pl.String},
    )
    st.dataframe(
        arrow(frame),
        hide_index=True,
        placeholder="–",
        height="content" if frame.height <= 12 else 420,
        column_config={"Closed": st.column_config.DateColumn(format="D MMM YYYY", width=100)},
        alt="Closed requests, the newest first",
    )


def _submit(identifier: int, seen: int) -> None:
    def run() -> str:
        made = promotions.submit(store(), identifier, _shared.asking(), seen=seen)
        return f"Promotion {identifier}: {word(made.state).lower()}"

    carry_out(run)


def _confirm(identifier: int) -> None:
    carry_out(lambda: f"Confirmed: waiver of {waivers.confirm(store(), identifier, _shared.asking()).check}")


def _review(identifier: int) -> Callable[[str], str]:
    def run(finding: str) -> str:
        releases.review(store(), identifier, _shared.asking(), finding=finding)
        return "Reviewed"

    return run


actor = require("health.see")
st.title("Approvals", anchor=False)
alone()
outcome()
with section("The approvals"):
    found = read(views.approvals)
    if found.waivers or found.unreviewed:
        st.subheader("Waits for a second person", anchor=False)
        others(found, actor)
    if found.open:
        chosen = chosen_request(found)
    else:
        chosen = None
        st.info("Nothing waits for a decision.", icon=":material/check_circle:")
    asked = st.query_params.get("id", "")
    if chosen is None and asked:
        chosen = read(views.request, int(asked)) if asked.isdecimal() and len(asked) < 10 else None
        if chosen is None:
            st.info(f"There was never a promotion {plain(asked)}.")
    if chosen is not None:
        details(chosen, actor)
    if found.closed:
        with st.expander(f"Closed requests ({len(found.closed)})", icon=":material/history:"):
            closed(found)
