"""The closed state machines of the registry, as data: what is not listed here cannot happen."""

from collections.abc import Mapping, Sequence

from core.errors import StateError

Moves = Mapping[str, Sequence[str]]

MODEL: Moves = {
    "proposed": ("in_development", "suspended"),
    "in_development": ("active", "suspended"),
    "active": ("under_review", "retiring", "suspended"),
    "under_review": ("active", "retiring", "suspended"),
    "retiring": ("retired", "active", "suspended"),
    "suspended": ("active", "retiring"),
    "retired": ("archived",),
    "archived": (),
}

VERSION: Moves = {
    "draft": ("registered", "archived"),
    # What ran before it was registered is adopted, under review.
    "registered": ("in_validation", "deployed", "archived"),
    "in_validation": ("validated", "rejected", "registered"),
    # An approval that became void leaves a version validated; what was validated may be validated again.
    "validated": ("approved", "rejected", "in_validation", "archived"),
    "approved": ("shadow", "canary", "deployed", "validated", "archived"),
    "shadow": ("canary", "deployed", "approved", "suspended"),
    "canary": ("deployed", "approved", "suspended"),
    "deployed": ("superseded", "suspended"),
    "superseded": ("deployed", "archived"),
    "suspended": ("deployed", "superseded", "archived"),
    "rejected": ("archived",),
    "archived": (),
}

PROMOTION: Moves = {
    "draft": ("submitted", "withdrawn", "expired"),
    "submitted": ("checks_running", "withdrawn", "expired"),
    "checks_running": ("checks_failed", "awaiting_approval", "submitted"),
    "checks_failed": ("draft", "withdrawn", "expired"),
    # Asking back returns a request to its author.
    "awaiting_approval": ("approved", "rejected", "withdrawn", "expired", "invalidated", "draft"),
    "approved": ("executed", "withdrawn", "expired", "invalidated"),
    "rejected": (),
    "withdrawn": (),
    "expired": (),
    "invalidated": (),
    "executed": (),
}

LIVE = frozenset({"shadow", "canary", "deployed"})
OPEN = frozenset(state for state, moves in PROMOTION.items() if moves)


def check(moves: Moves, what: str, before: str, after: str) -> None:
    """Refuse a step that the table does not list.

    Raises
    ------
    StateError
        Naming what is allowed instead.

    Examples
    --------
    >>> check(VERSION, "version 3", "validated", "deployed")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    core.errors.StateError: version 3 is validated and cannot become deployed; from here: approved, ...
    """
    allowed = moves[before]
    if after not in allowed:
        raise StateError(
            f"{what} is {before} and cannot become {after}; "
            + (f"from here: {', '.join(allowed)}" if allowed else "this state is final")
        )
