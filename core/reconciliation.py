"""What should run against what does run: the registry's releases held against the prediction logs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.declaration import Declaration
from core.entities import Episode, Severity, Target
from core.governed import ModelVersion, Release

# Monitors of declarations are never called so: these alerts come from the registry.
PREFIX = "@"
GRACE = timedelta(days=1)  # traffic this soon after a release may still be under way
SILENT = timedelta(days=30)
UNLABELLED = timedelta(days=90)
REVIEW_WITHIN = timedelta(days=7)

TITLES: Mapping[str, str] = {
    "shadow_version": "Shadow version",
    "ghost_traffic": "Ghost traffic",
    "zombie": "Zombie",
    "orphan": "Orphan",
    "stale": "Review overdue",
    "unmonitored": "Unmonitored",
    "label_starved": "Starved of labels",
    "duplicate": "Duplicate",
    "unreviewed": "Emergency not reviewed",
}


@dataclass(frozen=True)
class Traffic:
    """When a version, as the log calls it, was seen first and last, and how many rows of it."""

    first: datetime
    last: datetime
    rows: int


@dataclass(frozen=True)
class Governed:
    """What the registry and the logs say of one model."""

    declaration: Declaration
    lifecycle: str
    versions: Sequence[ModelVersion]
    releases: Sequence[Release]  # in order
    champion: int | None
    traffic: Mapping[str, Traffic]  # of the last months, by version name
    last_prediction: datetime | None
    last_label: datetime | None  # end of the last window with labels
    begun: datetime  # registered with Steward
    attested: datetime | None
    owner_left: bool
    twins: Sequence[str]  # other models with the same artifact
    unreviewed: Sequence[Release]


@dataclass(frozen=True)
class Finding:
    """One difference: since when, and `days` against the days allowed."""

    kind: str
    since: datetime
    message: str
    severity: Severity = Severity.WARNING
    version: str = ""
    days: float = 0.0
    allowed: float = 0.0

    def episode(self, now: datetime) -> Episode:
        """Return it as the episode of an alert."""
        return Episode(
            monitor=f"{PREFIX}{self.kind}",
            target=Target(self.kind, version=self.version),
            severity=self.severity,
            first_window=self.since,
            last_window=self.since,
            opened_at=now,
            judged_at=now,
            value=self.days,
            threshold=self.allowed,
            side="above",
        )


def findings(model: Governed, now: datetime) -> list[Finding]:
    """Return what is not as it should be; nothing for a model of which no version was ever registered."""
    if not model.versions or model.lifecycle == "archived":
        return []
    return [
        *_traffic(model, now),
        *_silence(model, now),
        *_care(model, now),
        *_upkeep(model, now),
    ]


def _traffic(model: Governed, now: datetime) -> Iterator[Finding]:
    known = {version.name: version for version in model.versions}
    released = {event.number for event in model.releases if event.event != "reviewed"}
    severity = Severity.CRITICAL if model.declaration.risk_tier <= 2 else Severity.WARNING
    for name, seen in model.traffic.items():
        version = known.get(name)
        if version is not None and version.number in released:
            left = _left(model, version.number)
            if version.number != model.champion and left is not None and seen.last > left + GRACE:
                text = f"Version {name} still serves, though it is {version.state} since {_day(left)}"
                days = (seen.last - left) / timedelta(days=1)
                yield Finding("ghost_traffic", left + GRACE, text, severity, name, days, 1.0)
        elif now - seen.last < SILENT:
            state = "is not registered" if version is None else f"is {version.state}, never released"
            text = f"Version {name} serves since {_day(seen.first)} and {state}"
            yield Finding("shadow_version", seen.first, text, severity, name)


def _silence(model: Governed, now: datetime) -> Iterator[Finding]:
    name = next((v.name for v in model.versions if v.number == model.champion), "")
    if model.champion is None:
        return
    began = _began(model, model.champion)
    last = max(filter(None, (model.last_prediction, began)))
    silent = now - last
    if silent > SILENT:
        text = f"Version {name} is deployed, and nothing asked it for {silent.days} days"
        days = silent / timedelta(days=1)
        yield Finding("zombie", last, text, version=name, days=days, allowed=float(SILENT.days))
    elif not model.declaration.monitors:
        yield Finding("unmonitored", began, f"Version {name} is deployed, and no monitor watches it")
    if silent <= SILENT and model.declaration.actual is not None:
        labelled = max(filter(None, (model.last_label, began)))
        if now - labelled > UNLABELLED + model.declaration.label_delay:
            text = f"No label came for {(now - labelled).days} days"
            days = (now - labelled) / timedelta(days=1)
            yield Finding("label_starved", labelled, text, days=days, allowed=float(UNLABELLED.days))


def _care(model: Governed, now: datetime) -> Iterator[Finding]:
    if model.lifecycle == "retired":
        return
    declared = model.declaration
    if model.owner_left:
        text = f"Its owner {declared.owner} left; name another one in the declaration"
        yield Finding("orphan", model.attested or model.begun, text)
    if declared.review_every is not None:
        due = (model.attested or model.begun) + declared.review_every
        if due < now:
            text = f"Its review was due on {_day(due)}; see: steward attest {declared.model} TEXT"
            days = (now - due) / timedelta(days=1)
            yield Finding("stale", due, text, days=days)
    if model.twins:
        text = f"The same artifact is registered for {', '.join(model.twins)} too"
        yield Finding("duplicate", model.versions[0].registered_at, text)


def _upkeep(model: Governed, now: datetime) -> Iterator[Finding]:
    for event in model.unreviewed:
        if now - event.at > REVIEW_WITHIN:
            what = f"{event.event.replace('_', ' ')} by {event.actor} on {_day(event.at)}"
            text = (
                f"Version {event.number} was {what}, and nobody reviewed that; see: steward review {event.id}"
            )
            days = (now - event.at) / timedelta(days=1)
            yield Finding(
                *("unreviewed", event.at + REVIEW_WITHIN, text, Severity.WARNING, str(event.number)),
                *(days, float(REVIEW_WITHIN.days)),
            )


def _left(model: Governed, number: int) -> datetime | None:
    """Return when a version left production last."""
    left = None
    for event in model.releases:
        replaced = event.previous == number and event.number != number
        if replaced or (event.number == number and event.event in ("suspended", "retired")):
            left = event.at
    return left


def _began(model: Governed, number: int) -> datetime:
    came = [e.at for e in model.releases if e.number == number and e.event != "reviewed"]
    return came[-1] if came else model.begun


def _day(instant: datetime) -> str:
    return f"{instant:%-d %b %Y}"
