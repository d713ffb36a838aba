"""Which channels hear of a monitor's alerts."""

from core.declaration import Declaration


def channels_of(declaration: Declaration, monitor_name: str) -> tuple[str, ...]:
    """Return the monitor's own channels and then its model's, each once.

    A monitor that is no longer declared leaves the model's.
    """
    own = (channel for each in declaration.monitors if each.name == monitor_name for channel in each.notify)
    return tuple(dict.fromkeys((*own, *declaration.notify)))
