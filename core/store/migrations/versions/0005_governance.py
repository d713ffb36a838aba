"""A model's governed life: identities, registry, evidence, promotions, approvals, releases and documents."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INSTANT = sa.DateTime(timezone=True)
APPEND_ONLY = (
    *("datasets", "runs", "evidence", "policies", "approvals", "releases"),
    *("attestations", "retirements", "card_texts", "documents"),
)


def upgrade() -> None:
    op.add_column("models", sa.Column("lifecycle", sa.Text(), nullable=False, server_default="active"))
    op.add_column("models", sa.Column("paused_by", sa.Text()))
    op.execute("UPDATE models SET paused_by = 'pruned' WHERE paused")
    op.create_table(
        "audit_checks",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("anchored", sa.BigInteger(), nullable=False),
    )
    _identity()
    _registry()
    _decisions()
    _releases()
    _documents()
    for table in APPEND_ONLY:
        _refuse(table, "UPDATE OR DELETE", f"rows of {table} are never changed or removed")
    _refuse("versions", "DELETE", "versions are never removed")
    _refuse("principals", "DELETE", "users are disabled, never removed")
    record = "model, number, name, digest, content, registered_at, registered_by"
    _refuse("versions", f"UPDATE OF {record}", "a version's record never changes")


def _refuse(table: str, events: str, refusal: str) -> None:
    """Let the database refuse statements that change rows of a table."""
    name = f"{table}_refuses_{events.split(' OF ')[0].replace(' ', '_').lower()}"
    quoted = refusal.replace("'", "''")
    if op.get_bind().dialect.name == "sqlite":
        for event in events.split(" OR "):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{event.split()[0].lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{quoted}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{quoted}'; END $$"
    )
    each = "ROW" if " OF " in events else "STATEMENT"
    events = events if " OF " in events else f"{events} OR TRUNCATE"
    op.execute(f"CREATE TRIGGER {name} BEFORE {events} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()")


def _identity() -> None:
    op.create_table(
        "principals",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("password", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.UniqueConstraint("subject"),
    )
    op.create_table(
        "role_assignments",
        sa.Column("principal", sa.Text(), sa.ForeignKey("principals.id"), primary_key=True),
        sa.Column("role", sa.Text(), primary_key=True),
        sa.Column("scope", sa.Text(), primary_key=True),
        sa.Column("granted_at", INSTANT, nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), sa.ForeignKey("principals.id"), nullable=False, index=True),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Column("used_at", INSTANT),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("principal", sa.Text(), sa.ForeignKey("principals.id"), nullable=False, index=True),
        sa.Column("roles", sa.Text()),
        sa.Column("signed_in_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("principal", sa.Text(), nullable=False, index=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "command_keys",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )


def _registry() -> None:
    op.create_table(
        "use_cases",
        sa.Column("use_case", sa.Text(), primary_key=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "datasets",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("registered_at", INSTANT, nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.Text(), sa.ForeignKey("models.model"), nullable=False, index=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("logged_at", INSTANT, nullable=False),
        sa.Column("logged_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "versions",
        sa.Column("model", sa.Text(), sa.ForeignKey("models.model"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, index=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("registered_at", INSTANT, nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.UniqueConstraint("model", "name"),
    )
    op.create_table(
        "lineage",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("target", sa.Text(), primary_key=True, index=True),
        sa.Column("relation", sa.Text(), primary_key=True),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("artifact_digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("produced_at", INSTANT, nullable=False),
        sa.Column("valid_until", INSTANT),
        sa.Column("attached_at", INSTANT, nullable=False),
        sa.Column("attached_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
    )
    op.create_index("ix_evidence_version", "evidence", ["model", "number"])


def _decisions() -> None:
    op.create_table(
        "policies",
        sa.Column("hash", sa.Text(), primary_key=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("first_used_at", INSTANT, nullable=False),
    )
    op.create_table(
        "promotions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.Text(), nullable=False, index=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, index=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("digest", sa.Text()),
        sa.Column("policy", sa.Text(), sa.ForeignKey("policies.hash")),
        sa.Column("gate", sa.Text()),
        sa.Column("gate_digest", sa.Text()),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("closed_reason", sa.Text()),
        sa.Column("reminded_at", INSTANT),
        sa.ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("promotion", sa.Integer(), sa.ForeignKey("promotions.id"), nullable=False, index=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )
    op.create_table(
        "waivers",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("artifact_digest", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("confirmed_by", sa.Text()),
        sa.Column("confirmed_at", INSTANT),
        sa.ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
    )
    op.create_index("ix_waivers_version", "waivers", ["model", "number"])


def _releases() -> None:
    op.create_table(
        "releases",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.Text(), nullable=False, index=True),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("previous", sa.Integer()),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("promotion", sa.Integer(), sa.ForeignKey("promotions.id")),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("of_release", sa.Integer(), sa.ForeignKey("releases.id")),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
    )
    op.create_table(
        "champions",
        sa.Column("model", sa.Text(), sa.ForeignKey("models.model"), primary_key=True),
        sa.Column("environment", sa.Text(), primary_key=True),
        sa.Column("number", sa.Integer()),
        sa.Column("release", sa.Integer(), sa.ForeignKey("releases.id"), nullable=False),
    )


def _documents() -> None:
    op.create_table(
        "attestations",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.Text(), sa.ForeignKey("models.model"), nullable=False, index=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )
    op.create_table(
        "retirements",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.Text(), sa.ForeignKey("models.model"), nullable=False, index=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )
    op.create_table(
        "card_texts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.Text(), sa.ForeignKey("models.model"), nullable=False, index=True),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.Text(), sa.ForeignKey("models.model"), nullable=False, index=True),
        sa.Column("number", sa.Integer()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("records_digest", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
    )
