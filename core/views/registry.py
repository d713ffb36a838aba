"""What the pages Models, Compare and Approvals and the tab Versions read of the registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from core import governing
from core.actions import gating, promotion_steps
from core.actions import versions as version_actions
from core.approving import unseated
from core.gates import Gate
from core.governed import (
    Approval,
    AttachedEvidence,
    LoggedRun,
    ModelVersion,
    Promotion,
    Release,
    Waiver,
)
from core.lifecycle import OPEN
from core.policies import Policy, Tier
from core.reconciliation import Traffic
from core.records import UseCase
from core.store import (
    Store,
    attestations,
    evidence,
    models,
    promotions,
    registry,
    releases,
    use_cases,
    versions,
)
from core.store.models import RegisteredModel
from core.windows import duration

ENVIRONMENT = gating.ENVIRONMENT
MOST_CLOSED = 200


@dataclass(frozen=True)
class Inventory:
    """Every model: the columns of `store.registry.inventory`, and `review_due` (null = none)."""

    models: pl.DataFrame
    use_cases: Mapping[str, UseCase]
    now: datetime


@dataclass(frozen=True)
class VersionsPage:
    """A model's versions, the newest first, and what is known of each by its number."""

    registered: RegisteredModel
    use_case: UseCase | None
    versions: Sequence[ModelVersion]
    evidence: Mapping[int, Sequence[AttachedEvidence]]
    promotions: Sequence[Promotion]
    releases: Sequence[Release]
    runs: Sequence[LoggedRun]
    champion: int | None
    now: datetime

    def version(self, number: int | None) -> ModelVersion | None:
        """Return the version of a number."""
        return next((each for each in self.versions if each.number == number), None)


@dataclass(frozen=True)
class Comparison:
    """Two versions side by side; `gate` is the checklist of `b`, `edges` is what it came from."""

    page: VersionsPage
    a: ModelVersion | None
    b: ModelVersion
    gate: Gate
    tier: Tier
    open: Promotion | None
    edges: Sequence[tuple[str, str, str]]
    traffic: Traffic | None  # what the log saw of `b` in the last months
    waivers: Sequence[Waiver]


@dataclass(frozen=True)
class Request:
    """A promotion with its version, what was said, and how many seats are still free."""

    promotion: Promotion
    version: ModelVersion
    champion: ModelVersion | None
    said: Sequence[Approval]
    tier: Tier
    free: int
    risk_tier: int


@dataclass(frozen=True)
class Approvals:
    """What waits for a decision, and what was decided last."""

    open: Sequence[Request]
    closed: Sequence[Promotion]
    waivers: Sequence[Waiver]  # proposed, not confirmed
    unreviewed: Sequence[Release]
    now: datetime


def inventory(store: Store) -> Inventory:
    """Return every model with its use case, versions, champion and when its review is due."""
    now = store.workspace.now()
    with store.read() as c:
        found = registry.inventory(c, ENVIRONMENT)
        attested = attestations.newest(c)
        cases = {each.use_case: each for each in use_cases.every(c)}
    due = [
        (attested[slug][0] if slug in attested else since) + duration(every) if every else None
        for slug, since, every in found.select("model", "created_at", "review_every").iter_rows()
    ]
    review = pl.Series("review_due", due, pl.Datetime("us", "UTC"))
    return Inventory(found.with_columns(review), cases, now)


def versions_page(store: Store, slug: str) -> VersionsPage | None:
    """Return a model's versions and all that is known of them; None if there is no such model."""
    with store.read() as c:
        registered = models.get(c, slug)
        if registered is None:
            return None
        case = registered.declaration.use_case
        champion = releases.champion(c, slug, ENVIRONMENT)
        attached: dict[int, list[AttachedEvidence]] = {}
        for each in evidence.of_model(c, slug):
            attached.setdefault(each.number, []).append(each)
        return VersionsPage(
            registered=registered,
            use_case=use_cases.get(c, case) if case else None,
            versions=versions.every(c, slug),
            evidence=attached,
            promotions=promotions.every(c, slug),
            releases=releases.events(c, slug, environment=ENVIRONMENT),
            runs=versions.runs_of(c, slug),
            champion=champion.number if champion else None,
            now=store.workspace.now(),
        )


def compare_versions(store: Store, slug: str, a: int | None, b: int) -> Comparison | None:
    """Return two versions side by side with the gate of the second; None if there is no such model.

    Raises
    ------
    InputError
        If the model has no such version.
    """
    page = versions_page(store, slug)
    if page is None:
        return None
    policy = gating.policy_of(store)
    traffic, _ = governing.seen(store, page.registered.declaration, page.now)
    with store.read() as c:
        version = version_actions.found(c, slug, b)
        other = version_actions.found(c, slug, a) if a is not None else None
        judged = gating.judged(c, policy, version, ENVIRONMENT, page.now)
        return Comparison(
            page=page,
            a=other,
            b=version,
            gate=judged.gate,
            tier=judged.tier,
            open=promotions.open_of(c, slug, b, ENVIRONMENT),
            edges=versions.ancestry(c, version.entity),
            traffic=traffic.get(version.name),
            waivers=promotions.waivers_of(c, slug, b),
        )


def approvals(store: Store) -> Approvals:
    """Return what waits for a decision, the oldest first, and the last closed requests."""
    policy = gating.policy_of(store)
    with store.read() as c:
        waiting = promotions.every(c, states=sorted(OPEN))
        closed = [each for each in promotions.every(c, limit=MOST_CLOSED) if each.state not in OPEN]
        return Approvals(
            open=[_request(c, policy, each) for each in reversed(waiting)],
            closed=closed,
            waivers=promotions.unconfirmed(c, store.workspace.now()),
            unreviewed=releases.unreviewed(c),
            now=store.workspace.now(),
        )


def request(store: Store, identifier: int) -> Request | None:
    """Return one request, open or closed; None if there was never one of this number."""
    policy = gating.policy_of(store)
    with store.read() as c:
        found = promotions.get(c, identifier)
        return None if found is None else _request(c, policy, found)


def _request(c: sa.Connection, policy: Policy, promotion: Promotion) -> Request:
    registered = models.get(c, promotion.model)
    assert registered is not None  # a promotion has a model
    live = releases.champion(c, promotion.model, promotion.environment)
    tier = policy.rules.tiers[registered.declaration.risk_tier]
    said = promotions.said(c, promotion.id)
    counted = [each for each in said if each.round == promotion.round]
    return Request(
        promotion=promotion,
        version=version_actions.found(c, promotion.model, promotion.number),
        champion=versions.get(c, promotion.model, live.number) if live and live.number else None,
        said=said,
        tier=tier,
        free=unseated(tier, counted),
        risk_tier=registered.declaration.risk_tier,
    )


def promotion(store: Store, identifier: int) -> Promotion:
    """Return one request as it is now.

    Raises
    ------
    InputError
        If there was never one of this number.
    """
    with store.read() as c:
        return promotion_steps.found(c, identifier)
