"""Users and their roles: who makes them, what goes together, and who stays when somebody leaves."""

import pytest
from sqlalchemy import exc, text

from core.actions import identities as users
from core.actions import sign_ins
from core.actions.authority import FIRST
from core.entities import Actor
from core.errors import Conflict, InputError, NotAllowed, NotSignedIn, StateError, StoreError
from core.store import Store, attestations, audit, identities
from tests.identity.conftest import ADA, PASSWORD, Come, signed_in, user


def roles(store: Store, address: str) -> frozenset[str]:
    with store.read() as c:
        found = identities.get(c, address)
    assert found is not None
    return found.roles


def test_the_first_user_is_made_at_the_machine_and_the_next_ones_by_an_admin(store: Store):
    user(store, " Ada+Work@Example.COM ", "admin")
    assert roles(store, ADA) == {"admin"}
    with pytest.raises(NotSignedIn, match="an admin exists"):
        user(store, "eve@example.com", "admin")
    user(store, "bob@example.com", "viewer", by=signed_in(store, ADA))
    assert roles(store, "bob@example.com") == {"viewer"}
    user(store, "eve@example.com", by=signed_in(store, ADA))
    with pytest.raises((exc.DatabaseError, StoreError), match="never removed"), store.write() as c:
        c.execute(text("DELETE FROM principals WHERE id = 'eve@example.com'"))


def test_what_is_done_to_users_is_on_the_record_without_any_secret(sqlite_store: Store, admin: Actor):
    user(sqlite_store, "bob@example.com", "viewer", by=admin)
    users.set_password(sqlite_store, "bob@example.com", "another long password", admin)
    users.disable(sqlite_store, "bob@example.com", admin, reason="left the company")
    users.enable(sqlite_store, "bob@example.com", admin)
    with sqlite_store.read() as c:
        said = audit.entries(c, entity="user:bob@example.com")
        bodies = b"".join(c.execute(text("SELECT body FROM audit")).scalars())
    assert [entry.action for entry in reversed(said)] == [
        *("user.added", "user.role_granted", "user.password_set", "user.disabled", "user.enabled"),
    ]
    assert {(entry.actor, entry.source) for entry in said} == {(ADA, "ui")}
    assert b"argon2" not in bodies and b"another long password" not in bodies


@pytest.mark.parametrize(
    "address", ["dora", "dora@", "@example.com", "dоra@example.com", "a b@example.com", "a@x\n.com", ""]
)
def test_an_address_that_is_none_or_only_looks_like_one_is_refused(store: Store, address: str):
    with pytest.raises(InputError, match="is no address"):
        user(store, address)


@pytest.mark.parametrize("again", ["BOB@example.com", "bob+2@example.com", "ｂｏｂ@example.com"])
def test_an_address_belongs_to_one_person_for_ever(sqlite_store: Store, admin: Actor, again: str):
    user(sqlite_store, "bob@example.com", by=admin)
    users.disable(sqlite_store, "bob@example.com", admin)
    with pytest.raises(Conflict, match="is a user already, or was one"):
        user(sqlite_store, again, by=admin)
    with pytest.raises(exc.DatabaseError, match="never removed"), sqlite_store.write() as c:
        c.execute(text("DELETE FROM role_assignments"))
        c.execute(text("DELETE FROM principals"))


@pytest.mark.parametrize(
    "password", ["short", "x" * 11, "x" * 257, "bob@example.com's", "the one of BOB, always"]
)
def test_a_password_that_is_easily_guessed_is_refused(sqlite_store: Store, admin: Actor, password: str):
    with pytest.raises(InputError, match="password"):
        users.add(sqlite_store, "bob@example.com", admin, password=password)


def test_passwords_are_kept_as_argon2_and_each_salted_anew(sqlite_store: Store, admin: Actor):
    for name in ("bob", "eve"):
        user(sqlite_store, f"{name}@example.com", by=admin)
    with sqlite_store.read() as c:
        kept = list(c.execute(text("SELECT password FROM principals")).scalars())
    assert len(set(kept)) == 3 and all(each.startswith("$argon2id$") for each in kept)


def test_admin_and_a_role_that_decides_never_come_together(sqlite_store: Store, admin: Actor, come: Come):
    for role in ("validator", "approver", "approver@model:churn", "validator@team:ops"):
        with pytest.raises((NotAllowed, InputError)):
            users.grant(sqlite_store, ADA, role, admin)
    assert roles(sqlite_store, ADA) == {"admin"}
    apu = come("apu", "approver")
    with pytest.raises(NotAllowed, match="would be admin and validator or approver"):
        users.grant(sqlite_store, apu.id, "admin", admin)
    with pytest.raises(NotAllowed, match="would be admin and validator or approver"):
        user(sqlite_store, "eve@example.com", "approver", "admin", by=admin)
    with sqlite_store.read() as c:
        assert identities.get(c, "eve@example.com") is None


@pytest.mark.parametrize("role", ["root", "approver@", "approver@ops", "viewer@model:none", "admin@team:ops"])
def test_a_role_or_scope_that_does_not_exist_is_refused(sqlite_store: Store, admin: Actor, role: str):
    with pytest.raises(InputError):
        users.grant(sqlite_store, ADA, role, admin)


def test_the_last_admin_stays(sqlite_store: Store, admin: Actor, come: Come):
    for leave in (
        lambda: users.revoke(sqlite_store, ADA, "admin", admin),
        lambda: users.disable(sqlite_store, ADA, admin),
    ):
        with pytest.raises(StateError, match="the last active admin"):
            leave()
    other = come("bob", "admin")
    users.revoke(sqlite_store, ADA, "admin", other)
    assert roles(sqlite_store, ADA) == frozenset()
    with pytest.raises(StateError, match="the last active admin"):
        users.disable(sqlite_store, other.id, other)


def test_a_service_is_no_admin_who_could_stay(sqlite_store: Store, admin: Actor):
    user(sqlite_store, "ci@example.com", "admin", by=admin, kind="service")
    with pytest.raises(StateError, match="the last active admin"):
        users.disable(sqlite_store, ADA, admin)


def test_roles_end_with_the_next_command(sqlite_store: Store, admin: Actor, come: Come):
    bob = come("bob", "admin")
    users.revoke(sqlite_store, bob.id, "admin", admin)
    with pytest.raises(NotAllowed, match="without a role"):
        users.grant(sqlite_store, bob.id, "admin", bob)


def test_who_changes_their_own_password_knows_the_one_until_now(
    sqlite_store: Store, admin: Actor, come: Come
):
    bob = come("bob", "viewer")
    with pytest.raises(NotAllowed, match="not your password"):
        users.set_password(sqlite_store, bob.id, "a new long password", bob, current="wrong")
    with pytest.raises(NotAllowed):
        users.set_password(sqlite_store, ADA, "a new long password", bob, current=PASSWORD)
    users.set_password(sqlite_store, bob.id, "a new long password", bob, current=PASSWORD)
    with pytest.raises(NotSignedIn):  # every session ended with the old password
        users.set_password(sqlite_store, bob.id, PASSWORD, bob, current="a new long password")
    assert signed_in(sqlite_store, bob.id, "a new long password").id == bob.id
    with pytest.raises(NotSignedIn):
        sign_ins.sign_in(sqlite_store, bob.id, PASSWORD)


def test_where_there_are_users_nobody_acts_without_signing_in(sqlite_store: Store, admin: Actor):
    for source in ("ui", "cli"):
        with pytest.raises(NotSignedIn, match="this workspace has users"):
            user(sqlite_store, "eve@example.com", by=Actor("single-user", source))


def test_the_first_of_all_makes_users_and_nothing_else(sqlite_store: Store):
    from core.actions import models

    with pytest.raises(NotAllowed, match="only users can be made"):
        models.apply(sqlite_store, [], FIRST)


def test_an_owner_whose_access_is_taken_has_left(sqlite_store: Store, admin: Actor, come: Come):
    bob = come("bob", "viewer")
    for taken in (False, True):
        if taken:
            users.disable(sqlite_store, bob.id, admin)
        with sqlite_store.read() as c:
            assert attestations.left(c, "Bob+models@Example.com") is taken
            assert not attestations.left(c, "never@example.com")
