"""Channels."""

from core.settings import Settings


def per_alert(settings: Settings, channel: str) -> bool:
    """Tell whether a channel needs one message per alert."""
    url = settings.channels.get(channel)
    return isinstance(url, str) and url.startswith("pagerduty")
