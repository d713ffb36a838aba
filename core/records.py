"""What the registry is told of a model's life: use case, dataset, run, version, evidence; strictly validated.

A record is written once; a digest names it. What people may correct (a use case) is audited with both states.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from core.declaration import Slug
from core.strict import Duration, Number, Strict, Text, Whole

SHA256 = r"[0-9a-f]{64}"
# Formats from which loading runs code that came with the file.
UNSAFE_FORMATS = ("pickle", "joblib", "cloudpickle", "dill")

Count = Annotated[Whole, Field(ge=0)]
Amount = Annotated[Number, Field(ge=0)]
Digest = Annotated[str, Field(pattern=f"^{SHA256}$")]

EvidenceKind = Literal[
    "performance",
    "champion_comparison",
    "slice_performance",
    "fairness",
    "calibration",
    "robustness",
    "explainability",
    "data_quality",
    "leakage",
    "latency",
    "cost",
    "security_scan",
    "privacy",
    "independent_validation",
    "business_kpi",
    "human_review",
    "shadow_run",
    "canary",
    "ab_test",
]
# What only a person with the validator's role can attest.
VALIDATES = ("independent_validation", "human_review")


def _version_name(name: str) -> str:
    if len(name) > 100 or any(ord(letter) < 32 for letter in name):
        raise ValueError("is no version name; expected up to 100 printable characters, as the log has them")
    return name


VersionName = Annotated[Text, AfterValidator(_version_name)]


class UseCase(Strict):
    """What models decide, for whom, and who answers for it (`use_cases/*.yaml`)."""

    use_case: Slug
    objective: Text
    decision: Text
    decision_type: Literal["automated", "human_in_the_loop", "advisory"]
    affected_persons: Text
    success: Text  # which measures, and what is good enough
    false_positive: Text  # what it costs
    false_negative: Text
    ai_act_class: Literal["prohibited", "high", "limited", "minimal"]
    ai_act_rationale: Text
    accountable: Text
    personal_data: bool


class Dataset(Strict):
    """A version of a dataset; `digest` is of its content, computed where the files can be read."""

    name: Text
    kind: Literal["parquet", "csv", "delta", "iceberg", "dvc", "mlflow", "feast", "sql"] = "parquet"
    uri: Text
    reference: str | None = None  # the version in its own system
    digest: Digest | None = None
    rows: Count | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    period: tuple[date | datetime, date | datetime] | None = None
    label: str | None = None  # how it is defined
    split: Literal["time", "random", "group"] | None = None
    sensitive: tuple[str, ...] = ()
    personal_data: bool = False
    licence: str | None = None
    known_biases: str | None = None
    jurisdiction: str | None = None
    encryption: str | None = None


class Code(Strict):
    """The code that made something."""

    repository: Text
    commit: Text
    dirty: bool = False


class Environment(Strict):
    """What the code ran in."""

    python: str | None = None
    lock: str | None = None  # digest of the lock file
    image: str | None = None  # digest of the container image


class Run(Strict):
    """One training or experiment run."""

    name: Text
    started: AwareDatetime | None = None
    duration: Duration | None = None
    parameters: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    metrics: dict[str, Number] = Field(default_factory=dict)
    dataset: Dataset | None = None
    code: Code | None = None
    energy_kwh: Amount | None = None
    cost_usd: Amount | None = None


class File(Strict):
    """One file of an artifact."""

    path: Text
    size: Count
    sha256: Digest


class Version(Strict):
    """A model version as it is registered; `name` is what the prediction log calls it."""

    name: VersionName | None = None
    artifact: Text | None = None
    manifest: tuple[File, ...] = ()
    format: Text | None = None
    framework: str | None = None
    inputs: dict[str, str] = Field(default_factory=dict)
    outputs: dict[str, str] = Field(default_factory=dict)
    code: Code | None = None
    environment: Environment = Environment()
    parameters: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    seed: int | None = None
    run: Whole | None = None
    training: tuple[Dataset, ...] = ()
    evaluation: tuple[Dataset, ...] = ()
    feature_views: tuple[str, ...] = ()
    parent: Whole | None = None
    developer: Text | None = None  # who built it, if that is not who registers it
    licence: Text | None = None
    cost_usd: Amount | None = None
    energy_kwh: Amount | None = None
    note: str = ""


class Retirement(Strict):
    """Why and how a model was retired."""

    reason: Text
    criteria: Text  # which of them were met
    consumers_told: tuple[Text, ...] = ()
    replaced_by: Slug | None = None
    access_revoked: bool = False
    archive_digest: Digest | None = None


class Finding(Strict):
    """One number of a piece of evidence, with its interval and the floor it was held against."""

    name: Text
    value: Number | None
    lower: Number | None = None
    upper: Number | None = None
    n: Count | None = None
    threshold: Number | None = None
    passed: bool | None = None  # None = nothing was asked of it
    about: str = ""  # a slice, a group, a column
    note: str = ""


class Evidence(Strict):
    """What is known of a version from a test or a review; `uploaded` reports carry their file's digest."""

    kind: EvidenceKind
    verdict: Literal["passed", "failed", "noted"]
    summary: Text
    findings: tuple[Finding, ...] = ()
    dataset: Digest | None = None
    produced_by: Text
    produced_at: AwareDatetime
    valid_until: AwareDatetime | None = None
    report: Digest | None = None  # of an uploaded file
    report_name: Text | None = None  # what it was called
    media_type: Text | None = None
    signed_by: Text | None = None  # the key of steward.yaml whose signature of the report was checked


def canonical(value: Any) -> bytes:
    """Return JSON bytes that are the same for the same value: sorted keys, no blanks."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def manifest_digest(manifest: Sequence[File]) -> str:
    """Return the digest of an artifact: of its files' paths, sizes and hashes in the order of their paths."""
    return digest([file.model_dump() for file in sorted(manifest, key=lambda file: file.path)])
