"""What the page about users and tokens reads: who may do what, and what they could be given."""

from dataclasses import dataclass

from core.identity import ApiToken, Principal
from core.store import Store, identities, models


@dataclass(frozen=True)
class People:
    """Users by id, tokens with the newest first, and the scopes in which a role can be given."""

    users: list[Principal]
    tokens: list[ApiToken]
    scopes: list[str]


def people(store: Store, only: str | None = None) -> People:
    """Return users and tokens, all or one user's."""
    with store.read() as c:
        users = [each for each in identities.every(c) if only in (None, each.id)]
        tokens = identities.every_token(c, only)
        declared = [model.declaration for model in models.every(c)]
    teams = sorted({each.team for each in declared if each.team})
    scopes = [f"team:{team}" for team in teams] + [f"model:{each.model}" for each in declared]
    return People(users, tokens, scopes)
