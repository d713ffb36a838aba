"""The sign-in with address and password: one page of its own, without script, before any other."""

import threading
from html import escape
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from core.actions import sign_ins
from core.errors import NotSignedIn
from core.identity import SESSION
from core.store import Store, identities
from pages._gate import LOOPBACK_HOST, SESSION_COOKIE, SIGN_IN, place

LONGEST_FORM = 8_192
AT_ONCE = threading.BoundedSemaphore(8)  # passwords take time: a flood of them leaves threads to the others
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in · Steward</title><style>
:root{{color-scheme:light dark;--text:#17202b;--back:#fff;--card:#f3f5f8;--line:#d5dbe3;--blue:#0b5cad;
--on:#fff;--red:#b3261e}}
@media (prefers-color-scheme:dark){{:root{{--text:#e8edf3;--back:#10161e;--card:#1a222d;--line:#34404f;
--blue:#6cb4f5;--on:#10161e;--red:#ff8a80}}}}
*{{box-sizing:border-box}}
body{{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--back);color:var(--text);
font:15px/1.5 system-ui,sans-serif}}
main{{width:min(24rem,calc(100vw - 2rem));padding:2rem;background:var(--card);border:1px solid var(--line);
border-radius:6px}}
h1{{margin:0 0 1rem;font-size:22px}} p{{margin:0 0 1rem}} label{{display:block;margin:0 0 1rem}}
input{{display:block;width:100%;margin-top:.25rem;padding:.6rem;font:inherit;color:inherit;
background:var(--back);border:1px solid var(--line);border-radius:6px}}
button{{width:100%;padding:.6rem;font:inherit;font-weight:600;color:var(--on);background:var(--blue);border:0;
border-radius:6px;cursor:pointer}}
:focus-visible{{outline:2px solid var(--blue);outline-offset:2px}} [role=alert]{{color:var(--red)}}
</style></head><body><main><h1>Sign in to Steward</h1>{said}{form}</main></body></html>"""
FORM = """<form method="post" action="{action}">
<input type="hidden" name="next" value="{back}">
<label>E-mail address<input name="address" type="email" value="{address}" autocomplete="username" required
 maxlength="320"{first}></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required
 maxlength="256"{second}></label>
<button>Sign in</button></form>"""
NOBODY = (
    "No user exists yet. Whoever runs Steward makes the first one: "
    "<code>steward users add ADDRESS --role admin</code>"
)


def route(store: Store) -> Route:
    """Return the route of the sign-in: a form, and what takes it."""
    public = store.workspace.settings.public_url

    async def sign_in(request: Request) -> Response:
        is_secure = request.url.scheme == "https" or (public or "").startswith("https://")
        if not is_secure and not LOOPBACK_HOST.fullmatch(request.headers.get("host", "")):
            return _page("Passwords travel over https only; set public_url in steward.yaml.", "", 403)
        if request.method == "POST":
            return await _take(store, request, secure=is_secure)
        secret = request.cookies.get(SESSION_COOKIE)
        known = await run_in_threadpool(sign_ins.by_session, store, secret) if secret else None
        if known is None and not await run_in_threadpool(_has_users, store):
            return _page(NOBODY, "", 200, is_markup=True)
        back = place(request.query_params.get("next"))
        said = "Sign in again to go on." if known else ""
        return _page(said, _form(back, known.id if known else ""), 200)

    return Route(SIGN_IN, sign_in, methods=["GET", "POST"])


async def _take(store: Store, request: Request, *, secure: bool) -> Response:
    if int(request.headers.get("content-length") or LONGEST_FORM + 1) > LONGEST_FORM:
        return _page("That is too long for a sign-in.", _form("/", ""), 413)
    given = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    address, password, back = (given.get(name, [""])[0] for name in ("address", "password", "next"))
    before = request.cookies.get(SESSION_COOKIE)
    if not AT_ONCE.acquire(blocking=False):
        return _page("Many people sign in at this moment; try again.", _form(place(back), address[:320]), 503)
    try:
        secret = await run_in_threadpool(sign_ins.sign_in, store, address, password)
    except NotSignedIn as error:
        said = f"{str(error)[:1].upper()}{str(error)[1:]}."
        return _page(said, _form(place(back), address[:320]), 401, is_wrong=True)
    finally:
        AT_ONCE.release()
    if before and (other := await run_in_threadpool(sign_ins.by_session, store, before)):
        await run_in_threadpool(sign_ins.sign_out, store, other)
    answer = RedirectResponse(place(back), status_code=303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
    )
    return answer


def _form(back: str, address: str) -> str:
    first, second = ("", " autofocus") if address else (" autofocus", "")
    return FORM.format(
        action=SIGN_IN,
        back=escape(back, quote=True),
        address=escape(address, quote=True),
        first=first,
        second=second,
    )


def _page(said: str, form: str, status: int, *, is_wrong: bool = False, is_markup: bool = False) -> Response:
    text = said if is_markup else escape(said)
    shown = f"<p{' role=alert' if is_wrong else ''}>{text}</p>" if said else ""
    return HTMLResponse(PAGE.format(said=shown, form=form), status_code=status, headers=HEADERS)


def _has_users(store: Store) -> bool:
    with store.read() as c:
        return identities.any_principal(c)
