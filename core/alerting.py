"""From a sweep's metrics to alerts: verdicts before the transaction, alerts, messages and requests inside."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from core import alerts as people
from core import annotations, causes, fold, reconcile, verdicts, why
from core.alert_text import sentence
from core.declaration import Declaration
from core.entities import Alert, AlertEvent, Annotation, ModelStatus, SchemaChange
from core.health import last_closed
from core.monitors import Monitor
from core.normal import Renewed
from core.notify import channels, facts, routes
from core.settings import Workspace
from core.store import Store, alerts, models, outbox, retraining, statistics, status
from core.store.alerts import Judged

MOST_EXPLAINED = 5  # alerts of one sweep whose reasons its message gives
_NEW = ("opened", "escalated")
RECENT_WINDOWS = 2  # an alert is told only if its last window closed no longer than this many windows ago


@dataclass(frozen=True)
class Judgement:
    """What a model's monitors say now.

    since : the first window that each monitor's rule judges
    around : what explains alerts that burn now; None where nothing does
    """

    verdicts: pl.DataFrame
    rules: Mapping[str, Judged]
    since: Mapping[str, datetime | None]
    around: causes.Surroundings | None = None
    identity: str | None = None  # of monitors and mutes, see `rules_of`
    muted: Sequence[annotations.Span] = ()  # whole windows that nobody judges


def rules_of(declaration: Declaration, annotated: Iterable[Annotation] = ()) -> str | None:
    """Return the identity of a model's monitors and of what mutes them, None if it has no monitors."""
    told = sorted(f"{monitor.name}:{_rule(monitor)}" for monitor in declaration.monitors)
    return _hash("\n".join([*told, *annotations.identity(annotated)])) if told else None


def judge(
    store: Store,
    declaration: Declaration,
    reference: pl.DataFrame,
    *,
    annotated: Sequence[Annotation] = (),
    renewed: Renewed = lambda stored: stored,
    schema: Sequence[SchemaChange] | None = None,
    last_timestamp: datetime | None,
    now: datetime,
    afresh: bool = False,
) -> Judgement:
    """Judge a model's windows by its monitors.

    Parameters
    ----------
    reference : METRICS of the reference's own windows; empty while it is learning
    annotated : the annotations that stand and concern the model
    renewed : puts the windows counted just now into stored METRICS
    schema : changes of the log's columns, for the reasons; without them, those that are stored
    afresh : judge the whole past by today's rules, also what other rules have judged
    """
    slug, monitors = declaration.model, declaration.monitors
    if not monitors:
        return Judgement(pl.DataFrame(schema=verdicts.VERDICTS), {}, {})
    with store.read() as c:
        before = {} if afresh else alerts.rules(c, slug)
    newest = last_closed(declaration, now).start
    rules = {each.name: _judged(each, before.get(each.name), newest) for each in monitors}
    names = sorted({verdicts.shown_metric(each.metric) for each in monitors})
    stored = renewed(statistics.read(store, slug, "metrics", metrics=names))
    known = stored.filter(pl.col("metric").is_in(names))
    first: datetime | None = known["window_start"].min()  # type: ignore[assignment]
    since = {name: max(filter(None, (rule.since, first)), default=None) for name, rule in rules.items()}
    whole = [pl.col(name) == "" for name in ("segment", "version", "variant", "group")]
    silent = known.filter(pl.col("metric") == verdicts.FRESHNESS, *whole)
    judged = verdicts.judge(known, reference, declaration, monitors, now=now, since=since)
    muted = annotations.muted(annotated)
    silences = verdicts.silences(silent, monitors, last=last_timestamp, now=now, since=since, muted=muted)
    found = pl.concat([annotations.without_muted(judged, annotated, declaration.calendar), silences])
    burning = found.filter(pl.col("level") > 0, pl.col("judged_at") >= _recent(declaration, now))
    around = None
    oldest: datetime | None = burning["window_start"].min()  # type: ignore[assignment]
    if oldest is not None:
        around = causes.surroundings(
            store,
            declaration,
            reference,
            metrics=why.needed(declaration, burning["metric"].unique()),
            since=declaration.calendar.back(oldest, causes.LONGEST_WINDOWS),
            now=now,
            renewed=renewed,
            schema=schema,
        )
    muted = annotations.whole_windows(muted, declaration.calendar)
    return Judgement(found, rules, since, around, rules_of(declaration, annotated), muted)


def record(
    c: sa.Connection,
    workspace: Workspace,
    declaration: Declaration,
    judgement: Judgement,
    condition: ModelStatus,
    *,
    first_sweep: bool,
    now: datetime,
) -> ModelStatus:
    """Bring alerts, messages and retraining requests up to a judgement; return the status all this makes.

    Everything a person may have done meanwhile is read in this transaction, so nothing of it is lost.
    """
    slug = declaration.model
    every = alerts.of_model(c, slug)
    known = [alert for alert in every if not people.is_governance(alert)]
    needed = {each.name: verdicts.persistence(each, declaration) for each in declaration.monitors}
    episodes = fold.fold(
        judgement.verdicts,
        needed,
        begun=reconcile.begun(known, judgement.since),
        resolutions=_resolutions(c, known),
    )
    changes = reconcile.reconcile(slug, known, episodes, judgement.since, muted=judgement.muted, now=now)
    current = {alert.id: alert for alert in every}
    for change in changes:
        alert = replace(change.alert, message=sentence(change.alert.episode))
        kept = alerts.assign_ids(c, [alert])[0]
        current[kept.id] = kept
        for event in change.events:
            alerts.happened(c, replace(event, alert=kept.id))
    alerts.put_rules(c, slug, judgement.rules)
    around = judgement.around
    judged = [alert for alert in current.values() if not people.is_governance(alert)]
    told = tell(c, workspace, declaration, judged, around, first=first_sweep, now=now)
    for alert in told:
        alerts.put(c, alert)
        current[alert.id] = alert
    return people.standing(replace(condition, rules=judgement.identity), list(current.values()), now)


def wake(store: Store, *, now: datetime) -> int:
    """End the snoozes that are over: what still burns counts and is told again; return how many."""
    with store.read() as c:
        sleeping = [each for each in alerts.every(c, ended=False) if _slept_out(each, now)]
    for slug in sorted({alert.model for alert in sleeping}):
        with store.write() as c:
            registered, current = models.get(c, slug), status.get(c, slug)
            if registered is None or current is None:
                continue
            known = {alert.id: alert for alert in alerts.of_model(c, slug)}
            for alert in [each for each in known.values() if _slept_out(each, now)]:
                awake = replace(alert, snoozed_until=None, snooze_reason=None, notified=None)
                known[alert.id] = awake
                alerts.put(c, awake)
                alerts.happened(c, AlertEvent(alert.id, now, reconcile.JOBS, "woken", alert.snooze_reason))
            told = tell(
                c, store.workspace, registered.declaration, list(known.values()), first=False, now=now
            )
            known |= {alert.id: alert for alert in alerts.assign_ids(c, told)}
            status.put(c, people.standing(current, list(known.values()), now))
    return len(sleeping)


def _slept_out(alert: Alert, now: datetime) -> bool:
    until = alert.snoozed_until
    return until is not None and until <= now and alert.episode.resolved_at is None


def tell(
    c: sa.Connection,
    workspace: Workspace,
    declaration: Declaration,
    known: Sequence[Alert],
    around: causes.Surroundings | None = None,
    *,
    first: bool,
    now: datetime,
) -> list[Alert]:
    """Queue what channels must hear of, grouped, and propose retraining; return the alerts this changes."""
    recent = _recent(declaration, now)
    by_channel: dict[str, list[tuple[str, Alert]]] = defaultdict(list)
    changed, monitors = [], {each.name: each for each in declaration.monitors}
    heard = {alert.id: news for alert in known if (news := _news(alert, recent, now))}
    reasons = _reasons(around, declaration, [alert for alert in known if heard.get(alert.id) in _NEW])
    for alert in known:
        after = alert
        if news := heard.get(alert.id):
            notified = "resolved" if news == "resolved" else alert.episode.severity.value
            after = replace(after, notified=notified, reminded_at=now)
            for channel in routes.channels_of(declaration, alert.episode.monitor):
                by_channel[channel].append((news, alert))
        monitor = monitors.get(alert.episode.monitor)
        if monitor and monitor.then and not alert.requested and _is_live(alert, recent):
            _propose(c, alert, now)
            after = replace(after, requested=True)
        if after != alert:
            changed.append(after)
    for channel, events in by_channel.items():
        parts = [[event] for event in events] if channels.per_alert(workspace.settings, channel) else [events]
        for part in parts:
            told = facts.of_alerts(declaration, part, now, first_sweep=first, reasons=reasons)
            outbox.add(c, channel, "alerts", told, model=declaration.model)
    return changed


def _news(alert: Alert, recent: datetime, now: datetime) -> str | None:
    """Return what channels have not heard of an alert yet."""
    episode, heard = alert.episode, alert.notified
    if episode.resolved_at is not None:
        return "resolved" if heard in ("warning", "critical") else None
    if alert.state(now) == "snoozed" or not _is_live(alert, recent):
        return None
    if heard in (None, "resolved"):
        return "opened"
    return "escalated" if heard == "warning" and episode.severity == "critical" else None


def _reasons(
    around: causes.Surroundings | None, declaration: Declaration, fresh: Iterable[Alert]
) -> dict[int, str]:
    """Return what explains the worst of the new alerts, by id."""
    if around is None:
        return {}
    worst = sorted(fresh, key=lambda alert: (alert.episode.severity != "critical", alert.id))
    return {
        alert.id: causes.because(around, alert.episode, declaration).reasons
        for alert in worst[:MOST_EXPLAINED]
    }


def _recent(declaration: Declaration, now: datetime) -> datetime:
    return declaration.calendar.back(now, RECENT_WINDOWS)


def _is_live(alert: Alert, recent: datetime) -> bool:
    return alert.episode.resolved_at is None and alert.episode.judged_at >= recent


def _propose(c: sa.Connection, alert: Alert, now: datetime) -> None:
    retraining.propose(
        c,
        alert.model,
        alert.episode.monitor,
        text=alert.message,
        evidence=facts.of_alert("opened", alert),
        at=now,
        alert=alert.id,
    )


def _resolutions(c: sa.Connection, known: Iterable[Alert]) -> dict[fold.Cause, list[fold.Resolution]]:
    said: dict[fold.Cause, list[fold.Resolution]] = defaultdict(list)
    by_id = {alert.id: alert for alert in known}
    if by_id:
        for event in alerts.events_of_model(c, next(iter(by_id.values())).model):
            if event.event == "resolved" and event.actor != reconcile.JOBS:
                cause = reconcile.cause_of(by_id[event.alert])
                said[cause].append(fold.Resolution(event.at, event.detail or "resolved"))
    return said


def _judged(monitor: Monitor, before: Judged | None, newest: datetime) -> Judged:
    rule = _rule(monitor)
    if before is None:
        return Judged(rule, None)
    return before if before.rule == rule else Judged(rule, newest)


def _rule(monitor: Monitor) -> str:
    return _hash(monitor.model_dump_json(exclude_unset=True, exclude={"notify", "then", "declared_name"}))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
