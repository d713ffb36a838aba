"""Alerts as the registry keeps them, what happened to each, and from when on each rule judges."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from core.entities import Alert, AlertEvent, Episode, Severity, Target
from core.store.frames import frame as as_frame
from core.store.frames import zone_of_windows
from core.store.schema import alert_events, alerts, judged, models
from core.store.upsert import upsert

_TARGET = tuple(field.name for field in fields(Target))
_EPISODE = tuple(field.name for field in fields(Episode) if field.name not in ("target", "question"))


@dataclass(frozen=True)
class Judged:
    """The rule that judges a monitor's windows, by its hash, and the first window it judges (None = all)."""

    rule: str
    since: datetime | None


def add(c: sa.Connection, alert: Alert) -> Alert:
    """Keep a new alert and return it with its id."""
    made = c.execute(sa.insert(alerts).values(_row(alert)).returning(alerts.c.id)).scalar_one()
    return replace(alert, id=made)


def put(c: sa.Connection, alert: Alert) -> None:
    """Write an alert over what was kept under its id."""
    c.execute(sa.update(alerts).where(alerts.c.id == alert.id).values(_row(alert)))


def get(c: sa.Connection, identifier: int) -> Alert | None:
    """Return an alert, or None if there is none of this id."""
    row = c.execute(sa.select(alerts).where(alerts.c.id == identifier)).one_or_none()
    return None if row is None else _alert(row)


def of_model(c: sa.Connection, model: str, *, ended: bool = True) -> list[Alert]:
    """Return a model's alerts in the order they began; with `ended` false only those not resolved."""
    found = sa.select(alerts).where(alerts.c.model == model).order_by(alerts.c.first_window, alerts.c.id)
    return [_alert(row) for row in c.execute(found if ended else found.where(alerts.c.resolved_at.is_(None)))]


def every(c: sa.Connection, *, ended: bool = True, limit: int | None = None) -> list[Alert]:
    """Return the alerts of all models, the newest first; with `ended` false only those not resolved."""
    found = sa.select(alerts).order_by(alerts.c.opened_at.desc(), alerts.c.id.desc()).limit(limit)
    return [_alert(row) for row in c.execute(found if ended else found.where(alerts.c.resolved_at.is_(None)))]


def resolved_since(c: sa.Connection, since: datetime) -> list[Alert]:
    """Return the alerts of all models that were resolved after an instant, in order."""
    found = sa.select(alerts).where(alerts.c.resolved_at > since)
    return [_alert(row) for row in c.execute(found.order_by(alerts.c.resolved_at, alerts.c.id))]


def reminded(c: sa.Connection, identifiers: Collection[int], at: datetime) -> None:
    """Remember when people were last reminded of these alerts."""
    c.execute(sa.update(alerts).where(alerts.c.id.in_(identifiers)).values(reminded_at=at))


def table(
    c: sa.Connection, *, ended: bool = False, model: str | None = None, limit: int = 5000
) -> pl.DataFrame:
    """Return alerts as people look through them: those not resolved, or with `ended` the last resolved.

    Returns
    -------
    The columns of the alerts, of their model `owner`, `team` and `zone` (of its windows), and `seen`: how
    many events each has. The newest come first.
    """
    count = sa.select(sa.func.count()).where(alert_events.c.alert == alerts.c.id).scalar_subquery()
    over = alerts.c.resolved_at.is_not(None) if ended else alerts.c.resolved_at.is_(None)
    newest = alerts.c.resolved_at if ended else alerts.c.opened_at
    found = (
        sa.select(alerts, models.c.owner, models.c.team, models.c.declaration, count.label("seen"))
        .join_from(alerts, models)
        .where(over)
        .order_by(newest.desc(), alerts.c.id.desc())
        .limit(limit)
    )
    frame = as_frame(c, found if model is None else found.where(alerts.c.model == model))
    return frame.with_columns(zone_of_windows()).drop("declaration")


def unresolved(c: sa.Connection) -> dict[str, int]:
    """Return how many alerts are not resolved, by severity."""
    counted = sa.select(alerts.c.severity, sa.func.count()).where(alerts.c.resolved_at.is_(None))
    return {row.severity: row[1] for row in c.execute(counted.group_by(alerts.c.severity))}


def happened(c: sa.Connection, event: AlertEvent) -> None:
    """Write down what happened to an alert."""
    c.execute(sa.insert(alert_events).values(asdict(event)))


def events(c: sa.Connection, identifier: int) -> list[AlertEvent]:
    """Return what happened to one alert, in order."""
    found = sa.select(alert_events).where(alert_events.c.alert == identifier).order_by(alert_events.c.id)
    return [_event(row) for row in c.execute(found)]


def events_of_model(c: sa.Connection, model: str) -> list[AlertEvent]:
    """Return what happened to all alerts of a model, in order."""
    found = sa.select(alert_events).join(alerts, alerts.c.id == alert_events.c.alert)
    ordered = found.where(alerts.c.model == model).order_by(alert_events.c.at, alert_events.c.id)
    return [_event(row) for row in c.execute(ordered)]


def rules(c: sa.Connection, model: str) -> dict[str, Judged]:
    """Return by monitor name which rule judges and since when."""
    found = sa.select(judged).where(judged.c.model == model).order_by(judged.c.monitor)
    return {row.monitor: Judged(row.rule, row.since) for row in c.execute(found)}


def put_rules(c: sa.Connection, model: str, current: Mapping[str, Judged]) -> None:
    """Make these the rules that judge a model; monitors that are not named judge no more."""
    gone = judged.c.monitor.not_in(list(current))
    c.execute(sa.delete(judged).where(judged.c.model == model, gone))
    upsert(c, judged, [{"model": model, "monitor": name, **asdict(rule)} for name, rule in current.items()])


def assign_ids(c: sa.Connection, found: Iterable[Alert]) -> list[Alert]:
    """Keep alerts, new ones (id 0) under an id of their own, and return them with their ids."""
    kept = []
    for alert in found:
        if alert.id:
            put(c, alert)
            kept.append(alert)
        else:
            kept.append(add(c, alert))
    return kept


def _row(alert: Alert) -> dict[str, Any]:
    own = {field.name: getattr(alert, field.name) for field in fields(Alert)}
    episode = own.pop("episode")
    del own["id"]
    told = {name: getattr(episode, name) for name in _EPISODE}
    return own | told | asdict(episode.target) | {"target": episode.target.key}


def _alert(row: sa.Row[Any]) -> Alert:
    values = row._mapping
    episode = {name: values[name] for name in _EPISODE}
    target = Target(*(values[name] for name in _TARGET))
    told = Episode(**episode | {"severity": Severity(row.severity)}, target=target)
    own = {field.name: values[field.name] for field in fields(Alert) if field.name != "episode"}
    return Alert(**own, episode=told)


def _event(row: sa.Row[Any]) -> AlertEvent:
    return AlertEvent(row.alert, row.at, row.actor, row.event, row.detail)
