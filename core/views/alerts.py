"""What the Alerts page reads: what is amiss in all models, and how urgent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from core.alert_text import number
from core.entities import Annotation, RetrainingRequest
from core.store import Store, alerts, annotations, models, retraining
from core.verdicts import shown_metric

ALERT_STATES = ("open", "acknowledged", "snoozed", "resolved")
SEVERITIES = ("critical", "warning")
MOST_RESOLVED = 500


@dataclass(frozen=True)
class AlertsPage:
    """Alerts with the columns of `store.alerts.table`, those that wait for somebody first.

    Added are `state`, `on` (the day of the first window in its model's zone), `days` (how long it lasted),
    and `value_text` and `threshold_text`, in the metric's unit.
    """

    alerts: pl.DataFrame
    now: datetime


def alerts_page(store: Store, resolved: bool = False, model: str | None = None) -> AlertsPage:
    """Return the alerts that are not resolved, of one model or of all; on demand the last resolved too."""
    with store.read() as c:
        found = alerts.table(c, model=model)
        if resolved:
            found = pl.concat([found, alerts.table(c, ended=True, model=model, limit=MOST_RESOLVED)])
    now = store.workspace.now()
    return AlertsPage(_with_texts(by_urgency(found, now)), now)


@dataclass(frozen=True)
class Annotated:
    """The annotations that stand, of all models, and each model's zone."""

    annotations: Sequence[Annotation]
    zones: Mapping[str, str]
    now: datetime


def annotated(store: Store) -> Annotated:
    """Return what people said about stretches of time."""
    with store.read() as c:
        known = [each.declaration for each in models.every(c)]
        zones = {each.model: each.predictions.timezone for each in known}
        return Annotated(annotations.every(c), zones, store.workspace.now())


def open_requests(store: Store, slug: str) -> list[RetrainingRequest]:
    """Return a model's retraining requests that nobody has decided yet, the newest first."""
    with store.read() as c:
        return [request for request in retraining.every(c, slug) if request.state in retraining.OPEN]


def by_urgency(found: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return alerts with their state as of `now`, in the order in which they want attention."""
    state = (
        pl.when(pl.col("resolved_at").is_not_null())
        .then(pl.lit("resolved"))
        .when(pl.col("snoozed_until") > now)
        .then(pl.lit("snoozed"))
        .when(pl.col("acknowledged_at").is_not_null())
        .then(pl.lit("acknowledged"))
        .otherwise(pl.lit("open"))
    )
    lasted = pl.coalesce("resolved_at", pl.lit(now)) - pl.col("opened_at")
    known = found.with_columns(state=state, days=lasted.dt.total_hours().clip(0) / 24)
    ranks = {
        name: pl.col(name).replace_strict({s: i for i, s in enumerate(order)}, return_dtype=pl.Int8)
        for name, order in (("state", ALERT_STATES), ("severity", SEVERITIES))
    }
    ordered = known.sort(
        *ranks.values(),
        pl.coalesce("resolved_at", "opened_at"),
        "id",
        descending=[False, False, True, True],
    )
    return ordered.with_columns(on=local_day("first_window", ordered["zone"].unique()))


def local_day(name: str, zones: Iterable[str]) -> pl.Expr:
    """Return the day of an instant in the `zone` of its row."""
    day = pl.lit(None, pl.Date)
    for zone in zones:
        here = pl.col(name).dt.convert_time_zone(zone).dt.date()
        day = pl.when(pl.col("zone") == zone).then(here).otherwise(day)
    return day


def _with_texts(found: pl.DataFrame) -> pl.DataFrame:
    """Add value and threshold as people read them."""
    metrics = [shown_metric(name) for name in found["metric"]]
    return found.with_columns(
        pl.Series(
            f"{name}_text", [number(*pair) for pair in zip(metrics, found[name], strict=True)], pl.String
        )
        for name in ("value", "threshold")
    )
