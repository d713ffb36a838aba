"""What the Fairness page reads: the newest measured gap of every protected attribute of every model."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from core.store import Store, models, status
from core.store.models import RegisteredModel
from core.views.model import series

GAPS = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "predictive_parity_difference",
    "bias_difference",
    "mae_difference",
)


@dataclass(frozen=True)
class FairnessPage:
    """One row per model × attribute × metric, of the newest window with complete labels that has the gap.

    `gaps` has model, team, risk_tier, attribute, metric, value, lower, upper, n, reason, window_start,
    window_end and day (the start's date in the model's zone); `unprotected` counts models that declare no
    protected attribute.
    """

    gaps: pl.DataFrame
    unprotected: int
    now: datetime


def fairness(store: Store) -> FairnessPage:
    """Return the gaps between groups of every model that declares protected attributes."""
    with store.read() as c:
        every = models.every(c)
        newest = dict(status.overview(c).select("model", "last_window").iter_rows())
    found = [frame for frame in _gaps(store, every, newest) if frame.height]
    unprotected = sum(not registered.declaration.protected for registered in every)
    return FairnessPage(pl.concat(found) if found else _EMPTY, unprotected, store.workspace.now())


_EMPTY = pl.DataFrame(
    schema={
        "model": pl.String,
        "team": pl.String,
        "risk_tier": pl.Int64,
        "attribute": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "n": pl.Int64,
        "reason": pl.String,
        "window_start": pl.Datetime("us", "UTC"),
        "window_end": pl.Datetime("us", "UTC"),
        "day": pl.Date,
    }
)


def _gaps(
    store: Store, every: list[RegisteredModel], newest: dict[str, datetime | None]
) -> Iterator[pl.DataFrame]:
    for registered in every:
        declaration = registered.declaration
        last = newest.get(declaration.model)
        if not declaration.protected or last is None:
            continue
        frame = series(store, declaration.model, GAPS, None, None, group="").filter(
            pl.col("phase") == "closed"
        )
        yield (
            # A window without a gap (too few rows in a group) does not hide the last one that had it.
            frame.sort(pl.col("value").is_not_null(), "window_start")
            .group_by("metric", "column", maintain_order=True)
            .last()
            .select(
                pl.lit(declaration.model).alias("model"),
                pl.lit(declaration.team).cast(pl.String).alias("team"),
                pl.lit(declaration.risk_tier, dtype=pl.Int64).alias("risk_tier"),
                pl.col("column").alias("attribute"),
                *list(_EMPTY.columns[4:-1]),
                pl.col("window_start").dt.convert_time_zone(declaration.zone.key).dt.date().alias("day"),
            )
        )
