"""Column types that mean the same on SQLite and PostgreSQL: instants in UTC, and values kept as JSON text."""

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware instant, in with any zone and out in UTC (SQLite, which knows no zones, keeps UTC)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant as the database keeps it."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(
                f"{value.isoformat()} has no zone; the store keeps instants, pass an aware datetime"
            )
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Json(sa.types.TypeDecorator[Any]):
    """A list or mapping as JSON text, so that any reader of the published tables can take it apart."""

    impl = sa.Text()
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return the JSON text; NaN is refused because JSON has none."""
        return None if value is None else json.dumps(value, allow_nan=False, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return the value the text stands for."""
        return None if value is None else json.loads(value)
