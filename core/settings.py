"""The workspace: one folder with steward.yaml, the roots it may read, its clock and its database."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
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

from core.errors import DeclarationError, PathError
from core.schedule import Cron
from core.strict import Duration, Strict, Text, nearest, read_yaml, shape, validated

FILE_NAME = "steward.yaml"
FOLDERS = ("models", "predictions", "labels")


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


Age = Annotated[Duration, BeforeValidator(_age)]
Url = Annotated[str, AfterValidator(_url)]
Name = Annotated[str, AfterValidator(_name)]
Role = Literal[
    "viewer", "auditor", "analyst", "data_scientist", "validator", "approver", "ml_engineer", "admin"
]


class FixedClock(Strict):
    """A clock that stands still, for demonstrations and tests."""

    fixed: AwareDatetime


class Webhook(Strict):
    """A channel that posts signed messages to an address of yours."""

    webhook: Url = Field(repr=False)
    secret: Text = Field(repr=False)
    allow_private: bool = False


class Digest(Strict):
    """A summary that is sent at set times."""

    channel: str
    at: Annotated[str, AfterValidator(lambda line: Cron.parse(line).line)]
    scope: Annotated[str, AfterValidator(_scope)] = "all"


class Command(Strict):
    """A program that Steward may start; declarations refer to it by name only."""

    run: tuple[Text, ...] = Field(min_length=1)
    cwd: str | None = None
    env: tuple[str, ...] = ()
    timeout: Duration = timedelta(hours=1)


class Retention(Strict):
    """How long what Steward wrote is kept; None keeps it for ever."""

    statistics: Age | None = None
    ledger: Age | None = None
    outbox: Age | None = None


class Oidc(Strict):
    """The identity provider, and which of its groups holds which role."""

    server_metadata_url: Url
    client_id: Text
    client_secret: Text = Field(repr=False)
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


_ClockSetting = Annotated[
    Annotated[Literal["real"], Tag("scalar")] | Annotated[FixedClock, Tag("mapping")], Discriminator(shape)
]
_Channel = Annotated[
    Annotated[Text, Tag("scalar")] | Annotated[Webhook, Tag("mapping")], Discriminator(shape)
]


class Settings(Strict):
    """steward.yaml, the administrator's file: every key is optional."""

    database_url: str | None = Field(default=None, repr=False)
    clock: _ClockSetting = "real"
    public_url: Url | None = None
    auth: Auth = Auth()
    roots: tuple[Text, ...] = ()
    channels: dict[Name, _Channel] = Field(default_factory=dict, repr=False)
    digests: tuple[Digest, ...] = ()
    commands: dict[Name, Command] = Field(default_factory=dict)
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _digests_have_channels(self) -> "Settings":
        for digest in self.digests:
            if digest.channel not in self.channels:
                raise ValueError(
                    f"digests: {digest.channel!r} is no channel; {nearest(digest.channel, self.channels)}"
                )
        return self


@dataclass(frozen=True)
class Workspace:
    """A workspace folder and its settings."""

    root: Path
    settings: Settings

    @classmethod
    def open(cls, path: str | Path) -> "Workspace":
        """Return the workspace at `path`.

        Raises
        ------
        PathError
            If there is no steward.yaml.
        DeclarationError
            If steward.yaml holds what Steward does not accept, or names an unset environment variable.
        """
        root = Path(path).expanduser().resolve()
        file = root / FILE_NAME
        if not file.is_file():
            raise PathError(
                f"{root} is no workspace, it has no {FILE_NAME}; run: steward init --workspace {root}"
            )
        written = read_yaml(file)
        expanded = _expanded(written, os.environ, key="", file=file)
        if mode := os.environ.get("STEWARD_AUTH"):
            auth = expanded.get("auth")
            expanded["auth"] = {**(auth if isinstance(auth, dict) else {}), "mode": mode}
        return cls(root, validated(Settings, expanded, file=str(file), shown=written))

    @property
    def database_url(self) -> str:
        """The registry database: SQLite in the workspace unless steward.yaml names another."""
        return self.settings.database_url or f"sqlite:///{self.root / 'registry.db'}"

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that declarations may read: the workspace and the `roots` of steward.yaml."""
        declared = ((self.root / Path(root).expanduser()).resolve() for root in self.settings.roots)
        return (self.root, *declared)

    def now(self) -> datetime:
        """Return the business time, aware UTC: the real clock, or the fixed time of steward.yaml."""
        clock = self.settings.clock
        return clock.fixed.astimezone(UTC) if isinstance(clock, FixedClock) else datetime.now(UTC)

    def resolve(self, path: str) -> Path:
        """Return a declared path or glob as an absolute path inside the roots; links are followed first.

        Raises
        ------
        PathError
            If it leads outside the roots.
        """
        parts = (self.root / Path(path).expanduser()).parts
        wild = next((i for i, part in enumerate(parts) if re.search(r"[*?\[]", part)), len(parts))
        fixed = Path(*parts[:wild]).resolve()
        if ".." in parts[wild:]:
            raise PathError(f"{path}: '..' after a wildcard; write the path without it")
        if not self.contains(fixed):
            roots = ", ".join(str(root) for root in self.roots)
            raise PathError(
                f"{path} leads to {fixed}, outside the folders Steward may read ({roots}); "
                f"move the data or add its folder to `roots` in {self.root / FILE_NAME}"
            )
        return fixed.joinpath(*parts[wild:])

    def contains(self, path: Path) -> bool:
        """Tell whether a file, links followed, lies inside the roots; ask it of each file a glob matches."""
        real = path.resolve()
        return any(real.is_relative_to(root) for root in self.roots)


def initialise(path: str | Path) -> Workspace:
    """Make a workspace: a commented steward.yaml and its folders; what is already there stays as it is."""
    root = Path(path).expanduser().resolve()
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    file = root / FILE_NAME
    if not file.exists():
        file.write_text(_TEMPLATE, encoding="utf-8")
    return Workspace.open(root)


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


_TEMPLATE = """\
# Settings of this Steward workspace. Every key is optional; uncomment what you need.
# Secrets stand here only as ${NAME} and are taken from the environment.

# Where the registry lives; default: SQLite in this folder (needs a local disk).
# database_url: postgresql+psycopg://steward:${DB_PASSWORD}@db/steward

# clock: real                      # or {fixed: 2014-01-01T00:00:00-05:00}, for demonstrations
# public_url: https://steward.example.com
# auth: {mode: single}             # single: one person on this machine

# Further folders that model declarations may read; this folder always may.
# roots: [/lake/predictions]

# channels:
#   ml-oncall: slack://${SLACK_TOKEN}/#ml-oncall
#   audit-hook: {webhook: https://hooks.example.com/steward, secret: "${HOOK_SECRET}"}

# digests:
#   - {channel: ml-oncall, at: "0 8 * * 1-5", scope: all}      # all | team:NAME | owner

# commands:
#   train-eta: {run: [python, train.py], cwd: /opt/eta, env: [PATH], timeout: 2h}

# retention: {statistics: 3y, ledger: 400d, outbox: 90d}
"""
