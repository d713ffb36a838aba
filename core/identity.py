"""Who may sign in and how that is proved: principals, passwords, sessions, tokens and how long they hold."""

import hashlib
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.addresses import is_address, mailbox
from core.errors import InputError

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
SESSION = timedelta(hours=12)
FRESH = timedelta(minutes=15)
LONGEST_TOKEN = timedelta(days=365)
TRIES = 5
_WAITS = (*(timedelta(seconds=s) for s in (30, 60, 120, 240, 480)), timedelta(minutes=15))

_HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)  # OWASP's first choice (2024)
_ONE_AT_A_TIME = threading.Lock()  # each hash takes 46 MiB: many at once would be the machine's end


@dataclass(frozen=True)
class Principal:
    """Somebody who can be told apart: `kind` is local, oidc or service, `state` active or disabled.

    `roles` are those granted here, ``role`` or ``role@scope``.
    """

    id: str
    name: str
    kind: str
    state: str
    created_at: datetime
    created_by: str
    roles: frozenset[str] = frozenset()
    subject: str | None = None

    @property
    def entity(self) -> str:
        """How audit entries name it."""
        return f"user:{self.id}"


@dataclass(frozen=True)
class ApiToken:
    """A token as it is kept: its secret is not."""

    id: int
    name: str
    principal: str
    roles: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """What a session or token is worth now; `source` is ui or token, `roles` those it has at this moment."""

    principal: str
    source: str
    roles: frozenset[str]
    signed_in_at: datetime
    expires_at: datetime

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether somebody proved by hand who they are, a short time ago."""
        return self.source == "ui" and now - self.signed_in_at <= FRESH


def address(text: str) -> str:
    """Return the id of the person an address belongs to.

    Raises
    ------
    InputError
        If it is no address, or has letters that only look like those of one.
    """
    found = mailbox(text)
    if not is_address(found):
        raise InputError(f"{text!r} is no address; expected ASCII such as dora@example.com")
    return found


def new_secret() -> str:
    """Return a secret of 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def password_hash(password: str) -> str:
    """Return what is kept of a password (argon2id).

    Raises
    ------
    InputError
        If it is too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InputError(
            f"the password has {len(password)} characters; choose {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
        )
    with _ONE_AT_A_TIME:
        return _HASHER.hash(password)


def password_fits(kept: str | None, password: str) -> bool:
    """Tell whether a password is the one that is kept; where none is, that takes as long and is not so."""
    with _ONE_AT_A_TIME:
        try:
            return _HASHER.verify(kept or _nobodys(), password[: LONGEST_PASSWORD + 1]) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def wait(failures: int) -> timedelta:
    """Return how long after the last of so many failed sign-ins in a row the next one has to wait.

    Examples
    --------
    >>> [str(wait(n)) for n in (4, 5, 6, 50)]
    ['0:00:00', '0:00:30', '0:01:00', '0:15:00']
    """
    return timedelta(0) if failures < TRIES else _WAITS[min(failures - TRIES, len(_WAITS) - 1)]


@cache
def _nobodys() -> str:
    return _HASHER.hash(new_secret())
