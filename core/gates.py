"""The gate before a version moves on: each check of the policy with what was found, as a pure function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import records
from core.declaration import Declaration
from core.governed import AttachedEvidence, Waiver
from core.policies import Need, Tier
from core.records import UNSAFE_FORMATS, VALIDATES, Version

GOOD = ("passed", "waived", "warned", "not_needed")


@dataclass(frozen=True)
class Check:
    """One line of the checklist.

    `state` is ``passed``, ``failed``, ``missing`` (needed and not there), ``waived`` (two persons took the
    responsibility), ``warned`` (not good, but not required) or ``not_needed``.
    """

    name: str
    state: str
    text: str
    evidence: str | None = None  # digest of the evidence it rests on


@dataclass(frozen=True)
class Gate:
    """The whole checklist; `digest` is of its results, by which a later change shows."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing stands against the step."""
        return all(check.state in GOOD for check in self.checks)

    @property
    def digest(self) -> str:
        """What the checks found, as one number."""
        return records.digest({check.name: check.state for check in self.checks})

    @property
    def evidence(self) -> tuple[str, ...]:
        """The digests of all evidence it rests on."""
        return tuple(check.evidence for check in self.checks if check.evidence)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the checks as they are kept with a decision."""
        return [
            {"name": c.name, "state": c.state, "text": c.text, "evidence": c.evidence} for c in self.checks
        ]


@dataclass(frozen=True)
class Known:
    """What a gate looks at, as of business time `now`."""

    declaration: Declaration
    version: Version
    digest: str
    evidence: Sequence[AttachedEvidence]  # the newest first
    waivers: Sequence[Waiver]
    has_champion: bool
    personal_data: bool | None  # None = the model has no use case
    card: float  # completeness of the model card
    now: datetime


def gate(tier: Tier, known: Known) -> Gate:
    """Return the checklist of a tier for what is known of a version."""
    checks = [_use_case(tier, known), _format(tier, known), _split(tier, known), _card(tier, known)]
    checks += [_evidence(kind, need, tier, known) for kind, need in tier.evidence.items()]
    waived = {w.check: w for w in known.waivers if _counts(w, known)}
    return Gate(tuple(_waived(check, waived) for check in checks))


def _use_case(tier: Tier, known: Known) -> Check:
    if known.personal_data is not None:
        return Check("use_case", "passed", "the model belongs to a use case")
    if tier.use_case:
        return Check("use_case", "missing", "name a use_case in the model's declaration")
    return Check("use_case", "not_needed", "this tier asks for no use case")


def _format(tier: Tier, known: Known) -> Check:
    given = known.version.format
    if given is None:
        state = "missing" if tier.unsafe_format == "refuse" else "warned"
        return Check("safe_format", state, "no format is given")
    if given.lower() not in UNSAFE_FORMATS:
        return Check("safe_format", "passed", f"{given} runs no code when it is loaded")
    state = {"refuse": "failed", "warn": "warned", "allow": "passed"}[tier.unsafe_format]
    return Check("safe_format", state, f"{given} runs whatever code the file holds when it is loaded")


def _split(tier: Tier, known: Known) -> Check:
    splits = {dataset.split for dataset in known.version.evaluation}
    if not splits or splits == {None}:
        return Check("time_split", "warned", "no evaluation dataset says how it was split")
    if "random" not in splits:
        return Check("time_split", "passed", "validated on data that was not drawn at random")
    state = {"refuse": "failed", "warn": "warned", "allow": "passed"}[tier.random_split]
    return Check("time_split", state, "validated on a random split, which promises more than time will keep")


def _card(tier: Tier, known: Known) -> Check:
    state = "passed" if known.card >= tier.card else "missing"
    return Check("model_card", state, f"{known.card:.0%} complete, {tier.card:.0%} asked for")


def _evidence(kind: str, need: Need, tier: Tier, known: Known) -> Check:
    absent = "missing" if need.required else "warned"
    if not _asked(need, known):
        return Check(kind, "not_needed", _REASONS[need.when])
    bound = [e for e in known.evidence if e.record.kind == kind and e.artifact_digest == known.digest]
    if not bound:
        return Check(kind, absent, f"no evidence is attached; {_SOURCES.get(kind, 'a report')} can add it")
    newest = max(bound, key=lambda e: (e.record.produced_at, e.id))
    record, limit = newest.record, need.max_age or tier.max_age
    age = known.now - record.produced_at
    if age > limit or (record.valid_until is not None and record.valid_until < known.now):
        return Check(kind, absent, f"is {age.days} days old, {limit.days} are allowed", newest.digest)
    if record.verdict == "passed":
        return Check(kind, "passed", record.summary, newest.digest)
    failed = "failed" if need.required else "warned"
    return Check(kind, failed, record.summary, newest.digest)


_SOURCES: Mapping[str, str] = {
    **dict.fromkeys(
        ("performance", "slice_performance", "champion_comparison", "fairness", "calibration", "leakage"),
        "steward evaluate",
    ),
    **dict.fromkeys(("robustness", "latency"), "steward evaluate with a scoring command, or a report,"),
    **dict.fromkeys(VALIDATES, "a validator"),
}
_REASONS: Mapping[str, str] = {
    "champion": "there is no champion to compare with",
    "people": "no protected attribute, no personal data",
    "labels": "the model declares no label",
}


def _asked(need: Need, known: Known) -> bool:
    declared = known.declaration
    match need.when:
        case "champion":
            return known.has_champion
        case "people":
            return bool(declared.protected) or bool(known.personal_data)
        case "labels":
            return declared.actual is not None
    return True


def _counts(waiver: Waiver, known: Known) -> bool:
    confirmed = waiver.confirmed_at is not None and waiver.artifact_digest == known.digest
    return confirmed and waiver.expires_at > known.now


def _waived(check: Check, waived: Mapping[str, Waiver]) -> Check:
    waiver = waived.get(check.name)
    if waiver is None or check.state in GOOD:
        return check
    who = f"waived by {waiver.proposed_by} and {waiver.confirmed_by}"
    return Check(
        check.name, "waived", f"{who}: {waiver.reason} (was {check.state}: {check.text})", check.evidence
    )
