"""What is known of versions: evidence, bound to the artifact it is about, never changed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core import records
from core.governed import AttachedEvidence
from core.records import Evidence
from core.store.governance_schema import evidence


def add(
    c: sa.Connection,
    model: str,
    number: int,
    artifact_digest: str,
    record: Evidence,
    *,
    at: datetime,
    by: str,
) -> AttachedEvidence:
    """Keep a piece of evidence and return it with its number."""
    content = record.model_dump(mode="json")
    digest = records.digest(content)
    row = {
        "model": model,
        "number": number,
        "artifact_digest": artifact_digest,
        "kind": record.kind,
        "verdict": record.verdict,
        "content": content,
        "digest": digest,
        "produced_at": record.produced_at,
        "valid_until": record.valid_until,
        "attached_at": at,
        "attached_by": by,
    }
    made = c.execute(sa.insert(evidence).values(row).returning(evidence.c.id)).scalar_one()
    return AttachedEvidence(made, model, number, artifact_digest, record, digest, at, by)


def of_version(c: sa.Connection, model: str, number: int) -> list[AttachedEvidence]:
    """Return a version's evidence, the newest first."""
    key = (evidence.c.model == model, evidence.c.number == number)
    found = sa.select(evidence).where(*key).order_by(evidence.c.id.desc())
    return [_attached(row) for row in c.execute(found)]


def of_model(c: sa.Connection, model: str) -> list[AttachedEvidence]:
    """Return the evidence of all versions of a model, the newest first."""
    found = sa.select(evidence).where(evidence.c.model == model).order_by(evidence.c.id.desc())
    return [_attached(row) for row in c.execute(found)]


def _attached(row: sa.Row[Any]) -> AttachedEvidence:
    record = Evidence.model_validate(row.content)
    return AttachedEvidence(
        row.id,
        row.model,
        row.number,
        row.artifact_digest,
        record,
        row.digest,
        row.attached_at,
        row.attached_by,
    )
