"""Insert rows, or replace what their primary keys already name: the same on SQLite and PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    c: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, keep: Sequence[str] = ()
) -> None:
    """Insert `rows`; where a row's primary key exists, overwrite its given columns except those in `keep`."""
    if not rows:
        return
    insert = postgresql.insert(table) if c.dialect.name == "postgresql" else sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    given = [name for name in rows[0] if name not in keys and name not in keep]
    statement = insert.on_conflict_do_nothing(index_elements=keys)
    if given:
        statement = insert.on_conflict_do_update(
            index_elements=keys, set_={name: insert.excluded[name] for name in given}
        )
    c.execute(statement, [dict(row) for row in rows])
