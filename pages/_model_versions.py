"""The tab Versions: what runs and ran, what is registered, and the way to the next release."""

from datetime import date, datetime, time

import polars as pl
import streamlit as st

from core import views
from core.governed import Release
from core.store.releases import DEPLOYS
from pages import _version_form
from pages._commands import outcome
from pages._model_parts import Selection
from pages._promotion_parts import (
    release,
    roll_back,
    state_badge,
    suspend,
    with_reason,
    word,
)
from pages._shared import HERE, arrow, plain, read, refusal, zoned_text

EARLIEST = date(1970, 1, 1)
EVENTS = {
    "deployed": "Released",
    "adopted": "Adopted",
    "rolled_back": "Rolled back to",
    "suspended": "Suspended",
    "resumed": "Resumed",
    "retired": "Retired",
    "reviewed": "Reviewed",
}


def show(chosen: Selection) -> None:
    """Show the tab."""
    outcome()
    page = read(views.versions_page, chosen.slug)
    if page is None or not page.versions:
        _start(chosen.slug)
        _version_form.show(chosen.slug)
        return
    _live(chosen, page)
    left, right = st.columns([3, 2])
    with left:
        _versions(chosen, page)
        _version_form.show(chosen.slug)
    with right:
        _history(chosen, page)


def _start(slug: str) -> None:
    with st.container(border=True):
        st.subheader("No version is registered yet", anchor=False)
        name = plain(slug)
        st.markdown(
            f"1. `steward version register {name} version.yaml` hashes its files; the record never changes.\n"
            f"2. `steward evaluate {name} 1` attaches evidence, `steward gate {name} 1` says what lacks.\n"
            "3. Request its promotion here; somebody else approves it, and it is released.\n\n"
            f"What runs already is adopted: `steward release {name} 1 --adopt --reason …`"
        )


def _live(chosen: Selection, page: views.VersionsPage) -> None:
    """Say what is in production, and what can be done about it at once."""
    version = page.version(page.champion)
    came = [e for e in page.releases if version and e.number == version.number and e.event in DEPLOYS]
    with st.container(horizontal=True, vertical_alignment="center"):
        if version is None:
            st.markdown("**Nothing is in production** that was released with Steward.", width="content")
        else:
            since = zoned_text(came[-1].at, chosen.zone) if came else "–"
            name = f"**Version {version.number}** ({plain(version.name)})"
            st.markdown(f"{state_badge('deployed')} &nbsp; {name} since {since}", width="content")
        why = refusal(chosen.actor, "release.change", chosen.slug)
        if version is not None:
            earlier = any(e.event == "deployed" and e.previous is not None for e in page.releases)
            none = None if earlier else "No other version was released before it."
            back = roll_back(chosen.slug, version.number)
            with_reason("Roll back", "undo", "Why?", back, why=why or none, key="roll-back")
            with_reason(
                *("Suspend", "pause_circle", "Why?", suspend(chosen.slug, version.number)),
                why=why,
                key="suspend",
            )
        for each in page.versions:
            if each.state == "approved":
                label = f"Release version {each.number}"
                with_reason(
                    *(label, "rocket_launch", "Remark", release(chosen.slug, each.number)), why=why, key=label
                )


def _versions(chosen: Selection, page: views.VersionsPage) -> None:
    st.markdown("**Registered versions**")
    requests = {p.number: p for p in reversed(page.promotions)}
    frame = pl.DataFrame(
        [
            {
                "Version": version.number,
                "Name": version.name,
                "State": word(version.state),
                "Request": word(requests[version.number].state) if version.number in requests else None,
                "Evidence": len(page.evidence.get(version.number, ())),
                "Registered": version.registered_at.date(),
                "By": version.registered_by,
                "Digest": version.digest[:12],
            }
            for version in page.versions
        ],
        schema_overrides={"Request": pl.String},
    )
    chosen_row = st.dataframe(
        arrow(frame),
        key="versions",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-cell",
        placeholder="–",
        height="content" if frame.height <= 12 else 460,
        column_config={
            "Version": st.column_config.NumberColumn(width=66),
            "Name": st.column_config.TextColumn(width=80, help="What the prediction log calls it."),
            "State": st.column_config.TextColumn(width=110),
            "Request": st.column_config.TextColumn(width=120, help="Its newest promotion request."),
            "Evidence": st.column_config.NumberColumn(width=76),
            "Registered": st.column_config.DateColumn(format="D MMM YYYY", width=100),
            "By": st.column_config.TextColumn(width=180),
            "Digest": st.column_config.TextColumn(width=116, help="Of its files; it never changes."),
        },
        alt="Registered versions, the newest first",
    )
    st.caption(
        "Click a row to compare it with the version in production, see its gate and request its promotion."
    )
    if chosen_row.selection.cells:
        number = int(frame["Version"][chosen_row.selection.cells[0][0]])
        _compare(chosen.slug, page.champion, number)
    newest = page.versions[0]
    st.page_link(
        HERE / "compare.py",
        label=f"Compare version {newest.number} with production",
        icon=":material/compare_arrows:",
        query_params=_address(chosen.slug, page.champion, newest.number),
    )


def _address(slug: str, champion: int | None, number: int) -> dict[str, str]:
    other = {} if champion in (None, number) else {"a": str(champion)}
    return {"of": slug, **other, "b": str(number)}


def _compare(slug: str, champion: int | None, number: int) -> None:
    st.switch_page(HERE / "compare.py", query_params=_address(slug, champion, number))


def _history(chosen: Selection, page: views.VersionsPage) -> None:
    st.markdown("**What ran when**")
    if not page.releases:
        st.caption("Nothing was released with Steward yet.")
        return
    asked = st.date_input(
        "In production on",
        value=None,
        min_value=EARLIEST,  # Streamlit's own bound is ten years ago
        key="on",
        bind="query-params",
        width=200,
    )
    if asked is not None:
        at = datetime.combine(asked, time(23, 59, 59), page.registered.declaration.zone)
        done = [e for e in page.releases if e.at <= at and e.event != "reviewed"]
        name = (
            _name(page, done[-1]) if done and done[-1].event in DEPLOYS else "nothing that was released here"
        )
        st.markdown(f"At the end of that day: **{plain(name)}**")
    lines = [
        f"- {zoned_text(event.at, chosen.zone)}  \n**{EVENTS[event.event]} {plain(_name(page, event))}** by "
        f"{plain(event.actor)}{_remark(event)}"
        for event in reversed(page.releases)
    ]
    st.markdown("\n".join(lines[:20]))


def _name(page: views.VersionsPage, event: Release) -> str:
    version = page.version(event.number)
    return f"version {event.number}" + (f" ({version.name})" if version else "")


def _remark(event: Release) -> str:
    said = f": {plain(event.reason)}" if event.reason else ""
    said += f" · [promotion {event.promotion}](approvals?id={event.promotion})" if event.promotion else ""
    return said + (" :orange-badge[Without approval]" if event.emergency else "")
