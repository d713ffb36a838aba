"""Tokens: shown once, at most what their owner may, for a time, and never for a decision."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core import identity
from core.actions import identities as users
from core.actions import sign_ins, tokens
from core.actions.authority import require
from core.entities import Actor
from core.errors import InputError, NotAllowed, NotSignedIn
from core.store import Store, audit, identities
from tests.identity.conftest import Come, signed_in, user

MONTH = timedelta(days=30)


def may(store: Store, actor: Actor, command: str) -> frozenset[str]:
    with store.read() as c:
        return require(c, actor, command)


def test_a_token_is_shown_once_and_kept_by_its_digest(sqlite_store: Store, come: Come):
    dora = come("dora", "data_scientist")
    made, secret = tokens.create(sqlite_store, dora, name="ci", roles=["data_scientist"], lasts=MONTH)
    with sqlite_store.read() as c:
        kept = str(c.execute(text("SELECT * FROM tokens")).all())
        said = audit.entries(c, entity="user:dora@example.com", limit=1)
        bodies = b"".join(c.execute(text("SELECT body FROM audit")).scalars())
    assert secret.startswith("steward_") and secret not in kept and secret.encode() not in bodies
    assert identity.digest(secret) in kept and said[0].action == "token.created"
    actor = sign_ins.by_token(sqlite_store, secret)
    assert actor == Actor(dora.id, "token", frozenset({"data_scientist"}), identity.digest(secret))
    with sqlite_store.read() as c:
        assert identities.token(c, made.id).used_at is not None


def test_a_token_may_what_its_owner_may_at_that_moment(sqlite_store: Store, admin: Actor, come: Come):
    dora = come("dora", "data_scientist", "analyst")
    _, secret = tokens.create(sqlite_store, dora, name="ci", roles=["data_scientist"], lasts=MONTH)
    actor = sign_ins.by_token(sqlite_store, secret)
    assert may(sqlite_store, actor, "version.register") == {"data_scientist"}
    users.revoke(sqlite_store, dora.id, "data_scientist", admin)
    with pytest.raises(NotAllowed, match="without a role"):
        may(sqlite_store, actor, "version.register")


def test_a_token_for_one_model_is_one_for_that_model(sqlite_store: Store, come: Come):
    dora = come("dora", "data_scientist")
    _, secret = tokens.create(
        sqlite_store, dora, name="ci", roles=["data_scientist@model:churn"], lasts=MONTH
    )
    actor = sign_ins.by_token(sqlite_store, secret)
    with sqlite_store.read() as c:
        assert require(c, actor, "version.register", model="churn") == {"data_scientist"}
        with pytest.raises(NotAllowed):
            require(c, actor, "version.register", model="delay-30")


def test_a_token_is_over_when_revoked_expired_forged_or_its_owner_disabled(
    sqlite_store: Store, admin: Actor, come: Come
):
    dora, bob = come("dora", "data_scientist"), come("bob", "viewer")
    made, secret = tokens.create(sqlite_store, dora, name="ci", roles=["data_scientist"], lasts=MONTH)
    actor = sign_ins.by_token(sqlite_store, secret)
    with pytest.raises(NotAllowed):
        tokens.revoke(sqlite_store, made.id, bob)
    tokens.revoke(sqlite_store, made.id, dora)
    _, short = tokens.create(
        sqlite_store, dora, name="now", roles=["data_scientist"], lasts=timedelta(microseconds=1)
    )
    _, lost = tokens.create(sqlite_store, bob, name="ci", roles=["viewer"], lasts=MONTH)
    users.disable(sqlite_store, bob.id, admin)
    for gone in (secret, short, lost, "steward_forged", ""):
        with pytest.raises(NotSignedIn):
            sign_ins.by_token(sqlite_store, gone)
    with pytest.raises(NotSignedIn):
        may(sqlite_store, actor, "version.register")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"roles": ["approver"]}, NotAllowed),
        ({"roles": []}, InputError),
        ({"name": " "}, InputError),
        ({"lasts": timedelta(days=366)}, InputError),
        ({"lasts": timedelta(0)}, InputError),
        ({"owner": "bob@example.com"}, NotAllowed),
    ],
)
def test_a_token_that_goes_too_far_is_refused(sqlite_store: Store, come: Come, change, error):
    dora = come("dora", "data_scientist")
    with pytest.raises(error):
        tokens.create(
            sqlite_store, dora, **{"name": "ci", "roles": ["data_scientist"], "lasts": MONTH} | change
        )


def test_an_admin_makes_tokens_for_services_and_for_no_person(sqlite_store: Store, admin: Actor, come: Come):
    come("dora", "data_scientist")
    user(sqlite_store, "ci@example.com", "data_scientist", by=admin, kind="service")
    asked = {"name": "ci", "roles": ["data_scientist"], "lasts": MONTH}
    _, secret = tokens.create(sqlite_store, admin, owner="ci@example.com", **asked)
    assert sign_ins.by_token(sqlite_store, secret).id == "ci@example.com"
    with pytest.raises(NotAllowed, match="is a person and makes tokens alone"):
        tokens.create(sqlite_store, admin, owner="dora@example.com", **asked)


def test_a_token_makes_none_that_may_more_or_lasts_longer(sqlite_store: Store, come: Come):
    dora = come("dora", "data_scientist", "analyst")
    _, secret = tokens.create(sqlite_store, dora, name="ci", roles=["analyst"], lasts=MONTH)
    actor = sign_ins.by_token(sqlite_store, secret)
    with pytest.raises(NotAllowed, match="outlasts"):
        tokens.create(sqlite_store, actor, name="more", roles=["analyst"], lasts=MONTH + MONTH)
    with pytest.raises(NotAllowed, match="more than itself"):
        tokens.create(sqlite_store, actor, name="more", roles=["data_scientist"], lasts=timedelta(days=1))
    made, _ = tokens.create(sqlite_store, actor, name="less", roles=["analyst"], lasts=timedelta(days=1))
    assert made.expires_at < datetime.now(UTC) + MONTH


def test_a_token_never_decides_and_is_no_cookie(sqlite_store: Store, come: Come):
    apu = come("apu", "approver")
    _, secret = tokens.create(sqlite_store, apu, name="ci", roles=["approver"], lasts=MONTH)
    actor = sign_ins.by_token(sqlite_store, secret)
    for command in ("promotion.decide", "waiver.confirm", "release.review"):
        with pytest.raises(NotAllowed, match="a token never decides"):
            may(sqlite_store, actor, command)
    assert sign_ins.by_session(sqlite_store, secret) is None
    with pytest.raises(NotSignedIn):
        sign_ins.by_token(sqlite_store, sign_ins.sign_in(sqlite_store, apu.id, "correct horse battery"))
    assert signed_in(sqlite_store, apu.id).source == "ui"
