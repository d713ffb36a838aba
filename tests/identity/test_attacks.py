"""Attempts to approve one's own work: by another role, address, token, account, or a sign-in that is over."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core import identity
from core.actions import decisions, lifecycles, promotions, sign_ins, tokens, versions, waivers
from core.actions import identities as users
from core.entities import Actor
from core.errors import Conflict, InputError, NotAllowed, NotSignedIn
from core.governed import Promotion
from core.records import Version
from core.store import Store, identities, models
from core.store import promotions as stored
from tests.identity.conftest import PASSWORD, begin, user, with_session
from tests.identity.world import Known, copy, world
from tests.release.conftest import NOW, declaration

__all__ = ["copy", "world"]
DORAS = "dora@example.com"


@pytest.fixture
def asked(copy: tuple[Store, Known]) -> tuple[Store, Promotion]:
    """A request of Dora's that waits; she is data scientist and approver."""
    store, known = copy
    with store.write() as c:
        found = stored.get(c, known.asked)
        now = datetime.now(UTC)
        identities.add(c, identity.Principal(DORAS, "", "oidc", "active", now, "x"), password=None)
        for role in ("data_scientist", "approver", "validator"):
            identities.grant(c, DORAS, role, "", at=now, by="x")
    assert found is not None and found.requested_by == DORAS
    return store, found


def state(store: Store, promotion: Promotion) -> str:
    with store.read() as c:
        found = stored.get(c, promotion.id)
    assert found is not None
    return found.state


def test_a_second_role_does_not_make_a_second_person(asked: tuple[Store, Promotion]):
    store, promotion = asked
    with pytest.raises(NotAllowed, match="somebody else has to approve"):
        decisions.approve(store, promotion.id, with_session(store, DORAS))
    assert state(store, promotion) == "awaiting_approval"


@pytest.mark.parametrize("written", ["Dora@Example.com", "dora+approver@example.com", "ｄora@example.com"])
def test_another_spelling_of_an_address_does_not_either(asked: tuple[Store, Promotion], written: str):
    store, promotion = asked
    admin = with_session(store, "admin@example.com")
    with pytest.raises(Conflict, match="is a user already"):
        users.add(store, written, admin, password=PASSWORD, roles=["approver"])
    actor = Actor(written, "test", frozenset({"approver"}))  # as if the account existed all the same
    with pytest.raises(NotAllowed, match="somebody else has to approve"):
        decisions.approve(store, promotion.id, actor)
    with pytest.raises(NotAllowed, match="a second person confirms it"):
        waivers.confirm(store, 1, actor)


def test_a_letter_that_looks_like_another_is_no_address(asked: tuple[Store, Promotion]):
    store, _ = asked
    admin = with_session(store, "admin@example.com")
    for lookalike in ("dоra@example.com", "dora@exаmple.com", "dora\u200b@example.com"):
        with pytest.raises(InputError, match="is no address"):
            users.add(store, lookalike, admin, password=PASSWORD, roles=["approver"])


@pytest.mark.parametrize("developer", ["Dev@Example.com", "dev+work@example.com"])
def test_the_developer_does_not_approve_under_another_spelling(
    asked: tuple[Store, Promotion], developer: str
):
    store, _ = asked
    with store.write() as c:
        models.put(c, declaration("other", 2), text="", now=NOW)
    admin = with_session(store, "admin@example.com")
    users.add(store, "dev@example.com", admin, password=PASSWORD, roles=["approver"])
    scientist = with_session(store, "data_scientist@example.com")
    number = versions.register(store, "other", Version(developer=developer), scientist).number
    made = promotions.request(store, "other", number, scientist)
    with store.write() as c:
        c.execute(text("UPDATE promotions SET state = 'awaiting_approval' WHERE id = :id"), {"id": made.id})
    with pytest.raises(NotAllowed, match="developed or registered"):
        decisions.approve(store, made.id, with_session(store, "dev@example.com"))


def test_a_token_does_not_approve_whoever_it_belongs_to(asked: tuple[Store, Promotion]):
    store, promotion = asked
    approver = with_session(store, "approver@example.com")
    _, secret = tokens.create(store, approver, name="x", roles=["approver"], lasts=timedelta(days=1))
    decide: list[Callable[..., Promotion]] = [decisions.approve, decisions.reject, decisions.ask_back]
    for command in decide:
        with pytest.raises(NotAllowed, match="a token never decides"):
            command(store, promotion.id, sign_ins.by_token(store, secret), comment="so it is")
    assert state(store, promotion) == "awaiting_approval"


def test_whose_role_is_taken_does_not_approve_with_the_page_still_open(asked: tuple[Store, Promotion]):
    store, promotion = asked
    approver, admin = with_session(store, "approver@example.com"), with_session(store, "admin@example.com")
    users.revoke(store, approver.id, "approver", admin)
    with pytest.raises(NotAllowed, match="without a role"):
        decisions.approve(store, promotion.id, approver)
    users.grant(store, approver.id, "approver@model:tier-3", admin)
    with pytest.raises(NotAllowed, match="ask an admin"):
        decisions.approve(store, promotion.id, approver)
    users.grant(store, approver.id, "approver@model:tier-2", admin)
    assert decisions.approve(store, promotion.id, approver).state == "approved"


def test_a_sign_in_that_ran_out_while_the_page_was_open_decides_nothing(asked: tuple[Store, Promotion]):
    store, promotion = asked
    now = datetime.now(UTC)
    begin(store, "approver@example.com", "mine", at=now, until=now + timedelta(hours=12))
    actor = sign_ins.by_session(store, "mine")
    assert actor is not None
    with store.write() as c:
        c.execute(
            text("UPDATE sessions SET expires_at = :now WHERE digest = :d"),
            {"now": str(now), "d": actor.credential},
        )
    with pytest.raises(NotSignedIn, match="is over"):
        decisions.approve(store, promotion.id, actor)
    assert state(store, promotion) == "awaiting_approval"


def test_an_owner_whose_sign_in_is_over_attests_to_nothing(asked: tuple[Store, Promotion]):
    store, _ = asked
    admin = with_session(store, "admin@example.com")
    users.add(store, "owner@example.com", admin, password=PASSWORD)
    owner = with_session(store, "Owner@example.com".lower())
    lifecycles.attest(store, "tier-3", owner, text="still wanted")
    sign_ins.sign_out(store, owner)
    with pytest.raises(NotSignedIn):
        lifecycles.attest(store, "tier-3", owner, text="still wanted")


def test_an_admin_who_makes_a_second_account_is_on_the_record(asked: tuple[Store, Promotion]):
    store, promotion = asked
    admin = with_session(store, "admin@example.com")
    user(store, "puppet@example.com", "approver", by=admin)
    with pytest.raises(NotAllowed):
        users.grant(store, admin.id, "approver", admin)
    with store.read() as c:
        by = c.execute(
            text("SELECT actor FROM audit WHERE entity = 'user:puppet@example.com' AND action = 'user.added'")
        ).scalar_one()
    assert by == admin.id and state(store, promotion) == "awaiting_approval"
