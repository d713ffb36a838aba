"""The commands `gate`, `promote`, `approve`, `waive`: what a version still needs, and who agrees to it."""

from argparse import Namespace
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from core.actions import decisions, gating, promotions, waivers
from core.actions import promotion_steps as steps
from core.actions import versions as version_actions
from core.gates import GOOD, Check
from core.governed import Promotion
from core.store import promotions as stored
from jobs.acting import acting
from jobs.cli import CONDITION_FAILED
from jobs.cli_models import opened
from jobs.terminal import print_json, print_table

_SHOWN = ("id", "model", "version", "state", "requested_by", "requested_at", "expires_at", "note")


def gate(arguments: Namespace) -> int:
    """Print the checklist of a version; exit with 1 while something stands against the step."""
    gating.check_stage(arguments.to)
    store = opened(arguments)
    policy, now = gating.policy_of(store), store.workspace.now()
    with store.read() as c:
        version = version_actions.found(c, arguments.model, arguments.number)
        judged = gating.judged(c, policy, version, gating.ENVIRONMENT, now)
    store.close()
    if arguments.json:
        print_json(
            {"model": version.model, "version": version.number, "passed": judged.gate.passed}
            | {"policy": policy.hash, "checks": judged.gate.as_json()}
        )
    else:
        print_checks(judged.gate.checks)
        open_ = sum(check.state not in GOOD for check in judged.gate.checks)
        print(
            f"\n{version.title}: "
            + (
                f"every check that counts passed{_warned(judged.gate.checks)}."
                if not open_
                else f"{open_} check{'s stand' if open_ > 1 else ' stands'} against it."
            )
        )
    return 0 if judged.gate.passed else CONDITION_FAILED


def _warned(checks: Sequence[Check]) -> str:
    warned = [check.name.replace("_", " ") for check in checks if check.state == "warned"]
    return f"; warned: {', '.join(warned)}" if warned else ""


def request(arguments: Namespace) -> int:
    """Ask for a version to be promoted."""
    store = opened(arguments)
    made = promotions.request(
        store, arguments.model, arguments.number, acting(store), note=arguments.note, key=arguments.key
    )
    store.close()
    return _done(arguments, made)


def show_all(arguments: Namespace) -> int:
    """Print promotion requests, those that wait first."""
    store = opened(arguments)
    with store.read() as c:
        rows = [as_json(each) for each in stored.every(c, arguments.model)]
    store.close()
    if arguments.json:
        print_json(rows)
    elif rows:
        print_table(rows, _SHOWN)
    else:
        print("Nobody has asked for a promotion yet.")
    return 0


def show(arguments: Namespace) -> int:
    """Print one request: its checklist and what was said."""
    store = opened(arguments)
    with store.read() as c:
        promotion = steps.found(c, arguments.id)
        said = stored.said(c, arguments.id)
    store.close()
    told = as_json(promotion) | {
        "checks": list(promotion.gate or ()),
        "said": [{"at": a.at, "actor": a.actor, "decision": a.decision, "comment": a.comment} for a in said],
    }
    if arguments.json:
        print_json(told)
        return 0
    print(f"{promotion.title} · {promotion.state} · asked by {promotion.requested_by}")
    if promotion.closed_reason:
        print(promotion.closed_reason)
    print_table(told["checks"], ("name", "state", "text"))
    if said:
        print()
        print_table(told["said"], ("at", "actor", "decision", "comment"))
    return 0


def submit(arguments: Namespace) -> int:
    """Submit a request again."""
    store = opened(arguments)
    made = promotions.submit(store, arguments.id, acting(store))
    store.close()
    return _done(arguments, made)


def withdraw(arguments: Namespace) -> int:
    """Take a request back."""
    store = opened(arguments)
    made = promotions.withdraw(store, arguments.id, acting(store), reason=arguments.reason)
    store.close()
    return _done(arguments, made)


def approve(arguments: Namespace) -> int:
    """Decide on a request: approve it, or reject it or ask back with a comment."""
    store, said = opened(arguments), arguments.comment
    if arguments.reject:
        made = decisions.reject(store, arguments.id, acting(store), comment=said)
    elif arguments.ask_back:
        made = decisions.ask_back(store, arguments.id, acting(store), comment=said)
    else:
        made = decisions.approve(store, arguments.id, acting(store), comment=said)
    store.close()
    return _done(arguments, made)


def waive(arguments: Namespace) -> int:
    """Propose to go on without a check."""
    store = opened(arguments)
    until = store.workspace.now() + timedelta(days=arguments.days)
    made = waivers.propose(
        store,
        arguments.model,
        arguments.number,
        acting(store),
        check=arguments.check,
        reason=arguments.reason,
        until=until,
    )
    store.close()
    print(f"Proposed waiver {made.id}; it counts once somebody else confirms it: steward confirm {made.id}")
    return 0


def confirm(arguments: Namespace) -> int:
    """Confirm a waiver somebody else proposed."""
    store = opened(arguments)
    made = waivers.confirm(store, arguments.id, acting(store))
    store.close()
    print(f"Waiver {made.id} of {made.check} holds until {made.expires_at:%Y-%m-%d %H:%M} UTC.")
    return 0


def as_json(promotion: Promotion) -> dict[str, Any]:
    """Return a request without its checklist."""
    return {
        "id": promotion.id,
        "model": promotion.model,
        "version": promotion.number,
        "environment": promotion.environment,
        "stage": promotion.stage,
        "state": promotion.state,
        "requested_by": promotion.requested_by,
        "requested_at": promotion.requested_at,
        "expires_at": promotion.expires_at,
        "note": promotion.note,
        "closed_reason": promotion.closed_reason,
    }


def print_checks(checks: tuple[Check, ...]) -> None:
    """Print a checklist, what stands against the step first."""
    rows = sorted(checks, key=lambda check: check.state in GOOD)
    print_table(
        [{"check": c.name, "state": c.state, "found": c.text} for c in rows], ("check", "state", "found")
    )


def _done(arguments: Namespace, promotion: Promotion) -> int:
    if arguments.json:
        print_json(as_json(promotion) | {"checks": list(promotion.gate or ())})
    else:
        print(f"{promotion.title} is {promotion.state}.")
        against = [check for check in promotion.gate or () if check["state"] not in GOOD]
        if promotion.state == "checks_failed":
            print_table(against, ("name", "state", "text"))
    return CONDITION_FAILED if promotion.state == "checks_failed" else 0
