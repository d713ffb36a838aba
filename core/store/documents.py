"""Documents as they were signed off: their bytes and digests, never changed or removed."""

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.errors import StoreError
from core.governed import SignedDocument
from core.store.governance_schema import documents

_SHOWN = tuple(documents.c[field.name] for field in fields(SignedDocument))


def add(
    c: sa.Connection,
    model: str,
    number: int | None,
    kind: str,
    content: bytes,
    *,
    records_digest: str,
    roles: Sequence[str],
    at: datetime,
    by: str,
) -> SignedDocument:
    """Keep a document and return it with its number and digest."""
    row = {
        "model": model,
        "number": number,
        "kind": kind,
        "content": content,
        "digest": hashlib.sha256(content).hexdigest(),
        "records_digest": records_digest,
        "actor": by,
        "roles": list(roles),
        "at": at,
    }
    return _document(c.execute(sa.insert(documents).values(row).returning(*_SHOWN)).one())


def of_version(c: sa.Connection, model: str, number: int | None, kind: str) -> list[SignedDocument]:
    """Return the signed documents of a version (None = of the model without one), the newest first."""
    same = documents.c.number.is_(None) if number is None else documents.c.number == number
    found = sa.select(*_SHOWN).where(documents.c.model == model, documents.c.kind == kind, same)
    return [_document(row) for row in c.execute(found.order_by(documents.c.id.desc()))]


def newest(c: sa.Connection, kind: str) -> list[SignedDocument]:
    """Return the newest signed document of each version of each model."""
    last = sa.select(sa.func.max(documents.c.id)).where(documents.c.kind == kind)
    found = sa.select(*_SHOWN).where(documents.c.id.in_(last.group_by(documents.c.model, documents.c.number)))
    return [_document(row) for row in c.execute(found.order_by(documents.c.id))]


def content(c: sa.Connection, identifier: int) -> bytes:
    """Return a document's bytes as they were signed.

    Raises
    ------
    StoreError
        If there is none of this number, or its bytes are not those that were signed.
    """
    found = sa.select(documents.c.content, documents.c.digest).where(documents.c.id == identifier)
    row = c.execute(found).one_or_none()
    if row is None:
        raise StoreError(f"there is no document {identifier}; see: steward card MODEL --signed")
    signed = bytes(row.content)
    if hashlib.sha256(signed).hexdigest() != row.digest:
        raise StoreError(
            f"document {identifier} was altered: its bytes do not fit its digest; restore a backup"
        )
    return signed


def _document(row: sa.Row[Any]) -> SignedDocument:
    return SignedDocument(**{field.name: getattr(row, field.name) for field in fields(SignedDocument)})
