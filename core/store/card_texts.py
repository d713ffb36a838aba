"""What people wrote into model cards; the newest text of a section stands, all are kept."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.governed import CardText
from core.store.governance_schema import card_texts


def add(c: sa.Connection, model: str, section: str, text: str, *, at: datetime, by: str) -> CardText:
    """Keep a text for a section; an empty one takes the section's text back."""
    row = {"model": model, "section": section, "text": text, "at": at, "actor": by}
    made = c.execute(sa.insert(card_texts).values(row).returning(card_texts.c.id)).scalar_one()
    return CardText(made, section, text, at, by)


def newest(c: sa.Connection, model: str) -> dict[str, CardText]:
    """Return the newest text of each section somebody wrote in, also where it took the one before back."""
    rows = c.execute(sa.select(card_texts).where(card_texts.c.model == model).order_by(card_texts.c.id))
    return {row.section: _text(row) for row in rows}


def standing(c: sa.Connection, model: str) -> dict[str, str]:
    """Return the text that stands, by section."""
    return {section: said.text for section, said in newest(c, model).items() if said.text}


def every(c: sa.Connection) -> dict[str, set[str]]:
    """Return in which sections a text stands, by model."""
    rows = c.execute(
        sa.select(card_texts.c.model, card_texts.c.section, card_texts.c.text).order_by(card_texts.c.id)
    )
    found: dict[tuple[str, str], bool] = {(row.model, row.section): bool(row.text) for row in rows}
    return _by_model(key for key, stands in found.items() if stands)


def _by_model(keys: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for model, section in keys:
        found.setdefault(model, set()).add(section)
    return found


def _text(row: sa.Row[Any]) -> CardText:
    return CardText(row.id, row.section, row.text, row.at, row.actor)
