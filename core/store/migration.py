"""Bring a registry database to this version's schema, and tell whether it is there."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory


def newest() -> str:
    """Return the revision this version of Steward works with."""
    return _scripts().get_current_head() or ""


def present(c: sa.Connection) -> str | None:
    """Return the revision a database has; None before the first migration."""
    return MigrationContext.configure(c).get_current_revision()


def known(revision: str) -> bool:
    """Tell whether this version of Steward knows a revision: an unknown one was made by a newer version."""
    return revision in {script.revision for script in _scripts().walk_revisions()}


def upgrade(c: sa.Connection, to: str = "head") -> None:
    """Run the missing migrations, up to and with a revision, inside the open write transaction."""
    config = _config()
    config.attributes["connection"] = c
    command.upgrade(config, to)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "core.store:migrations")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
