"""What the registry holds of a model's governed life: versions, evidence, promotions, approvals, releases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.records import Dataset, Evidence, Run, Version


@dataclass(frozen=True)
class ModelVersion:
    """A registered version: `record` and `digest` (of its artifact) never change, `state` moves on."""

    model: str
    number: int
    name: str
    state: str
    digest: str
    record: Version
    registered_at: datetime
    registered_by: str

    @property
    def entity(self) -> str:
        """How audit entries and lineage name it."""
        return f"version:{self.model}/{self.number}"

    @property
    def title(self) -> str:
        """How people name it."""
        return f"{self.model} version {self.number}" + (
            f" ({self.name})" if self.name != str(self.number) else ""
        )

    @property
    def developers(self) -> frozenset[str]:
        """Who made it: whoever registered it, and the developer the record names."""
        return frozenset({self.registered_by, self.record.developer or self.registered_by})


@dataclass(frozen=True)
class LoggedRun:
    """A run as it was logged."""

    id: int
    model: str
    record: Run
    logged_at: datetime
    logged_by: str


@dataclass(frozen=True)
class RegisteredDataset:
    """A dataset version as it was registered first; `digest` names it."""

    digest: str
    record: Dataset
    registered_at: datetime
    registered_by: str


@dataclass(frozen=True)
class AttachedEvidence:
    """A piece of evidence on a version; it counts while the version's artifact has `artifact_digest`."""

    id: int
    model: str
    number: int
    artifact_digest: str
    record: Evidence
    digest: str
    attached_at: datetime
    attached_by: str


@dataclass(frozen=True)
class CardText:
    """What a person wrote into a section of a model's card; an empty text takes the one before back."""

    id: int
    section: str
    text: str
    at: datetime
    by: str


@dataclass(frozen=True)
class SignedDocument:
    """A document as it was signed off; its bytes are in the store.

    `digest` is of those bytes, `records_digest` of what they say without live numbers. `roles` are those by
    which the signer could sign, ``owner`` without any.
    """

    id: int
    model: str
    number: int | None
    kind: str
    digest: str
    records_digest: str
    actor: str
    roles: Sequence[str]
    at: datetime


@dataclass(frozen=True)
class Waiver:
    """Two persons take the responsibility for one check of a gate, for a time and this artifact only."""

    id: int
    model: str
    number: int
    check: str
    artifact_digest: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True)
class Promotion:
    """A request to bring a version to a stage, with what it was submitted on.

    `digest`, `policy` (its hash), `gate` (the checklist) and `gate_digest` are those of the submission: a
    later difference makes it void. Decisions count for the `round` they were made in; `revision` grows with
    each change, so that a page can say what it showed.
    """

    id: int
    model: str
    number: int
    environment: str
    stage: str
    state: str
    round: int
    revision: int
    requested_by: str
    requested_at: datetime
    note: str
    updated_at: datetime
    updated_by: str
    expires_at: datetime | None = None
    digest: str | None = None
    policy: str | None = None
    gate: Sequence[Mapping[str, Any]] | None = None
    gate_digest: str | None = None
    closed_reason: str | None = None

    @property
    def entity(self) -> str:
        """How audit entries name it."""
        return f"promotion:{self.id}"

    @property
    def title(self) -> str:
        """How people name it."""
        return f"promotion {self.id} of {self.model} version {self.number}"


@dataclass(frozen=True)
class Approval:
    """What somebody said on a promotion: ``approve``, ``reject``, ``ask_back`` or ``comment``."""

    id: int
    promotion: int
    round: int
    actor: str
    roles: Sequence[str]
    decision: str
    comment: str
    at: datetime


@dataclass(frozen=True)
class Release:
    """One thing done to what runs in an environment, at business time `at`.

    `event` is ``deployed``, ``adopted``, ``rolled_back``, ``suspended``, ``resumed``, ``retired`` or
    ``reviewed``; `previous` is the champion before.
    """

    id: int
    model: str
    environment: str
    event: str
    number: int
    previous: int | None
    strategy: str
    promotion: int | None
    emergency: bool
    of_release: int | None
    at: datetime
    actor: str
    reason: str
