"""People who sign in: an admin, and whoever a test makes."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from core import identity
from core.actions import identities as users
from core.actions import sign_ins
from core.actions.authority import FIRST
from core.entities import Actor
from core.identity import Principal
from core.store import Store, identities

PASSWORD = "correct horse battery"
ADA = "ada@example.com"
Come = Callable[..., Actor]


def begin(
    store: Store, address: str, secret: str, *, at: datetime, until: datetime, roles: list[str] | None = None
) -> None:
    """A session as if it had begun at a time of the test's choice."""
    with store.write() as c:
        identities.begin_session(c, identity.digest(secret), address, at=at, until=until, roles=roles)


def with_session(store: Store, address: str) -> Actor:
    """Somebody as if they had signed in just now."""
    secret, now = identity.new_secret(), datetime.now(UTC)
    begin(store, address, secret, at=now, until=now + identity.SESSION)
    actor = sign_ins.by_session(store, secret)
    assert actor is not None
    return actor


def user(store: Store, address: str, *roles: str, by: Actor = FIRST, kind: str = "local") -> Principal:
    password = PASSWORD if kind == "local" else None
    return users.add(store, address, by, kind=kind, password=password, roles=roles)


def signed_in(store: Store, address: str, password: str = PASSWORD) -> Actor:
    actor = sign_ins.by_session(store, sign_ins.sign_in(store, address, password))
    assert actor is not None
    return actor


@pytest.fixture
def admin(sqlite_store: Store) -> Actor:
    """The first admin, signed in."""
    user(sqlite_store, ADA, "admin")
    return with_session(sqlite_store, ADA)


@pytest.fixture
def come(sqlite_store: Store, admin: Actor) -> Come:
    """Make a user with roles and sign them in."""

    def make(name: str, *roles: str) -> Actor:
        made = user(sqlite_store, f"{name}@example.com", *roles, by=admin)
        return with_session(sqlite_store, made.id)

    return make
