"""Principals with their roles, the tokens and sessions by which they act, and attempts to sign in."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from core.identity import ApiToken, Principal, Standing
from core.permissions import apart, both
from core.store.governance_schema import principals, role_assignments, sessions, sign_ins, tokens


def add(c: sa.Connection, principal: Principal, *, password: str | None) -> None:
    """Keep a new principal; `password` is its hash."""
    c.execute(
        sa.insert(principals).values(
            id=principal.id,
            name=principal.name,
            kind=principal.kind,
            state=principal.state,
            password=password,
            created_at=principal.created_at,
            created_by=principal.created_by,
            subject=principal.subject,
        )
    )


def get(c: sa.Connection, identifier: str) -> Principal | None:
    """Return a principal, or None if there never was one of this id."""
    return next(iter(_found(c, principals.c.id == identifier)), None)


def of_subject(c: sa.Connection, subject: str) -> Principal | None:
    """Return the principal an identity provider knows by this subject."""
    return next(iter(_found(c, principals.c.subject == subject)), None)


def every(c: sa.Connection) -> list[Principal]:
    """Return all principals by id."""
    return _found(c, sa.true())


def any_principal(c: sa.Connection) -> bool:
    """Tell whether there is anybody who could sign in."""
    return c.execute(sa.select(sa.exists(sa.select(principals.c.id)))).scalar_one()


def has_admin(c: sa.Connection, *, besides: str = "") -> bool:
    """Tell whether an active principal, other than `besides`, is admin everywhere."""
    held = sa.select(principals.c.id).join(role_assignments, role_assignments.c.principal == principals.c.id)
    admin = (role_assignments.c.role == "admin", role_assignments.c.scope == "")
    able = held.where(principals.c.state == "active", principals.c.kind != "service", *admin)
    return c.execute(sa.select(sa.exists(able.where(principals.c.id != besides)))).scalar_one()


def change(c: sa.Connection, identifier: str, **values: str | None) -> None:
    """Write `state`, `password` (a hash) or `subject` of a principal."""
    c.execute(sa.update(principals).where(principals.c.id == identifier).values(**values))


def password(c: sa.Connection, identifier: str) -> str | None:
    """Return the hash of an active local principal's password; None where there is none."""
    able = (principals.c.id == identifier, principals.c.state == "active", principals.c.kind == "local")
    return c.execute(sa.select(principals.c.password).where(*able)).scalar_one_or_none()


def grant(c: sa.Connection, identifier: str, role: str, scope: str, *, at: datetime, by: str) -> None:
    """Give a principal a role."""
    row = {"principal": identifier, "role": role, "scope": scope}
    c.execute(sa.insert(role_assignments).values(**row, granted_at=at, granted_by=by))


def revoke(c: sa.Connection, identifier: str, role: str, scope: str) -> None:
    """Take a role from a principal."""
    held = role_assignments.c
    c.execute(
        sa.delete(role_assignments).where(
            held.principal == identifier, held.role == role, held.scope == scope
        )
    )


def add_token(c: sa.Connection, token: ApiToken, *, digest: str) -> int:
    """Keep a new token by the digest of its secret, and return its number."""
    made = sa.insert(tokens).values(
        digest=digest,
        name=token.name,
        principal=token.principal,
        roles=list(token.roles),
        created_at=token.created_at,
        expires_at=token.expires_at,
    )
    return int(c.execute(made.returning(tokens.c.id)).scalar_one())


def every_token(c: sa.Connection, principal: str | None = None) -> list[ApiToken]:
    """Return tokens, the newest first: of one principal or all."""
    found = sa.select(tokens).order_by(tokens.c.id.desc())
    if principal is not None:
        found = found.where(tokens.c.principal == principal)
    return [_token(row) for row in c.execute(found)]


def token(c: sa.Connection, identifier: int) -> ApiToken | None:
    """Return a token, or None if there never was one of this number."""
    row = c.execute(sa.select(tokens).where(tokens.c.id == identifier)).one_or_none()
    return None if row is None else _token(row)


def revoke_tokens(
    c: sa.Connection, *, at: datetime, identifier: int | None = None, of: str | None = None
) -> None:
    """End a token, or all of a principal."""
    which = tokens.c.id == identifier if of is None else tokens.c.principal == of
    c.execute(sa.update(tokens).where(which, tokens.c.revoked_at.is_(None)).values(revoked_at=at))


def used(c: sa.Connection, digest: str, *, at: datetime) -> None:
    """Remember when a token was used last."""
    c.execute(sa.update(tokens).where(tokens.c.digest == digest).values(used_at=at))


def begin_session(
    c: sa.Connection,
    digest: str,
    principal: str,
    *,
    at: datetime,
    until: datetime,
    roles: Iterable[str] | None = None,
) -> None:
    """Keep a session by the digest of its secret; `roles` are those its identity provider gives."""
    given = None if roles is None else sorted(roles)
    row = {"digest": digest, "principal": principal, "roles": given}
    c.execute(sa.insert(sessions).values(**row, signed_in_at=at, expires_at=until))


def give_roles(c: sa.Connection, digest: str, roles: Iterable[str]) -> None:
    """Write the roles that an identity provider gives a session."""
    c.execute(sa.update(sessions).where(sessions.c.digest == digest).values(roles=sorted(roles)))


def given_roles(c: sa.Connection, digest: str) -> frozenset[str] | None:
    """Return the roles an identity provider gives a session; None if none of this digest ever began."""
    row = c.execute(sa.select(sessions.c.roles).where(sessions.c.digest == digest)).one_or_none()
    return None if row is None else frozenset(row.roles or ())


def end_sessions(c: sa.Connection, *, at: datetime, digest: str | None = None, of: str | None = None) -> None:
    """End a session, all of a principal, or all there are."""
    ending = sa.update(sessions).where(sessions.c.ended_at.is_(None)).values(ended_at=at)
    for column, value in ((sessions.c.digest, digest), (sessions.c.principal, of)):
        ending = ending if value is None else ending.where(column == value)
    c.execute(ending)


def standing(c: sa.Connection, digest: str, now: datetime) -> Standing | None:
    """Return what a session or token is worth now; None where it is unknown, over, or its owner disabled."""
    session = c.execute(_alive(sessions, sessions.c.ended_at, digest, now)).one_or_none()
    if session is not None:
        held = _granted(c, session.principal) | frozenset(session.roles or ())
        return Standing(session.principal, "ui", apart(held), session.signed_in_at, session.expires_at)
    row = c.execute(_alive(tokens, tokens.c.revoked_at, digest, now)).one_or_none()
    if row is None:
        return None
    held = both(apart(_granted(c, row.principal)), row.roles)
    return Standing(row.principal, "token", held, row.created_at, row.expires_at)


def attempt(c: sa.Connection, principal: str, *, at: datetime) -> int:
    """Keep an attempt to sign in, as failed until `succeeded`, and return its number."""
    made = sa.insert(sign_ins).values(principal=principal, at=at, succeeded=False)
    return int(c.execute(made.returning(sign_ins.c.id)).scalar_one())


def succeeded(c: sa.Connection, attempted: int) -> None:
    """Note that an attempt succeeded."""
    c.execute(sa.update(sign_ins).where(sign_ins.c.id == attempted).values(succeeded=True))


def failures(c: sa.Connection, principal: str, *, since: datetime) -> tuple[int, datetime | None]:
    """Return how many attempts failed since the last success, and when the last one was."""
    tried = sign_ins.c.principal == principal
    last = sa.select(sa.func.coalesce(sa.func.max(sign_ins.c.id), 0)).where(tried, sign_ins.c.succeeded)
    failed = sa.select(sa.func.count(), sa.func.max(sign_ins.c.at, type_=sign_ins.c.at.type)).where(
        tried, sign_ins.c.at >= since, sign_ins.c.id > last.scalar_subquery()
    )
    count, at = c.execute(failed).one()
    return int(count), at


def forget(c: sa.Connection, before: datetime) -> None:
    """Remove attempts to sign in and sessions that are over since a time."""
    c.execute(sa.delete(sign_ins).where(sign_ins.c.at < before))
    c.execute(sa.delete(sessions).where(sessions.c.expires_at < before))


def _alive(
    table: sa.Table, ended: sa.Column[datetime], digest: str, now: datetime
) -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(table)
        .join(principals, principals.c.id == table.c.principal)
        .where(
            table.c.digest == digest,
            ended.is_(None),
            table.c.expires_at > now,
            principals.c.state == "active",
        )
    )


def _granted(c: sa.Connection, identifier: str) -> frozenset[str]:
    held = role_assignments.c
    found = c.execute(sa.select(held.role, held.scope).where(held.principal == identifier))
    return frozenset(f"{role}@{scope}" if scope else role for role, scope in found)


def _found(c: sa.Connection, which: sa.ColumnElement[bool]) -> list[Principal]:
    held: dict[str, set[str]] = defaultdict(set)
    for row in c.execute(sa.select(role_assignments)):
        held[row.principal].add(f"{row.role}@{row.scope}" if row.scope else row.role)
    return [
        Principal(
            *(row.id, row.name, row.kind, row.state, row.created_at, row.created_by),
            *(frozenset(held[row.id]), row.subject),
        )
        for row in c.execute(sa.select(principals).where(which).order_by(principals.c.id))
    ]


def _token(row: sa.Row[tuple[object, ...]]) -> ApiToken:
    told = row._mapping
    return ApiToken(
        id=told["id"],
        name=told["name"],
        principal=told["principal"],
        roles=tuple(told["roles"]),
        created_at=told["created_at"],
        expires_at=told["expires_at"],
        revoked_at=told["revoked_at"],
        used_at=told["used_at"],
    )
