"""The commands `users` and `tokens`: who may sign in and do what, and the tokens for pipelines."""

import getpass
import sys
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.actions import identities as users
from core.actions import tokens
from core.errors import InputError
from core.identity import ApiToken, Principal, address
from core.store import identities
from jobs.acting import acting, governing_users
from jobs.cli_models import opened
from jobs.terminal import print_json, print_table


def add(arguments: Namespace) -> int:
    """Make a user; a local one gets the password that is typed or piped in."""
    store = opened(arguments)
    actor, mode = governing_users(store), store.workspace.settings.auth.mode
    kind = "service" if arguments.service else mode
    password = _new_password(arguments.address) if kind == "local" else None
    made = users.add(
        store,
        arguments.address,
        actor,
        name=arguments.name,
        kind=kind,
        password=password,
        roles=arguments.role,
    )
    store.close()
    return _told(arguments, made)


def show_all(arguments: Namespace) -> int:
    """Print all users with their roles."""
    store = opened(arguments)
    with store.read() as c:
        rows = [as_json(each) for each in identities.every(c)]
    store.close()
    if arguments.json:
        print_json(rows)
    elif rows:
        print_table(rows, ("user", "name", "kind", "state", "roles"))
    else:
        print("There is no user yet; the first one: steward users add ADDRESS --role admin")
    return 0


def grant(arguments: Namespace) -> int:
    """Give a user a role."""
    store = opened(arguments)
    made = users.grant(store, arguments.address, arguments.role, governing_users(store))
    store.close()
    return _told(arguments, made)


def revoke(arguments: Namespace) -> int:
    """Take a role from a user."""
    store = opened(arguments)
    made = users.revoke(store, arguments.address, arguments.role, governing_users(store))
    store.close()
    return _told(arguments, made)


def disable(arguments: Namespace) -> int:
    """Close a user's access."""
    store = opened(arguments)
    made = users.disable(store, arguments.address, governing_users(store), reason=arguments.reason)
    store.close()
    return _told(arguments, made)


def enable(arguments: Namespace) -> int:
    """Open a user's access again."""
    store = opened(arguments)
    made = users.enable(store, arguments.address, governing_users(store))
    store.close()
    return _told(arguments, made)


def passwd(arguments: Namespace) -> int:
    """Give a user another password; whoever changes their own types the one until now first."""
    store = opened(arguments)
    if arguments.recover:
        users.recover(store, arguments.address, _new_password(arguments.address))
    else:
        actor = governing_users(store)
        own = actor.id == address(arguments.address)
        current = _secret("Password until now: ") if own else None
        users.set_password(store, arguments.address, _new_password(arguments.address), actor, current=current)
    store.close()
    print(f"{address(arguments.address)} has another password; every session of theirs is over.")
    return 0


def create_token(arguments: Namespace) -> int:
    """Make a token and print its secret, which is shown this once."""
    store = opened(arguments)
    made, secret = tokens.create(
        store,
        acting(store),
        name=arguments.name,
        roles=arguments.role,
        lasts=timedelta(days=arguments.days),
        owner=arguments.owner,
    )
    store.close()
    if arguments.json:
        print_json(token_as_json(made) | {"secret": secret})
    else:
        until = f"{made.expires_at:%Y-%m-%d %H:%M}"
        print(f"Token {made.id} of {made.principal} until {until} UTC; its secret is shown this once:")
        print(secret)
    return 0


def show_tokens(arguments: Namespace) -> int:
    """Print the tokens there are, without those that are over."""
    store = opened(arguments)
    now = datetime.now(UTC)
    with store.read() as c:
        rows = [
            token_as_json(each)
            for each in identities.every_token(c)
            if arguments.all or (each.revoked_at is None and each.expires_at > now)
        ]
    store.close()
    if arguments.json:
        print_json(rows)
    elif rows:
        print_table(rows, ("id", "name", "user", "roles", "until", "revoked", "used"))
    else:
        print("There is no token that holds.")
    return 0


def revoke_token(arguments: Namespace) -> int:
    """End a token."""
    store = opened(arguments)
    ended = tokens.revoke(store, arguments.id, acting(store))
    store.close()
    print(f"Token {ended.id} ({ended.name}) of {ended.principal} is revoked.")
    return 0


def as_json(principal: Principal) -> dict[str, Any]:
    """Return a user."""
    return {
        "user": principal.id,
        "name": principal.name,
        "kind": principal.kind,
        "state": principal.state,
        "roles": sorted(principal.roles),
        "created_at": principal.created_at,
        "created_by": principal.created_by,
    }


def token_as_json(token: ApiToken) -> dict[str, Any]:
    """Return a token; there is no secret to return."""
    return {
        "id": token.id,
        "name": token.name,
        "user": token.principal,
        "roles": list(token.roles),
        "created_at": token.created_at,
        "until": token.expires_at,
        "revoked": token.revoked_at,
        "used": token.used_at,
    }


def _told(arguments: Namespace, principal: Principal) -> int:
    if arguments.json:
        print_json(as_json(principal))
    else:
        roles = ", ".join(sorted(principal.roles)) or "no role"
        print(f"{principal.id} ({principal.kind}) is {principal.state}: {roles}.")
    return 0


def _new_password(owner: str) -> str:
    """Return a password that was typed twice, or came in as one line."""
    typed = _secret(f"New password of {address(owner)}: ")
    if sys.stdin.isatty() and _secret("Once more: ") != typed:
        raise InputError("these are two different passwords; nothing was changed")
    return typed


def _secret(prompt: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.readline().rstrip("\r\n")
