"""What the Alert page reads: one alert, its metric around it, what happened, and what else was amiss."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from core.alert_text import number, subject
from core.consistency import AUTOMATIC
from core.declaration import Declaration
from core.entities import Alert, Annotation, Episode, RetrainingRequest
from core.store import Store, alerts, annotations, models, references, retraining, statistics
from core.verdicts import FRESHNESS, persistence, shown_metric
from core.views.alerts import by_urgency
from core.views.model import with_phase, with_usual_volume
from core.volume import VOLUME

FEWEST_WINDOWS = 30


@dataclass(frozen=True)
class AlertPage:
    """One alert and its surroundings.

    metric : whose values `windows` and `reference` hold; the volume where the alert itself has none
    windows : METRICS with `phase`, `usual` (of the volume) and `beyond` (the wrong side of the threshold)
    reference : METRICS of the reference's own windows; empty where there are none
    events : at, actor, event, detail
    others : alerts of the model that were open at some moment of this one, as `AlertsPage.alerts`
    seen : how many events the alert has
    stretch : what `windows` covers
    annotations : those that stand, of the model and of all models
    """

    alert: Alert
    declaration: Declaration
    metric: str
    windows: pl.DataFrame
    reference: pl.DataFrame
    events: pl.DataFrame
    others: pl.DataFrame
    request: RetrainingRequest | None
    seen: int
    stretch: tuple[datetime, datetime]
    now: datetime
    annotations: Sequence[Annotation] = ()

    @property
    def zone(self) -> str:
        """The model's time zone."""
        return self.declaration.predictions.timezone

    @property
    def state(self) -> str:
        """The alert's state as of now."""
        return self.alert.state(self.now)


def alert_page(store: Store, identifier: int) -> AlertPage | None:
    """Return an alert and its surroundings, or None if there is none of this number."""
    with store.read() as c:
        alert = alerts.get(c, identifier)
        registered = models.get(c, alert.model) if alert else None
        if alert is None or registered is None:
            return None
        happened = alerts.events(c, identifier)
        annotated = annotations.every(c, alert.model)
        requests = retraining.every(c, alert.model)
        every = pl.concat([alerts.table(c, model=alert.model, ended=ended) for ended in (False, True)])
        reference = references.current(c, alert.model)
    now, declaration = store.workspace.now(), registered.declaration
    target = alert.episode.target
    metric = VOLUME if target.metric == FRESHNESS else shown_metric(target.metric)
    start, end = surroundings(alert.episode, declaration, now)
    windows = with_phase(_values(store, alert, metric, start, end), declaration, now)
    if metric == VOLUME:
        windows = with_usual_volume(store, declaration, windows, target.segment, target.version)
    usual = windows.clear()
    if reference and reference.first_window and reference.last_window:
        last = reference.last_window + timedelta(microseconds=1)
        usual = with_phase(
            _values(store, alert, metric, reference.first_window, last, version=""), declaration, now
        )
    return AlertPage(
        alert,
        declaration,
        metric,
        windows.with_columns(beyond=_beyond(alert.episode, metric)),
        usual,
        pl.DataFrame(
            [(e.at, e.actor, e.event, e.detail) for e in happened],
            schema={
                "at": pl.Datetime("us", "UTC"),
                "actor": pl.String,
                "event": pl.String,
                "detail": pl.String,
            },
            orient="row",
        ),
        by_urgency(_at_that_time(every, alert, now), now),
        next((request for request in requests if request.alert == identifier), None),
        len(happened),
        (start, end),
        now,
        annotated,
    )


def surroundings(episode: Episode, declaration: Declaration, now: datetime) -> tuple[datetime, datetime]:
    """Return what to draw: the episode and twice its rule's persistence around it, 30 windows at least."""
    window = declaration.calendar.nominal
    monitor = next((each for each in declaration.monitors if each.name == episode.monitor), None)
    span = persistence(monitor, declaration) if monitor else 1
    first = declaration.calendar.containing(episode.first_window).start
    last = declaration.calendar.containing(episode.last_window).end
    room = max(2 * span * window, (FEWEST_WINDOWS * window - (last - first)) / 2)
    end = min(last + room, max(last, now))
    start = min(first - 2 * span * window, end - FEWEST_WINDOWS * window, first - room)
    return start, end


def sentence(alert: Alert, zone: str, now: datetime) -> str:
    """Return an alert in one sentence of plain text: what, how much, since when, and how it ended."""
    episode = alert.episode
    began = episode.first_window.astimezone(ZoneInfo(zone))
    over = episode.resolved_at is not None
    if episode.target.metric == FRESHNESS:
        silent, allowed = (number(FRESHNESS, hours) for hours in (episode.value, episode.threshold))
        said = f"No predictions for {silent} from {began:%-d %B %Y %H:%M} on, {allowed} are allowed"
    elif episode.target.metric in AUTOMATIC:
        said = f"{alert.message}, since {began:%-d %B %Y}"
    else:
        metric = shown_metric(episode.target.metric)
        value, threshold = (number(metric, each) for each in (episode.value, episode.threshold))
        where = f"{episode.side} its threshold {threshold}, since {began:%-d %B %Y}"
        said = f"{subject(episode.target)} {'was' if over else 'is'} {value}, {where}"
    if episode.resolved_at is None:
        return f"{said}."
    ended = episode.resolved_at.astimezone(ZoneInfo(zone))
    return f"{said}; over on {ended:%-d %B %Y}: {episode.closed_reason or 'resolved'}."


def _values(
    store: Store, alert: Alert, metric: str, start: datetime, end: datetime, version: str | None = None
) -> pl.DataFrame:
    target = alert.episode.target
    return statistics.read(
        store,
        alert.model,
        "metrics",
        start=start,
        end=end,
        metrics=[metric],
        columns=[target.column],
        segment=target.segment,
        version=target.version if version is None else version,
        variant="",
        group=target.group,
    ).sort("window_start")


def _beyond(episode: Episode, metric: str) -> pl.Expr:
    if metric != shown_metric(episode.target.metric):
        return pl.lit(False)
    value = pl.col("value")
    beyond = value > episode.threshold if episode.side == "above" else value < episode.threshold
    return beyond.fill_null(False)


def _at_that_time(every: pl.DataFrame, alert: Alert, now: datetime) -> pl.DataFrame:
    end = alert.episode.resolved_at or now
    return every.filter(
        pl.col("id") != alert.id,
        pl.col("opened_at") <= end,
        pl.col("resolved_at").fill_null(now) >= alert.episode.opened_at,
    )
