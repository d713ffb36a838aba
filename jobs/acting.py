"""Who runs a command in a terminal: the single user, the owner of a token, or the first of all."""

import os

from core.actions import sign_ins
from core.actions.authority import FIRST
from core.entities import Actor
from core.errors import InputError, NotSignedIn
from core.permissions import ROLES
from core.store import Store, identities

TOKEN = "STEWARD_TOKEN"


def acting(store: Store) -> Actor:
    """Return who changes something here.

    Raises
    ------
    NotSignedIn
        If people sign in to this workspace and STEWARD_TOKEN holds no token that holds.
    """
    if secret := os.environ.get(TOKEN):
        return sign_ins.by_token(store, secret)
    mode = store.workspace.settings.auth.mode
    if mode == "single":
        return Actor("single-user", "cli", frozenset(ROLES))
    raise NotSignedIn(
        f"auth mode {mode!r}: put a token of yours into {TOKEN}; the page Jobs & system makes one"
    )


def governing_users(store: Store) -> Actor:
    """Return who changes users: as `acting`, but whoever sits at the machine makes the first admin.

    Raises
    ------
    InputError
        If nobody signs in to this workspace at all.
    """
    settings = store.workspace.settings.auth
    if settings.mode == "single":
        raise InputError(
            "auth mode 'single' has no users; say auth: {mode: local} or oidc in steward.yaml first"
        )
    by_groups = settings.mode == "oidc" and settings.oidc and "admin" in settings.oidc.groups.values()
    with store.read() as c:
        governed = by_groups or identities.has_admin(c)
    return acting(store) if governed or os.environ.get(TOKEN) else FIRST
