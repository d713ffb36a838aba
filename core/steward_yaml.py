"""steward.yaml, the administrator's file: its keys, and the one place where ${ENV} is expanded."""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from core.declaration import Zone
from core.errors import DeclarationError
from core.permissions import Role
from core.schedule import Cron
from core.signatures import Signer
from core.strict import Duration, Strict, Text, nearest, read_yaml, shape, validated

FILE_NAME = "steward.yaml"


def load_settings(file: Path) -> "Settings":
    """Return what steward.yaml says; the environment variable STEWARD_AUTH overrides `auth.mode`.

    Raises
    ------
    DeclarationError
        If it holds what Steward does not accept, or names an unset environment variable.
    """
    written = read_yaml(file)
    expanded = _expanded(written, os.environ, key="", file=file)
    if mode := os.environ.get("STEWARD_AUTH"):
        auth = expanded.get("auth")
        expanded["auth"] = {**(auth if isinstance(auth, dict) else {}), "mode": mode}
    return validated(Settings, expanded, file=str(file), shown=written)


def _age(value: object) -> object:
    # A year is kept as 366 days: retention may keep a day too long, never one too short.
    match = re.fullmatch(r"(\d+)\s*y", str(value).strip())
    return timedelta(days=366 * int(match[1])) if match else value


def _url(text: str) -> str:
    if not re.match(r"https?://[^/\s]+", text):
        raise ValueError(f"{text!r} is no address; expected https://…")
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", text):
        raise ValueError(f"{text!r} is no name; expected up to 63 letters, digits, _ and -")
    return text


def _scope(text: str) -> str:
    if not re.fullmatch(r"all|owner|team:.+", text):
        raise ValueError(f"{text!r} is no scope; expected all, owner or team:NAME")
    return text


def _inside(path: str) -> str:
    if PurePath(path).is_absolute() or ".." in PurePath(path).parts or path.strip() in (".", ""):
        raise ValueError(f"{path!r} is no folder of the workspace; expected a name such as messages")
    return path


Age = Annotated[Duration, BeforeValidator(_age)]
Url = Annotated[str, AfterValidator(_url)]
Name = Annotated[str, AfterValidator(_name)]


class FixedClock(Strict):
    """A clock that stands still, for demonstrations and tests."""

    fixed: AwareDatetime


class Webhook(Strict):
    """A channel that posts signed messages to an address of yours."""

    webhook: Url = Field(repr=False)
    secret: Text = Field(repr=False)
    allow_private: bool = False


class Folder(Strict):
    """A channel that writes each message as a file, for machines without a way out."""

    folder: Annotated[str, AfterValidator(_inside)]


class Digest(Strict):
    """A summary that is sent at set times of its zone."""

    channel: str
    at: Annotated[str, AfterValidator(lambda line: Cron.parse(line).line)]
    zone: Zone = "UTC"
    scope: Annotated[str, AfterValidator(_scope)] = "all"


class Command(Strict):
    """A program that Steward may start; declarations refer to it by name only.

    `run` is a list of arguments, no shell reads it. `env` names the variables it is given of Steward's own.
    In a scoring command ``{input}``, ``{output}`` and ``{artifact}`` stand for paths, ``{python}`` for the
    interpreter that runs Steward.
    """

    run: tuple[Text, ...] = Field(min_length=1)
    cwd: str | None = None
    env: tuple[str, ...] = ()
    timeout: Duration = timedelta(hours=1)


def _public_key(text: str) -> str:
    try:
        Signer(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no Ed25519 public key; expected the line that openssl pkey -pubout prints "
            "between BEGIN and END, or what steward audit keygen prints"
        ) from None
    return text


PublicKey = Annotated[str, AfterValidator(_public_key)]


class Retention(Strict):
    """How long what Steward wrote is kept; None keeps it for ever."""

    statistics: Age | None = None
    ledger: Age | None = None
    outbox: Age | None = timedelta(days=90)


class Oidc(Strict):
    """The identity provider, and which of its groups (a claim of the ID token) holds which role."""

    server_metadata_url: Url
    client_id: Text
    client_secret: Text = Field(repr=False)
    scope: Text = "openid email profile"
    groups_claim: Text = "groups"
    groups: dict[str, Role] = Field(default_factory=dict)
    default_role: Role | Literal["none"] = "none"


class Auth(Strict):
    """How people sign in; `single` serves one person on this machine."""

    mode: Literal["single", "local", "oidc"] = "single"
    oidc: Oidc | None = None

    @model_validator(mode="after")
    def _provider_is_named(self) -> "Auth":
        if self.mode == "oidc" and self.oidc is None:
            raise ValueError(
                "mode is oidc but oidc is missing; name its server_metadata_url, client_id and client_secret"
            )
        return self


class Audit(Strict):
    """Where the audit log's anchors are kept, who signs them, and who hears if the log is not whole."""

    anchors: Text = "anchors"  # a folder; best on another machine's disk
    key_file: Text | None = None
    public_keys: tuple[Text, ...] = ()  # those of earlier keys, or of a key that this machine does not have
    notify: tuple[Name, ...] = ()


_ClockSetting = Annotated[
    Annotated[Literal["real"], Tag("scalar")] | Annotated[FixedClock, Tag("mapping")], Discriminator(shape)
]


def _channel(value: Any) -> str:
    """Tell which sort of channel a value is meant for, so that messages speak of it."""
    if shape(value) == "scalar":
        return "scalar"
    return (
        "filing"
        if isinstance(value, Folder) or (isinstance(value, dict) and "folder" in value)
        else "posting"
    )


Channel = Annotated[
    Annotated[Text, Tag("scalar")] | Annotated[Webhook, Tag("posting")] | Annotated[Folder, Tag("filing")],
    Discriminator(_channel),
]


class Settings(Strict):
    """steward.yaml, the administrator's file: every key is optional."""

    database_url: str | None = Field(default=None, repr=False)
    clock: _ClockSetting = "real"
    public_url: Url | None = None
    auth: Auth = Auth()
    audit: Audit = Audit()
    roots: tuple[Text, ...] = ()
    channels: dict[Name, Channel] = Field(default_factory=dict, repr=False)
    digests: tuple[Digest, ...] = ()
    commands: dict[Name, Command] = Field(default_factory=dict)
    signers: dict[Name, PublicKey] = Field(default_factory=dict)
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _channels_are_known(self) -> "Settings":
        for name in self.audit.notify:
            if name not in self.channels:
                raise ValueError(f"audit.notify: {name!r} is no channel; {nearest(name, self.channels)}")
        for digest in self.digests:
            if digest.channel not in self.channels:
                raise ValueError(
                    f"digests: {digest.channel!r} is no channel; {nearest(digest.channel, self.channels)}"
                )
        return self


def _expanded(value: Any, environment: Mapping[str, str], *, key: str, file: Path) -> Any:
    """Return `value` with each ${NAME} replaced; the key is for the message."""
    if isinstance(value, dict):
        return {
            k: _expanded(v, environment, key=f"{key}.{k}".strip("."), file=file) for k, v in value.items()
        }
    if isinstance(value, list):
        return [_expanded(v, environment, key=f"{key}.{i}", file=file) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise DeclarationError(
                f"{file}: {key}: the environment variable {match[1]} is not set; set it, or change the key"
            )
        return environment[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", variable, value)


TEMPLATE = """\
# Settings of this Steward workspace. Every key is optional; uncomment what you need.
# Secrets stand here only as ${NAME} and are taken from the environment.

# Where the registry lives; default: SQLite in this folder (needs a local disk).
# database_url: postgresql+psycopg://steward:${DB_PASSWORD}@db/steward

# clock: real                      # or {fixed: 2014-01-01T00:00:00-05:00}, for demonstrations
# public_url: https://steward.example.com
# auth: {mode: single}             # one person on this machine; local: users with passwords; or oidc

# Where the audit log's anchors go, best to another machine's disk; `steward audit keygen` makes the key.
# audit: {anchors: /mnt/vault/anchors, key_file: /etc/steward/anchor.key, notify: [ml-oncall]}

# Further folders that model declarations may read; this folder always may.
# roots: [/lake/predictions]

# channels:
#   ml-oncall: slack://${SLACK_TOKEN}/#ml-oncall
#   audit-hook: {webhook: https://hooks.example.com/steward, secret: "${HOOK_SECRET}"}
#   on-disk: {folder: messages}    # one HTML file per message, in this workspace

# digests:
#   - {channel: ml-oncall, at: "0 8 * * 1-5", zone: Europe/Paris, scope: all}      # all | team:NAME | owner

# commands:
#   train-eta: {run: [python, train.py], cwd: /opt/eta, env: [PATH], timeout: 2h}
#   score-eta: {run: [python, score.py, "{artifact}", "{input}", "{output}"], cwd: /opt/eta, env: [PATH]}

# Whose signatures of uploaded reports are believed: Ed25519 public keys, as openssl pkey -pubout prints them.
# signers: {scanner: MCowBQYDK2VwAyEAxlZvIjLQYDOuW1g/ThLUcxSRONUPBqmYsDmv/Y4TP1o=}

# retention: {statistics: 3y, ledger: 400d, outbox: 90d}
"""
