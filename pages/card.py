"""The model card: of one version with everything it says, or of all models how complete theirs are."""

from typing import Any

import polars as pl
import streamlit as st

from core import charts, views
from core.card import Course, Intervals, Section
from core.documents.card_markdown import block_lines
from core.documents.card_text import PROMISE
from core.entities import Actor
from core.errors import InputError
from pages._card_parts import completeness, downloads, opening, sign_off, signatures, write
from pages._commands import outcome
from pages._model_parts import draw, remembered
from pages._shared import (
    HERE,
    arrow,
    pick_model,
    plain,
    read,
    refusal,
    require,
    section,
    wants_sign_in,
    zoned_text,
)

TABLE_HEIGHT = 740


def asked_version() -> int | None:
    """Return the version in the address, None for the one in production."""
    asked = st.query_params.get("version", "")
    return int(asked) if asked.isdecimal() and len(asked) < 10 else None


def pick_version(page: views.CardPage) -> None:
    """Show the picker of versions; the address has the number."""
    titles = {n: str(n) if name == str(n) else f"{n} ({name})" for n, name in page.versions.items()}
    widget = f"version-of-{page.card.model}"
    st.session_state[widget] = page.card.number

    def remember() -> None:
        st.query_params["version"] = str(st.session_state[widget])

    st.selectbox(
        "Version", list(titles), key=widget, on_change=remember, format_func=lambda n: titles[n], width=180
    )


def shown(model: str) -> views.CardPage | None:
    """Return what is shown of a model; a version that does not exist is said so."""
    try:
        found: views.CardPage | None = read(views.card_page, model, asked_version())
    except InputError as error:
        st.warning(plain(str(error)), icon=":material/help:")
        found = read(views.card_page, model, None)
    return found


def one(page: views.CardPage, actor: Actor) -> None:
    """Show one card."""
    card = page.card
    completeness(page)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if not wants_sign_in(actor, "card.sign_off", card.model):
            sign_off(page, why=refusal(actor, "card.sign_off", card.model))
        downloads(card, key="live")
        st.page_link(
            HERE / "model.py",
            label="Health and history of the model",
            icon=":material/query_stats:",
            query_params={"model": card.model},
        )
    st.caption(f"As of {zoned_text(card.as_of, card.zone)}. {PROMISE}")
    why = refusal(actor, "card.write", card.model)
    for each in card.sections:
        with st.container(border=True), section(each.title):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.subheader(each.title, anchor=each.name, width="stretch")
                write(page, each, why=why)
            content(each, card.zone)
    for each in card.beside:
        with st.container(border=True), section(each.title):
            st.subheader(each.title, anchor=each.name)
            content(each, card.zone)
    with st.container(border=True), section("Signed off"):
        st.subheader("Signed off", anchor="signed")
        signatures(page)


def content(told: Section, zone: str) -> None:
    """Show what a section says: text and tables as Markdown, plots between them."""
    opening(told)
    lines: list[str] = []
    for block in told.blocks:
        if isinstance(block, Course | Intervals):
            st.markdown("\n".join([*lines, f"**{plain(block.title)}**"]))
            lines = [f"*{plain(block.note)}*", ""] if block.note else []
            figure = remembered(block.model_dump_json() + zone, charts.card_plot, block, {"zone": zone})
            draw(figure, block.title, key=f"{told.name}-{block.title}")
        else:
            lines += block_lines(block, zone, heading="**{}**")
    if lines:
        st.markdown("\n".join(lines))


def table(cards: pl.DataFrame) -> pl.DataFrame:
    """Return what the table of all cards shows."""
    return cards.select(
        Model="model",
        Complete=pl.col("complete").round(2).cast(pl.Float32),
        Version=pl.col("number").cast(pl.Int32),
        Signed=pl.col("signed_at").dt.date(),
        By="signed_by",
        Tier=pl.col("risk_tier").cast(pl.Int8),
        Owner="owner",
        Missing="missing",
    )


def columns() -> dict[str, Any]:
    """Return how the table's columns are written and explained."""
    config = st.column_config
    return {
        "Model": config.TextColumn(width=150, pinned=True),
        "Complete": config.ProgressColumn(
            min_value=0, max_value=1, format="percent", width=110, help="Sections that say something."
        ),
        "Version": config.NumberColumn(width=70, help="The one in production, else the newest."),
        "Signed": config.DateColumn(
            "Signed off", width=104, format="D MMM YYYY", help="The newest signature of this version."
        ),
        "By": config.TextColumn(width=180),
        "Tier": config.NumberColumn(width=52, help="Risk tier: 1 is the highest."),
        "Owner": config.TextColumn(width=200),
        "Missing": config.TextColumn("Says nothing yet", width=420),
    }


def every(cards: pl.DataFrame) -> None:
    """Show how complete all cards are, the least complete first; a click opens a card."""
    ordered = cards.sort("complete", "risk_tier", "model")

    def open_one() -> None:
        cells = st.session_state["cards"].selection.cells
        if cells:
            st.query_params.from_dict({"of": ordered["model"][cells[0][0]]})

    st.dataframe(
        arrow(table(ordered)),
        key="cards",
        hide_index=True,
        column_config=columns(),
        on_select=open_one,
        selection_mode="single-cell",
        placeholder="–",
        height="content" if ordered.height <= 20 else TABLE_HEIGHT,
        alt="Models with how complete their card is, who signed it off, and what is missing",
    )
    full = cards.filter(pl.col("complete") == 1).height
    st.caption(f"{full} of {cards.height} cards are complete · click a row to read the card")


actor = require("health.see")
st.title("Model card", anchor=False)
outcome()
with section("The card"):
    found = read(views.cards)
    if found.height:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            model = pick_model(found["model"].to_list(), placeholder="All models")
            page = shown(model) if model else None
            if page is not None and page.versions:
                pick_version(page)
        if page is not None:
            one(page, actor)
        else:
            every(found)
    else:
        st.info("No model is registered yet. The health overview shows the first three steps.")
        st.page_link(HERE / "overview.py", label="Health overview", icon=":material/arrow_back:")
