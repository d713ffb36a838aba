"""Coming in and leaving: passwords, sessions, the throttle, and what an identity provider says."""

from datetime import UTC, datetime, timedelta
from statistics import median
from time import process_time

import pytest
from sqlalchemy import text

from core import identity
from core.actions import identities as users
from core.actions import sign_ins
from core.actions.authority import require
from core.entities import Actor
from core.errors import NotSignedIn
from core.identity import FRESH, SESSION
from core.store import Store, identities
from tests.identity.conftest import ADA, PASSWORD, Come, begin, signed_in, user


def may(store: Store, actor: Actor, command: str = "health.see") -> frozenset[str]:
    with store.read() as c:
        return require(c, actor, command)


def test_a_session_is_kept_by_its_digest_and_holds_twelve_hours(sqlite_store: Store, admin: Actor):
    secret = sign_ins.sign_in(sqlite_store, "ADA@example.com", PASSWORD)
    with sqlite_store.read() as c:
        rows = c.execute(text("SELECT digest, signed_in_at, expires_at FROM sessions")).all()
        standing = identities.standing(c, identity.digest(secret), datetime.now(UTC))
    assert secret not in str(rows) and identity.digest(secret) in str(rows)
    assert standing is not None and standing.expires_at - standing.signed_in_at == SESSION


def test_a_session_is_over_at_its_end_and_a_forged_one_never_was(sqlite_store: Store, admin: Actor):
    now = datetime.now(UTC)
    begin(sqlite_store, ADA, "gone", at=now - SESSION, until=now)
    begin(sqlite_store, ADA, "lasts", at=now, until=now + SESSION)
    assert sign_ins.by_session(sqlite_store, "gone") is None
    assert sign_ins.by_session(sqlite_store, "guessed") is None
    actor = sign_ins.by_session(sqlite_store, "lasts")
    assert actor == Actor(ADA, "ui", frozenset({"admin"}), identity.digest("lasts"))


def test_who_signs_out_is_out_everywhere_this_cookie_lies(sqlite_store: Store, admin: Actor):
    other = signed_in(sqlite_store, ADA)
    sign_ins.sign_out(sqlite_store, admin)
    with pytest.raises(NotSignedIn):
        may(sqlite_store, admin)
    assert may(sqlite_store, other) == {"admin"}


def test_somebody_disabled_is_out_at_once_and_their_old_session_stays_dead(
    sqlite_store: Store, admin: Actor, come: Come
):
    bob = come("bob", "viewer")
    users.disable(sqlite_store, bob.id, admin)
    with pytest.raises(NotSignedIn):
        may(sqlite_store, bob)
    with pytest.raises(NotSignedIn, match="do not belong"):
        sign_ins.sign_in(sqlite_store, bob.id, PASSWORD)
    users.enable(sqlite_store, bob.id, admin)
    with pytest.raises(NotSignedIn):
        may(sqlite_store, bob)
    assert may(sqlite_store, signed_in(sqlite_store, bob.id)) == {"viewer"}


@pytest.mark.parametrize("address", [ADA, "nobody@example.com"])
def test_after_five_wrong_passwords_an_address_waits_known_or_not(
    sqlite_store: Store, admin: Actor, address: str
):
    told = []
    for _ in range(7):
        with pytest.raises(NotSignedIn) as refused:
            sign_ins.sign_in(sqlite_store, address, "wrong password")
        told.append(str(refused.value))
    assert told[:5] == [sign_ins.WRONG] * 5
    assert told[5] == told[6] == "too many wrong passwords for this address; try again in 30 seconds"
    with pytest.raises(NotSignedIn, match="too many"):
        sign_ins.sign_in(sqlite_store, address, PASSWORD)


def test_the_wait_grows_with_each_failure_and_a_success_ends_it(sqlite_store: Store, admin: Actor):
    def failed(n: int, ago: timedelta) -> None:
        with sqlite_store.write() as c:
            c.execute(text("DELETE FROM sign_ins"))
            for _ in range(n):
                identities.attempt(c, ADA, at=datetime.now(UTC) - ago)

    failed(8, timedelta(seconds=230))
    with pytest.raises(NotSignedIn, match="too many"):
        sign_ins.sign_in(sqlite_store, ADA, PASSWORD)
    failed(8, timedelta(seconds=250))
    sign_ins.sign_in(sqlite_store, ADA, PASSWORD)
    for _ in range(4):
        with pytest.raises(NotSignedIn, match="do not belong"):
            sign_ins.sign_in(sqlite_store, ADA, "wrong password")
    sign_ins.sign_in(sqlite_store, ADA, PASSWORD)


def test_an_unknown_address_takes_as_long_as_a_wrong_password(sqlite_store: Store, admin: Actor):
    def seconds(address: str) -> float:
        begun = process_time()
        with pytest.raises(NotSignedIn):
            sign_ins.sign_in(sqlite_store, address, "wrong password")
        return process_time() - begun

    seconds("warm@example.com")
    known, unknown = [], []
    for i in range(4):
        known.append(seconds(ADA))
        unknown.append(seconds(f"nobody{i}@example.com"))
    assert 0.5 < median(unknown) / median(known) < 2


def test_a_user_of_a_provider_or_a_service_has_no_password_to_guess(sqlite_store: Store, admin: Actor):
    for kind in ("oidc", "service"):
        user(sqlite_store, f"{kind}@example.com", "viewer", by=admin, kind=kind)
        with pytest.raises(NotSignedIn, match="do not belong"):
            sign_ins.sign_in(sqlite_store, f"{kind}@example.com", "")


def test_deciding_wants_a_fresh_sign_in(sqlite_store: Store, admin: Actor):
    user(sqlite_store, "apu@example.com", "approver", by=admin)
    now = datetime.now(UTC)
    begin(sqlite_store, "apu@example.com", "stale", at=now - FRESH, until=now + SESSION)
    begin(
        sqlite_store,
        "apu@example.com",
        "fresh",
        at=now - FRESH + timedelta(minutes=1),
        until=now + SESSION,
    )
    stale, fresh = (sign_ins.by_session(sqlite_store, secret) for secret in ("stale", "fresh"))
    assert stale is not None and fresh is not None
    for command in ("promotion.decide", "waiver.confirm", "release.review"):
        assert may(sqlite_store, fresh, command) == {"approver"}
        with pytest.raises(NotSignedIn, match="the last 15 minutes"):
            may(sqlite_store, stale, command)
    assert may(sqlite_store, stale, "promotion.comment") == {"approver"}


def test_what_is_long_over_is_forgotten(sqlite_store: Store, admin: Actor):
    now = datetime.now(UTC)
    begin(sqlite_store, ADA, "old", at=now - timedelta(days=100), until=now - timedelta(days=99))
    with sqlite_store.write() as c:
        for days in (100, 1):
            identities.attempt(c, ADA, at=now - timedelta(days=days))
        identities.forget(c, now - timedelta(days=90))
        for table in ("sessions", "sign_ins"):
            assert c.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1
