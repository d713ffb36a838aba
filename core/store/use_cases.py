"""Use cases as the registry keeps them."""

from datetime import datetime

import sqlalchemy as sa

from core.records import UseCase
from core.store.governance_schema import use_cases
from core.store.upsert import upsert


def put(c: sa.Connection, use_case: UseCase, *, at: datetime, by: str) -> None:
    """Write a use case as it is now."""
    content = use_case.model_dump(mode="json")
    upsert(
        c,
        use_cases,
        [{"use_case": use_case.use_case, "content": content, "updated_at": at, "updated_by": by}],
    )


def get(c: sa.Connection, slug: str) -> UseCase | None:
    """Return a use case, or None if there is none of this name."""
    content = c.execute(
        sa.select(use_cases.c.content).where(use_cases.c.use_case == slug)
    ).scalar_one_or_none()
    return None if content is None else UseCase.model_validate(content)


def every(c: sa.Connection) -> list[UseCase]:
    """Return all use cases by name."""
    found = sa.select(use_cases.c.content).order_by(use_cases.c.use_case)
    return [UseCase.model_validate(row.content) for row in c.execute(found)]
