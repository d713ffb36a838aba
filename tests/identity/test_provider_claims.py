"""What the word of an identity provider is worth: who becomes a user, with which roles, and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.actions import identities as users
from core.actions import sign_ins, tokens
from core.actions.authority import require
from core.entities import Actor
from core.errors import NotAllowed, NotSignedIn
from core.identity import SESSION
from core.settings import Workspace
from core.steward_yaml import Auth, Oidc
from core.store import Store, identities
from tests.identity.conftest import ADA, PASSWORD, user, with_session

GROUPS = {"ml": "data_scientist", "risk": "approver", "heads": "admin"}


def configured(store: Store, **changes: Any) -> Store:
    told = {"server_metadata_url": "https://id.example.com", "client_id": "s", "client_secret": "s"}
    oidc = Oidc.model_validate(told | {"groups": GROUPS} | changes)
    auth = Auth(mode="oidc", oidc=oidc)
    settings = store.workspace.settings.model_copy(update={"auth": auth})
    store.workspace = Workspace(store.workspace.root, settings)
    return store


@pytest.fixture
def provided(store: Store) -> Store:
    return configured(store)


def claims(sub: str = "1", email: str = "dora@example.com", *, ago: timedelta = timedelta(0), **more: Any):
    issued = int((datetime.now(UTC) - ago).timestamp())
    told = {"iss": "https://id.example.com", "sub": sub, "email": email, "groups": ["ml"], "nonce": "n"}
    return told | {"iat": issued, "name": "Dora"} | more


def may(store: Store, actor: Actor, command: str = "health.see") -> frozenset[str]:
    with store.read() as c:
        return require(c, actor, command)


def test_the_first_word_of_somebody_makes_the_user_and_later_ones_find_them(provided: Store):
    first = sign_ins.by_provider(provided, claims(email="Dora+1@Example.com"))
    assert (first.id, first.roles, first.source) == ("dora@example.com", {"data_scientist"}, "ui")
    again = claims(nonce="another")
    assert sign_ins.by_provider(provided, again).id == first.id
    assert sign_ins.by_provider(provided, again) == sign_ins.by_provider(provided, again)
    with provided.read() as c:
        assert [each.id for each in identities.every(c)] == ["dora@example.com"]


def test_whoever_renames_their_mail_stays_the_person_they_were(provided: Store):
    sign_ins.by_provider(provided, claims())
    renamed = sign_ins.by_provider(provided, claims(email="dora.new@example.com", nonce="another"))
    assert renamed.id == "dora@example.com"


def test_whoever_takes_over_an_address_does_not_become_its_person(provided: Store):
    sign_ins.by_provider(provided, claims())
    with pytest.raises(NotSignedIn, match="another account"):
        sign_ins.by_provider(provided, claims(sub="2"))
    with pytest.raises(NotSignedIn, match="another account"):
        sign_ins.by_provider(provided, claims(iss="https://other.example.com"))
    user(provided, ADA, "admin")
    with pytest.raises(NotSignedIn, match="another account"):
        sign_ins.by_provider(provided, claims(sub="3", email=ADA))


@pytest.mark.parametrize(
    "change",
    [
        {"email": ""},
        {"email": "dоra@example.com"},
        {"email_verified": False},
        {"sub": ""},
        {"iat": None},
        {"iat": "yesterday"},
        {"ago": SESSION + timedelta(seconds=5)},
    ],
)
def test_a_word_that_proves_nothing_lets_nobody_in(provided: Store, change: dict[str, Any]):
    with pytest.raises(NotSignedIn):
        sign_ins.by_provider(provided, claims(**change))
    with provided.read() as c:
        assert not identities.any_principal(c)


@pytest.mark.parametrize(
    ("groups", "default", "roles"),
    [
        (["ml", "risk"], "none", {"data_scientist", "approver"}),
        (["heads", "risk", "ml"], "none", {"admin", "data_scientist"}),
        ("ml", "none", {"data_scientist"}),
        (["canteen"], "none", set()),
        (["canteen"], "viewer", {"viewer"}),
        ({"ml": True}, "viewer", {"viewer"}),
        (None, "none", set()),
    ],
)
def test_groups_give_roles_and_unknown_ones_what_the_configuration_says(store: Store, groups, default, roles):
    configured(store, default_role=default)
    assert sign_ins.by_provider(store, claims(groups=groups)).roles == roles


def test_groups_may_stand_in_another_claim(store: Store):
    configured(store, groups_claim="teams")
    assert sign_ins.by_provider(store, claims(teams=["risk"])).roles == {"approver"}


def test_roles_follow_the_configuration_within_a_session(provided: Store):
    told = claims(groups=["ml", "risk"])
    actor = sign_ins.by_provider(provided, told)
    configured(provided, groups={"ml": "analyst"})
    assert sign_ins.by_provider(provided, told).roles == {"analyst"}
    with pytest.raises(NotAllowed):
        may(provided, actor, "promotion.decide")


def test_a_session_that_ended_does_not_come_back_with_its_cookie(provided: Store):
    told = claims()
    actor = sign_ins.by_provider(provided, told)
    sign_ins.sign_out(provided, actor)
    for _ in range(2):
        with pytest.raises(NotSignedIn):
            sign_ins.by_provider(provided, told)
    with pytest.raises(NotSignedIn):
        may(provided, actor)


def test_whoever_was_disabled_gets_in_by_no_new_session(provided: Store):
    told = claims()
    sign_ins.by_provider(provided, told)
    user(provided, ADA, "admin")
    users.disable(provided, "dora@example.com", with_session(provided, ADA))
    for each in (told, claims(nonce="another")):
        with pytest.raises(NotSignedIn):
            sign_ins.by_provider(provided, each)


def test_the_providers_own_word_on_when_somebody_proved_who_they_are_counts(provided: Store):
    hour_ago = int((datetime.now(UTC) - timedelta(hours=1)).timestamp())
    stale = sign_ins.by_provider(provided, claims(groups=["risk"], auth_time=hour_ago))
    with pytest.raises(NotSignedIn, match="the last 15 minutes"):
        may(provided, stale, "promotion.decide")
    fresh = sign_ins.by_provider(provided, claims(groups=["risk"], nonce="another"))
    assert may(provided, fresh, "promotion.decide") == {"approver"}
    future = int((datetime.now(UTC) + timedelta(days=3)).timestamp())
    ahead = sign_ins.by_provider(provided, claims(groups=["risk"], nonce="third", auth_time=future))
    with provided.read() as c:
        standing = identities.standing(c, ahead.credential or "", datetime.now(UTC))
    assert standing is not None and standing.signed_in_at <= datetime.now(UTC)


def test_tokens_hold_what_was_granted_here_not_what_groups_give(provided: Store):
    dora = sign_ins.by_provider(provided, claims())
    with pytest.raises(NotAllowed, match="was not granted"):
        tokens.create(provided, dora, name="ci", roles=["data_scientist"], lasts=timedelta(days=1))
    user(provided, ADA, "admin")
    users.grant(provided, dora.id, "analyst", with_session(provided, ADA))
    assert sign_ins.by_provider(provided, claims()).roles == {"data_scientist", "analyst"}
    _, secret = tokens.create(provided, dora, name="ci", roles=["analyst"], lasts=timedelta(days=1))
    assert sign_ins.by_token(provided, secret).roles == {"analyst"}


def test_an_admin_waits_for_somebody_by_their_address(provided: Store):
    user(provided, ADA, "admin")
    users.add(provided, "dora@example.com", with_session(provided, ADA), kind="oidc", roles=["auditor"])
    dora = sign_ins.by_provider(provided, claims())
    assert dora.roles == {"data_scientist", "auditor"}
    with pytest.raises(NotSignedIn, match="another account"):
        sign_ins.by_provider(provided, claims(sub="2", nonce="another"))


def test_passwords_are_tried_and_throttled_alike_on_both_databases(store: Store):
    user(store, ADA, "admin")
    actor = sign_ins.by_session(store, sign_ins.sign_in(store, ADA, PASSWORD))
    assert actor is not None and may(store, actor) == {"admin"}
    for expected in [sign_ins.WRONG] * 5 + ["too many"]:
        with pytest.raises(NotSignedIn, match=expected):
            sign_ins.sign_in(store, ADA, "wrong password")
    assert may(store, replace(actor)) == {"admin"}
