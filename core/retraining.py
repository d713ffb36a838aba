"""Retraining on a schedule: a model that has not been asked about for long enough gets a request."""

from datetime import datetime

from core.store import Store, models, retraining

SCHEDULE = "schedule"


def request_due(store: Store, *, now: datetime) -> list[str]:
    """Propose retraining for each model whose `retraining.every` has passed; return their names.

    The time runs from the last request on the schedule, before the first from the model's registration.
    """
    asked = []
    with store.read() as c:
        waiting = [each for each in models.every(c) if not each.paused and each.declaration.retraining]
    for registered in waiting:
        declared = registered.declaration.retraining
        if declared is None or declared.every is None:
            continue
        slug = registered.declaration.model
        with store.read() as c:
            before = [each for each in retraining.every(c, slug) if each.reason == SCHEDULE]
        since = max((each.requested_at for each in before), default=registered.created_at)
        if now - since < declared.every:
            continue
        text = f"{declared.every.days} days have passed since {since:%-d %B %Y}"
        evidence = {"every_days": declared.every.days, "since": since.isoformat()}
        with store.write() as c:
            if retraining.propose(c, slug, SCHEDULE, text=text, evidence=evidence, at=now):
                asked.append(slug)
    return asked
