"""Registry tables as frames: pages join them with statistics in DuckDB, snapshots publish them."""

import polars as pl
import sqlalchemy as sa

from core.errors import StoreError
from core.store import governance_schema as governance
from core.store import schema
from core.store.frames import frame

# What may leave the database as a whole table; leases and the audit log's head are nobody's business.
TABLES = {
    table.name: table
    for table in (
        schema.models,
        schema.status,
        schema.ledger,
        schema.reference,
        schema.statistics,
        schema.due,
        schema.sweeps,
        schema.heartbeats,
        schema.audit,
        schema.alerts,
        schema.alert_events,
        schema.annotations,
        schema.schema_changes,
        schema.retraining_requests,
        governance.use_cases,
        governance.versions,
        governance.datasets,
        governance.runs,
        governance.lineage,
        governance.evidence,
        governance.policies,
        governance.promotions,
        governance.approvals,
        governance.waivers,
        governance.releases,
        governance.champions,
        governance.attestations,
        governance.retirements,
        governance.card_texts,
    )
}


def arrow(c: sa.Connection, table_name: str) -> pl.DataFrame:
    """Return a registry table in the order of its primary key; lists and mappings are JSON text.

    `statistics` has a further column `path`, the file of the generation relative to the workspace.

    Raises
    ------
    StoreError
        If the table is none of TABLES.
    """
    if table_name not in TABLES:
        raise StoreError(f"{table_name!r} is no table for reading; expected one of {', '.join(TABLES)}")
    table = TABLES[table_name]
    found = frame(c, sa.select(table).order_by(*table.primary_key))
    if table is schema.statistics:
        path = pl.format("statistics/{}/{}.{}.{}.parquet", "model", "month", "kind", "generation")
        found = found.with_columns(path=path)
    return found
