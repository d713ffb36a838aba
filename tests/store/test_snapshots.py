"""The published registry: any DuckDB user joins it with statistics and logs, without Steward."""

from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest

from core.entities import Actor, LedgerEntry, LogFile, ModelStatus
from core.errors import StoreError
from core.store import audit, ledger, snapshots, statistics, status, views

APRIL = datetime(2013, 4, 1, tzinfo=UTC)


def test_registry_statistics_and_logs_join_with_plain_duckdb(registered, metrics, now):
    log = registered.root / "predictions" / "delay-30" / "april.parquet"
    log.parent.mkdir(parents=True)
    rows = {"at": [APRIL + timedelta(hours=h) for h in range(48)], "p": [0.25] * 24 + [0.75] * 24}
    pl.DataFrame(rows).write_parquet(log)
    superseded = statistics.write(registered, "delay-30", "2013-04", "metrics", metrics(APRIL, 2, value=9.9))
    name = statistics.write(registered, "delay-30", "2013-04", "metrics", metrics(APRIL, 2, value=0.3))
    with registered.write() as c:
        for generation in (superseded, name):
            statistics.publish(c, "delay-30", "2013-04", "metrics", generation)
        status.put(c, ModelStatus("delay-30", "warning", now))
        fingerprint = LogFile(str(log.relative_to(registered.root)), "predictions", 1, 1)
        ledger.record(c, "delay-30", [LedgerEntry(fingerprint, "read", rows=48)])
    snapshots.publish(registered)

    with duckdb.connect() as plain:
        plain.execute(f"SET file_search_path = '{registered.root}'")
        plain.execute("SET TimeZone = 'UTC'")
        plain.execute("SET VARIABLE files = (SELECT list(path) FROM 'registry/statistics.parquet')")
        found = plain.sql("""
            SELECT models.owner, status.state, daily.value, avg(log.p), count(*), max(ledger.rows)
            FROM read_parquet(getvariable('files')) AS daily
            JOIN 'registry/models.parquet' AS models ON models.model = 'delay-30'
            JOIN 'registry/status.parquet' AS status USING (model)
            JOIN 'registry/ledger.parquet' AS ledger USING (model)
            JOIN 'predictions/delay-30/april.parquet' AS log
              ON log.at >= daily.window_start AND log.at < daily.window_end
            GROUP BY models.owner, status.state, daily.value, daily.window_start
            ORDER BY daily.window_start
        """).fetchall()
    assert found == [
        ("ops@example.com", "warning", 0.3, 0.25, 24, 48),
        ("ops@example.com", "warning", 0.3, 0.75, 24, 48),
    ]


def test_snapshots_are_written_again_only_after_a_change(registered, now):
    files = snapshots.publish(registered)
    assert {path.stem for path in files} == set(views.TABLES)
    assert snapshots.publish(registered) == []
    with registered.write() as c:
        status.put(c, ModelStatus("delay-30", "healthy", now))
    assert snapshots.publish(registered) == files
    assert [path.name for path in files[0].parent.glob("*.tmp")] == []
    assert pl.read_parquet(files[0].parent / "status.parquet")["state"].to_list() == ["healthy"]


def test_a_registry_table_as_a_frame_has_instants_and_readable_audit_bodies(registered, now):
    with registered.write() as c:
        audit.append(c, Actor("ada", "cli"), "model.changed", "model:delay-30", after="é", ts=now)
        entry = views.arrow(c, "audit").row(0, named=True)
    assert entry["ts"] == now
    assert '"after":"é"' in entry["body"]


@pytest.mark.parametrize("name", ["leases", "audit_head", "sqlite_master", "models; DROP TABLE models"])
def test_only_tables_meant_for_reading_are_given_out(registered, name):
    with (
        pytest.raises(StoreError, match="no table for reading; expected one of models, status"),
        registered.read() as c,
    ):
        views.arrow(c, name)
