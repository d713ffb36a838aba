"""What the Audit log page reads: entries by filters, and how sure one can be of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core import anchors, auditing
from core.anchors import Anchor
from core.store import Store, audit
from core.store.audit import AuditEntry, AuditReport

PAGE = 200


@dataclass(frozen=True)
class AuditPage:
    """The newest matching entries first.

    more : whether older ones match too
    checked : when the whole chain was checked last, and what that found
    anchor : the newest anchor
    entries_in_all : how many entries there are without any filter
    """

    entries: Sequence[AuditEntry]
    more: bool
    checked: tuple[datetime, AuditReport] | None
    anchor: Anchor | None
    entries_in_all: int
    wall: datetime


def audit_page(store: Store, **wanted: Any) -> AuditPage:
    """Return what matches, `wanted` as of `store.audit.entries`."""
    anchor = anchors.newest(auditing.folder(store))
    with store.read() as c:
        found = audit.entries(c, **wanted, limit=PAGE + 1)
        in_all, _ = audit.head(c)
        checked = audit.last_check(c)
    return AuditPage(found[:PAGE], len(found) > PAGE, checked, anchor, in_all, datetime.now(UTC))
