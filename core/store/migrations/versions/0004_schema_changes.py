"""Columns that appeared, vanished or changed their type in a prediction log."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "schema_changes",
        sa.Column("model", sa.Text(), sa.ForeignKey("models.model"), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("column", sa.Text(), primary_key=True),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
    )
