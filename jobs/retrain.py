"""The retraining job: requests that a schedule makes; what becomes of them, people decide."""

import logging

from core import retraining
from core.store import Store

log = logging.getLogger("steward.retrain")


def request(store: Store) -> None:
    """Propose retraining where the schedule says so."""
    asked = retraining.request_due(store, now=store.workspace.now())
    if asked:
        log.info("requested retraining of %s", ", ".join(asked))
