"""The gate of a version as the registry stands: the policy of its tier on what is known of it."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core import card, gates, policies
from core.errors import InputError
from core.gates import Gate
from core.governed import ModelVersion
from core.policies import Policy, Tier
from core.store import Store, card_texts, evidence, models, promotions, releases, use_cases
from core.strict import nearest

ENVIRONMENT = "production"
STAGES = ("deployed",)


@dataclass(frozen=True)
class Judged:
    """A version held against the policy in force."""

    policy: Policy
    tier: Tier
    gate: Gate


def judged(
    c: sa.Connection, policy: Policy, version: ModelVersion, environment: str, now: datetime
) -> Judged:
    """Return the checklist of a version for being deployed in an environment, as of business time `now`."""
    registered = models.get(c, version.model)
    if registered is None:
        raise InputError(f"no model {version.model!r} is registered; run: steward status")
    declaration = registered.declaration
    use_case = use_cases.get(c, declaration.use_case) if declaration.use_case else None
    attached = evidence.of_version(c, version.model, version.number)
    bound = {e.record.kind for e in attached if e.artifact_digest == version.digest}
    sections = card.filled(
        declaration,
        version.record,
        use_case=use_case is not None,
        evidence=bound,
        texts=card_texts.standing(c, version.model),
    )
    champion = releases.champion(c, version.model, environment)
    tier = policy.rules.tiers[declaration.risk_tier]
    known = gates.Known(
        declaration=declaration,
        version=version.record,
        digest=version.digest,
        evidence=attached,
        waivers=promotions.waivers_of(c, version.model, version.number),
        has_champion=champion is not None and champion.number not in (None, version.number),
        personal_data=use_case.personal_data if use_case else None,
        card=card.completeness(sections),
        now=now,
    )
    return Judged(policy, tier, gates.gate(tier, known))


def policy_of(store: Store) -> Policy:
    """Return the policy in force."""
    return policies.load(store.workspace.root)


def check_stage(stage: str) -> None:
    """Refuse a stage no version can be promoted to.

    Raises
    ------
    InputError
        Naming the nearest known one.
    """
    if stage not in STAGES:
        raise InputError(f"{stage!r} is no stage to promote to; {nearest(stage, STAGES)}")
