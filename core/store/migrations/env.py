"""Alembic's entry: migrates the connection that core.store.migration hands over, inside its transaction."""

from alembic import context

from core.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True
)
context.run_migrations()
