"""Signed webhooks as https://www.standardwebhooks.com describes them, to addresses of steward.yaml only."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
import ssl
from datetime import UTC, datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import httpx

from core.entities import Message
from core.errors import DeliveryError
from core.steward_yaml import Webhook

WITHIN_S = 20.0  # from the first packet to the last line of the answer's head
_KEY_PREFIX = "whsec_"

# httpx logs each request with its whole address, and that may be a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)


def post(channel: Webhook, message: Message, text: str, *, wall: datetime | None = None) -> None:
    """Post a message's facts and its text as JSON; return once the receiver has answered with a 2xx.

    The signed body is the same at every attempt; the timestamp is the attempt's.

    Raises
    ------
    DeliveryError
        If the receiver cannot be reached, lies in a network it must not, or answers otherwise or too late.
    """
    body = _body(message, text)
    headers = {"content-type": "application/json", "user-agent": "Steward"}
    headers |= signature(channel.secret, message.message_id, body, wall or datetime.now(UTC))
    try:
        status = asyncio.run(_status(channel, body, headers))
    except TimeoutError:
        raise DeliveryError(f"the receiver did not answer within {WITHIN_S:.0f} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        raise DeliveryError(f"the receiver cannot be reached: {_reason(error)}") from None
    if 300 <= status < 400:
        raise DeliveryError(
            f"the receiver answered {status} and wants to lead elsewhere; write the final URL"
        )
    if not 200 <= status < 300:
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "no known answer"
        raise DeliveryError(f"the receiver answered {status} ({phrase})")


def signature(secret: str, message_id: str, body: bytes, wall: datetime) -> dict[str, str]:
    """Return the headers that sign a body.

    The key is what follows ``whsec_`` in base64; a secret without that prefix is the key as it stands.
    """
    timestamp = str(int(wall.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    digest = base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{digest}"}


def problem(channel: Webhook) -> str | None:
    """Return what is wrong with a webhook as it is written; None if nothing shows."""
    try:
        _key(channel.secret)
        host = httpx.URL(channel.webhook).host
    except DeliveryError as error:
        return str(error)
    except httpx.InvalidURL:
        return "the webhook is no address; expected https://host/path"
    try:
        public = host != "localhost" and _public(host)
    except ValueError:
        public = True  # a name: where it leads shows when it is connected
    if public or channel.allow_private:
        return None
    return "the webhook leads into a private network; if that is meant, add allow_private: true"


async def _status(channel: Webhook, body: bytes, headers: dict[str, str]) -> int:
    async def look(event: str, info: dict[str, Any]) -> None:
        # Connected, and nothing said yet: the name may lead somewhere else than it did a moment ago.
        if event == "connection.connect_tcp.complete" and not channel.allow_private:
            stream = info["return_value"]
            if not _public(stream.get_extra_info("server_addr")[0]):
                await stream.aclose()
                raise DeliveryError(
                    "the receiver lies in a private network; if that is meant, add allow_private: true"
                )

    # The system's certificates, and no proxy: the connected peer must be the receiver itself.
    trusted = ssl.create_default_context()
    client = httpx.AsyncClient(verify=trusted, trust_env=False, follow_redirects=False, timeout=WITHIN_S)
    async with asyncio.timeout(WITHIN_S), client:
        asked = client.stream(
            "POST", channel.webhook, content=body, headers=headers, extensions={"trace": look}
        )
        async with asked as answer:
            return answer.status_code  # its body is not read, however long


def _body(message: Message, text: str) -> bytes:
    told = {"type": f"steward.{message.kind}", "timestamp": message.created_at.isoformat()}
    content = told | {"data": dict(message.payload), "text": text}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _key(secret: str) -> bytes:
    if not secret.startswith(_KEY_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
    except binascii.Error:
        raise DeliveryError(
            f"the secret is no base64 after {_KEY_PREFIX}; copy it again, or make one"
        ) from None


def _public(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return bool((mapped or ip).is_global)


def _reason(error: Exception) -> str:
    return (
        f"{type(error).__name__} {error}".strip() if not isinstance(error, httpx.InvalidURL) else "no address"
    )
