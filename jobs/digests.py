"""The digest job: summaries at the times of steward.yaml, each once, however many runners there are."""

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from core.notify import digests as told
from core.schedule import next_run
from core.steward_yaml import Digest
from core.store import Store, digests, outbox

log = logging.getLogger("steward.digests")


def make_due(store: Store, now: datetime | None = None) -> int:
    """Queue the digests that are due in business time; return how many messages they are.

    What was missed while no runner was up is made up for by one digest. The first time a digest is met
    nothing is sent: from then on it tells what changed.
    """
    now, made = now or store.workspace.now(), 0
    for digest in store.workspace.settings.digests:
        try:
            made += _make(store, digest, now)
        except Exception:
            log.exception("the digest of %s to %s failed", digest.scope, digest.channel)
    return made


def _make(store: Store, digest: Digest, now: datetime) -> int:
    with store.read() as c:
        if not _due(c, digest, now):
            return 0
    with store.write() as c:
        if not _due(c, digest, now):  # another runner was quicker
            return 0
        before = digests.last(c, _name(digest))
        payloads = list(told.facts(c, digest, before, now)) if before else []
        for payload in payloads:
            outbox.add(c, digest.channel, "digest", payload, model=None)
        digests.put(c, _name(digest), now, told.states(c))
    if payloads:
        log.info("digest of %s to %s: %d messages", digest.scope, digest.channel, len(payloads))
    return len(payloads)


def _due(c: sa.Connection, digest: Digest, now: datetime) -> bool:
    before = digests.last(c, _name(digest))
    return before is None or next_run(digest.at, before.made_at, ZoneInfo(digest.zone)) <= now


def _name(digest: Digest) -> str:
    return f"{digest.channel} {digest.scope} {digest.at} {digest.zone}"
