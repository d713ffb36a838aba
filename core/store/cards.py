"""What fills the cards of all models, as one table: of each the version in production, else the newest."""

import polars as pl
import sqlalchemy as sa

from core.store.frames import frame
from core.store.governance_schema import champions, evidence, use_cases, versions
from core.store.schema import models


def told(c: sa.Connection, environment: str) -> pl.DataFrame:
    """Return every registered model by name.

    Returns
    -------
    `model`, `owner`, `team`, `risk_tier`, `number` (of the version; null without any) and, as booleans, the
    fields of `core.card.Told`.
    """
    newest = (
        sa.select(versions.c.model, sa.func.max(versions.c.number).label("number"))
        .group_by(versions.c.model)
        .subquery()
    )
    live = champions.alias()
    number = sa.func.coalesce(live.c.number, newest.c.number)
    measured = sa.exists().where(
        evidence.c.model == versions.c.model,
        evidence.c.number == versions.c.number,
        evidence.c.artifact_digest == versions.c.digest,
        evidence.c.kind == "performance",
    )
    found = (
        sa.select(
            *(models.c[name] for name in ("model", "owner", "team", "risk_tier", "declaration")),
            versions.c.number,
            versions.c.content,
            measured.label("performance"),
        )
        .select_from(models)
        .join(newest, newest.c.model == models.c.model, isouter=True)
        .join(live, (live.c.model == models.c.model) & (live.c.environment == environment), isouter=True)
        .join(versions, (versions.c.model == models.c.model) & (versions.c.number == number), isouter=True)
    ).subquery()
    described = c.execute(sa.select(use_cases.c.use_case)).scalars().all()
    read = frame(c, sa.select(found).order_by(found.c.model))
    declared = pl.col("declaration").str.json_path_match
    recorded = pl.col("content").str.json_path_match
    return read.with_columns(
        pl.col("performance").cast(pl.Boolean).fill_null(False),
        description=declared("$.description").fill_null("") != "",
        use_case=declared("$.use_case").is_in(described).fill_null(False),
        factors=declared("$.segments[0]").is_not_null() | declared("$.protected[0]").is_not_null(),
        monitors=declared("$.monitors[0]").is_not_null(),
        evaluation=recorded("$.evaluation[0]").is_not_null(),
        training=recorded("$.training[0]").is_not_null(),
    ).drop("declaration", "content")
