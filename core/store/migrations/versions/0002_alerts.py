"""Alerts, what people do about them, the outbox, digests and retraining requests."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for name, kind in (
        ("condition", sa.Text()),
        ("condition_since", INSTANT),
        ("condition_reasons", sa.Text()),
        ("rules", sa.Text()),
    ):
        op.add_column("status", sa.Column(name, kind))
    _alerts()
    _messages()
    op.create_table(
        "retraining_requests",
        sa.Column("id", sa.Integer(), primary_key=True),
        _model(index=True),
        _required("reason"),
        _required("text"),
        _required("evidence"),
        _required("state"),
        _required("requested_at", INSTANT),
        sa.Column("alert", sa.Integer(), sa.ForeignKey("alerts.id")),
    )


def _alerts() -> None:
    words = ("monitor", "target", "metric", "column", "segment", "version", "group", "severity")
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), primary_key=True),
        _model(index=True),
        *(_required(name) for name in words),
        *(_required(name, INSTANT) for name in ("first_window", "last_window", "opened_at", "judged_at")),
        _required("value", sa.Double()),
        _required("threshold", sa.Double()),
        _required("side"),
        sa.Column("escalated_at", INSTANT),
        sa.Column("resolved_at", INSTANT, index=True),
        sa.Column("resolved_window", INSTANT),
        sa.Column("closed_reason", sa.Text()),
        _required("message"),
        sa.Column("acknowledged_at", INSTANT),
        sa.Column("acknowledged_by", sa.Text()),
        sa.Column("assigned_to", sa.Text()),
        sa.Column("snoozed_until", INSTANT),
        sa.Column("snooze_reason", sa.Text()),
        sa.Column("notified", sa.Text()),
        sa.Column("reminded_at", INSTANT),
        _required("requested", sa.Boolean()),
    )
    op.create_table(
        "alert_events",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("alert", sa.Integer(), sa.ForeignKey("alerts.id"), nullable=False, index=True),
        _required("at", INSTANT),
        _required("actor"),
        _required("event"),
        sa.Column("detail", sa.Text()),
    )
    op.create_table(
        "judged",
        _model(primary_key=True),
        sa.Column("monitor", sa.Text(), primary_key=True),
        _required("rule"),
        sa.Column("since", INSTANT),
    )


def _messages() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("message_id", sa.Text(), nullable=False, unique=True),
        _required("channel"),
        _required("kind"),
        sa.Column("model", sa.Text()),
        _required("payload"),
        _required("state", index=True),
        _required("attempts", sa.Integer()),
        _required("created_at", INSTANT),
        _required("next_attempt_at", INSTANT),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("claimed_at", INSTANT),
        sa.Column("last_error", sa.Text()),
        sa.Column("sent_at", INSTANT),
    )
    op.create_table(
        "digests",
        sa.Column("digest", sa.Text(), primary_key=True),
        _required("made_at", INSTANT),
        _required("states"),
    )


def _required(name: str, kind: Any = None, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.Text(), nullable=False, index=index)


def _model(primary_key: bool = False, index: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey("models.model")
    return sa.Column("model", sa.Text(), key, primary_key=primary_key, nullable=False, index=index)
