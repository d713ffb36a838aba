"""The commands `release`, `rollback`, `suspend`, `review`, `retire`: what runs, and what ran when."""

from argparse import Namespace
from typing import Any

from core.actions import lifecycles, releases
from core.errors import InputError
from core.governed import Release
from core.records import Retirement
from core.store import models, versions
from core.store import releases as stored
from jobs.acting import acting
from jobs.cli_models import opened
from jobs.terminal import print_json, print_table

_SHOWN = ("id", "at", "event", "version", "name", "previous", "actor", "reason", "emergency")


def release(arguments: Namespace) -> int:
    """Put an approved version into production."""
    store = opened(arguments)
    if arguments.adopt:
        made = releases.adopt(
            store, arguments.model, arguments.number, acting(store), reason=arguments.reason
        )
    else:
        made = releases.release(
            store,
            arguments.model,
            arguments.number,
            acting(store),
            reason=arguments.reason,
            key=arguments.key,
        )
    store.close()
    return _told(arguments, made)


def history(arguments: Namespace) -> int:
    """Print what was released of a model, or with --at which version was in production then."""
    store = opened(arguments)
    with store.read() as c:
        known = models.get(c, arguments.model)
        if known is None:
            raise InputError(f"no model {arguments.model!r} is registered; run: steward status")
        at = known.declaration.instant(arguments.at) if arguments.at else None
        live = stored.live_at(c, arguments.model, arguments.environment, at) if at else None
        events = stored.events(c, arguments.model, environment=arguments.environment)
        named = {v.number: v.name for v in versions.every(c, arguments.model)}
    store.close()
    rows = [as_json(each, named) for each in ([live] if live else [] if at else events)]
    if arguments.json:
        print_json(rows)
    elif rows:
        print_table(rows, _SHOWN)
    elif at:
        print(f"Nothing of {arguments.model} was in {arguments.environment} at {at:%Y-%m-%d %H:%M} UTC.")
    else:
        print(f"Nothing of {arguments.model} was ever released to {arguments.environment}.")
    return 0


def roll_back(arguments: Namespace) -> int:
    """Bring the previous champion back."""
    store = opened(arguments)
    made = releases.roll_back(store, arguments.model, acting(store), reason=arguments.reason)
    store.close()
    return _told(arguments, made)


def suspend(arguments: Namespace) -> int:
    """Take what runs out, or with --lift bring it back after its review."""
    store = opened(arguments)
    do = releases.resume if arguments.lift else releases.suspend
    made = do(store, arguments.model, acting(store), reason=arguments.reason)
    store.close()
    return _told(arguments, made)


def review(arguments: Namespace) -> int:
    """Write down what looking back at an emergency showed."""
    store = opened(arguments)
    made = releases.review(store, arguments.id, acting(store), finding=arguments.finding)
    store.close()
    return _told(arguments, made)


def retire(arguments: Namespace) -> int:
    """Retire a model."""
    record = Retirement(
        reason=arguments.reason,
        criteria=arguments.criteria,
        consumers_told=tuple(arguments.told),
        replaced_by=arguments.replaced_by,
        access_revoked=arguments.access_revoked,
    )
    store = opened(arguments)
    lifecycles.retire(store, arguments.model, record, acting(store))
    store.close()
    print(f"{arguments.model} is retired: nothing of it is released, traffic that still comes is an alert.")
    return 0


def attest(arguments: Namespace) -> int:
    """Say that a model was reviewed and is still wanted."""
    store = opened(arguments)
    lifecycles.attest(store, arguments.model, acting(store), text=arguments.text)
    store.close()
    print(f"{arguments.model} is attested to.")
    return 0


def as_json(event: Release, named: dict[int, str]) -> dict[str, Any]:
    """Return an event with the names of versions in the prediction log."""
    return {
        "id": event.id,
        "at": event.at,
        "model": event.model,
        "environment": event.environment,
        "event": event.event,
        "version": event.number,
        "name": named.get(event.number),
        "previous": event.previous,
        "promotion": event.promotion,
        "actor": event.actor,
        "reason": event.reason,
        "emergency": event.emergency,
    }


def _told(arguments: Namespace, event: Release) -> int:
    if arguments.json:
        print_json(as_json(event, {}))
        return 0
    print(f"{event.model} version {event.number} is {event.event.replace('_', ' ')} in {event.environment}.")
    if event.emergency:
        print(f"Somebody else has to review it: steward review {event.id} FINDING")
    return 0
