"""Episodes as the windows tell them now against the alerts people know: what is new, changed or gone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.annotations import Span
from core.entities import Alert, AlertEvent, Episode
from core.fold import Cause

CORRECTED = "corrected by late data"
MUTED = "muted by an annotation"
UNWATCHED = "no longer measured"
REMOVED = "monitor removed"
JOBS = "steward-jobs"


@dataclass(frozen=True)
class Reconciled:
    """Alerts that are new (id 0) or have changed, each with what happened to it, in order."""

    alert: Alert
    events: tuple[AlertEvent, ...]


def cause_of(alert: Alert) -> Cause:
    """Return what an alert is about."""
    return alert.episode.monitor, alert.episode.target


def begun(alerts: Iterable[Alert], since: Mapping[str, datetime | None]) -> dict[Cause, Episode]:
    """Return the episodes that were open before the first window their rule judges now, by cause."""
    found = {}
    for alert in alerts:
        episode, start = alert.episode, since.get(alert.episode.monitor)
        if start is not None and episode.first_window < start and not _over_before(episode, start):
            found[cause_of(alert)] = replace(
                episode, resolved_at=None, resolved_window=None, closed_reason=None
            )
    return found


def reconcile(
    model: str,
    alerts: Sequence[Alert],
    episodes: Mapping[Cause, Sequence[Episode]],
    since: Mapping[str, datetime | None],
    *,
    muted: Sequence[Span] = (),
    now: datetime,
) -> list[Reconciled]:
    """Return every alert that has to be written, so that the registry tells what the windows tell.

    An episode is the alert whose windows it overlaps. An alert without an episode is closed as corrected by
    late data, or as muted where its windows overlap `muted`, never deleted; one whose monitor or target is
    gone is closed for that reason. Alerts from before the first window of their rule stay as they were judged
    then.
    """
    changed = []
    kept: dict[Cause, list[Alert]] = {}
    for alert in alerts:
        monitor, cause = alert.episode.monitor, cause_of(alert)
        if monitor not in since:
            changed.append(_ended(alert, REMOVED, now))
        elif cause not in episodes:
            changed.append(_ended(alert, UNWATCHED, now))
        elif (start := since[monitor]) is None or not _over_before(alert.episode, start):
            kept.setdefault(cause, []).append(alert)
    for cause, told in episodes.items():
        known = kept.get(cause, [])
        for episode in told:
            match = next((alert for alert in known if _overlap(alert.episode, episode)), None)
            if match is not None:
                known.remove(match)
            changed.append(_follow(match or Alert(0, model, episode, message=""), match, episode, now))
        changed += [_ended(alert, _vanished(alert.episode, muted), now) for alert in known]
    return [each for each in changed if each is not None]


def removed(alerts: Iterable[Alert], monitors: Collection[str], *, now: datetime) -> list[Reconciled]:
    """Return the alerts whose monitor is none of `monitors` any more, closed for that reason."""
    ended = (_ended(alert, REMOVED, now) for alert in alerts if alert.episode.monitor not in monitors)
    return [each for each in ended if each is not None]


def _over_before(episode: Episode, start: datetime) -> bool:
    """Say whether an episode had ended before a window, so that windows from there on say nothing of it."""
    if episode.first_window >= start or episode.resolved_at is None:
        return False
    return episode.resolved_window is None or episode.resolved_window < start


def _vanished(episode: Episode, muted: Sequence[Span]) -> str:
    inside = any(start <= episode.last_window and episode.first_window < end for start, end in muted)
    return MUTED if inside else CORRECTED


def _overlap(one: Episode, other: Episode) -> bool:
    return one.first_window <= other.last_window and other.first_window <= one.last_window


def _follow(alert: Alert, before: Alert | None, episode: Episode, now: datetime) -> Reconciled | None:
    """Return the alert as its episode tells it now; None if it already does."""
    if before is None:
        events = [AlertEvent(0, episode.opened_at, JOBS, "opened")]
        if episode.escalated_at:
            events.append(AlertEvent(0, episode.escalated_at, JOBS, "escalated"))
        if episode.resolved_at:
            events.append(AlertEvent(0, episode.resolved_at, JOBS, "resolved", episode.closed_reason))
        return Reconciled(alert, tuple(events))
    if before.episode == episode:
        return None
    after, events = replace(before, episode=episode), []
    worse = episode.severity != before.episode.severity
    if worse and episode.escalated_at:
        events.append(AlertEvent(alert.id, episode.escalated_at, JOBS, "escalated"))
        after = replace(after, acknowledged_at=None, acknowledged_by=None)  # that was said of less
    if before.episode.resolved_at and not episode.resolved_at:
        closed = f"it was closed as {before.episode.closed_reason}"
        events.append(AlertEvent(alert.id, now, JOBS, "reopened", closed))
    elif episode.resolved_at and episode.closed_reason != before.episode.closed_reason:
        events.append(AlertEvent(alert.id, episode.resolved_at, JOBS, "resolved", episode.closed_reason))
    return Reconciled(after, tuple(events))


def _ended(alert: Alert, reason: str, now: datetime) -> Reconciled | None:
    """Close an alert for a reason outside the windows; one that was closed only learns of a correction."""
    episode = alert.episode
    vanished = reason in (CORRECTED, MUTED)
    if episode.closed_reason == reason or (episode.resolved_at and not vanished):
        return None
    ended = replace(episode, resolved_at=episode.resolved_at or now, closed_reason=reason)
    event = "corrected" if vanished else "resolved"
    return Reconciled(replace(alert, episode=ended), (AlertEvent(alert.id, now, JOBS, event, reason),))
