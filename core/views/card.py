"""What the page Model card and the tab Documentation read: one card with its signatures, or all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from core import card, documenting
from core.actions import cards as actions
from core.actions import gating
from core.card import ModelCard, Told
from core.errors import StoreError
from core.governed import CardText, SignedDocument
from core.store import Store, card_texts, documents, versions
from core.store import cards as stored

_FLAGS = tuple(Told.__dataclass_fields__)


@dataclass(frozen=True)
class CardPage:
    """A card as it is now, and what was signed off of it, the newest first.

    `texts` is the newest text by section, also where it took the one before back; `versions` are the model's
    names by number, the newest first; `differs` names the sections that changed since the newest signature,
    `problem` says why that cannot be told.
    """

    card: ModelCard
    texts: Mapping[str, CardText]
    versions: Mapping[int, str]
    signed: Sequence[SignedDocument]
    differs: tuple[str, ...]
    problem: str | None
    now: datetime

    def seen(self, section: str) -> int:
        """Return the id of the text a person sees in a section; 0 for none."""
        return self.texts[section].id if section in self.texts else 0


def card_page(store: Store, slug: str, number: int | None = None) -> CardPage | None:
    """Return a version's card, by default of the one in production; None if there is no such model.

    Raises
    ------
    InputError
        If the model has no such version.
    """
    found = documenting.card_of(store, slug, number)
    if found is None:
        return None
    with store.read() as c:
        texts = card_texts.newest(c, slug)
        known = {each.number: each.name for each in versions.every(c, slug)}
        signed = documents.of_version(c, slug, found.number, actions.KIND)
    differs, problem = tuple[str, ...](), None
    try:
        differs = card.changed(actions.signed_card(store, signed[0]), found) if signed else ()
    except StoreError as error:
        problem = str(error)
    return CardPage(found, texts, known, signed, differs, problem, store.workspace.now())


def cards(store: Store) -> pl.DataFrame:
    """Return how complete every model's card is, by name.

    Returns
    -------
    `model`, `owner`, `team`, `risk_tier`, `number` (null without versions), `complete` (share), `missing`
    (titles of sections), `signed_at` and `signed_by` (null where this version was never signed off).
    """
    with store.read() as c:
        told = stored.told(c, gating.ENVIRONMENT)
        texts = card_texts.every(c)
        signed = {(each.model, each.number): each for each in documents.newest(c, actions.KIND)}
    filled = [
        card.filled_by(Told(**{flag: row[flag] for flag in _FLAGS}), texts=texts.get(row["model"], ()))
        for row in told.iter_rows(named=True)
    ]
    mine = [signed.get(key) for key in told.select("model", "number").iter_rows()]
    return told.select("model", "owner", "team", "risk_tier", "number").with_columns(
        complete=pl.Series([card.completeness(each) for each in filled], dtype=pl.Float64),
        missing=pl.Series(
            [", ".join(card.TITLES[name] for name in card.SECTIONS if name not in each) for each in filled],
            dtype=pl.String,
        ),
        signed_at=pl.Series([each.at if each else None for each in mine], dtype=pl.Datetime("us", "UTC")),
        signed_by=pl.Series([each.actor if each else None for each in mine], dtype=pl.String),
    )
