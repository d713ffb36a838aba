"""Which roles may run which command: one table, read by every command and shown to people."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal[
    "viewer", "auditor", "analyst", "data_scientist", "validator", "approver", "ml_engineer", "admin"
]
ROLES: tuple[Role, ...] = get_args(Role)

CONFIGURES: tuple[Role, ...] = ("admin", "ml_engineer")
ATTENDS: tuple[Role, ...] = ("analyst", "data_scientist", "validator", "approver", "ml_engineer", "admin")
BUILDS: tuple[Role, ...] = ("data_scientist", "ml_engineer")
DECIDES: tuple[Role, ...] = ("validator", "approver")


@dataclass(frozen=True)
class Permission:
    """What a command does, in words, and the roles of which one is enough.

    With `owner`, who owns the model (or stands in for them) needs no more than any role there.
    """

    what: str
    roles: tuple[Role, ...]
    owner: bool = False


PERMITS: Mapping[str, Permission] = {
    "audit.export": Permission("take the audit log out", ("auditor", "admin")),
    "health.see": Permission("see how models do", ROLES),
    "rows.open": Permission("open rows of a prediction log", ATTENDS),
    "model.declare": Permission("declare models", CONFIGURES),
    "model.lower_risk": Permission("put a model into a lower risk tier", DECIDES),
    "use_case.describe": Permission("describe use cases", ("admin", "ml_engineer", "data_scientist")),
    "model.rebuild": Permission("rebuild statistics", CONFIGURES),
    "model.pause": Permission("pause, resume and remove models", CONFIGURES),
    "model.manage": Permission("say who manages a model", CONFIGURES),
    "monitor.change": Permission("change monitors", CONFIGURES),
    "channel.test": Permission("test channels", CONFIGURES),
    "message.again": Permission("send messages again", CONFIGURES),
    "alert.attend": Permission("attend to alerts", ATTENDS),
    "annotation.say": Permission("annotate", ATTENDS),
    "annotation.leave_out": Permission(
        "leave windows out of a reference", ("data_scientist", "admin", "ml_engineer")
    ),
    "annotation.everywhere": Permission(
        "mute all models or leave windows out of every reference", CONFIGURES
    ),
    "version.register": Permission("register or archive versions", BUILDS),
    "run.log": Permission("log runs", BUILDS),
    "evidence.attach": Permission("attach evidence", (*BUILDS, "validator")),
    "evidence.validate": Permission("attest a validation or review", ("validator",)),
    "promotion.request": Permission("request promotions", BUILDS),
    "promotion.decide": Permission("decide on promotions", (*DECIDES, *BUILDS)),
    "promotion.comment": Permission("comment on promotions", ATTENDS),
    "waiver.propose": Permission("propose waivers", (*BUILDS, *DECIDES)),
    "waiver.confirm": Permission("confirm waivers", DECIDES),
    "release.change": Permission("release, roll back and suspend versions", ("ml_engineer",)),
    "release.review": Permission("review emergency releases", DECIDES),
    "card.write": Permission("write into model cards", (*BUILDS, "validator"), owner=True),
    "card.sign_off": Permission("sign model cards off", DECIDES, owner=True),
    "model.lifecycle": Permission("move models through their lifecycle", ("ml_engineer", "approver")),
    "user.manage": Permission("manage users, roles and the tokens of others", ("admin",)),
    "token.own": Permission("have tokens", ROLES),
}

# What somebody decides by their own hand: with a fresh sign-in, and never by a token.
IN_PERSON = frozenset({"promotion.decide", "waiver.confirm", "release.review", "card.sign_off"})


def effective(roles: Iterable[str], *, model: str | None, team: str | None) -> frozenset[str]:
    """Return the roles that are held everywhere, for the model's team or for the model.

    Examples
    --------
    >>> sorted(effective({"viewer", "approver@team:flights"}, model="delay-30", team="flights"))
    ['approver', 'viewer']
    >>> sorted(effective({"viewer", "approver@team:flights"}, model="churn", team="sales"))
    ['viewer']
    """
    scopes = {"", f"model:{model}" if model else "", f"team:{team}" if team else ""}
    return frozenset(role for role, _, scope in (r.partition("@") for r in roles) if scope in scopes)


def apart(roles: Iterable[str]) -> frozenset[str]:
    """Return the roles without those that decide, if an admin holds them: who makes users approves nothing.

    Examples
    --------
    >>> sorted(apart({"admin", "approver@team:flights", "analyst"}))
    ['admin', 'analyst']
    """
    held = frozenset(roles)
    if not any(role.partition("@")[0] == "admin" for role in held):
        return held
    return frozenset(role for role in held if role.partition("@")[0] not in DECIDES)


def both(held: Iterable[str], allowed: Iterable[str]) -> frozenset[str]:
    """Return the allowed roles that are held: everywhere, or in the same scope.

    Examples
    --------
    >>> sorted(both({"analyst", "approver"}, ["approver@model:churn", "admin"]))
    ['approver@model:churn']
    """
    has = frozenset(held)
    return frozenset(role for role in allowed if role in has or role.partition("@")[0] in has)
