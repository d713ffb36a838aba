"""Reconciliation as a story: look at each governed model, and keep its governance alerts in line."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import sqlalchemy as sa

from core import alerting, reconciliation
from core import alerts as people
from core.declaration import Declaration
from core.entities import Alert, AlertEvent
from core.governed import ModelVersion, Release
from core.reconcile import JOBS
from core.reconciliation import Finding, Governed, Traffic
from core.store import Store, alerts, attestations, models, releases, statistics, status, versions
from core.store.models import RegisteredModel

LOOKED_AT = timedelta(days=120)  # how far back traffic and labels are looked for
_OVER = "it is no longer so"


def reconcile(store: Store, *, now: datetime) -> int:
    """Bring the governance alerts of all models up to date; return how many are open."""
    with store.read() as c:
        every = versions.every(c)
        registered = {each.declaration.model: each for each in models.every(c)}
    of_model: dict[str, list[ModelVersion]] = defaultdict(list)
    for version in every:
        of_model[version.model].append(version)
    standing = 0
    for slug, mine in of_model.items():
        traffic, labelled = seen(store, registered[slug].declaration, now)
        with store.write() as c:
            twins = sorted(
                {v.model for v in every if v.model != slug and v.digest in {m.digest for m in mine}}
            )
            model = _governed(c, registered[slug], mine, traffic, labelled, twins)
            standing += keep(c, store, registered[slug], reconciliation.findings(model, now), now)
    return standing


def seen(store: Store, declaration: Declaration, now: datetime) -> tuple[dict[str, Traffic], datetime | None]:
    """Return the versions that the stored windows of the last months saw, and when labels came last."""
    start = declaration.calendar.containing(now - LOOKED_AT).start  # a long window counts as a whole
    found = statistics.read(
        store, declaration.model, "metrics", start=start, metrics=["volume", "labelled_share"]
    )
    whole = [pl.col(name) == "" for name in ("column", "segment", "variant", "group")]
    rows = found.filter(*whole, pl.col("metric") == "volume", pl.col("version") != "", pl.col("value") > 0)
    per_version = rows.group_by("version").agg(
        first=pl.col("window_start").min(), last=pl.col("window_end").max(), rows=pl.col("value").sum()
    )
    traffic = {
        name: Traffic(first, min(last, now), int(count))
        for name, first, last, count in per_version.sort("version").iter_rows()
    }
    labels = found.filter(*whole, pl.col("metric") == "labelled_share", pl.col("value") > 0)
    last: datetime | None = labels["window_end"].max()  # type: ignore[assignment]
    return traffic, last


def keep(
    c: sa.Connection, store: Store, model: RegisteredModel, found: Sequence[Finding], now: datetime
) -> int:
    """Open, keep and resolve a model's governance alerts by what was found, and tell its channels."""
    slug = model.declaration.model
    known = alerts.of_model(c, slug)
    current = {alert.id: alert for alert in known}
    lasting = {
        (a.episode.monitor, a.episode.target): a
        for a in known
        if people.is_governance(a) and a.episode.resolved_at is None
    }
    muted = {
        (a.episode.monitor, a.episode.target, a.episode.first_window)
        for a in known
        if people.is_governance(a) and (a.episode.closed_reason or "").startswith("resolved by")
    }
    for finding in found:
        episode = finding.episode(now)
        before = lasting.pop((episode.monitor, episode.target), None)
        if before is not None or (episode.monitor, episode.target, episode.first_window) in muted:
            continue
        made = alerts.add(c, Alert(0, slug, episode, finding.message))
        alerts.happened(c, AlertEvent(made.id, now, JOBS, "opened"))
        current[made.id] = made
    for alert in lasting.values():
        over = replace(alert, episode=replace(alert.episode, resolved_at=now, closed_reason=_OVER))
        alerts.put(c, over)
        alerts.happened(c, AlertEvent(alert.id, now, JOBS, "resolved", _OVER))
        current[alert.id] = over
    governance = [alert for alert in current.values() if people.is_governance(alert)]
    for alert in alerting.tell(c, store.workspace, model.declaration, governance, first=False, now=now):
        alerts.put(c, alert)
        current[alert.id] = alert
    if (shown := status.get(c, slug)) is not None and current != {alert.id: alert for alert in known}:
        status.put(c, people.standing(shown, list(current.values()), now))
    return sum(a.episode.resolved_at is None for a in current.values() if people.is_governance(a))


def _governed(
    c: sa.Connection,
    model: RegisteredModel,
    mine: Sequence[ModelVersion],
    traffic: Mapping[str, Traffic],
    labelled: datetime | None,
    twins: Sequence[str],
) -> Governed:
    slug = model.declaration.model
    shown, champion = status.get(c, slug), releases.champion(c, slug, "production")
    events: list[Release] = releases.events(c, slug, environment="production")
    attested = attestations.newest(c).get(slug)
    return Governed(
        declaration=model.declaration,
        lifecycle=model.lifecycle,
        versions=mine,
        releases=events,
        champion=champion.number if champion else None,
        traffic=traffic,
        last_prediction=shown.last_timestamp if shown else None,
        last_label=labelled,
        begun=model.created_at,
        attested=attested[0] if attested else None,
        owner_left=attestations.left(c, model.declaration.owner),
        twins=twins,
        unreviewed=[event for event in releases.unreviewed(c) if event.model == slug],
    )
