"""The channels of steward.yaml: send a message to one, and say beforehand which cannot work.

Apprise and httpx are imported when a message goes out: sweeps, which only name channels, need neither.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from core.entities import Message
from core.errors import DeliveryError
from core.notify.letter import Letter, as_html, as_text
from core.notify.messages import letter
from core.settings import Workspace
from core.steward_yaml import Channel, Folder, Settings, Webhook
from core.store.parquet import write_whole

_PER_ALERT = ("pagerduty",)


def send(workspace: Workspace, message: Message) -> None:
    """Send a message to its channel, which must be one of steward.yaml; return once it was taken.

    Raises
    ------
    DeliveryError
        If it was not taken, or not by every recipient; nothing secret is in its text.
    """
    channel, written = workspace.settings.channels[message.channel], _written(workspace, message)
    if message.kind == "promotion" and kind(channel) in _PER_ALERT:
        return  # nobody is woken for a decision that can wait
    if isinstance(channel, Folder):
        _file(workspace, channel, message, written)
    elif isinstance(channel, Webhook):
        from core.notify import webhook

        webhook.post(channel, message, f"{written.subject}\n\n{as_text(written)}")
    else:
        from core.notify import services

        services.send(channel, message, written)


def kind(channel: Channel) -> str:
    """Return what sort of channel it is: ``webhook``, ``folder`` or the scheme of its Apprise URL."""
    if isinstance(channel, str):
        return channel.partition(":")[0].strip().lower()
    return "folder" if isinstance(channel, Folder) else "webhook"


def per_alert(settings: Settings, channel: str) -> bool:
    """Tell whether a channel needs one message per alert, as pagers do: the end of each ends its page."""
    return channel in settings.channels and kind(settings.channels[channel]) in _PER_ALERT


def problems(workspace: Workspace) -> Iterator[str]:
    """Yield what is wrong with the channels, as far as it shows without sending; no secret is in it."""
    for name, channel in workspace.settings.channels.items():
        if isinstance(channel, Folder):
            found = _folder_problem(workspace, channel)
        elif isinstance(channel, Webhook):
            from core.notify import webhook

            found = webhook.problem(channel)
        else:
            from core.notify import services

            found = services.problem(channel)
        if found:
            yield f"steward.yaml: channels.{name}: {found}"


def _written(workspace: Workspace, message: Message) -> Letter:
    return letter(message, workspace.settings.public_url)


def _file(workspace: Workspace, channel: Folder, message: Message, written: Letter) -> None:
    """Write a message as a file whose name a repeat has too, so that it is there once."""
    stamp = message.created_at.strftime("%Y%m%dT%H%M%S")
    parts = (stamp, message.kind, message.model, message.message_id[:8])
    try:
        folder = _folder(workspace, channel)
        page = as_html(written).encode()
        write_whole(folder / f"{'-'.join(filter(None, parts))}.html", lambda file: file.write(page))
    except OSError as error:
        raise DeliveryError(f"the folder {channel.folder} cannot be written: {error.strerror}") from error


def _folder(workspace: Workspace, channel: Folder) -> Path:
    folder = (workspace.root / channel.folder).resolve()
    if not folder.is_relative_to(workspace.root):
        raise DeliveryError(f"the folder {channel.folder} leads out of the workspace; name one inside it")
    return folder


def _folder_problem(workspace: Workspace, channel: Folder) -> str | None:
    try:
        folder = _folder(workspace, channel)
    except DeliveryError as error:
        return str(error)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return None
    return f"the folder {channel.folder} cannot be written by this user; change its owner, or name another"
