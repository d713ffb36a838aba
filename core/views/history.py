"""What the History tab reads: all that happened to a model, on one time axis."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from core.entities import Alert, Annotation, RetrainingRequest, SchemaChange
from core.schema_changes import told
from core.store import (
    Store,
    alerts,
    annotations,
    audit,
    models,
    references,
    retraining,
    schema_changes,
    statistics,
)
from core.store.audit import AuditEntry
from core.store.references import Reference
from core.windows import Calendar

# In the order in which they are drawn, the top one first.
KINDS = ("alert", "annotation", "retraining", "version", "schema", "reference", "declaration")
_DECLARED = {
    "model.registered": "Model registered",
    "model.changed": "Declaration changed",
    "model.paused": "Model paused",
    "model.rebuild": "Statistics counted again",
    "model.managed": "Managed by",
    "monitor.added": "Monitor added",
    "monitor.changed": "Monitor changed",
    "monitor.removed": "Monitor removed",
    "card.written": "Model card written",
}
_MOST_ENTRIES = 500
_INSTANT = pl.Datetime("us", "UTC")
_Event = dict[str, Any]
_SCHEMA: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "at": _INSTANT,
    "until": _INSTANT,
    "kind": pl.String,
    "lane": pl.String,
    "severity": pl.String,
    "what": pl.String,
    "who": pl.String,
    "alert": pl.Int64,
}


@dataclass(frozen=True)
class History:
    """What happened, the newest first.

    `events` has at, until (null = a moment, or lasts), kind (one of KINDS), lane (the row it is drawn in),
    severity and alert (of alerts), what and who.
    """

    events: pl.DataFrame
    now: datetime


def history(store: Store, slug: str) -> History:
    """Return what happened to a model: alerts, versions, references, what people did, how its log changed."""
    with store.read() as c:
        found = alerts.of_model(c, slug)
        registered = models.get(c, slug)
        said = annotations.every(c, slug)
        requests = retraining.every(c, slug)
        known = references.every(c, slug)
        changed = schema_changes.every(c, slug)
        entries = audit.entries(c, entity=f"model:{slug}", limit=_MOST_ENTRIES)
    volumes = statistics.read(
        store, slug, "metrics", metrics=["volume"], columns=[""], segment="", variant="", group=""
    )
    now = store.workspace.now()
    rows = [
        *(_alerts(found, registered.declaration.calendar) if registered else ()),
        *_annotations(said),
        *_requests(requests),
        *_references(known),
        *_declarations(entries, now),
        *_versions(volumes),
        *_schema(changed, now),
    ]
    blank: _Event = dict.fromkeys(_SCHEMA)
    events = pl.DataFrame([blank | row for row in rows], schema=_SCHEMA)
    return History(events.sort("at", "lane", "what", descending=[True, False, False]), now)


def _alerts(found: Sequence[Alert], calendar: Calendar) -> Iterator[_Event]:
    """Yield each alert where its trouble lies: from its first window to the end of its last."""
    for alert in found:
        episode = alert.episode
        yield {
            "at": episode.first_window,
            "until": calendar.containing(episode.last_window).end if episode.resolved_at else None,
            "kind": "alert",
            "lane": episode.monitor,
            "severity": episode.severity.value,
            "what": alert.message + (f" – {episode.closed_reason}" if episode.closed_reason else ""),
            "who": alert.assigned_to or alert.acknowledged_by,
            "alert": alert.id,
        }


def _annotations(found: Sequence[Annotation]) -> Iterator[_Event]:
    for said in found:
        effects = ["muted"] * said.mute + ["not in the reference"] * said.exclude_from_reference
        what = said.text + (f" ({', '.join(effects)})" if effects else "")
        span = {"at": said.start, "until": said.end, "kind": "annotation", "lane": "annotation"}
        yield span | {"what": what, "who": said.made_by}


def _requests(found: Sequence[RetrainingRequest]) -> Iterator[_Event]:
    for request in found:
        what = f"Retraining requested by {request.reason}: {request.text} ({request.state})"
        moment = {"at": request.requested_at, "kind": "retraining", "lane": "retraining"}
        yield moment | {"what": what, "alert": request.alert}


def _references(found: Sequence[Reference]) -> Iterator[_Event]:
    for reference in found:
        state = "frozen" if reference.frozen else "begun"
        period = ""
        if reference.first_window and reference.last_window:
            period = f", windows of {reference.first_window:%-d %b %Y} to {reference.last_window:%-d %b %Y}"
        what = f"Reference {reference.reference_id} {state}: {reference.rows:,} rows{period}"
        yield {"at": reference.created_at, "kind": "reference", "lane": "reference", "what": what}


def _declarations(entries: Sequence[AuditEntry], now: datetime) -> Iterator[_Event]:
    for entry in entries:
        if entry.action in _DECLARED:
            about = ", ".join(_about(entry))
            what = _DECLARED[entry.action] + (f": {about}" if about else "")
            # The audit log has wall time; where the workspace's clock stands still, that is its future.
            moment = {"at": min(entry.ts, now), "kind": "declaration", "lane": "declaration"}
            yield moment | {"what": what, "who": entry.actor}


def _about(entry: AuditEntry) -> list[str]:
    """Return the keys that changed, the monitor, the card's section, or who manages the model now."""
    if entry.action == "model.managed":
        return [str(entry.after["managed"])]
    if entry.action == "card.written":
        return [str(entry.after["section"]).replace("_", " ")]
    named = entry.action == "model.changed" or entry.action.startswith("monitor.")
    return sorted(entry.after or entry.before or {}) if named else []


def _versions(volumes: pl.DataFrame) -> Iterator[_Event]:
    first = volumes.filter((pl.col("version") != "") & (pl.col("value") > 0)).group_by("version")
    for version, at in first.agg(pl.col("window_start").min()).iter_rows():
        what = f"First predictions of version {version}"
        yield {"at": at, "kind": "version", "lane": "version", "what": what}


def _schema(changed: Sequence[SchemaChange], now: datetime) -> Iterator[_Event]:
    for at, what in told(changed):
        if at <= now:
            moment = {"at": at, "kind": "schema", "lane": "schema"}
            yield moment | {"what": f"In the log {what}"}
