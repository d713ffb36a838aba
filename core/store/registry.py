"""The inventory as one table: every model with its versions, champion and open requests."""

import polars as pl
import sqlalchemy as sa

from core.lifecycle import OPEN
from core.store.frames import frame
from core.store.governance_schema import champions, promotions, versions
from core.store.schema import models


def inventory(c: sa.Connection, environment: str) -> pl.DataFrame:
    """Return every registered model by name.

    Returns
    -------
    `model`, `owner`, `team`, `task`, `risk_tier`, `lifecycle`, `paused`, `created_at`, `use_case`,
    `review_every` (text such as ``180d``), `versions` (how many), `newest` (number), `champion` (number; null
    where nothing is live), `champion_name` and `requests` (promotions that are not closed).
    """
    counted = (
        sa.select(
            versions.c.model,
            sa.func.count().label("versions"),
            sa.func.max(versions.c.number).label("newest"),
        )
        .group_by(versions.c.model)
        .subquery()
    )
    waiting = (
        sa.select(promotions.c.model, sa.func.count().label("requests"))
        .where(promotions.c.state.in_(sorted(OPEN)))
        .group_by(promotions.c.model)
        .subquery()
    )
    live = champions.alias()
    columns = ("model", "owner", "team", "task", "risk_tier", "lifecycle", "paused", "created_at")
    found = (
        sa.select(
            *(models.c[name] for name in columns),
            models.c.declaration,
            sa.func.coalesce(counted.c.versions, 0, type_=sa.Integer).label("versions"),
            counted.c.newest,
            live.c.number.label("champion"),
            versions.c.name.label("champion_name"),
            sa.func.coalesce(waiting.c.requests, 0, type_=sa.Integer).label("requests"),
        )
        .select_from(models)
        .join(counted, counted.c.model == models.c.model, isouter=True)
        .join(waiting, waiting.c.model == models.c.model, isouter=True)
        .join(live, (live.c.model == models.c.model) & (live.c.environment == environment), isouter=True)
        .join(
            versions,
            (versions.c.model == live.c.model) & (versions.c.number == live.c.number),
            isouter=True,
        )
    ).subquery()
    said = {
        name: pl.col("declaration").str.json_path_match(f"$.{name}") for name in ("use_case", "review_every")
    }
    return frame(c, sa.select(found).order_by(found.c.model)).with_columns(**said).drop("declaration")
