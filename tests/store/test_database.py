"""Transactions, migrations and the errors of a database that is not as it should be."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.errors import SchemaError, StoreError
from core.settings import Workspace, initialise
from core.store import Store, audit, governance_schema, heartbeats, models


def test_the_migrations_lead_to_the_schema_in_the_code(store):
    with store.read() as c:
        assert compare_metadata(MigrationContext.configure(c), governance_schema.metadata) == []


def test_migrating_twice_changes_nothing(registered):
    registered.migrate()
    registered.require_current()
    with registered.read() as c:
        assert models.get(c, "delay-30") is not None


def test_a_store_that_was_never_migrated_names_the_command_to_run(workspace):
    (workspace.root / "registry.db").touch()
    with pytest.raises(SchemaError, match="is empty.*steward init --workspace"):
        Store(workspace).require_current()


def test_a_store_of_a_newer_version_is_left_alone(store):
    with store.write() as c:
        c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (store.require_current, store.migrate):
        with pytest.raises(SchemaError, match="9999 of a newer Steward; upgrade"):
            attempt()


def test_a_sqlite_file_is_copied_before_it_is_migrated(workspace):
    file = workspace.root / "registry.db"
    with closing(sqlite3.connect(file)) as c:
        c.execute("CREATE TABLE old_schema (note TEXT)")
        c.execute("INSERT INTO old_schema VALUES ('kept')")
        c.commit()
    Store(workspace).migrate()
    copies = list(file.parent.glob("registry.db.before-*"))
    with closing(sqlite3.connect(copies[0])) as c:
        assert c.execute("SELECT note FROM old_schema").fetchall() == [("kept",)]


def test_a_failing_migration_leaves_the_database_as_it_was(workspace):
    file = workspace.root / "registry.db"
    with closing(sqlite3.connect(file)) as c:
        c.execute("CREATE TABLE sweeps (something_else TEXT)")
    with pytest.raises(StoreError, match="sweeps"):
        Store(workspace).migrate()
    with closing(sqlite3.connect(file)) as c:
        assert c.execute("SELECT name FROM sqlite_master").fetchall() == [("sweeps",)]


def test_a_read_transaction_sees_one_moment(registered, declared, now):
    with registered.read() as before:
        assert len(models.every(before)) == 1
        with registered.write() as c:
            models.put(c, declared("other"), text="", now=now)
        assert len(models.every(before)) == 1
    with registered.read() as after:
        assert len(models.every(after)) == 2


def test_a_read_transaction_cannot_write(registered):
    with pytest.raises(StoreError, match=r"read-?only"), registered.read() as c:
        models.pause(c, "delay-30", "ops@example.com")


def test_an_exception_undoes_the_whole_write_transaction(registered, declared, now):
    revision = registered.revision()
    with pytest.raises(ZeroDivisionError), registered.write() as c:
        models.put(c, declared("other"), text="", now=now)
        _ = 1 / 0
    with registered.read() as c:
        assert models.get(c, "other") is None
    assert registered.revision() == revision


def test_the_revision_grows_with_commits_that_pages_could_show_and_no_others(registered):
    before = registered.revision()
    with registered.write(shown=False) as c:
        heartbeats.beat(c, "h:1:a", "jobs", "h", 1, datetime.now(UTC))
    assert registered.revision() == before
    with registered.write() as c:
        models.pause(c, "delay-30", "ops@example.com")
    assert registered.revision() == before + 1


def test_instants_of_any_zone_come_back_in_utc(registered, declared):
    here = datetime(2013, 5, 1, 12, 0, 0, 7, tzinfo=timezone(timedelta(hours=-4)))
    with registered.write() as c:
        models.put(c, declared("other"), text="", now=here)
    with registered.read() as c:
        created = models.get(c, "other").created_at
    assert created == here
    assert created.tzinfo is UTC


def test_a_time_without_zone_is_refused(registered, declared):
    with pytest.raises(sa.exc.StatementError, match="has no zone"), registered.write() as c:
        models.put(c, declared("other"), text="", now=datetime(2013, 5, 1))


def test_a_deleted_store_file_is_an_error_and_no_empty_registry(sqlite_store):
    sqlite_store.revision()
    sqlite_store.file.unlink()
    for attempt in (sqlite_store.read, sqlite_store.write):
        with pytest.raises(StoreError, match="the file is gone: restore it from a backup"), attempt():
            pass
    assert not sqlite_store.file.exists()


def test_a_restored_store_file_is_read_at_once(sqlite_store, declared, now, tmp_path):
    copy = tmp_path / "backup.db"
    with closing(sqlite3.connect(sqlite_store.file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with sqlite_store.write() as c:
        models.put(c, declared(), text="", now=now)
    for file in sqlite_store.root.glob("registry.db*"):
        file.unlink()
    shutil.copy(copy, sqlite_store.file)
    with sqlite_store.read() as c:
        assert models.every(c) == []


def test_a_database_another_program_holds_says_so(workspace):
    store = Store(workspace, timeout_s=0.05)
    store.migrate()
    with closing(sqlite3.connect(store.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds it open for writing"), store.write():
            pass
        assert store.revision() == 0  # readers go on
    store.close()


def test_a_writer_waits_no_longer_than_its_timeout_for_another_writer(registered):
    hasty = Store(registered.workspace, timeout_s=0.05)
    with (
        registered.write(),
        pytest.raises(StoreError, match="being written by another process|lock timeout"),
        hasty.write(),
    ):
        pass
    hasty.close()


def test_a_damaged_database_says_so(workspace):
    (workspace.root / "registry.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"file is not a database; .*restore the file from a backup"):
        Store(workspace).migrate()


@pytest.mark.parametrize("url", ["mysql://localhost/steward", "duckdb:///registry.db"])
def test_a_database_steward_cannot_use_is_named(workspace, url):
    (workspace.root / "steward.yaml").write_text(f"database_url: {url}\n")
    with pytest.raises(StoreError, match="expected sqlite:///… or postgresql"):
        Store(Workspace.open(workspace.root))


@pytest.mark.postgres
def test_an_unreachable_server_is_told_without_its_password(workspace, tmp_path):
    url = f"postgresql://steward:geheim@/registry?host={tmp_path}"
    (workspace.root / "steward.yaml").write_text(f"database_url: {url}\n")
    store = Store(Workspace.open(workspace.root))
    with pytest.raises(StoreError, match="check that the server of database_url runs") as caught:
        store.revision()
    assert "geheim" not in str(caught.value)


def test_a_workspace_folder_with_unusual_letters_works(tmp_path, declared, now):
    store = Store(initialise(tmp_path / "a b?#%'é"))
    store.migrate()
    with store.write() as c:
        models.put(c, declared(), text="", now=now)
    with store.read() as c:
        assert audit.verify(c).state == "intact"
    assert [path.name for path in store.root.glob("*.db")] == ["registry.db"]
    store.close()
