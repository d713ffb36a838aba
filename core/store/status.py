"""The status of each model: one row the sweep writes, so that the overview is one query."""

from dataclasses import asdict, fields
from typing import Any

import polars as pl
import sqlalchemy as sa

from core.entities import ModelStatus
from core.store.frames import frame, zone_of_windows
from core.store.schema import models, status
from core.store.upsert import upsert

_REGISTERED = (models.c.owner, models.c.team, models.c.task, models.c.risk_tier, models.c.paused)


def put(c: sa.Connection, current: ModelStatus) -> None:
    """Write a model's status over the one before."""
    upsert(c, status, [asdict(current)])


def get(c: sa.Connection, model: str) -> ModelStatus | None:
    """Return a model's status; None before its first sweep."""
    row = c.execute(sa.select(status).where(status.c.model == model)).one_or_none()
    if row is None:
        return None
    values: dict[str, Any] = {field.name: getattr(row, field.name) for field in fields(ModelStatus)}
    lists = {name: tuple(values[name] or ()) for name in ("reasons", "condition_reasons", "sparkline")}
    return ModelStatus(**values | lists)


def overview(c: sa.Connection) -> pl.DataFrame:
    """Return every registered model that was not removed, with its status, by name.

    Returns
    -------
    The fields of ModelStatus but those of its condition (`reasons` List(String), `sparkline` List(Float32)),
    `owner`, `team`, `task`, `risk_tier`, `paused` and `zone` (of its windows). A paused model is in state
    ``paused``, one never swept in ``no_data`` with `since` null.
    """
    state = sa.case((models.c.paused, "paused"), else_=sa.func.coalesce(status.c.state, "no_data"))
    left = ("model", "state", "condition", "condition_since", "condition_reasons")
    written = [column for column in status.c if column.name not in left]
    joined = (
        sa.select(models.c.model, state.label("state"), *written, *_REGISTERED, models.c.declaration)
        .join_from(models, status, isouter=True)
        .where(models.c.lifecycle != "archived")
        .order_by(models.c.model)
    )
    found = frame(c, joined).with_columns(
        zone_of_windows(),
        pl.col("reasons").fill_null("[]").str.json_decode(pl.List(pl.String)),
        pl.col("sparkline").fill_null("[]").str.json_decode(pl.List(pl.Float32)),
    )
    return found.drop("declaration")
