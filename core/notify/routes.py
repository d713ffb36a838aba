"""Which channels hear of a monitor."""

from core.declaration import Declaration


def channels_of(declaration: Declaration, monitor: str) -> tuple[str, ...]:
    """Return the channels of a monitor's alerts: its own and the model's, each once."""
    own = next((each.notify for each in declaration.monitors if each.name == monitor), ())
    return tuple(dict.fromkeys((*own, *declaration.notify)))
