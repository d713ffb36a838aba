"""What the Alert page reads: one alert, its metric around it, what happened, and what else was amiss."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from core.catalogue import CATALOGUE
from core.declaration import Declaration
from core.entities import Alert, Episode, RetrainingRequest, Target
from core.store import Store, alerts, models, references, retraining, statistics
from core.views.alerts import by_urgency
from core.views.model import with_phase
from core.windows import duration

CLOCK = "freshness"  # judged by the clock: its alert has no values window by window
FEWEST_WINDOWS = 30
LENGTHS = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "1w": timedelta(weeks=1),
    "1mo": timedelta(days=31),
    "1y": timedelta(days=366),
}
_NAMES = {"drift": "Drift", "missing_share": "Missing share"}


@dataclass(frozen=True)
class AlertPage:
    """One alert and its surroundings.

    metric : whose values `windows` and `reference` hold; the volume where the alert itself has none
    windows : METRICS with `phase` and `beyond` (lies on the wrong side of the threshold), by time
    reference : METRICS of the reference's own windows; empty where there are none
    events : at, actor, event, detail
    others : alerts of the model that were open at some moment of this one, as `AlertsPage.alerts`
    seen : how many events the alert has
    stretch : what `windows` covers
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
        requests = retraining.every(c, alert.model)
        every = pl.concat([alerts.table(c, model=alert.model, ended=ended) for ended in (False, True)])
        reference = references.current(c, alert.model)
    now, declaration = store.workspace.now(), registered.declaration
    target = alert.episode.target
    metric = "volume" if target.metric == CLOCK else shown_metric(target)
    start, end = surroundings(alert.episode, declaration, now)
    windows = with_phase(_values(store, alert, metric, start, end), declaration, now)
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
    )


def shown_metric(target: Target) -> str:
    """Return the metric whose values an alert is about: the verdict on drift is shown as a distance."""
    return "jensen_shannon" if target.metric == "drift" else target.metric


def surroundings(episode: Episode, declaration: Declaration, now: datetime) -> tuple[datetime, datetime]:
    """Return what to draw: the episode and twice its rule's persistence around it, 30 windows at least."""
    window = LENGTHS[declaration.window]
    span = persistence(episode.monitor, declaration)
    first = declaration.calendar.containing(episode.first_window).start
    last = declaration.calendar.containing(episode.last_window).end
    room = max(2 * span * window, (FEWEST_WINDOWS * window - (last - first)) / 2)
    end = min(last + room, max(last, now))
    start = min(first - 2 * span * window, end - FEWEST_WINDOWS * window, first - room)
    return start, end


def persistence(monitor: str, declaration: Declaration) -> int:
    """Return for how many windows a breach must last; 1 where the monitor is not declared any more."""
    said = next((m.persistence for m in declaration.monitors if m.name == monitor), None) or "1 window"
    count, _, unit = said.partition(" ")
    return int(count) if unit else max(1, -(-duration(said) // LENGTHS[declaration.window]))


def subject(target: Target) -> str:
    """Return what an alert is about, in words.

    Examples
    --------
    >>> subject(Target("missing_share", "wind", segment="origin=JFK"))
    'Missing share of wind, origin=JFK'
    """
    info = CATALOGUE.get(target.metric)
    name = _NAMES.get(target.metric) or (info.title if info else target.metric)
    version = f"version {target.version}" if target.version else ""
    parts = [f"{name} of {target.column}" if target.column else name, target.segment, target.group, version]
    return ", ".join(part for part in parts if part)


def sentence(alert: Alert, zone: str, now: datetime) -> str:
    """Return an alert in one sentence of plain text: what, how much, since when, and how it ended."""
    episode = alert.episode
    began = episode.first_window.astimezone(ZoneInfo(zone))
    over = episode.resolved_at is not None
    if episode.target.metric == CLOCK:
        silent, allowed = (number_text(CLOCK, hours) for hours in (episode.value, episode.threshold))
        said = f"No predictions for {silent} from {began:%-d %B %Y %H:%M} on, {allowed} are allowed"
    else:
        metric = shown_metric(episode.target)
        value, threshold = (number_text(metric, number) for number in (episode.value, episode.threshold))
        where = f"{episode.side} its threshold {threshold}, since {began:%-d %B %Y}"
        said = f"{subject(episode.target)} {'was' if over else 'is'} {value}, {where}"
    if episode.resolved_at is None:
        return f"{said}."
    ended = episode.resolved_at.astimezone(ZoneInfo(zone))
    return f"{said}; over on {ended:%-d %B %Y}: {episode.closed_reason or 'resolved'}."


def number_text(metric: str, value: float) -> str:
    """Return a metric's value as people read it: shares in percent, the rest with three digits and its unit.

    Examples
    --------
    >>> number_text("missing_share", 0.998), number_text("roc_auc", 0.68217), number_text("latency_p50", 21)
    ('99.8%', '0.682', '21 ms')
    """
    if metric.endswith(("_share", "_rate")):
        return f"{value * 100:.3g}%"
    info = CATALOGUE.get(metric)
    unit = info.unit if info and info.unit not in ("label", "column", "nats") else ""
    whole = unit == "rows" or abs(value) >= 1000
    return (f"{value:,.0f} {unit}" if whole else f"{value:.3g} {unit}").rstrip()


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
    if metric != shown_metric(episode.target):
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
