"""Changes of a log's columns as the registry keeps them, also when the ledger has forgotten the files."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from core.entities import SchemaChange
from core.store.schema import schema_changes


def every(c: sa.Connection, model: str) -> list[SchemaChange]:
    """Return the changes of a model's log, in time order."""
    found = sa.select(schema_changes).where(schema_changes.c.model == model)
    ordered = found.order_by(schema_changes.c.at, schema_changes.c.column)
    return [SchemaChange(row.at, row.column, row.before, row.after) for row in c.execute(ordered)]


def put(c: sa.Connection, model: str, found: Sequence[SchemaChange], *, since: datetime) -> None:
    """Make these the changes of a model's log after an instant; what is known up to it stays."""
    known = [change for change in every(c, model) if change.at > since]
    if known == list(found):
        return
    c.execute(sa.delete(schema_changes).where(schema_changes.c.model == model, schema_changes.c.at > since))
    if found:
        c.execute(sa.insert(schema_changes), [{"model": model, **asdict(change)} for change in found])
