"""The tables of the registry database; core/store/migrations brings a database to this shape."""

import sqlalchemy as sa

from core.store.types import Instant, Json

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)


def _model(primary_key: bool = False, index: bool = False) -> sa.Column[str]:
    return sa.Column(
        "model",
        sa.Text,
        sa.ForeignKey("models.model"),
        primary_key=primary_key,
        nullable=False,
        index=index,
    )


# One row that counts the commits pages could show: their cache key.
revision = sa.Table(
    "revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.BigInteger, nullable=False),
)

models = sa.Table(
    "models",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("team", sa.Text),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("risk_tier", sa.Integer, nullable=False),
    sa.Column("declaration", sa.Text, nullable=False),  # JSON of what was declared, without defaults
    sa.Column("text", sa.Text, nullable=False),  # the YAML as it was applied
    sa.Column("managed", sa.Text, nullable=False),  # file | ui
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("paused_by", sa.Text),  # a person, or models.PRUNED; null where it is not paused
    sa.Column("lifecycle", sa.Text, nullable=False, server_default="active"),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

# One row per model: all the overview shows, written by the sweep so that pages compute nothing.
status = sa.Table(
    "status",
    metadata,
    _model(primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("reasons", Json, nullable=False),
    sa.Column("version", sa.Text),
    sa.Column("open_alerts", sa.Integer, nullable=False),
    sa.Column("last_window", Instant),
    sa.Column("last_timestamp", Instant),
    sa.Column("rows", sa.BigInteger),
    sa.Column("headline", sa.Text),
    sa.Column("headline_value", sa.Double),
    sa.Column("headline_reference", sa.Double),
    sa.Column("sparkline", Json, nullable=False),
    sa.Column("drifted_columns", sa.Integer),
    sa.Column("drift_column", sa.Text),
    sa.Column("drift_value", sa.Double),
    sa.Column("missing_column", sa.Text),
    sa.Column("missing_value", sa.Double),
    sa.Column("fairness_attribute", sa.Text),
    sa.Column("fairness_value", sa.Double),
    sa.Column("updated_at", Instant),
    sa.Column("error", sa.Text),
    sa.Column("condition", sa.Text),
    sa.Column("condition_since", Instant),
    sa.Column("condition_reasons", Json),
    sa.Column("rules", sa.Text),
)

# What was read of each log file, by its fingerprint (path, size, mtime).
ledger = sa.Table(
    "ledger",
    metadata,
    _model(primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("first_timestamp", Instant),
    sa.Column("last_timestamp", Instant),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("column_types", Json, nullable=False),
    sa.Column("problems", Json, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("recorded_at", Instant, nullable=False),  # wall time, for retention
)

reference = sa.Table(
    "reference",
    metadata,
    _model(primary_key=True),
    sa.Column("reference_id", sa.Text, primary_key=True),
    sa.Column("is_current", sa.Boolean, nullable=False),
    sa.Column("frozen", sa.Boolean, nullable=False),
    sa.Column("first_window", Instant),
    sa.Column("last_window", Instant),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
)

# Which generation of a month's statistics file readers follow.
statistics = sa.Table(
    "statistics",
    metadata,
    _model(primary_key=True),
    sa.Column("month", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("generation", sa.Text, nullable=False),
)

# Who may write a model's results. No foreign key: a token must outlive whatever happens to its model.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text),  # null = free
    sa.Column("expires_at", Instant, nullable=False),
)

due = sa.Table(
    "due",
    metadata,
    _model(primary_key=True),
    sa.Column("due_at", Instant, nullable=False, index=True),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_at", Instant),
    sa.Column("last_started", Instant),
    sa.Column("last_finished", Instant),
    sa.Column("last_error", sa.Text),
    sa.Column("failures", sa.Integer, nullable=False),  # in a row
)

sweeps = sa.Table(
    "sweeps",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _model(index=True),
    sa.Column("started", Instant, nullable=False),
    sa.Column("finished", Instant, nullable=False, index=True),
    sa.Column("windows", sa.Integer, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("error_id", sa.Text),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("runner", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("note", sa.Text),
)

# One row per episode of trouble; instants are business time.
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _model(index=True),
    sa.Column("monitor", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),  # canonical JSON of what follows
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("column", sa.Text, nullable=False),
    sa.Column("segment", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("group", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("first_window", Instant, nullable=False),
    sa.Column("last_window", Instant, nullable=False),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("judged_at", Instant, nullable=False),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("threshold", sa.Double, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("escalated_at", Instant),
    sa.Column("resolved_at", Instant, index=True),
    sa.Column("resolved_window", Instant),
    sa.Column("closed_reason", sa.Text),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("acknowledged_at", Instant),
    sa.Column("acknowledged_by", sa.Text),
    sa.Column("assigned_to", sa.Text),
    sa.Column("snoozed_until", Instant),
    sa.Column("snooze_reason", sa.Text),
    sa.Column("notified", sa.Text),  # null | warning | critical | resolved
    sa.Column("reminded_at", Instant),
    sa.Column("requested", sa.Boolean, nullable=False),
)

alert_events = sa.Table(
    "alert_events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("alert", sa.Integer, sa.ForeignKey("alerts.id"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("detail", sa.Text),
)

# From which window on the rule of a monitor judges: a changed rule leaves the past as it was judged then.
judged = sa.Table(
    "judged",
    metadata,
    _model(primary_key=True),
    sa.Column("monitor", sa.Text, primary_key=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("since", Instant),  # null = from the first window on
)

# What people say about [start, end); nothing is ever overwritten, only taken back. Times are business time.
annotations = sa.Table(
    "annotations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("model", sa.Text, sa.ForeignKey("models.model"), index=True),  # null = all models
    sa.Column("start", Instant, nullable=False),
    sa.Column("end", Instant, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("mute", sa.Boolean, nullable=False),
    sa.Column("exclude_from_reference", sa.Boolean, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("ended_at", Instant),  # null = it stands
    sa.Column("ended_by", sa.Text),
)

# Columns of a prediction log that appeared (before is null), vanished (after is null) or changed their type.
schema_changes = sa.Table(
    "schema_changes",
    metadata,
    _model(primary_key=True),
    sa.Column("at", Instant, primary_key=True),  # where the first file with it begins
    sa.Column("column", sa.Text, primary_key=True),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
)

# What is to be told, written in the transaction that made it true; times are wall time.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("message_id", sa.Text, nullable=False, unique=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("model", sa.Text),
    sa.Column("payload", Json, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("next_attempt_at", Instant, nullable=False),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_at", Instant),
    sa.Column("last_error", sa.Text),
    sa.Column("sent_at", Instant),
)

# When each digest was made last, and what it said: the next one tells what changed since.
digests = sa.Table(
    "digests",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("made_at", Instant, nullable=False),  # business time
    sa.Column("states", Json, nullable=False),
)

retraining_requests = sa.Table(
    "retraining_requests",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _model(index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("evidence", Json, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("requested_at", Instant, nullable=False),
    sa.Column("alert", sa.Integer, sa.ForeignKey("alerts.id")),
)

# `body` is what was hashed, byte for byte; the columns before it repeat parts of it for searching.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ts", Instant, nullable=False),
    sa.Column("actor", sa.Text, nullable=False, index=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("entity", sa.Text, nullable=False, index=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

# What checking the whole chain found, each time.
audit_checks = sa.Table(
    "audit_checks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", Instant, nullable=False),  # wall time
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("entries", sa.BigInteger, nullable=False),
    sa.Column("problem", sa.Text),
    sa.Column("anchored", sa.BigInteger, nullable=False),
)

audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
