"""What a Why tab and the Alert page read: the reasons of one alert, and all that happened around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from core import causes, normal, why
from core.bins import quantile
from core.declaration import Declaration
from core.entities import Alert
from core.store import Store, alerts, models, references
from core.views.alert import surroundings
from core.views.history import history
from core.views.snapshots import Distribution, distribution

MOST_MEDIANS = 3


@dataclass(frozen=True)
class WhyPage:
    """An alert and its reasons.

    medians : of the numeric inputs that moved most, in the reference and in the alert's windows
    reference : the starts of its first and last window; None where it has no time
    events : as in History, of the stretch `surroundings` draws
    """

    alert: Alert
    declaration: Declaration
    explanation: causes.Explanation
    medians: Mapping[str, tuple[float, float]]
    events: pl.DataFrame
    stretch: tuple[datetime, datetime]
    reference: tuple[datetime, datetime] | None


def why_page(store: Store, identifier: int) -> WhyPage | None:
    """Return why an alert came, from the statistics as they are now; None if there is none of this number."""
    with store.read() as c:
        alert = alerts.get(c, identifier)
        registered = models.get(c, alert.model) if alert else None
        reference = references.current(c, alert.model) if alert else None
    if alert is None or registered is None:
        return None
    declaration, episode, now = registered.declaration, alert.episode, store.workspace.now()
    start, end = surroundings(episode, declaration, now)
    events = history(store, alert.model).events
    lasted = pl.coalesce("until", pl.when(pl.col("kind") == "alert").then(pl.lit(now)).otherwise("at"))
    near = events.filter(pl.col("at") <= end, lasted >= start)
    earliest: datetime | None = near["at"].min()  # type: ignore[assignment]
    start = max(start, earliest - declaration.calendar.nominal) if earliest else start
    found = _explained(store, alert, declaration)
    medians = _medians(store, alert, declaration, found)
    span = (reference.first_window, reference.last_window) if reference else (None, None)
    normal_span = (span[0], span[1]) if span[0] and span[1] else None
    return WhyPage(alert, declaration, found, medians, near, (start, end), normal_span)


def reasons(store: Store, identifier: int) -> str:
    """Return what explains an alert, in a sentence; empty where nothing is known."""
    with store.read() as c:
        alert = alerts.get(c, identifier)
        registered = models.get(c, alert.model) if alert else None
    if alert is None or registered is None:
        return ""
    return _explained(store, alert, registered.declaration).reasons


def _explained(store: Store, alert: Alert, declaration: Declaration) -> causes.Explanation:
    episode = alert.episode
    around = causes.surroundings(
        store,
        declaration,
        normal.stored(store, declaration),
        metrics=why.needed(declaration, [episode.target.metric]),
        since=causes.first_window(episode, declaration),
        until=episode.last_window,
        now=store.workspace.now(),
    )
    return causes.because(around, episode, declaration)


def _medians(
    store: Store, alert: Alert, declaration: Declaration, found: causes.Explanation
) -> dict[str, tuple[float, float]]:
    moved = found.why.columns.filter(pl.col("moved") > 0).head(MOST_MEDIANS)["column"]
    first = causes.first_window(alert.episode, declaration)
    end = declaration.calendar.containing(alert.episode.last_window).end
    medians = dict[str, tuple[float, float]]()
    for column in moved:
        counted = distribution(store, alert.model, column, first, end)
        if counted is not None and counted.numeric and counted.rows:
            medians[column] = _median(counted, counted.reference), _median(counted, counted.current)
    return medians


def _median(counted: Distribution, counts: np.ndarray) -> float:
    low, high = (np.array([counted.edges[end]]) for end in (0, -1))
    return float(quantile(counts[np.newaxis], counted.edges, 0.5, low, high)[0])
