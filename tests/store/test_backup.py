"""Backup and restore: a whole workspace in one file, and nothing of half a one."""

import gzip
import io
import tarfile
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from core import auditing
from core.entities import Actor, LedgerEntry, LogFile
from core.errors import InputError, PathError, StoreError
from core.store import Store, audit, backup, ledger, models, statistics

TS = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def kept(sqlite_store, declared, metrics):
    """A store with a model, its declaration, a month of statistics, a session and an anchored entry."""
    root, month = sqlite_store.root, metrics(datetime(2013, 4, 1, 4, tzinfo=UTC), 30)
    (root / "models" / "delay-30.yaml").write_text("model: delay-30\n")
    name = statistics.write(sqlite_store, "delay-30", "2013-04", "metrics", month)
    with sqlite_store.write() as c:
        models.put(c, declared(), text="model: delay-30\n", now=TS)
        statistics.publish(c, "delay-30", "2013-04", "metrics", name)
        audit.append(c, Actor("ada", "cli"), "model.registered", "model:delay-30", ts=TS)
        for statement in (
            "INSERT INTO principals (id, name, kind, state, created_at, created_by) "
            "VALUES ('ada', 'Ada', 'local', 'active', '2026-01-02 00:00:00.000000', 'ada')",
            "INSERT INTO sessions (digest, principal, signed_in_at, expires_at) "
            "VALUES ('d', 'ada', '2026-01-02 00:00:00.000000', '2099-01-02 00:00:00.000000')",
        ):
            c.execute(sa.text(statement))
        log = LogFile(str(root / "predictions" / "a.parquet"), "predictions", 1, 1)
        ledger.record(c, "delay-30", [LedgerEntry(log, "read", TS, TS, 1)])
    auditing.anchor(sqlite_store, wall=TS)
    return sqlite_store


def test_a_restored_workspace_has_everything_and_ends_the_sessions(kept, tmp_path):
    file = tmp_path / "steward.tar.gz"
    assert backup.write(kept, file) == 5  # database, steward.yaml, declaration, statistics, anchors
    restored = Store(backup.restore(file, tmp_path / "again"))
    with restored.read() as c:
        assert models.get(c, "delay-30").text == "model: delay-30\n"
        assert c.execute(sa.text("SELECT ended_at IS NOT NULL FROM sessions")).scalar_one()
        (entry,) = ledger.entries(c, "delay-30")
    assert entry.file.path == str(restored.root / "predictions" / "a.parquet")
    assert statistics.read(restored, "delay-30", "metrics").equals(
        statistics.read(kept, "delay-30", "metrics")
    )
    report = auditing.verify(restored, wall=TS)
    assert (report.state, report.anchored) == ("intact", 1)
    assert (restored.root / "models" / "delay-30.yaml").read_text() == "model: delay-30\n"


def test_a_backup_taken_while_others_write_is_one_moment(kept, tmp_path):
    with kept.write() as c:
        audit.append(c, Actor("ada", "cli"), "model.paused", "model:delay-30", ts=TS)
        backup.write(kept, tmp_path / "one.tar.gz")  # the transaction is still open
    restored = Store(backup.restore(tmp_path / "one.tar.gz", tmp_path / "again"))
    with restored.read() as c:
        assert audit.head(c)[0] == 1


@pytest.mark.parametrize(
    "spoil, told",
    [
        (lambda content: content[: len(content) // 2], "no whole backup"),
        (lambda content: b"rubbish", "no whole backup"),
        (lambda content: _replaced(content, "steward.yaml", b"# other"), "steward.yaml differs"),
        (lambda content: _replaced(content, "../outside", b"x"), "no whole backup"),
    ],
)
def test_a_damaged_backup_leaves_nothing_behind(kept, tmp_path, spoil, told):
    file = tmp_path / "steward.tar.gz"
    backup.write(kept, file)
    file.write_bytes(spoil(file.read_bytes()))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=told):
        backup.restore(file, tmp_path / "again")
    assert sorted(tmp_path.iterdir()) == before


def test_neither_overwrites_anything(kept, tmp_path):
    file = tmp_path / "steward.tar.gz"
    backup.write(kept, file)
    with pytest.raises(PathError, match="never overwritten"):
        backup.write(kept, file)
    with pytest.raises(PathError, match="a workspace already"):
        backup.restore(file, kept.root)


def test_a_workspace_that_lost_statistics_says_so_before_it_is_backed_up(kept, tmp_path):
    (path,) = (kept.root / "statistics" / "delay-30").iterdir()
    path.unlink()
    with pytest.raises(StoreError, match="steward rebuild"):
        backup.write(kept, tmp_path / "steward.tar.gz")
    assert not (tmp_path / "steward.tar.gz").exists()
    assert not list(tmp_path.glob(".steward-*"))


@pytest.mark.postgres
@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_on_postgresql_it_names_the_tool_to_use(store, tmp_path):
    with pytest.raises(InputError, match="pg_dump"):
        backup.write(store, tmp_path / "steward.tar.gz")


def _replaced(content: bytes, name: str, instead: bytes) -> bytes:
    """Return the backup with another content of one entry, which is added if there is none."""
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as source,
        tarfile.open(fileobj=out, mode="w:gz") as target,
    ):
        for entry in source:
            if entry.name != name:
                target.addfile(entry, source.extractfile(entry))
        entry = tarfile.TarInfo(name)
        entry.size = len(instead)
        target.addfile(entry, io.BytesIO(instead))
    return out.getvalue()
