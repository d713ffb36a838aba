"""The delivery job: messages of the outbox go out, each channel in a thread so that none holds up another."""

import logging
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from core.entities import Message
from core.errors import DeliveryError
from core.notify import channels
from core.store import Store, outbox

log = logging.getLogger("steward.deliver")

CHANNELS_AT_ONCE = 8
# How long after each failed attempt the next one is made; after the last, about a day on, it is given up.
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, *[240] * 6))


class Deliverer:
    """Threads that send what is due; one per channel at a time, and not more than a few together."""

    def __init__(self, store: Store, runner: str) -> None:
        self._store, self._runner = store, runner
        self._pool = ThreadPoolExecutor(CHANNELS_AT_ONCE, thread_name_prefix="deliver")
        self._busy: dict[str, Future[int]] = {}
        self._stopped = threading.Event()

    def tick(self) -> None:
        """Set every channel going that has messages due, unless it is still at it; return at once."""
        self._busy = {channel: future for channel, future in self._busy.items() if not future.done()}
        for channel in outbox.due_channels(self._store):
            if channel not in self._busy:
                arguments = (self._store, self._runner, channel)
                self._busy[channel] = self._pool.submit(deliver, *arguments, stopped=self._stopped)

    def close(self) -> None:
        """End after the messages that are being sent."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


def deliver(
    store: Store,
    runner: str,
    channel: str,
    *,
    stopped: threading.Event | None = None,
    wall: datetime | None = None,
) -> int:
    """Send a channel's due messages, the longest waiting first, until it refuses one; return how many went.

    Each is claimed, sent outside any transaction, and then marked. A process that is killed between the
    channel's acceptance and the mark sends the message once more, with the same id.
    """
    taken = 0
    while not (stopped and stopped.is_set()):
        try:
            message = outbox.claim(store, runner, channel, wall=wall)
            if message is None or not _send(store, message, wall or datetime.now(UTC)):
                break
        except Exception:  # the database: the message stays claimed and is sent once that has lapsed
            log.exception("messages to %s cannot be read or marked", channel)
            break
        taken += 1
    return taken


def next_attempt(attempts: int, wall: datetime) -> datetime | None:
    """Return when to try again after `attempts` earlier failures and one at `wall`; None if it is enough."""
    return wall + BACK_OFF[attempts] if attempts < len(BACK_OFF) else None


def _send(store: Store, message: Message, wall: datetime) -> bool:
    """Send one message and record how that went; return whether to go on with the channel."""
    what = f"message {message.id} ({message.kind}) to {message.channel}"
    if message.channel not in store.workspace.settings.channels:
        outbox.failed(store, message, "the channel is not in steward.yaml any more", None)
        log.warning("%s is a dead letter: the channel is not in steward.yaml any more", what)
        return True
    recipients: tuple[str, ...] = ()
    try:
        channels.send(store.workspace, message)
    except DeliveryError as error:
        reason, recipients = str(error), error.taken
    except Exception as error:
        # Its words may hold an address; where it happened does not.
        reason = f"an unexpected {type(error).__name__}; the log says where"
        log.error("%s: %s\n%s", what, reason, "".join(traceback.format_tb(error.__traceback__)))
    else:
        outbox.sent(store, message)
        log.info("sent %s", what)
        return True
    again = next_attempt(message.attempts, wall)
    outbox.failed(store, message, reason, again, taken=recipients)
    after = f"again at {again:%Y-%m-%d %H:%M:%S} UTC" if again else "given up, it is a dead letter"
    log.warning("%s failed, attempt %d: %s; %s", what, message.attempts + 1, reason, after)
    return False
