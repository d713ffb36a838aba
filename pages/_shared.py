"""What every page shares: who is asking, cached reads, states in words, and what failures look like."""

import logging
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from core.actions import authority, sign_ins
from core.declaration import Declaration
from core.entities import Actor
from core.errors import NotSignedIn, StewardError
from core.permissions import ROLES
from core.settings import Workspace
from core.store import Store
from pages._gate import SESSION_COOKIE, place, sign_in_path

log = logging.getLogger(__name__)
HERE = Path(__file__).resolve().parent
WORKSPACE_VARIABLE = "STEWARD_WORKSPACE"
View = TypeVar("View")
PAGE = "steward-page"  # in the session's state: the page that is shown
FIRST_TIME, AGAIN = "first", "again"  # how Streamlit knows the identity provider: as it likes, or asking anew
SINGLE_USER = Actor("single-user", "ui", frozenset(ROLES))


@dataclass(frozen=True)
class StateWords:
    """How a state is shown: never by colour alone."""

    word: str
    icon: str  # Material symbol, for Markdown
    glyph: str  # a character, for table cells
    colour: str  # Streamlit's colour name, for Markdown
    light: str


STATES: Mapping[str, StateWords] = {
    "critical": StateWords("Critical", "error", "▲", "red", "#B3261E"),
    "warning": StateWords("Warning", "warning", "◆", "orange", "#B35C00"),
    "no_data": StateWords("No data", "signal_disconnected", "◌", "gray", "#5B6570"),
    "learning": StateWords("Learning", "hourglass_top", "◔", "gray", "#5B6570"),
    "healthy": StateWords("Healthy", "check_circle", "●", "blue", "#0B5CAD"),
    # healthy as far as one can tell without monitors
    "unjudged": StateWords("Data arrives", "input_circle", "○", "blue", "#0B5CAD"),
    "paused": StateWords("Paused", "pause_circle", "‖", "gray", "#5B6570"),
}


def store() -> Store:
    """Return the process's store of the served workspace."""
    path = os.environ.get(WORKSPACE_VARIABLE)
    if not path:
        st.error("No workspace is being served. Start the dashboard with `steward ui --workspace DIR`.")
        st.stop()
    return _open(path)


@st.cache_resource
def _open(path: str) -> Store:
    return Store(Workspace.open(path))


def require(command: str) -> Actor:
    """Return who is asking; stop the page with the sign-in for strangers, FORBIDDEN for the wrong role."""
    try:
        actor = asking()
    except NotSignedIn as error:
        sign_in(str(error))
        st.stop()
    permit(actor, command)
    return actor


def asking() -> Actor:
    """Return who is asking, afresh: commands decide by this, not by what a page was shown for.

    Raises
    ------
    NotSignedIn
        If nobody is, or their sign-in is over.
    """
    here = store()
    match here.workspace.settings.auth.mode:
        case "single":
            return SINGLE_USER
        case "oidc":
            if not st.user.get("is_logged_in"):
                raise NotSignedIn("nobody is signed in")
            return sign_ins.by_provider(here, st.user.to_dict())
    secret = st.context.cookies.get(SESSION_COOKIE)
    actor = sign_ins.by_session(here, secret) if secret else None
    if actor is None:
        raise NotSignedIn("your sign-in is over; sign in again")
    return actor


def permit(actor: Actor, command: str, model: str | None = None) -> None:
    """Stop the page with FORBIDDEN unless the actor may run a command, of one model where one is named."""
    if why := refusal(actor, command, model):
        st.warning(f"**No access.** {plain(why)}.", icon=":material/lock:")
        st.stop()


def refusal(actor: Actor, command: str, model: str | None = None) -> str | None:
    """Return why the actor may not run a command and who may; None if nothing is against it."""
    with store().read() as c:
        return authority.refusal(c, actor, command, model=model)


def wants_sign_in(actor: Actor, command: str, model: str | None = None) -> bool:
    """Show a way to sign in again and back, if that is all that a command wants; tell whether it is."""
    with store().read() as c:
        against = authority.objection(c, actor, command, model=model)
    if isinstance(against, NotSignedIn) and actor.credential is not None:
        st.caption(f":material/lock_clock: {plain(_sentence(str(against).partition(';')[0]))}")
        _way_to_sign_in("Sign in again")
        return True
    return False


def sign_in(why: str = "") -> None:
    """Show the sign-in, and nothing about any model."""
    with st.container(border=True, width=520):
        st.subheader("Sign in to Steward", anchor=False)
        if "sign-in" in st.query_params:  # the gate remembers where to come back to
            st.button("Sign in", type="primary", on_click=st.login, args=(FIRST_TIME,))
            return
        if why:
            st.markdown(plain(_sentence(why)))
        _way_to_sign_in("Sign in")


def has_provider() -> bool:
    """Return whether people sign in by an identity provider."""
    return store().workspace.settings.auth.mode == "oidc"


def sign_out() -> None:
    """End the session of whoever is asking, in a callback."""
    sign_ins.sign_out(store(), asking())
    if has_provider():
        st.logout()


def alone() -> None:
    """Say, where one person works alone, what that is worth."""
    if store().workspace.settings.auth.mode == "single":
        st.info(
            "**Single-user mode.** Whoever uses this machine is everybody, so four eyes cannot be enforced: "
            "approvals are on paper only. `auth: {mode: local}` in steward.yaml lets people sign in.",
            icon=":material/visibility_off:",
        )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _way_to_sign_in(label: str) -> None:
    page: str = st.session_state.get(PAGE, "")
    asked = urlencode([(k, v) for k in st.query_params for v in st.query_params.get_all(k)])
    back = place("/" + page + (f"?{asked}" if asked else ""))
    # A link of Streamlit's own would open a second window.
    st.html(f'<a class="steward-sign-in" href="{escape(sign_in_path(back))}">{escape(label)}</a>')


def read(view: Callable[..., View], *arguments: Any) -> View:
    """Return ``view(store, *arguments)``, remembered until the store changes (at most a minute)."""
    here = store()
    key = f"{view.__name__}{arguments!r} of {here.workspace.root} at {here.revision()}"
    found: View = _remembered(key, view, arguments)
    return found


@st.cache_resource(ttl=timedelta(seconds=60), max_entries=256, show_spinner=False)
def _remembered(key: str, _view: Callable[..., Any], _arguments: tuple[Any, ...]) -> Any:
    return _view(store(), *_arguments)


def window_name(declaration: Declaration, instant: datetime) -> str:
    """Return how the address names the window that holds an instant: its start in the model's zone."""
    start = declaration.calendar.containing(instant).start.astimezone(declaration.zone)
    return f"{start:%Y-%m-%d %H:%M}" if declaration.window == "1h" else f"{start:%Y-%m-%d}"


class section:
    """Keep a failing part of a page from taking the rest with it: shows what failed and a reference id.

    Whatever an exception is, foreseen or not, it ends here: this is the boundary of an item on a page.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        """Begin the part."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Show a failure in place of the part; Streamlit's own signals to stop or rerun pass."""
        if not isinstance(error, Exception):
            return False
        reference = secrets.token_hex(4)
        log.error("dashboard: %s failed, reference %s", self.name, reference, exc_info=error)
        match error:
            case StewardError():
                reason = plain(str(error))
            case OSError():
                reason = "A file could not be read."
            case _:
                reason = "The log of `steward ui` has the details; your data is not affected."
        st.error(
            f"**{self.name} cannot be shown.** {reason} Reference: `{reference}`", icon=":material/error:"
        )
        st.button("Try again", key=f"retry-{self.name}", icon=":material/refresh:")
        return True


def show_unexpected(error: Exception) -> bool:
    """Show an error nobody foresaw by a reference id; its details go to the log."""
    reference = secrets.token_hex(4)
    log.error("dashboard: a page failed, reference %s", reference, exc_info=error)
    st.error(
        f"**Something went wrong on this page.** The log of `steward ui` has the details under the reference "
        f"`{reference}`. Reload to try again; your data is not affected.",
        icon=":material/error:",
    )
    return True


def badge(state: str) -> str:
    """Return the Markdown badge of a state: icon, word and colour."""
    words = STATES[state]
    return f":{words.colour}-badge[:material/{words.icon}: {words.word}]"


def pick_model(names: Sequence[str], *, placeholder: str) -> str | None:
    """Show the picker of a page about one model other than the page Model; an unknown model is said so.

    The address has it as ``of``, and ``model`` is understood too: the page Model binds that name to its own
    picker, and Streamlit takes bound names away on the way to another page.
    """
    asked = st.query_params.get("of") or st.query_params.get("model")
    if asked is not None and asked not in names:
        st.warning(f"No model is called **{plain(asked)}**. It may have been renamed or never applied.")
    st.session_state["picked-model"] = asked if asked in names else None

    def remember() -> None:
        chosen = st.session_state["picked-model"]
        st.query_params.from_dict({"of": chosen} if chosen else {})

    picked: str | None = st.selectbox(
        "Model", names, index=None, key="picked-model", placeholder=placeholder, width=300, on_change=remember
    )
    return picked


def arrow(frame: pl.DataFrame) -> Any:
    """Return a table as it is sent to the browser; a polars frame Streamlit would take through pandas."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


_MARKUP = "\\`*_{}[]<>#|$~:!"  # what Markdown would act on


def escaped(name: str) -> pl.Expr:
    """Return a column of stored texts as `plain` would."""
    marks = "".join("\\" + c if c in "\\[]" else c for c in _MARKUP)
    return pl.col(name).str.replace_all("\n", " ", literal=True).str.replace_all(f"([{marks}])", r"\${1}")


def plain(text: str) -> str:
    r"""Return stored text with everything escaped that Markdown would act on.

    Examples
    --------
    >>> plain("a [link](x) :red[y] $z$")
    'a \\[link\\](x) \\:red\\[y\\] \\$z\\$'
    """
    return "".join("\\" + c if c in _MARKUP else c for c in text.replace("\n", " "))


def clock_text(instant: datetime | None, zone: str = "UTC") -> str:
    """Return an instant in a zone, to the minute; a dash where there is none."""
    return instant.astimezone(ZoneInfo(zone)).strftime("%-d %b %Y %H:%M") if instant else "–"


def zoned_text(instant: datetime, zone: str) -> str:
    """Return an instant in a zone, to the minute, with the zone's name."""
    return f"{clock_text(instant, zone)} {instant.astimezone(ZoneInfo(zone)):%Z}"


def age_text(age: timedelta) -> str:
    """Return a length of time in the largest fitting unit.

    Examples
    --------
    >>> age_text(timedelta(hours=50)), age_text(timedelta(seconds=70))
    ('2 days', '1 minute')
    """
    seconds = max(int(age.total_seconds()), 0)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "moments"


def wall_clock() -> datetime:
    """Return the real time, which heartbeats are measured by."""
    return datetime.now(UTC)
