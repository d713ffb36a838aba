"""The tab Documentation: how complete the model card is, what people wrote into it, and who signed it off."""

import streamlit as st

from core import views
from core.card import Section
from pages._card_parts import completeness, downloads, opening, sign_off, signatures, write
from pages._commands import outcome
from pages._model_parts import Selection
from pages._shared import HERE, read, refusal, wants_sign_in


def show(chosen: Selection) -> None:
    """Show the tab: the card of the version in production, else of the newest."""
    outcome()
    page = read(views.card_page, chosen.slug, None)
    if page is None:
        return
    card = page.card
    address = {"of": chosen.slug} | ({"version": str(card.number)} if card.number is not None else {})
    completeness(page)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        label = "Read the card" + (f" of version {card.number}" if card.number is not None else "")
        st.page_link(HERE / "card.py", label=label, icon=":material/article:", query_params=address)
        if not wants_sign_in(chosen.actor, "card.sign_off", chosen.slug):
            sign_off(page, why=refusal(chosen.actor, "card.sign_off", chosen.slug))
        downloads(card, key="documentation")
    left, right = st.columns([3, 2])
    with left, st.container(border=True):
        st.markdown("**Sections**")
        why = refusal(chosen.actor, "card.write", chosen.slug)
        for section in card.sections:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(_line(section), width="stretch")
                write(page, section, why=why)
            opening(section)
    with right, st.container(border=True):
        st.markdown("**Signed off**")
        signatures(page)


def _line(section: Section) -> str:
    """Return how a section stands: missing, written by a person, or filled by the records alone."""
    if not section.filled or section.entered is not None:
        return f"**{section.title}**"
    return f"**{section.title}** &nbsp; :blue-badge[:material/task_alt: From the records]"
