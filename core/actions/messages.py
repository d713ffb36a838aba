"""What people do with messages: try a channel, and send again what could not be delivered."""

from datetime import UTC, datetime

from core.actions.authority import require
from core.entities import Actor, Message
from core.errors import InputError
from core.store import Store, audit, outbox
from core.strict import nearest


def send_test(store: Store, channel: str, actor: Actor) -> None:
    """Queue a test message for a channel.

    Raises
    ------
    InputError
        If steward.yaml has no such channel.
    """
    known = store.workspace.settings.channels
    if channel not in known:
        raise InputError(f"{channel!r} is no channel of steward.yaml; {nearest(channel, known)}")
    wall = datetime.now(UTC)
    with store.write() as c:
        require(c, actor, "channel.test")
        outbox.add(c, channel, "test", {"at": wall.isoformat(), "by": actor.id}, model=None)
        audit.append(c, actor, "channel.test", f"channel:{channel}", ts=wall)


def send_again(store: Store, message: int, actor: Actor) -> Message:
    """Put a dead letter back into the queue, as if new, and return it.

    Raises
    ------
    InputError
        If there is no dead letter of this number.
    """
    with store.write() as c:
        require(c, actor, "message.again")
        revived = outbox.revive(c, message)
        if revived is None:
            raise InputError(f"message {message} is no dead letter; steward channels names those there are")
        told = {"channel": revived.channel, "kind": revived.kind, "error": revived.last_error}
        audit.append(c, actor, "message.again", f"message:{message}", before=told, ts=datetime.now(UTC))
    return revived
