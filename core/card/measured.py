"""The numbers of a model card: evidence with its intervals, what production showed, how the model is now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

import polars as pl

from core.card.content import AnyBlock, Course, Facts, Interval, Intervals, Point, Table
from core.card.declared import moment, more, words
from core.catalogue import CATALOGUE
from core.entities import Alert, ModelStatus
from core.governed import AttachedEvidence
from core.numerals import significant
from core.records import EvidenceKind, Finding
from core.usual import Normal

MOST_FINDINGS = 40
MOST_PLOTS, MOST_ROWS = 3, 24
MOST_ALERTS = 20


@dataclass(frozen=True)
class Production:
    """What the windows in production showed, as METRICS frames of closed windows.

    `course` is of one performance metric, of the windows of `version` (None = of all versions); `groups` and
    `gaps` are of the newest window that has them, by attribute.
    """

    metric: str | None
    version: str | None
    course: pl.DataFrame
    usual: Normal | None
    groups: Mapping[str, pl.DataFrame]
    gaps: pl.DataFrame


def newest(evidence: Iterable[AttachedEvidence], digest: str) -> dict[str, AttachedEvidence]:
    """Return the newest evidence of each kind that is bound to an artifact."""
    found: dict[str, AttachedEvidence] = {}
    for each in evidence:
        known = found.get(each.record.kind)
        is_newer = known is None or (each.record.produced_at, each.id) > (known.record.produced_at, known.id)
        if each.artifact_digest == digest and is_newer:
            found[each.record.kind] = each
    return {kind: found[kind] for kind in get_args(EvidenceKind) if kind in found}


def analyses(bound: Mapping[str, AttachedEvidence]) -> Iterator[AnyBlock]:
    """Yield the evidence on a version: all verdicts, then each kind's numbers and their plots."""
    if bound:
        yield Table(
            title="Evidence",
            head=("Evidence", "Verdict", "In one sentence", "Produced", "By", "Digest"),
            rows=tuple(
                (
                    words(kind),
                    each.record.verdict,
                    each.record.summary,
                    moment(each.record.produced_at),
                    each.record.produced_by,
                    each.digest[:12],
                )
                for kind, each in bound.items()
            ),
            note="The newest of each kind that is bound to this artifact.",
        )
    for kind, each in bound.items():
        if each.record.findings:
            yield from _findings(kind, each)


def course(production: Production, zone: str) -> Iterator[AnyBlock]:
    """Yield the performance in production, window by window."""
    frame = production.course
    if production.metric is None or not frame["value"].drop_nulls().len():
        return
    about = f"version {production.version}" if production.version else "all versions together"
    usual = production.usual
    band = None
    if usual is not None and usual.low is not None and usual.high is not None:
        band = (usual.low, usual.middle, usual.high)
    yield Course(
        title=f"{title(production.metric)} in production, {about}",
        note=f"{frame.height:,} windows with complete labels, {span(frame, zone)}; around the line its 95 % "
        "interval" + (", in grey what is usual in the reference." if band else "."),
        live=True,
        points=tuple(
            Point(at=at, value=_short(value), lower=_short(lower), upper=_short(upper))
            for at, value, lower, upper in frame.select("window_start", "value", "lower", "upper").iter_rows()
        ),
        usual=band,
    )


def fairness(production: Production, zone: str, smallest: int) -> Iterator[AnyBlock]:
    """Yield each protected group's newest value, and the gaps between those of at least `smallest` rows."""
    for attribute, frame in production.groups.items():
        yield Intervals(
            title=f"{title(str(frame['metric'][0]))} in production by {attribute}",
            note=f"Newest window with complete labels, {span(frame, zone)}; bars are 95 % intervals.",
            live=True,
            rows=tuple(
                Interval(label=_sized(group, n or 0, smallest), value=value, lower=lower, upper=upper)
                for group, value, lower, upper, n in frame.select(
                    "group", "value", "lower", "upper", "n"
                ).iter_rows()
            ),
        )
    if production.gaps.height:
        yield Table(
            title="Gaps between groups in production",
            note="Each of the newest window with complete labels that has it.",
            live=True,
            head=("Attribute", "Gap", "Value", "95 % interval", "Rows", "Window from"),
            rows=tuple(
                (
                    str(row["column"]),
                    title(row["metric"]),
                    significant(row["value"]),
                    interval(row["lower"], row["upper"]),
                    f"{row['n']:,}" if row["n"] is not None else "–",
                    span(production.gaps.slice(i, 1), zone),
                )
                for i, row in enumerate(production.gaps.iter_rows(named=True))
            ),
            numbers=(2, 3, 4),
        )


def health(
    status: ModelStatus | None, paused: bool, alerts: Sequence[Alert], now: datetime
) -> Iterator[AnyBlock]:
    """Yield how the model is now: its state and what is amiss."""
    rows = [("State", "Paused" if paused else _state(status))]
    if status is not None:
        rows += [("Since", moment(status.since))]
        rows += [("What stands out", "; ".join(status.reasons))] if status.reasons else []
        rows += [("Last prediction", moment(status.last_timestamp))] if status.last_timestamp else []
        if status.headline and status.headline_value is not None:
            rows.append((f"{title(status.headline)}, newest window", significant(status.headline_value)))
    yield Facts(rows=tuple(rows), live=True, note=f"As of {moment(now)}.")
    shown = sorted(alerts, key=lambda a: (a.episode.severity.value, a.episode.opened_at))[:MOST_ALERTS]
    if shown:
        yield Table(
            title="Open alerts",
            live=True,
            head=("Severity", "What", "Since", "State"),
            rows=tuple(
                (a.episode.severity.value, a.message, moment(a.episode.first_window), a.state(now))
                for a in shown
            ),
            note=more(len(shown), len(alerts)),
        )


def title(metric: str) -> str:
    """Return a metric's title; one that the catalogue does not know is called by its name."""
    return CATALOGUE[metric].title if metric in CATALOGUE else metric


def interval(lower: float | None, upper: float | None) -> str:
    """Return an interval as people write it, a dash where there is none."""
    return "–" if lower is None or upper is None else f"{significant(lower)} to {significant(upper)}"


def span(frame: pl.DataFrame, zone: str) -> str:
    """Return the days of a frame's windows in the model's zone."""
    days = frame["window_start"].dt.convert_time_zone(zone).dt.to_string("%-d %b %Y")
    first, last = days[0], days[-1]
    return first if first == last else f"{first} to {last}"


def _state(status: ModelStatus | None) -> str:
    if status is None:
        return "Not swept yet"
    return (
        "No monitor judges it" if status.state == "healthy" and status.rules is None else words(status.state)
    )


def _sized(group: str, n: int, smallest: int) -> str:
    return f"{group}, n = {n:,}" + (", too few to judge" if n < smallest else "")


def _findings(kind: str, attached: AttachedEvidence) -> Iterator[AnyBlock]:
    record = attached.record
    until = f", valid until {moment(record.valid_until)}" if record.valid_until else ""
    note = f"Computed {moment(record.produced_at)} by {record.produced_by}{until}."
    shown = record.findings[:MOST_FINDINGS]
    yield Table(
        title=words(kind),
        note=" ".join(filter(None, (note, more(len(shown), len(record.findings))))),
        head=("Of", "Number", "Value", "95 % interval", "Rows", "Asked for", "Result"),
        rows=tuple(_finding(each) for each in shown),
        numbers=(2, 3, 4, 5),
    )
    yield from _plots(kind, record.findings, note)


def _finding(found: Finding) -> tuple[str, ...]:
    result = {True: "✓ passed", False: "✕ failed", None: "–"}[found.passed]
    return (
        found.about or "all rows",
        title(found.name),
        significant(found.value) if found.value is not None else found.note or "–",
        interval(found.lower, found.upper),
        f"{found.n:,}" if found.n is not None else "–",
        significant(found.threshold) if found.threshold is not None else "–",
        result,
    )


def _plots(kind: str, findings: Sequence[Finding], note: str) -> Iterator[AnyBlock]:
    """Yield what has intervals: slices and groups metric by metric, of whole-model shares all in one plot."""
    measured = [f for f in findings if f.value is not None and f.lower is not None and f.upper is not None]
    by_name: dict[str, list[Finding]] = {}
    for each in measured:
        by_name.setdefault(each.name, []).append(each)
    several = {name: found for name, found in by_name.items() if len(found) > 1}
    single = [found[0] for found in by_name.values() if len(found) == 1 and _is_share(found[0])]
    if single:
        named = [(title(each.name), each) for each in single]
        yield _plot(f"{words(kind)}: 95 % intervals", named, note)
    for name, found in list(several.items())[:MOST_PLOTS]:
        yield _plot(
            f"{words(kind)}: {title(name)}", [(each.about or "all rows", each) for each in found], note
        )


def _plot(name: str, found: Sequence[tuple[str, Finding]], note: str) -> Intervals:
    shown = found[:MOST_ROWS]
    return Intervals(
        title=name,
        note=" ".join(filter(None, (note, more(len(shown), len(found))))),
        rows=tuple(
            Interval(
                label=label,
                value=float(each.value or 0.0),
                lower=each.lower,
                upper=each.upper,
                threshold=each.threshold,
            )
            for label, each in shown
        ),
    )


def _is_share(found: Finding) -> bool:
    return all(0 <= end <= 1 for end in (found.value, found.lower, found.upper) if end is not None)


def _short(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.5g}")
