"""The card of one version, put together from everything that is known of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.card import declared, measured
from core.card.completeness import HOW, SECTIONS, TITLES, filled
from core.card.content import AnyBlock, Entered, Facts, ModelCard, Section, Table
from core.card.declared import moment, more, words
from core.card.measured import Production
from core.declaration import Declaration
from core.entities import Alert, ModelStatus
from core.governed import (
    Approval,
    AttachedEvidence,
    CardText,
    LoggedRun,
    ModelVersion,
    Promotion,
    Release,
    Waiver,
)
from core.records import Retirement, UseCase

MOST_EVENTS = 40
_EVENTS = {"adopted": "adopted as it ran", "rolled_back": "rolled back to"}
_SAID = {"approve": "approved", "reject": "rejected", "ask_back": "asked back", "comment": "commented"}


@dataclass(frozen=True)
class Known:
    """Everything a card is made of, as of business time `now`.

    `promotions` and `waivers` are the version's, with what was `said` by promotion; the rest is the model's.
    """

    declaration: Declaration
    lifecycle: str
    paused: bool
    version: ModelVersion | None
    run: LoggedRun | None
    use_case: UseCase | None
    texts: Mapping[str, CardText]
    evidence: Sequence[AttachedEvidence]
    production: Production
    status: ModelStatus | None
    alerts: Sequence[Alert]
    releases: Sequence[Release]
    promotions: Sequence[Promotion]
    said: Mapping[int, Sequence[Approval]]
    waivers: Sequence[Waiver]
    retirement: tuple[Retirement, datetime, str] | None
    now: datetime


def model_card(known: Known) -> ModelCard:
    """Return the card of a version, or without one of the model."""
    version, declaration = known.version, known.declaration
    zone = declaration.predictions.timezone
    bound = measured.newest(known.evidence, version.digest) if version else {}
    texts = {name: each.text for name, each in known.texts.items()}
    full = filled(declaration, version.record if version else None, use_case=known.use_case is not None,
                  evidence=bound, texts=texts)  # fmt: skip
    fair = bound["fairness"].record if "fairness" in bound else None
    blocks: Mapping[str, Iterator[AnyBlock]] = {
        "details": declared.details(declaration, version, known.run),
        "intended_use": declared.intended_use(known.use_case),
        "factors": declared.factors(declaration),
        "metrics": declared.metrics(declaration),
        "evaluation_data": declared.data(version.record.evaluation if version else ()),
        "training_data": declared.data(version.record.training if version else ()),
        "quantitative_analyses": _analyses(known, bound, zone),
        "ethical_considerations": declared.ethics(declaration, known.use_case, fair),
        "caveats": declared.caveats(version, known.waivers),
    }
    return ModelCard(
        model=declaration.model,
        number=version.number if version else None,
        name=version.name if version else None,
        as_of=known.now,
        zone=zone,
        sections=tuple(
            Section(
                name=name,
                title=TITLES[name],
                filled=name in full,
                how=HOW[name],
                blocks=tuple(blocks[name]),
                entered=_entered(known.texts.get(name)),
            )
            for name in SECTIONS
        ),
        beside=(
            Section(name="health", title="Live health", blocks=tuple(_health(known))),
            Section(name="releases", title="Releases and approvals", blocks=tuple(_history(known))),
        ),
    )


def _entered(text: CardText | None) -> Entered | None:
    return None if text is None else Entered(text=text.text, by=text.by, on=text.at)


def _analyses(known: Known, bound: Mapping[str, AttachedEvidence], zone: str) -> Iterator[AnyBlock]:
    yield from measured.analyses(bound)
    yield from measured.course(known.production, zone)
    yield from measured.fairness(known.production, zone, known.declaration.minimum_group_size)


def _health(known: Known) -> Iterator[AnyBlock]:
    yield from measured.health(known.status, known.paused, known.alerts, known.now)


def _history(known: Known) -> Iterator[AnyBlock]:
    standing = [("Lifecycle of the model", words(known.lifecycle))]
    if known.version is not None:
        standing.append((f"State of version {known.version.number}", words(known.version.state)))
    if known.retirement is not None:
        record, at, by = known.retirement
        standing.append(("Retired", f"{moment(at)} by {by}: {record.reason}"))
    yield Facts(rows=tuple(standing), live=True, note=f"As of {moment(known.now)}.")
    yield from _decisions(known)
    shown = list(reversed(known.releases))[:MOST_EVENTS]
    if shown:
        yield Table(
            title="What was released",
            live=True,
            head=("Date", "What", "Version", "By", "Why"),
            rows=tuple(
                (
                    moment(each.at),
                    _EVENTS.get(each.event, each.event) + (", emergency" if each.emergency else ""),
                    str(each.number),
                    each.actor,
                    each.reason or "–",
                )
                for each in shown
            ),
            note=more(len(shown), len(known.releases)),
        )


def _decisions(known: Known) -> Iterator[AnyBlock]:
    """Yield what people said on the version's promotions, and which checks they waived."""
    rows = [
        (
            moment(each.at),
            f"promotion {promotion.id} to {promotion.environment}",
            f"{_SAID[each.decision]} as {', '.join(each.roles) or 'nobody'}",
            each.actor,
            each.comment or "–",
        )
        for promotion in known.promotions
        for each in known.said.get(promotion.id, ())
    ]
    rows += [
        (
            moment(each.confirmed_at or each.proposed_at),
            f"waiver of {words(each.check).lower()} until {moment(each.expires_at)}",
            "confirmed" if each.confirmed_by else "proposed",
            f"{each.proposed_by} and {each.confirmed_by}" if each.confirmed_by else each.proposed_by,
            each.reason,
        )
        for each in known.waivers
    ]
    if rows:
        head = ("Date", "About", "Decision", "By", "Comment")
        yield Table(title="Decisions on this version", live=True, head=head, rows=tuple(rows))
