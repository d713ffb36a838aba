"""What people do with model cards: write a section's text, and sign the whole card off as it stands."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from core import card, documenting
from core.actions.alerts import ago
from core.actions.authority import require
from core.card import SECTIONS, TITLES, ModelCard
from core.card.content import clean
from core.entities import Actor
from core.errors import Conflict, InputError, StoreError
from core.governed import CardText, SignedDocument
from core.permissions import PERMITS
from core.store import Store, audit, card_texts, documents
from core.strict import nearest

KIND = "model_card"
LONGEST = 10_000


def write(
    store: Store, model: str, section: str, text: str, actor: Actor, *, seen: int | None = None
) -> CardText:
    """Write a section's text in place of the one that stands; an empty one takes that back.

    Parameters
    ----------
    seen : id of the text the person saw there, 0 for none; None replaces whatever stands

    Returns
    -------
    The text as it is kept; the one that stands if the same person wrote the same before.

    Raises
    ------
    NotAllowed
        If the actor may not write into this model's card.
    InputError
        If there is no such model or section, or the text is too long.
    Conflict
        If somebody else wrote there since the person looked.
    """
    said, now = _text(section, text), store.workspace.now()
    with store.write() as c:
        require(c, actor, "card.write", model=model)
        documenting.must_be_registered(c, model)
        before = card_texts.newest(c, model).get(section)
        if before is not None and (before.text, before.by) == (said, actor.id):
            return before
        if before is None and not said:
            raise InputError(f"{TITLES[section]} of {model} has no text that could be taken back")
        if seen is not None and (before.id if before else 0) != seen:
            raise Conflict(_written_since(model, section, before, now))
        made = card_texts.add(c, model, section, said, at=now, by=actor.id)
        audit.append(
            c,
            actor,
            "card.written",
            f"model:{model}",
            before=_told(before),
            after=_told(made),
            ts=datetime.now(UTC),
        )
    return made


def sign_off(
    store: Store, model: str, number: int | None, actor: Actor, *, seen: str | None = None
) -> SignedDocument:
    """Sign a version's card off: what it says now is kept, byte for byte, with who signed it.

    Parameters
    ----------
    number : which version; None for the one in production, else the newest
    seen : `records_digest` of the card the person read; another one is a conflict

    Returns
    -------
    The signed document; the same person signing the same twice on one day signs once.

    Raises
    ------
    NotAllowed
        If the actor may not sign this model's cards off, or uses a token.
    InputError
        If there is no such model or version.
    Conflict
        If the card says something else than what the person read.
    """
    with store.read() as c:
        registered = documenting.must_be_registered(c, model)
        version = documenting.chosen(c, model, number)
    production = documenting.production(store, registered.declaration, version)
    now = store.workspace.now()
    with store.write() as c:
        roles = require(c, actor, "card.sign_off", model=model)
        registered = documenting.must_be_registered(c, model)
        version = documenting.chosen(c, model, version.number if version else None)
        current = card.model_card(documenting.known(c, registered, version, production, now))
        if seen is not None and current.records_digest != seen:
            raise Conflict(
                f"the card of {current.title} says something else since you read it; reload to see what"
            )
        if twin := _signed_today(c, current, actor):
            return twin
        made = documents.add(
            c,
            model,
            current.number,
            KIND,
            current.canonical(),
            records_digest=current.records_digest,
            roles=sorted(roles & set(PERMITS["card.sign_off"].roles)) or ["owner"],
            at=now,
            by=actor.id,
        )
        told = {"document": made.id, "digest": made.digest, "complete": current.completeness}
        entity = f"model:{model}" if version is None else version.entity
        audit.append(c, actor, "card.signed_off", entity, after=told, ts=datetime.now(UTC))
    return made


def signed_card(store: Store, document: SignedDocument) -> ModelCard:
    """Return a card as it was signed off.

    Raises
    ------
    StoreError
        If its bytes are not those that were signed, or another version of Steward has to read them.
    """
    with store.read() as c:
        content = documents.content(c, document.id)
    try:
        return ModelCard.model_validate_json(content)
    except ValueError as error:
        raise StoreError(
            f"document {document.id} holds a card that this version of Steward cannot read; "
            "its bytes are intact, read them with the version that signed it"
        ) from error


def _told(text: CardText | None) -> dict[str, Any] | None:
    """Return how the audit log names a text: by its digest, so that it holds nobody's words for ever."""
    if text is None:
        return None
    return {"section": text.section, "text": text.id, "sha256": sha256(text.text.encode()).hexdigest()}


def _text(section: str, text: str) -> str:
    if section not in SECTIONS:
        raise InputError(f"a model card has no section {section!r}; {nearest(section, SECTIONS)}")
    said = clean(text).strip()
    if len(said) > LONGEST:
        raise InputError(
            f"{TITLES[section]}: {len(said):,} characters were given, at most {LONGEST:,} fit; "
            "keep what a reader must know, and name where the rest lies"
        )
    return said


def _written_since(model: str, section: str, text: CardText | None, now: datetime) -> str:
    if text is None:
        return f"{TITLES[section]} of {model} has no text any more; reload to see it as it is"
    when = f"by {text.by} {ago(now - text.at)}"
    return f"{TITLES[section]} of {model} was written {when}; reload to see it as it is"


def _signed_today(c: sa.Connection, current: ModelCard, actor: Actor) -> SignedDocument | None:
    newest = next(iter(documents.of_version(c, current.model, current.number, KIND)), None)
    same = newest is not None and (newest.records_digest, newest.actor) == (current.records_digest, actor.id)
    return newest if newest and same and newest.at.date() == current.as_of.date() else None
