"""The tables of a model's governed life: what exists, who said so, what was decided and what runs."""

from typing import Any

import sqlalchemy as sa

from core.store.schema import metadata
from core.store.types import Instant, Json


def _required(
    name: str,
    kind: sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]] = sa.Text,
    *,
    index: bool = False,
    unique: bool = False,
) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, index=index, unique=unique)


def _model(*, primary_key: bool = False, index: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey("models.model")
    return sa.Column("model", sa.Text, key, nullable=False, primary_key=primary_key, index=index)


def _of_version() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"])


use_cases = sa.Table(
    "use_cases",
    metadata,
    sa.Column("use_case", sa.Text, primary_key=True),
    _required("content", Json),  # records.UseCase
    _required("updated_at", Instant),
    _required("updated_by"),
)

# Never changed or removed, as runs, evidence, approvals, releases and documents; of a version only its state.
datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    _required("name"),
    _required("content", Json),  # records.Dataset
    _required("registered_at", Instant),
    _required("registered_by"),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _model(index=True),
    _required("name"),
    _required("content", Json),  # records.Run
    _required("logged_at", Instant),
    _required("logged_by"),
)

versions = sa.Table(
    "versions",
    metadata,
    _model(primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    _required("name"),  # as the prediction log calls it
    _required("state"),
    _required("digest", index=True),  # of the artifact manifest
    _required("content", Json),  # records.Version with its manifest
    _required("registered_at", Instant),
    _required("registered_by"),
    sa.UniqueConstraint("model", "name"),
)

# What came from what: "dataset:…" → "run:…" → "version:…".
lineage = sa.Table(
    "lineage",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("target", sa.Text, primary_key=True, index=True),
    sa.Column("relation", sa.Text, primary_key=True),
)

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _required("model"),
    _required("number", sa.Integer),
    _required("artifact_digest"),
    _required("kind"),
    _required("verdict"),  # passed | failed | noted
    _required("content", Json),
    _required("digest"),  # of kind, verdict and content
    _required("produced_at", Instant),
    sa.Column("valid_until", Instant),
    _required("attached_at", Instant),
    _required("attached_by"),
    _of_version(),
    sa.Index("ix_evidence_version", "model", "number"),
)

# Every policy by which something was decided, word for word.
policies = sa.Table(
    "policies",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    _required("text"),
    _required("first_used_at", Instant),
)

promotions = sa.Table(
    "promotions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _required("model", index=True),
    _required("number", sa.Integer),
    _required("environment"),
    _required("stage"),  # the version's state it asks for
    _required("state", index=True),
    _required("round", sa.Integer),  # decisions count for the round they were made in
    _required("revision", sa.Integer),  # grows with each change: what somebody saw
    _required("requested_by"),
    _required("requested_at", Instant),
    _required("note"),
    sa.Column("expires_at", Instant),
    sa.Column("digest", sa.Text),  # of the artifact when it was submitted
    sa.Column("policy", sa.Text, sa.ForeignKey("policies.hash")),
    sa.Column("gate", Json),  # the checklist it was submitted with
    sa.Column("gate_digest", sa.Text),
    _required("updated_at", Instant),
    _required("updated_by"),
    sa.Column("closed_reason", sa.Text),
    sa.Column("reminded_at", Instant),  # business time; when approvers were told last that it waits
    _of_version(),
)

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("promotion", sa.Integer, sa.ForeignKey("promotions.id"), nullable=False, index=True),
    _required("round", sa.Integer),
    _required("actor"),
    _required("roles", Json),  # those the actor held then
    _required("decision"),  # approve | reject | ask_back | comment
    _required("comment"),
    _required("at", Instant),
)

waivers = sa.Table(
    "waivers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _required("model"),
    _required("number", sa.Integer),
    _required("check"),  # the check of the gate it is about
    _required("artifact_digest"),
    _required("reason"),
    _required("proposed_by"),
    _required("proposed_at", Instant),
    _required("expires_at", Instant),
    sa.Column("confirmed_by", sa.Text),
    sa.Column("confirmed_at", Instant),
    _of_version(),
    sa.Index("ix_waivers_version", "model", "number"),
)

# What was done to what runs where; times are business time. `champions` is what they add up to.
releases = sa.Table(
    "releases",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _required("model", index=True),
    _required("environment"),
    _required("event"),  # deployed | adopted | rolled_back | suspended | resumed | retired | reviewed
    _required("number", sa.Integer),
    sa.Column("previous", sa.Integer),  # the champion before
    _required("strategy"),
    sa.Column("promotion", sa.Integer, sa.ForeignKey("promotions.id")),
    _required("emergency", sa.Boolean),
    sa.Column("of_release", sa.Integer, sa.ForeignKey("releases.id")),  # what a review is about
    _required("at", Instant),
    _required("actor"),
    _required("reason"),
    _of_version(),
)

# At most one champion per model and environment; the row stays when nothing is live there any more.
champions = sa.Table(
    "champions",
    metadata,
    _model(primary_key=True),
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer),
    sa.Column("release", sa.Integer, sa.ForeignKey("releases.id"), nullable=False),
)

principals = sa.Table(
    "principals",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # an address, in lower case; never given to somebody else
    _required("name"),
    _required("kind"),  # local | oidc | service
    _required("state"),  # active | disabled
    sa.Column("password", sa.Text),  # argon2
    _required("created_at", Instant),
    _required("created_by"),
    sa.Column("subject", sa.Text, unique=True),  # issuer and subject of an identity provider
)

role_assignments = sa.Table(
    "role_assignments",
    metadata,
    sa.Column("principal", sa.Text, sa.ForeignKey("principals.id"), primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),  # "" | team:NAME | model:SLUG
    _required("granted_at", Instant),
    _required("granted_by"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _required("digest", unique=True),
    _required("name"),
    sa.Column("principal", sa.Text, sa.ForeignKey("principals.id"), nullable=False, index=True),
    _required("roles", Json),  # at most these of the principal's roles
    _required("created_at", Instant),
    _required("expires_at", Instant),
    sa.Column("revoked_at", Instant),
    sa.Column("used_at", Instant),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("principal", sa.Text, sa.ForeignKey("principals.id"), nullable=False, index=True),
    sa.Column("roles", Json),  # given by the identity provider; null = those of role_assignments
    _required("signed_in_at", Instant),
    _required("expires_at", Instant),
    sa.Column("ended_at", Instant),
)

# Attempts to sign in, for the throttle.
sign_ins = sa.Table(
    "sign_ins",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _required("principal", index=True),
    _required("at", Instant),
    _required("succeeded", sa.Boolean),
)

# Commands that were carried out under a key: the same key again changes nothing.
command_keys = sa.Table(
    "command_keys",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    _required("actor"),
    _required("command"),
    _required("outcome", Json),
    _required("at", Instant),
)

attestations = sa.Table(
    "attestations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _model(index=True),
    _required("actor"),
    _required("text"),
    _required("at", Instant),
)

retirements = sa.Table(
    "retirements",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _model(index=True),
    _required("content", Json),
    _required("actor"),
    _required("at", Instant),
)

# What people wrote into a model card; the newest of each section stands.
card_texts = sa.Table(
    "card_texts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _model(index=True),
    _required("section"),
    _required("text"),
    _required("actor"),
    _required("at", Instant),
)

# Documents as they were signed off.
documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _model(index=True),
    sa.Column("number", sa.Integer),
    _required("kind"),
    _required("content", sa.LargeBinary),
    _required("digest"),  # of the content
    _required("records_digest"),  # of what it says without live numbers
    _required("actor"),
    _required("roles", Json),  # those by which the actor could sign
    _required("at", Instant),
)

# Rows that the database refuses to change or remove.
APPEND_ONLY = (
    *(datasets, runs, evidence, policies, approvals, releases),
    *(attestations, retirements, card_texts, documents),
)
SECRET = (tokens, sessions, sign_ins, command_keys)
