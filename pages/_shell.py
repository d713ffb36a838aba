"""The dashboard's frame, run before every page: the pages' addresses, the sign-in and the footer."""

from importlib.metadata import version
from pathlib import Path

import streamlit as st

from core.entities import Actor
from core.errors import NotSignedIn
from pages import _shared
from pages._commands import outcome
from pages._shared import clock_text, sign_in, sign_out, store

HERE = Path(__file__).resolve().parent
SIDEBAR_PX = 200
# Registered by absolute path and for everybody: an unknown address would open a dialog that blocks the page.
PAGES = {
    "Monitor": [
        st.Page(
            HERE / "overview.py",
            title="Health overview",
            icon=":material/monitor_heart:",
            url_path="overview",
            default=True,
            help="Which models are unhealthy, since when and why.",
        ),
        st.Page(
            HERE / "model.py",
            title="Model",
            icon=":material/query_stats:",
            url_path="model",
            help="One model: its health, drift, data quality, performance, fairness, cost and rows.",
        ),
        st.Page(
            HERE / "alerts.py",
            title="Alerts",
            icon=":material/notifications:",
            url_path="alerts",
            help="What needs somebody now, in all models.",
        ),
        st.Page(
            HERE / "alert.py",
            title="Alert",
            icon=":material/notifications_active:",
            url_path="alert",
            visibility="hidden",
        ),
        st.Page(
            HERE / "fairness.py",
            title="Fairness",
            icon=":material/balance:",
            url_path="fairness",
            help="The gaps between groups, of every model with protected attributes.",
        ),
    ],
    "Manage": [
        st.Page(
            HERE / "models.py",
            title="Models",
            icon=":material/inventory_2:",
            url_path="models",
            help="What there is, who answers for it, and which version is live.",
        ),
        st.Page(
            HERE / "compare.py",
            title="Compare versions",
            icon=":material/compare_arrows:",
            url_path="compare",
            help="A candidate beside the version in production, and the gate before it.",
        ),
    ],
    "Govern": [
        st.Page(
            HERE / "approvals.py",
            title="Approvals",
            icon=":material/approval_delegation:",
            url_path="approvals",
            help="What waits for a decision, on which evidence, and what was decided.",
        ),
        st.Page(
            HERE / "card.py",
            title="Model card",
            icon=":material/article:",
            url_path="card",
            help="What a model is for, what it was built and tested on, and what is known of it.",
        ),
        st.Page(
            HERE / "audit.py",
            title="Audit log",
            icon=":material/history_edu:",
            url_path="audit",
            help="Who did what to what, when and why, and whether the log is whole.",
        ),
    ],
    "Administer": [
        st.Page(
            HERE / "system.py",
            title="Jobs & system",
            icon=":material/settings_heart:",
            url_path="system",
            help="Whether sweeps run, what failed, and who may do what.",
        ),
    ],
}


def footer() -> None:
    """Show as of when, in which zone and by which version the numbers are."""
    workspace = store().workspace
    fixed = " (the workspace's fixed clock)" if workspace.settings.clock != "real" else ""
    st.divider()
    st.caption(
        f"As of {clock_text(workspace.now())} UTC{fixed} · Windows are cut in each model's own time zone · "
        f"Steward {version('model-steward')}"
    )


def person(actor: Actor) -> None:
    """Show who is signed in, with a way out."""
    if actor.credential is None:
        return
    with st.sidebar:
        roles = actor.standing.replace("_", " ")
        st.text(actor.id)
        st.caption(roles)
        st.button("Sign out", icon=":material/logout:", type="tertiary", on_click=sign_out)


st.set_page_config(
    page_title="Steward", page_icon=str(HERE / "steward.svg"), layout="wide", initial_sidebar_state=SIDEBAR_PX
)
# Tables and charts need the width that Streamlit leaves empty on both sides; there is no option for it.
st.html(
    "<style>[data-testid=stMainBlockContainer]{padding-inline:clamp(1rem,2.5vw,3rem)}"
    ".steward-sign-in{display:inline-block;padding:.4rem 1rem;border-radius:6px;background:#0B5CAD;"
    "color:#fff!important;text-decoration:none!important;font-weight:600}</style>"
)
if st.query_params.get("sign-in") == _shared.AGAIN and _shared.has_provider():
    st.login(_shared.AGAIN)
    st.stop()
actor: Actor | None = None
why = ""
try:
    actor = _shared.asking()
except NotSignedIn as error:
    why = str(error)
page = st.navigation(PAGES, position="hidden" if actor is None else "sidebar")
st.session_state[_shared.PAGE] = page.url_path
if actor is None:
    outcome()
    sign_in(why)
else:
    person(actor)
    st.logo(str(HERE / "steward.svg"), size="large")
    page.run()
    footer()
