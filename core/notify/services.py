"""Mail, chat and paging services, by way of Apprise: one URL of steward.yaml is one service."""

import logging
import re
import time
from collections.abc import Iterable
from urllib.parse import unquote

from apprise import Apprise, AppriseAsset, AppriseResultStatus, NotifyBase, NotifyFormat, NotifyType
from apprise.plugins.email import NotifyEmail
from apprise.plugins.pagerduty import NotifyPagerDuty

from core.entities import Message
from core.errors import DeliveryError
from core.notify.letter import Letter, as_html, as_text, calling_nobody

# Apprise writes URLs, secrets included, to its log: nobody sees that, but its results quote it to us.
_APPRISE = logging.getLogger("apprise")
_APPRISE.propagate = False
_APPRISE.setLevel(logging.DEBUG)

ANSWER_WITHIN_S = 15.0  # Apprise's 4 s give up on services that have taken the message and are slow to say so
MAIL_WITHIN_S = 90.0  # for all recipients together, well within the lapse of a claim

_ASSET = AppriseAsset(
    app_id="Steward",
    app_desc="Steward",
    app_url="",
    async_mode=False,
    service_timeout=0,  # no threads of its own: one given up on would deliver after all
    http_redirects=False,
    interpret_emojis=False,
    image_url_mask="",
    image_url_logo="",
)
_URGENCY = {
    "critical": NotifyType.FAILURE,
    "warning": NotifyType.WARNING,
    "resolved": NotifyType.SUCCESS,
    "info": NotifyType.INFO,
}
_SHORTEST_SECRET = 4


def send(url: str, message: Message, letter: Letter) -> None:
    """Send a letter to the service of an Apprise URL; return once the service has taken it.

    Raises
    ------
    DeliveryError
        If it was not taken; of several mail recipients, those that have it are named.
    """
    apprise, service = _loaded(url)
    service.request_rate_per_sec = 0.0  # the pauses between attempts are ours
    service.socket_read_timeout = max(service.socket_read_timeout, ANSWER_WITHIN_S)
    if isinstance(service, NotifyPagerDuty):
        _aim(service, message, letter)
        problem = _notify(apprise, letter, letter.subject, NotifyFormat.TEXT, title="")
    elif isinstance(service, NotifyEmail):
        problem = None
        _mail(url, apprise, service, message, letter)
    elif _is_mail(service):
        problem = _notify(apprise, letter, as_html(letter), NotifyFormat.HTML)
    else:
        title = calling_nobody(letter.subject)
        problem = _notify(apprise, letter, as_text(letter), NotifyFormat.TEXT, title=title)
    if problem:
        raise DeliveryError(_without_secrets(problem, url, service))


def problem(url: str) -> str | None:
    """Return why Apprise does not take a URL, without the URL; None if it does."""
    try:
        _loaded(url)
    except DeliveryError as error:
        return str(error)
    return None


def _loaded(url: str) -> tuple[Apprise, NotifyBase]:
    apprise = Apprise(asset=_ASSET)
    if not apprise.add(url) or len(apprise.services) != 1:
        scheme = re.match(r"[a-z0-9_]+(?=://)", url.strip(), re.IGNORECASE)
        given = f"this {scheme[0]}:// address is none" if scheme else "it is no address"
        raise DeliveryError(f"{given} that Apprise takes; expected one as in https://appriseit.com/services/")
    (service,) = apprise.services
    return apprise, service


def _aim(service: NotifyPagerDuty, message: Message, letter: Letter) -> None:
    """Tie a page to its alert, so that a later message updates it and the last one resolves it."""
    events = message.payload.get("events", ())
    service.dedup = f"steward-{events[0]['alert'] if len(events) == 1 else message.message_id}"
    if events and all(event["event"] == "resolved" for event in events):
        service.action = "resolve"
    service.click = next((url for _, url in letter.links), service.click)


def _mail(url: str, apprise: Apprise, service: NotifyEmail, message: Message, letter: Letter) -> None:
    """Send one mail per recipient, so that who has it is not written to again because another failed."""
    service.headers["X-Steward-Message"] = message.message_id
    given_up_at = time.monotonic() + MAIL_WITHIN_S
    problems, taken = [], []
    for name, address in service.targets:
        if address in message.payload.get("taken", ()):
            continue
        if time.monotonic() > given_up_at:
            problems.append(f"{address} was not tried, the server is too slow")
            continue
        service.targets = [(name, address)]
        problem = _notify(apprise, letter, as_html(letter), NotifyFormat.HTML)
        if problem is None:
            taken.append(address)
        else:
            problems.append(_without_secrets(problem, url, service))
    if problems:
        raise DeliveryError("; ".join(dict.fromkeys(problems)), taken=tuple(taken))


def _is_mail(service: NotifyBase) -> bool:
    """Tell whether a service sends mail: HTML comes first with it, and there is a subject."""
    formats = service.notify_format
    first = formats if isinstance(formats, str) else next(iter(formats))
    return first == NotifyFormat.HTML and service.title_maxlen > 0


def _notify(
    apprise: Apprise, letter: Letter, body: str, body_format: NotifyFormat, *, title: str | None = None
) -> str | None:
    """Return why the service did not take the message; None if it did."""
    result = apprise.notify(
        body=body,
        title=letter.subject if title is None else title,
        notify_type=_URGENCY[letter.tone],
        body_format=body_format,
        log_level=logging.DEBUG,
    )
    took = [any(each.status == AppriseResultStatus.SUCCESS for each in service) for service in result]
    if took and all(took):
        return None
    logs = list(result.logs())
    said = [entry.message for entry in logs if entry.level in ("WARNING", "ERROR")]
    # Mail servers say why in the next line; other services repeat their whole address there.
    if any(isinstance(service, NotifyEmail) for service in apprise.services):
        said += [entry.message for entry in logs if entry.message.startswith("Socket Exception: ")]
    return _one_line(said) or "the service did not take it and did not say why"


def _one_line(said: Iterable[str]) -> str:
    return ": ".join(text.removeprefix("Socket Exception: ").strip(" .") for text in dict.fromkeys(said))[
        :500
    ]


def _without_secrets(text: str, url: str, service: NotifyBase) -> str:
    """Return text without the parts of the URL that Apprise itself would not show."""
    shown: str = service.url(privacy=True)  # type: ignore[no-untyped-call]
    secrets = _words(url) - _words(shown)
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "…")
    return text


def _words(url: str) -> set[str]:
    parts = r"[:/@?&=#,;+]+"
    return {unquote(word) for word in re.split(parts, url)} | set(re.split(parts, unquote(url)))
