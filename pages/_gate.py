"""The gate before everything: which requests come in, over http and websocket alike."""

import ipaddress
import re
from urllib.parse import quote, unquote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.actions import sign_ins
from core.entities import Actor
from core.store import Store

# Headers a proxy adds. Behind one on this host everybody looks like loopback: `single` mode refuses them all.
PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
LOOPBACK_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
LOOPBACK_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)

SESSION_COOKIE, RETURN_COOKIE, PROVIDER_COOKIE = "steward_session", "steward_return", "_streamlit_user"
SIGN_IN, CALLBACK = "/sign-in", "/oauth2callback"
# Open to everybody, as they tell nothing about any model; /metrics looks at the peer itself.
OPEN = ("/healthz", "/metrics", "/_stcore/health", CALLBACK)
NO_PAGES = ("/_stcore/", "/media/", "/component/", "/app/static/", "/auth/")


def is_loopback(address: str) -> bool:
    """Tell whether an address is one of this machine to itself."""
    if address == "localhost":
        return True
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    return (mapped or peer).is_loopback


def is_proxied(headers: Headers) -> bool:
    """Tell whether a request came through a proxy."""
    return any(header in headers for header in PROXY_HEADERS)


def refusal(scope: Scope) -> str | None:
    """Return why `single` mode refuses a request, or None to let it in.

    Without a sign-in the only identity is "a program on this machine". Peer, Host, Origin and the absence of
    any proxy header have to say so together: Host and Origin keep out web pages of other sites.
    """
    headers = Headers(scope=scope)
    peer = scope.get("client")
    if is_proxied(headers):
        return "it came through a proxy, and behind one everybody looks local"
    if peer is None or not is_loopback(peer[0]):
        return "it does not come from this machine"
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not LOOPBACK_HOST.fullmatch(hosts[0]):
        return "its Host is not localhost, 127.0.0.1 or [::1]"
    if any(not LOOPBACK_ORIGIN.fullmatch(origin) for origin in headers.getlist("origin")):
        return "it was sent by a page of another site"
    return None


def is_foreign(scope: Scope, public_url: str | None) -> bool:
    """Tell whether a request that can change something was sent by a page of another site, or by no page."""
    if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
        return False
    headers = Headers(scope=scope)
    ours = {headers.get("host"), urlsplit(public_url or "").netloc}
    origins = headers.getlist("origin")
    return len(origins) != 1 or urlsplit(origins[0]).netloc not in ours - {"", None}


def place(text: str | None) -> str:
    r"""Return where somebody comes back to after signing in: a path of this dashboard and nothing else.

    Examples
    --------
    >>> place("/alert?id=3"), place("//evil.example"), place("/\\evil.example"), place("https://evil.example")
    ('/alert?id=3', '/', '/', '/')
    """
    sound = text is not None and re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", text)
    return text if text and sound and len(text) <= 2000 and not text.startswith(SIGN_IN) else "/"


def sign_in_path(back: str) -> str:
    """Return the address of the sign-in that leads back to a path."""
    return f"{SIGN_IN}?next={quote(back, safe='/')}"


class Gate:
    """Lets a request pass or answers it, for http and websocket alike, before anything else sees it."""

    def __init__(self, app: ASGIApp, mode: str, store: Store) -> None:
        self.app = app
        self.mode = mode
        self.store = store
        self.public_url = store.workspace.settings.public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, lead it to the sign-in, or answer it with 403."""
        answer = await self._answer(scope) if scope["type"] in {"http", "websocket"} else None
        if answer is None:
            await self.app(scope, receive, _returning(scope, send) if self.mode == "oidc" else send)
        elif scope["type"] == "websocket":
            await receive()  # the handshake must be taken before it can be refused
            reason = answer if isinstance(answer, str) else "sign in first"
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        elif isinstance(answer, str):
            text = f"Refused: {answer}.\nAuth mode {self.mode!r}; see auth in steward.yaml.\n"
            await PlainTextResponse(text, status_code=403)(scope, receive, send)
        else:
            await answer(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response | str | None:
        if self.mode == "single":
            return refusal(scope)
        if is_foreign(scope, self.public_url):
            return "it was not sent by a page of this dashboard"
        path = scope["path"]
        if path in OPEN or path.startswith("/static/"):
            return None
        return self._by_provider(scope) if self.mode == "oidc" else await self._by_session(scope)

    async def _by_session(self, scope: Scope) -> Response | str | None:
        """Let in who has a session that lasts; lead everybody else's pages to the sign-in."""
        if scope["path"] == SIGN_IN:
            return None
        secret = HTTPConnection(scope).cookies.get(SESSION_COOKIE, "")
        known: Actor | None = await run_in_threadpool(sign_ins.by_session, self.store, secret)
        if known is not None:
            return None
        if _is_page(scope):
            return RedirectResponse(sign_in_path(_asked(scope)), status_code=303)
        return "nobody is signed in"

    def _by_provider(self, scope: Scope) -> Response | None:
        """Remember where somebody wants to go; the pages ask who it is, and show strangers the sign-in only.

        Streamlit's st.login needs a page and so a websocket before anybody is known.
        """
        if not _is_page(scope):
            return None
        here = HTTPConnection(scope)
        if scope["path"] == SIGN_IN:
            return _remembering(here, place(here.query_params.get("next")), "/?sign-in=again")
        if PROVIDER_COOKIE in here.cookies or "sign-in" in here.query_params:
            return None
        return _remembering(here, _asked(scope), "/?sign-in=first")


def _is_page(scope: Scope) -> bool:
    """Tell whether a browser asks for what it shows in a window, not for a part of that."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].startswith(NO_PAGES):
        return False
    is_window = Headers(scope=scope).get("sec-fetch-dest", "document") == "document"
    return is_window and "." not in scope["path"].rpartition("/")[2]


def _asked(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return place(quote(scope["path"], safe="/") + (f"?{query}" if query else ""))


def _remembering(here: HTTPConnection, back: str, to: str) -> Response:
    answer = RedirectResponse(to, status_code=303)
    secure = here.url.scheme == "https"
    answer.set_cookie(
        RETURN_COOKIE, quote(back, safe=""), max_age=900, httponly=True, samesite="lax", secure=secure
    )
    return answer


def _returning(scope: Scope, send: Send) -> Send:
    """Let the answer to a sign-in at the provider lead to where somebody wanted to go, not to the start."""
    if scope["type"] != "http" or scope["path"] != CALLBACK:
        return send
    kept = HTTPConnection(scope).cookies.get(RETURN_COOKIE)

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and kept:
            headers = MutableHeaders(scope=message)
            if headers.get("location") == "/":
                headers["location"] = place(unquote(kept))
                headers.append("set-cookie", f"{RETURN_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=lax")
        await send(message)

    return sending
