"""Whose approval counts: seats of a policy, filled by distinct persons who are apart from the work."""

from collections.abc import Collection, Mapping, Sequence

from core.addresses import mailbox
from core.governed import Approval, ModelVersion, Promotion
from core.policies import Tier


def unseated(tier: Tier, approvals: Sequence[Approval]) -> int:
    """Return how many seats of a tier no distinct approving person fills yet; 0 approves.

    Examples
    --------
    >>> from core.policies import Tier
    >>> tier = Tier.model_validate({"approvals": [["validator"], ["approver"]], "max_age": "30d"})
    >>> unseated(tier, [])
    2
    """
    holders = {mailbox(a.actor): frozenset(a.roles) for a in approvals if a.decision == "approve"}
    return len(tier.approvals) - _most_filled(tier.approvals, holders)


def barred(tier: Tier, promotion: Promotion, version: ModelVersion, actor: str) -> str | None:
    """Return why this person may not approve, None if they stand apart from what they would approve."""
    person = mailbox(actor)
    if "requester" in tier.separate_from and person == mailbox(promotion.requested_by):
        return "requested it; somebody else has to approve"
    if "developer" in tier.separate_from and person in map(mailbox, version.developers):
        return "developed or registered the version; somebody else has to approve"
    return None


def _most_filled(seats: Sequence[Collection[str]], holders: Mapping[str, Collection[str]]) -> int:
    """Return the largest number of seats that distinct persons can fill (augmenting paths, Kuhn 1955)."""
    sits: dict[int, str] = {}

    def find_seat(person: str, tried: set[int]) -> bool:
        for i, seat in enumerate(seats):
            if i in tried or not set(seat) & set(holders[person]):
                continue
            tried.add(i)
            if i not in sits or find_seat(sits[i], tried):
                sits[i] = person
                return True
        return False

    return sum(find_seat(person, set()) for person in sorted(holders))
