"""What the Monitors tab reads: each monitor with its course over the past, and its open alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from core import rehearsal
from core.entities import Alert, Target
from core.monitors import Monitor
from core.rehearsal import Rehearsed
from core.store import Store, alerts, models, statistics
from core.store.models import RegisteredModel

_TARGET = ("metric", "column", "segment", "version", "group")


@dataclass(frozen=True)
class MonitorsPage:
    """A model's monitors in the order they are declared.

    `past` is what today's rules say about every window, by monitor name; `open_alerts` are those that last.
    """

    registered: RegisteredModel
    past: Mapping[str, Rehearsed]
    open_alerts: Mapping[str, Sequence[Alert]]

    @property
    def monitors(self) -> tuple[Monitor, ...]:
        """The monitors that are declared."""
        return self.registered.declaration.monitors


def monitors_page(store: Store, slug: str) -> MonitorsPage | None:
    """Return a model's monitors, or None if no model has this name."""
    with store.read() as c:
        registered = models.get(c, slug)
        lasting = alerts.of_model(c, slug, ended=False)
    if registered is None:
        return None
    found = rehearsal.rehearse(store, registered.declaration, now=store.workspace.now())
    names = [monitor.name for monitor in registered.declaration.monitors]
    return MonitorsPage(
        registered,
        {each.monitor: each for each in found},
        {name: [alert for alert in lasting if alert.episode.monitor == name] for name in names},
    )


def rehearsed(store: Store, slug: str, monitor: Monitor) -> Rehearsed | None:
    """Return what one monitor would have said about a model's past, declared or not; nothing is kept."""
    with store.read() as c:
        registered = models.get(c, slug)
    if registered is None:
        return None
    alone = registered.declaration.model_copy(update={"monitors": (monitor,)})
    return rehearsal.rehearse(store, alone, now=store.workspace.now())[0]


def measured(store: Store, slug: str) -> frozenset[str]:
    """Return the names of the metrics that are stored of a model."""
    return frozenset(
        statistics.read(store, slug, "metrics", segment="", version="", variant="")["metric"].unique()
    )


def targets(past: Rehearsed) -> list[Target]:
    """Return what a monitor looks at: where it alarms now, then by how many windows breached."""
    lasting = {episode.target for episode in past.episodes if episode.resolved_at is None}
    counted = (
        past.verdicts.group_by(_TARGET)
        .agg(breaches=(pl.col("level") > 0).sum())
        .sort("breaches", *_TARGET, descending=[True, *(False for _ in _TARGET)])
    )
    found = [Target(*row) for row in counted.select(_TARGET).iter_rows()]
    return sorted(found, key=lambda target: target not in lasting)


def of_target(past: Rehearsed, target: Target) -> pl.DataFrame:
    """Return the verdicts about one target by time."""
    matches = (pl.col(name) == getattr(target, name) for name in _TARGET)
    return past.verdicts.filter(*matches).sort("window_start")
