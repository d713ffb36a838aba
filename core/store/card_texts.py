"""What people wrote into model cards; the newest text of a section stands, all are kept."""

from datetime import datetime

import sqlalchemy as sa

from core.store.governance_schema import card_texts


def add(c: sa.Connection, model: str, section: str, text: str, *, at: datetime, by: str) -> None:
    """Keep a text for a section; an empty one takes the section's text back."""
    c.execute(sa.insert(card_texts).values(model=model, section=section, text=text, at=at, actor=by))


def standing(c: sa.Connection, model: str) -> dict[str, str]:
    """Return the text that stands, by section."""
    rows = c.execute(sa.select(card_texts).where(card_texts.c.model == model).order_by(card_texts.c.id))
    return {section: text for section, text in {row.section: row.text for row in rows}.items() if text}
