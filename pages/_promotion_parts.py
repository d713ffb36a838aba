"""What the pages about promotions share: states in words, checklists, and the forms of their commands."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.actions import decisions, promotions, releases
from core.gates import GOOD
from core.governed import Promotion
from pages import _shared
from pages._commands import carry_out, turn
from pages._shared import HERE, plain, store

WORDS: Mapping[str, tuple[str, str, str]] = {
    # state: word, icon, Markdown colour
    "draft": ("Asked back", "edit_note", "gray"),
    "submitted": ("Submitted", "outbox", "gray"),
    "checks_running": ("Checks run", "hourglass_top", "gray"),
    "checks_failed": ("Checks failed", "error", "red"),
    "awaiting_approval": ("Awaits approval", "approval_delegation", "orange"),
    "approved": ("Approved", "verified", "blue"),
    "executed": ("Released", "rocket_launch", "blue"),
    "rejected": ("Rejected", "block", "red"),
    "withdrawn": ("Withdrawn", "undo", "gray"),
    "expired": ("Expired", "timer_off", "gray"),
    "invalidated": ("Void", "link_off", "red"),
    "registered": ("Registered", "inventory_2", "gray"),
    "in_validation": ("In validation", "hourglass_top", "gray"),
    "validated": ("Validated", "fact_check", "blue"),
    "deployed": ("In production", "rocket_launch", "blue"),
    "superseded": ("Superseded", "history", "gray"),
    "suspended": ("Suspended", "pause_circle", "red"),
    "archived": ("Archived", "archive", "gray"),
}
CHECKS: Mapping[str, str] = {
    "failed": "✕ Failed",
    "missing": "○ Missing",
    "warned": "! Warned",
    "waived": "≈ Waived",
    "passed": "✓ Passed",
    "not_needed": "– Not needed",
}
Command = Callable[[], str]


def state_badge(state: str) -> str:
    """Return the Markdown badge of a version's or request's state: icon, word and colour."""
    word, icon, colour = WORDS.get(state, (state.replace("_", " ").capitalize(), "circle", "gray"))
    return f":{colour}-badge[:material/{icon}: {word}]"


def word(state: str) -> str:
    """Return a state in words, for tables."""
    return WORDS[state][0] if state in WORDS else state.replace("_", " ").capitalize()


def checklist(checks: Sequence[Mapping[str, Any]]) -> None:
    """Show a gate's checks, what stands against the step first, each to its last word."""
    order = list(CHECKS)
    rows = sorted(checks, key=lambda check: order.index(check["state"]))
    lines = [
        f"| {CHECKS[check['state']]} | {plain(_said(check['name']))} | {plain(check['text'])} |"
        for check in rows
    ]
    st.markdown("\n".join(["| Result | Check | Found |", "|:--|:--|:--|", *lines]))


def _said(name: str) -> str:
    return name.replace("_", " ").capitalize()


def verdict(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return in one sentence what stands against the step."""
    against = [check for check in checks if check["state"] not in GOOD]
    if against:
        names = ", ".join(check["name"].replace("_", " ") for check in against)
        return f"**{len(against)} of {len(checks)} checks stand against it**: {names}."
    waived = [check["name"].replace("_", " ") for check in checks if check["state"] == "waived"]
    warned = [check["name"].replace("_", " ") for check in checks if check["state"] == "warned"]
    said = [
        f"{kind}: {', '.join(names)}" for kind, names in (("waived", waived), ("warned", warned)) if names
    ]
    return f"Every check that counts passed{'; ' if said else ''}{'; '.join(said)}."


def card_link(model: str, number: int) -> None:
    """Show the way to a version's model card."""
    st.page_link(
        HERE / "card.py",
        label=f"Model card of version {number}",
        icon=":material/article:",
        query_params={"of": model, "version": str(number)},
    )


def request_form(model: str, number: int, *, passed: bool, why: str | None) -> None:
    """Show the form that asks for a promotion."""
    name = f"request-{model}-{number}-{turn()}"
    with st.form(name, border=False):
        st.text_area(
            "Note to the approvers",
            key=f"{name}-note",
            placeholder="Why this version, and what it does not do better",
            max_chars=1000,
            height=80,
        )
        st.form_submit_button(
            "Request promotion",
            icon=":material/outbox:",
            type="primary",
            disabled=why is not None,
            help=why,
            on_click=_request,
            args=(model, number, f"{name}-note"),
        )
    if not passed:
        st.caption(":material/info: The request will wait with its author until what is missing is attached.")


def decide(promotion: Promotion, *, why: str | None) -> None:
    """Show the form of a decision: approve, ask back or reject, with a comment."""
    name = f"decide-{promotion.id}-{turn()}"
    with st.form(name, border=False):
        st.text_area(
            "Comment", key=f"{name}-comment", max_chars=500, height=80, placeholder="What you base it on"
        )
        with st.container(horizontal=True, gap="small"):
            for label, verb, icon, kind in (
                ("Approve", "approve", "verified", "primary"),
                ("Ask back", "ask_back", "reply", "secondary"),
                ("Reject", "reject", "block", "secondary"),
            ):
                st.form_submit_button(
                    label,
                    icon=f":material/{icon}:",
                    type="primary" if kind == "primary" else "secondary",
                    disabled=why is not None,
                    help=why,
                    on_click=_decide,
                    args=(verb, promotion.id, promotion.revision, f"{name}-comment"),
                )
    if why:
        st.caption(f":material/lock: {plain(why)}.")


def with_reason(
    label: str, icon: str, ask: str, run: Callable[[str], str], *, why: str | None, key: str
) -> None:
    """Show a button whose command wants a reason; `run` gets the reason and says what was done."""
    name = f"{key}-{turn()}"
    with (
        st.popover(label, icon=f":material/{icon}:", disabled=why is not None, help=why, key=f"{name}-open"),
        st.form(f"{name}-form", border=False),
    ):
        st.text_input(ask, key=f"{name}-reason", max_chars=500, width=320)
        st.form_submit_button(label, type="primary", on_click=_with_reason, args=(run, f"{name}-reason"))


def roll_back(model: str, seen: int | None) -> Callable[[str], str]:
    """Return the command that brings the previous version back."""

    def run(reason: str) -> str:
        event = releases.roll_back(store(), model, _shared.asking(), reason=reason, seen=seen)
        return f"Version {event.number} is back in production; somebody else has to review it"

    return run


def suspend(model: str, seen: int | None) -> Callable[[str], str]:
    """Return the command that takes what runs out of production."""

    def run(reason: str) -> str:
        event = releases.suspend(store(), model, _shared.asking(), reason=reason, seen=seen)
        return f"Version {event.number} is out of production; somebody else has to review it"

    return run


def release(model: str, number: int) -> Callable[[str], str]:
    """Return the command that puts an approved version into production."""

    def run(reason: str) -> str:
        releases.release(store(), model, number, _shared.asking(), reason=reason)
        return f"Version {number} of {model} is in production"

    return run


def withdraw(promotion: Promotion) -> Callable[[str], str]:
    """Return the command that takes a request back."""

    def run(reason: str) -> str:
        promotions.withdraw(store(), promotion.id, _shared.asking(), reason=reason, seen=promotion.revision)
        return f"Withdrawn: promotion {promotion.id}"

    return run


def _request(model: str, number: int, note: str) -> None:
    def run() -> str:
        made = promotions.request(store(), model, number, _shared.asking(), note=st.session_state[note])
        return f"Promotion {made.id}: {word(made.state).lower()}"

    carry_out(run)


def _decide(verb: str, identifier: int, seen: int, comment: str) -> None:
    def run() -> str:
        made = getattr(decisions, verb)(
            store(), identifier, _shared.asking(), comment=st.session_state[comment], seen=seen
        )
        return f"Promotion {identifier}: {word(made.state).lower()}"

    carry_out(run)


def _with_reason(run: Callable[[str], str], reason: str) -> None:
    carry_out(lambda: run(st.session_state[reason]))
