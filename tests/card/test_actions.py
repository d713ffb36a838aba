"""Writing into cards and signing them off: who may, what a second person did meanwhile, and what stays."""

import hashlib
import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa

from core import documenting, views
from core.actions import cards, versions
from core.card import ModelCard
from core.entities import Actor
from core.errors import Conflict, InputError, NotAllowed, StoreError
from core.permissions import ROLES
from core.records import Evidence
from core.store import Store, audit, card_texts, documents, models
from tests.card.conftest import VI
from tests.release.conftest import APU, DORA, NOW, VAL, Register, at, declaration

OWNER = Actor("Owner@example.com", "ui", frozenset({"viewer"}))


def standing(store: Store, model: str = "tier-2") -> dict[str, str]:
    with store.read() as c:
        return card_texts.standing(c, model)


def signed(store: Store, number: int | None = 1) -> list:
    with store.read() as c:
        return documents.of_version(c, "tier-2", number, cards.KIND)


def test_a_text_is_kept_with_its_author_and_audited(released: Store):
    made = cards.write(released, "tier-2", "factors", "  Airports differ.\r\n\r\nSo do months.  ", DORA)
    assert (made.text, made.by, made.at) == ("Airports differ.\n\nSo do months.", DORA.id, NOW)
    assert cards.write(released, "tier-2", "factors", "Airports differ.\n\nSo do months.", DORA) == made
    with released.read() as c:
        (entry,) = [e for e in audit.entries(c) if e.action == "card.written"]
    assert entry.entity == "model:tier-2"
    digest = hashlib.sha256(made.text.encode()).hexdigest()
    assert entry.before is None
    assert entry.after == {"section": "factors", "text": made.id, "sha256": digest}


def test_a_text_written_meanwhile_is_a_conflict_and_nothing_is_lost(released: Store):
    seen = cards.write(released, "tier-2", "factors", "first", DORA)
    cards.write(released, "tier-2", "factors", "second", VAL, seen=seen.id)
    with pytest.raises(Conflict, match=r"was written by val@example\.com just now; reload"):
        cards.write(released, "tier-2", "factors", "third", DORA, seen=seen.id)
    with pytest.raises(Conflict):
        cards.write(released, "tier-2", "factors", "third", DORA, seen=0)
    assert standing(released)["factors"] == "second"


def test_of_many_who_saw_the_same_text_one_writes(released: Store):
    outcomes: list[str] = []
    go = threading.Barrier(6)

    def write(name: str) -> None:
        actor = replace(DORA, id=f"{name}@example.com")
        go.wait()
        try:
            cards.write(released, "tier-2", "factors", f"by {name}", actor, seen=0)
            outcomes.append("written")
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 5 + ["written"]
    with released.read() as c:
        assert audit.verify(c).state == "intact"


def test_taking_a_text_back_leaves_the_section_empty_and_the_story_whole(released: Store):
    cards.write(released, "tier-2", "caveats", "", DORA)
    assert "caveats" not in standing(released)
    with pytest.raises(InputError, match="Factors of tier-2 has no text that could be taken back"):
        cards.write(released, "tier-2", "factors", " \n ", DORA)
    with released.read() as c:
        assert card_texts.newest(c, "tier-2")["caveats"].by == DORA.id


def test_an_unknown_section_a_long_text_and_an_unknown_model_are_refused(released: Store):
    with pytest.raises(InputError, match="no section 'caveat'; did you mean 'caveats'"):
        cards.write(released, "tier-2", "caveat", "x", DORA)
    with pytest.raises(InputError, match="10,001 characters were given, at most 10,000 fit"):
        cards.write(released, "tier-2", "caveats", "x" * 10_001, DORA)
    with pytest.raises(InputError, match="no model 'nobody' is registered"):
        cards.write(released, "nobody", "caveats", "x", DORA)


@pytest.mark.parametrize("role", [None, *ROLES])
def test_who_may_write_and_who_may_sign(sqlite_store: Store, role: str | None):
    store = _with_model(sqlite_store)
    actor = Actor("somebody@example.com", "ui", frozenset({role} if role else ()))
    for allowed, command in (
        (
            ("data_scientist", "ml_engineer", "validator"),
            lambda: cards.write(store, "m", "caveats", "x", actor),
        ),
        (("validator", "approver"), lambda: cards.sign_off(store, "m", None, actor)),
    ):
        if role in allowed:
            command()
        else:
            with pytest.raises(NotAllowed, match="ask an admin for the role .*, or the owner to do it"):
                command()


def test_the_owner_writes_and_signs_with_any_role_and_not_without(released: Store, register: Register):
    register(2)
    cards.write(released, "tier-2", "factors", "mine", OWNER)
    assert cards.sign_off(released, "tier-2", 1, OWNER).roles == ["owner"]
    for stranger in (VI, replace(OWNER, roles=frozenset())):
        with pytest.raises(NotAllowed):
            cards.write(released, "tier-2", "factors", "not mine", stranger)
        with pytest.raises(NotAllowed):
            cards.sign_off(released, "tier-2", 1, stranger)


def test_a_role_elsewhere_does_not_count(released: Store):
    elsewhere = Actor("x@example.com", "ui", frozenset({"validator@model:tier-1"}))
    cards.write(released, "tier-1", "caveats", "x", elsewhere)
    with pytest.raises(NotAllowed):
        cards.write(released, "tier-2", "caveats", "x", elsewhere)


def test_signing_keeps_the_card_byte_for_byte(released: Store, register: Register):
    version = register(2)
    made = cards.sign_off(released, "tier-2", 1, APU)
    assert (made.actor, made.roles, made.at, made.number) == (APU.id, ["approver"], NOW, 1)
    with released.read() as c:
        content = documents.content(c, made.id)
        (entry,) = [e for e in audit.entries(c) if e.action == "card.signed_off"]
    assert entry.entity == version.entity and entry.after["digest"] == made.digest
    then = ModelCard.model_validate_json(content)
    assert then.canonical() == content and then.records_digest == made.records_digest
    cards.write(released, "tier-2", "caveats", "found later", DORA)
    now = documenting.card_of(released, "tier-2", 1)
    assert now is not None and now.records_digest != made.records_digest
    assert cards.signed_card(released, made) == then


def test_signing_twice_on_one_day_is_once_and_a_second_person_signs_too(released: Store, register: Register):
    register(2)
    first = cards.sign_off(released, "tier-2", 1, APU)
    assert cards.sign_off(released, "tier-2", 1, APU) == first
    second = cards.sign_off(released, "tier-2", 1, VAL)
    cards.write(released, "tier-2", "caveats", "found later", DORA)
    third = cards.sign_off(released, "tier-2", 1, VAL)
    assert [each.id for each in signed(released)] == [third.id, second.id, first.id]


def test_a_card_that_changed_since_it_was_read_is_not_signed(released: Store, register: Register):
    version = register(2)
    read = documenting.card_of(released, "tier-2", 1)
    assert read is not None
    late = Evidence(kind="privacy", verdict="failed", summary="leaks", produced_by="x", produced_at=NOW)
    versions.attach(released, "tier-2", version.number, [late], VAL)
    with pytest.raises(Conflict, match="says something else since you read it; reload"):
        cards.sign_off(released, "tier-2", 1, APU, seen=read.records_digest)
    assert signed(released) == []


def test_a_token_writes_but_never_signs(released: Store, register: Register):
    register(2)
    token = Actor(VAL.id, "token", VAL.roles)
    cards.write(released, "tier-2", "factors", "by the pipeline", token)
    with pytest.raises(NotAllowed, match="a token never decides"):
        cards.sign_off(released, "tier-2", 1, token)


def test_a_model_without_versions_is_signed_as_such(released: Store):
    made = cards.sign_off(released, "tier-3", None, APU)
    assert made.number is None
    with pytest.raises(InputError, match="has no version 4"):
        cards.sign_off(released, "tier-3", 4, APU)


def test_the_database_refuses_to_change_or_remove_what_was_signed(released: Store, register: Register):
    register(2)
    made = cards.sign_off(released, "tier-2", 1, APU)
    for statement in ("UPDATE documents SET actor = 'x'", "DELETE FROM documents"):
        with (
            pytest.raises((StoreError, sa.exc.DBAPIError), match="never changed or removed"),
            released.write() as c,
        ):
            c.execute(sa.text(statement))
    assert signed(released) == [made]


def test_bytes_altered_behind_the_database_are_noticed(sqlite_store: Store):
    store = _with_model(sqlite_store)
    made = cards.sign_off(store, "m", None, APU)
    with store.write() as c:
        c.execute(sa.text("DROP TRIGGER documents_refuses_update"))
        c.execute(sa.text("UPDATE documents SET content = X'7b7d'"))
    with pytest.raises(StoreError, match="document 1 was altered"):
        cards.signed_card(store, made)


def _with_model(store: Store) -> Store:
    with at(store, NOW).write() as c:
        models.put(c, declaration("m"), text="", now=NOW)
    return store


def test_all_cards_at_a_glance_say_what_each_card_says(released: Store, register: Register):
    register(1)
    register(2, evidence=False)
    cards.write(released, "tier-3", "caveats", "", DORA)
    cards.sign_off(released, "tier-1", 1, APU)
    table = {row["model"]: row for row in views.cards(released).iter_rows(named=True)}
    assert sorted(table) == ["tier-1", "tier-2", "tier-3", "tier-4"]
    for slug, row in table.items():
        card = documenting.card_of(released, slug)
        assert card is not None
        assert (row["complete"], row["number"]) == (card.completeness, card.number)
        assert row["missing"] == ", ".join(section.title for section in card.missing)
    assert (table["tier-1"]["signed_by"], table["tier-2"]["signed_by"]) == (APU.id, None)
