"""Commands that a page runs: what they said is shown once, and their widgets start anew after a success."""

from collections.abc import Callable

import streamlit as st

from core.errors import StewardError
from pages._shared import plain

_OUTCOME, _TURN = "command-outcome", "command-turn"


def turn() -> int:
    """Return a number that changes with every command: widgets named by it start anew after one."""
    number: int = st.session_state.get(_TURN, 0)
    return number


def carry_out(command: Callable[[], str]) -> None:
    """Run a command, in a callback, and keep what it says or why it was refused for `outcome`."""
    try:
        st.session_state[_OUTCOME] = (True, command())
        st.session_state[_TURN] = turn() + 1
    except StewardError as error:
        st.session_state[_OUTCOME] = (False, str(error))


def outcome() -> None:
    """Show what the last command said, once; nothing was written unless it succeeded."""
    succeeded, text = st.session_state.pop(_OUTCOME, (True, ""))
    if text and succeeded:
        st.toast(plain(text), icon=":material/check:")
    elif text:
        end = "" if text.endswith((".", "?", "!")) else "."
        st.warning(f"**Nothing was changed:** {plain(text)}{end}", icon=":material/sync_problem:")
