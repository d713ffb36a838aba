"""What the page Model card and the tab Documentation share: completeness, texts, downloads and signatures."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core import views
from core.actions import cards
from core.card import TITLES, ModelCard, Section
from core.documents.card_text import file_name, said_by
from core.governed import SignedDocument
from pages import _shared
from pages._commands import carry_out, turn
from pages._shared import clock_text, plain, store

SHOWN_SIGNATURES = 20
FORMS = {
    # ending: label, icon, media type
    "pdf": ("PDF", "picture_as_pdf", "application/pdf"),
    "html": ("HTML", "html", "text/html"),
    "md": ("Markdown", "markdown", "text/markdown"),
    "json": ("Signed bytes", "data_object", "application/json"),
}


def completeness(page: views.CardPage) -> None:
    """Say how complete the card is, and whether it was signed off as it is."""
    card = page.card
    filled = len(card.sections) - len(card.missing)
    colour, icon = ("blue", "task") if not card.missing else ("orange", "assignment_late")
    words = f"{card.completeness:.0%} complete" if card.missing else "Complete"
    st.markdown(
        f":{colour}-badge[:material/{icon}: {words}] &nbsp; {filled} of {len(card.sections)} sections say "
        f"something &nbsp;·&nbsp; {_signed(page)}"
    )


def opening(section: Section) -> None:
    """Say what a section lacks, or show what a person entered: as it was typed, never as Markdown."""
    if not section.filled:
        st.markdown(f":orange-badge[:material/assignment_late: Missing] {plain(section.how)}")
    if section.entered is not None:
        st.caption(f":material/edit_note: {plain(said_by(section.entered))}")
        st.text(section.entered.text)


def write(page: views.CardPage, section: Section, *, why: str | None) -> None:
    """Show the button that opens the form for a section's text; it holds the text that stands."""
    model, name = page.card.model, section.name
    key = f"text-{model}-{name}-{page.seen(name)}-{turn()}"
    label = "Edit the text" if section.entered else "Write a text"
    with (
        st.popover(label, icon=":material/edit_note:", disabled=why is not None, help=why, key=f"{key}-open"),
        st.form(f"{key}-form", border=False),
    ):
        st.text_area(
            section.title,
            value=section.entered.text if section.entered else "",
            key=key,
            max_chars=cards.LONGEST,
            height=220,
            width=520,
            help="Shown as you type it, with your name and the day. Empty takes the text back.",
        )
        st.form_submit_button(
            "Save", type="primary", on_click=_write, args=(model, name, key, page.seen(name))
        )


def sign_off(page: views.CardPage, *, why: str | None) -> None:
    """Show the button that signs the card off as it is shown."""
    card = page.card
    key = f"sign-{card.model}-{card.number}-{turn()}"
    with st.popover("Sign off", icon=":material/signature:", disabled=why is not None, help=why, key=key):
        st.markdown(
            f"You confirm that you read the card of **{plain(card.title)}** and stand by it as it is now. "
            "Its bytes are kept with your name; nobody can change them."
        )
        if card.missing:
            names = ", ".join(section.title for section in card.missing)
            st.markdown(f":orange-badge[:material/assignment_late: Incomplete] Nothing is said of: {names}.")
        st.button(
            "Sign off as it is now",
            key=f"{key}-yes",
            type="primary",
            on_click=_sign,
            args=(card.model, card.number, card.records_digest),
        )


def downloads(card: ModelCard, signed: SignedDocument | None = None, *, key: str) -> None:
    """Show a button for each form of a card; the file is made when one is clicked."""
    for ending, (label, icon, kind) in FORMS.items():
        if ending == "json" and signed is None:
            continue
        st.download_button(
            label,
            _made(card, signed, ending),
            file_name=file_name(card, ending, signed),
            mime=kind,
            icon=f":material/{icon}:",
            key=f"{key}-{ending}",
            on_click="ignore",
        )


def signatures(page: views.CardPage) -> None:
    """List who signed the card off and when, with the card as it was then."""
    if not page.signed:
        st.caption("Nobody has signed this card off yet.")
        return
    for each in page.signed[:SHOWN_SIGNATURES]:
        same = each.records_digest == page.card.records_digest
        now = (
            ":blue-badge[:material/verified: As it is now]"
            if same
            else ":gray-badge[:material/history: Older]"
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"{now} &nbsp; **{plain(each.actor)}** as {plain(', '.join(each.roles))}, "
                f"{clock_text(each.at, page.card.zone)} &nbsp; :small[sha256 {each.digest[:16]}…]",
                width="stretch",
            )
            with (
                st.popover("Download", icon=":material/download:", key=f"signed-{each.id}"),
                _shared.section(f"Document {each.id}"),
            ):
                downloads(_as_signed(each), each, key=f"signed-{each.id}")
                st.caption(f"SHA-256 of the signed bytes: {each.digest}")
    if len(page.signed) > SHOWN_SIGNATURES:
        st.caption(f"The newest {SHOWN_SIGNATURES} of {len(page.signed)}; `steward card` lists all.")


def _signed(page: views.CardPage) -> str:
    if not page.signed:
        return "not signed off"
    newest = page.signed[0]
    who = f"signed off {clock_text(newest.at, page.card.zone)} by {plain(newest.actor)}"
    if page.problem:
        return f":red-badge[:material/gpp_bad: Not readable] {plain(page.problem)}"
    if page.differs:
        return f"{who}; **changed since:** {plain(', '.join(page.differs))}"
    return f"{who}, unchanged since"


def _as_signed(signed: SignedDocument) -> ModelCard:
    card: ModelCard = _shared.read(cards.signed_card, signed)
    return card


def _made(card: ModelCard, signed: SignedDocument | None, ending: str) -> Callable[[], Any]:
    """Return what makes a file; the libraries for it are imported on use."""

    def make() -> Any:
        match ending:
            case "pdf":
                from core.documents.card_pdf import card_pdf

                return card_pdf(card, signed)
            case "html":
                from core.documents.card_html import card_html

                return card_html(card, signed)
            case "md":
                from core.documents.card_markdown import card_markdown

                return card_markdown(card, signed)
        return card.canonical()

    return make


def _write(model: str, section: str, key: str, seen: int) -> None:
    def run() -> str:
        made = cards.write(store(), model, section, st.session_state[key], _shared.asking(), seen=seen)
        return f"{TITLES[section]}: {'saved' if made.text else 'taken back'}"

    carry_out(run)


def _sign(model: str, number: int | None, seen: str) -> None:
    def run() -> str:
        made = cards.sign_off(store(), model, number, _shared.asking(), seen=seen)
        return f"Signed off: document {made.id}, sha256 {made.digest[:16]}"

    carry_out(run)
