"""Alembic migrations, run by core.store.migration from inside the package."""
