"""The first registry: models, statistics, work to do and the audit log."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)
JSON = sa.Text()


def upgrade() -> None:
    _models()
    _status()
    _logs()
    _work()
    _audit()
    _audit_is_append_only()


def _models() -> None:
    op.create_table("revision", _number("id"), _required("value", sa.BigInteger()))
    op.execute("INSERT INTO revision (id, value) VALUES (1, 0)")
    op.create_table(
        "models",
        sa.Column("model", sa.Text(), primary_key=True),
        _required("owner"),
        _optional("team"),
        _required("task"),
        _required("risk_tier", sa.Integer()),
        _required("declaration"),
        _required("text"),
        _required("managed"),
        _required("paused", sa.Boolean()),
        _required("created_at", INSTANT),
        _required("updated_at", INSTANT),
    )


def _status() -> None:
    op.create_table(
        "status",
        _model(primary_key=True),
        _required("state"),
        _required("since", INSTANT),
        _required("reasons", JSON),
        _optional("version"),
        _required("open_alerts", sa.Integer()),
        _optional("last_window", INSTANT),
        _optional("last_timestamp", INSTANT),
        _optional("rows", sa.BigInteger()),
        _optional("headline"),
        _optional("headline_value", sa.Double()),
        _optional("headline_reference", sa.Double()),
        _required("sparkline", JSON),
        _optional("drifted_columns", sa.Integer()),
        _optional("drift_column"),
        _optional("drift_value", sa.Double()),
        _optional("missing_column"),
        _optional("missing_value", sa.Double()),
        _optional("fairness_attribute"),
        _optional("fairness_value", sa.Double()),
        _optional("updated_at", INSTANT),
        _optional("error"),
    )


def _logs() -> None:
    op.create_table(
        "ledger",
        _model(primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("path", sa.Text(), primary_key=True),
        _required("size", sa.BigInteger()),
        _required("mtime_ns", sa.BigInteger()),
        _required("state", index=True),
        _optional("first_timestamp", INSTANT),
        _optional("last_timestamp", INSTANT),
        _required("rows", sa.BigInteger()),
        _required("column_types", JSON),
        _required("problems", JSON),
        _optional("error"),
        _required("recorded_at", INSTANT),
    )
    op.create_table(
        "reference",
        _model(primary_key=True),
        sa.Column("reference_id", sa.Text(), primary_key=True),
        _required("is_current", sa.Boolean()),
        _required("frozen", sa.Boolean()),
        _optional("first_window", INSTANT),
        _optional("last_window", INSTANT),
        _required("rows", sa.BigInteger()),
        _required("created_at", INSTANT),
    )
    op.create_table(
        "statistics",
        _model(primary_key=True),
        sa.Column("month", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        _required("generation"),
    )


def _work() -> None:
    op.create_table(
        "leases",
        sa.Column("model", sa.Text(), primary_key=True),
        _required("token", sa.BigInteger()),
        _optional("holder"),
        _required("expires_at", INSTANT),
    )
    op.create_table(
        "due",
        _model(primary_key=True),
        _required("due_at", INSTANT, index=True),
        _optional("claimed_by"),
        _optional("claimed_at", INSTANT),
        _optional("last_started", INSTANT),
        _optional("last_finished", INSTANT),
        _optional("last_error"),
        _required("failures", sa.Integer()),
    )
    op.create_table(
        "sweeps",
        sa.Column("id", sa.Integer(), primary_key=True),
        _model(index=True),
        _required("started", INSTANT),
        _required("finished", INSTANT, index=True),
        _required("windows", sa.Integer()),
        _required("rows", sa.BigInteger()),
        _required("files", sa.Integer()),
        _optional("error"),
        _optional("error_id"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("runner", sa.Text(), primary_key=True),
        _required("kind"),
        _required("host"),
        _required("pid", sa.Integer()),
        _required("seen_at", INSTANT),
        _optional("note"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        _number("seq", sa.BigInteger()),
        _required("ts", INSTANT),
        _required("actor", index=True),
        _required("source"),
        _required("action"),
        _required("entity", index=True),
        _required("body", sa.LargeBinary()),
        _required("hash"),
    )
    op.create_table("audit_head", _number("id"), _required("seq", sa.BigInteger()), _required("hash"))
    op.execute(f"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '{'0' * 64}')")


def _audit_is_append_only() -> None:
    refusal = "audit entries are never changed or removed"
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_refuses_{event.lower()} BEFORE {event} ON audit "
                f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )


def _required(name: str, kind: Any = None, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.Text(), nullable=False, index=index)


def _optional(name: str, kind: Any = None) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.Text())


def _number(name: str, kind: Any = None) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.Integer(), primary_key=True, autoincrement=False)


def _model(primary_key: bool = False, index: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey("models.model")
    return sa.Column("model", sa.Text(), key, primary_key=primary_key, nullable=False, index=index)
