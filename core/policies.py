"""Policies: what has to be known and who has to agree before a version moves on, per risk tier."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.declaration import Share, Slug
from core.permissions import Role
from core.records import EvidenceKind
from core.strict import Duration, Number, Strict, parsed, read_yaml, validated

SHIPPED = Path(__file__).with_name("default_policy.yaml")
When = Literal["always", "champion", "people", "labels"]


class Need(Strict):
    """A kind of evidence: when it is asked for, how old it may be, and whether it only warns."""

    when: When = "always"
    required: bool = True
    max_age: Duration | None = None


class Tier(Strict):
    """What one risk tier asks for.

    `approvals` are seats: each is filled by another person who holds one of its roles. Without seats a
    request whose checks pass is approved by the policy itself.
    """

    approvals: tuple[tuple[Role, ...], ...] = ()
    separate_from: tuple[Literal["requester", "developer"], ...] = ()
    evidence: dict[EvidenceKind, Need] = Field(default_factory=dict)
    max_age: Duration
    unsafe_format: Literal["refuse", "warn", "allow"] = "refuse"
    random_split: Literal["refuse", "warn", "allow"] = "refuse"
    use_case: bool = True
    card: Share = 0.0  # the completeness a model card needs
    margin: Annotated[Number, Field(ge=0, le=1)] = 0.0  # how much worse than the champion is "not inferior"
    expires: Duration = timedelta(days=14)

    @model_validator(mode="after")
    def _every_seat_can_be_filled(self) -> "Tier":
        if any(not seat for seat in self.approvals):
            raise ValueError("approvals: a seat names no role; give at least one, or leave the seat out")
        return self


class Rules(Strict):
    """A policy file: the four tiers, limits of metrics for all models, and floors for single ones."""

    name: str
    tiers: Annotated[dict[Annotated[int, Field(ge=1, le=4)], Tier], Field(min_length=4, max_length=4)]
    floors: dict[Slug, dict[str, Number]] = Field(default_factory=dict)
    limits: dict[str, Number] = Field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """The rules in force, as they were written, and the digest by which decisions refer to them."""

    rules: Rules
    text: str

    @property
    def hash(self) -> str:
        """The SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load(root: Path) -> Policy:
    """Return the workspace's policy, ``policies/default.yaml``, or the one Steward ships.

    Raises
    ------
    DeclarationError
        If the file holds what Steward does not accept.
    """
    own = root / "policies" / "default.yaml"
    file = own if own.exists() else SHIPPED
    return Policy(validated(Rules, read_yaml(file), file=str(file)), file.read_text(encoding="utf-8"))


def kept(text: str) -> Policy:
    """Return a policy from the text that decisions keep."""
    return Policy(validated(Rules, parsed(text, "the kept policy"), file="the kept policy"), text)
