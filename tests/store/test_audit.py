"""The audit log: appended to and never changed, and a change from outside shows."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.entities import Actor
from core.errors import StoreError
from core.store import audit

ADA = Actor("ada@example.com", "cli")
TS = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


@pytest.fixture
def chained(store):
    """A store with five audit entries."""
    with store.write() as c:
        for tier in range(5):
            audit.append(c, ADA, "model.changed", "model:delay-30", before=tier, after=tier + 1, ts=TS)
    return store


def verdict(store) -> tuple[str, int, int]:
    with store.read() as c:
        report = audit.verify(c)
    return report.state, report.seq, report.entries


def test_an_untouched_chain_is_intact(chained):
    assert verdict(chained) == ("intact", 5, 5)


def test_an_empty_chain_is_intact(store):
    assert verdict(store) == ("intact", 0, 0)


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit WHERE seq = 5"])
def test_the_database_refuses_to_change_or_remove_entries(chained, statement):
    with (
        pytest.raises((StoreError, sa.exc.IntegrityError), match="never changed or removed"),
        chained.write() as c,
    ):
        c.execute(sa.text(statement))
    assert verdict(chained) == ("intact", 5, 5)


@pytest.mark.postgres
@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_postgresql_refuses_to_truncate_the_log(chained):
    with pytest.raises(StoreError, match="never changed or removed"), chained.write() as c:
        c.execute(sa.text("TRUNCATE audit"))


@pytest.mark.parametrize("column, value", [("actor", "'eve'"), ("entity", "'model:x'"), ("hash", "'00'")])
def test_an_edited_column_breaks_the_chain_there(chained, tamper, column, value):
    tamper(chained, f"UPDATE audit SET {column} = {value} WHERE seq = 3")
    assert verdict(chained) == ("broken", 3, 2)


def test_an_edited_body_breaks_the_chain_even_with_a_new_hash(chained, tamper):
    with chained.read() as c:
        body = c.execute(sa.text("SELECT body FROM audit WHERE seq = 2")).scalar_one()
    forged = json.dumps({**json.loads(body), "after": 99}, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(forged.encode()).hexdigest()
    blob = f"X'{forged.encode().hex()}'" if chained.file else f"'\\x{forged.encode().hex()}'"
    tamper(chained, f"UPDATE audit SET body = {blob}, hash = '{digest}' WHERE seq = 2")
    assert verdict(chained) == ("broken", 3, 2)


def test_an_entry_removed_from_the_middle_breaks_the_chain(chained, tamper):
    tamper(chained, "DELETE FROM audit WHERE seq = 3")
    assert verdict(chained) == ("broken", 3, 2)


def test_a_tail_cut_off_shows_against_the_head(chained, tamper):
    tamper(chained, "DELETE FROM audit WHERE seq >= 4")
    assert verdict(chained) == ("truncated", 3, 3)


def test_the_stored_bytes_are_what_was_hashed(chained):
    with chained.read() as c:
        rows = c.execute(sa.text("SELECT body, hash FROM audit ORDER BY seq")).all()
    previous = "0" * 64
    for body, digest in rows:
        assert hashlib.sha256(body).hexdigest() == digest
        assert json.loads(body)["prev_hash"] == previous
        previous = digest


def test_an_entry_says_who_did_what_with_fractions_as_text(store):
    before = {
        "threshold": 0.1,
        "delay": timedelta(hours=1),
        "from": date(2013, 1, 1),
        "owner": "Jörg",
        "on": True,
    }
    with store.write() as c:
        seq = audit.append(c, ADA, "model.changed", "model:m", before=before, reason="asked by Jörg", ts=TS)
    with store.read() as c:
        entry = audit.entries(c)[0]
    assert (entry.seq, entry.actor, entry.source, entry.action) == (seq, ADA.id, "cli", "model.changed")
    assert entry.before == {
        "threshold": "0.1",
        "delay": "3600s",
        "from": "2013-01-01",
        "owner": "Jörg",
        "on": True,
    }
    assert (entry.after, entry.reason, entry.ts) == (None, "asked by Jörg", TS)


def test_an_entry_of_an_undone_change_is_undone_with_it(chained):
    with pytest.raises(ZeroDivisionError), chained.write() as c:
        audit.append(c, ADA, "model.changed", "model:delay-30", ts=TS)
        _ = 1 / 0
    assert verdict(chained) == ("intact", 5, 5)


def test_entries_are_found_by_entity_and_actor_newest_first(chained):
    with chained.write() as c:
        audit.append(c, Actor("grace", "ui"), "model.paused", "model:eta", ts=TS)
    with chained.read() as c:
        assert [entry.seq for entry in audit.entries(c, limit=2)] == [6, 5]
        assert [entry.action for entry in audit.entries(c, entity="model:eta")] == ["model.paused"]
        assert {entry.actor for entry in audit.entries(c, actor=ADA.id)} == {ADA.id}
        assert audit.entries(c, entity="model:et") == []  # another model's name may begin so
        assert [entry.seq for entry in audit.entries(c, about="et")] == [6]


def test_what_is_no_json_cannot_go_into_an_entry(store):
    with pytest.raises(TypeError, match="set cannot go into an audit entry"), store.write() as c:
        audit.append(c, ADA, "model.changed", "model:m", after={"owners": {1, 2}}, ts=TS)
