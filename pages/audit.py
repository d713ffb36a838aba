"""Audit log: who did what to what, when and why, and how sure one can be of it."""

import json
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from core import auditing, views
from core.actions import audits
from core.entities import Actor
from core.store.audit import AuditEntry, AuditReport
from core.views.audit import PAGE
from pages import _shared
from pages._commands import outcome
from pages._shared import age_text, arrow, clock_text, plain, refusal, require, section, store

TABLE_HEIGHT = 560
KINDS = {
    "Promotions": "promotion.",
    "Releases": "release.",
    "Versions": "version.",
    "Waivers": "waiver.",
    "Evidence": "evidence.",
    "Models": "model.",
    "Alerts": "alert.",
    "Monitors": "monitor.",
    "People": "principal.",
    "Tokens": "token.",
    "Exports": "audit.",
}
EARLIEST = date(2000, 1, 1)
EXPORTS: tuple[tuple[audits.Format, str, str], ...] = (
    ("csv", "Export as CSV", "text/csv"),
    ("jsonl", "Export what was hashed", "application/jsonl"),
)


def certainty(found: views.AuditPage) -> None:
    """Say how sure one can be that the log is whole."""
    checked = found.checked
    anchored = (
        f"Anchored to entry {found.anchor.seq:,}, {age_text(found.wall - found.anchor.ts)} ago"
        f"{'' if found.anchor.signature else ' (not signed: steward.yaml names no key)'}."
        if found.anchor
        else "Not anchored yet: `steward jobs` and `steward run --once` do it."
    )
    if checked is None:
        st.info(f"The log was never checked as a whole. {anchored}", icon=":material/help:")
    elif checked[1].sound:
        st.caption(
            f":material/verified: {checked[1].entries:,} entries were checked "
            f"{age_text(found.wall - checked[0])} ago and are intact{_since(found, checked[1])}. {anchored}"
        )
    else:
        st.error(f"**The log is not whole.** {plain(told(checked[1]))}", icon=":material/gpp_bad:")
    st.button(
        "Check it now",
        icon=":material/fact_check:",
        on_click=check_now,
        help="Computes every entry's hash anew and compares with the anchors.",
    )


def _since(found: views.AuditPage, report: AuditReport) -> str:
    later = found.entries_in_all - report.entries
    return f"; {later:,} came since" if later > 0 else ""


def check_now() -> None:
    """Check the chain because somebody asks."""
    auditing.check(store(), due=True)


def told(report: AuditReport) -> str:
    """Return what a check found that is not good."""
    place = f"after entry {report.seq:,}" if report.state == "truncated" else f"at entry {report.seq:,}"
    return f"It is {report.state} {place}: {report.problem}."


def filters() -> dict[str, Any]:
    """Show the filters, which live in the address, and return what they ask for."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.text_input("Who", key="who", bind="query-params", placeholder="Anybody", width=220)
        kind = st.selectbox(
            "What",
            list(KINDS),
            index=None,
            key="what",
            bind="query-params",
            placeholder="Anything",
            width=160,
        )
        about = st.text_input(
            "About",
            key="about",
            bind="query-params",
            placeholder="delay-30",
            width=220,
            help="Part of what it was done to, as the table writes it.",
        )
        first, last = (
            st.date_input(
                label, None, key=key, bind="query-params", min_value=EARLIEST, format="YYYY-MM-DD", width=140
            )
            for label, key in (("From (UTC)", "since"), ("To", "until"))
        )
    return {
        "who": who.strip() or None,
        "action": KINDS.get(kind or ""),
        "about": about.strip() or None,
        "since": _midnight(first) if first else None,
        "until": _midnight(last) + timedelta(days=1) if last else None,
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def table(entries: list[AuditEntry]) -> AuditEntry | None:
    """Show entries and return the one that is chosen."""
    frame = pl.DataFrame(
        {
            "No.": [each.seq for each in entries],
            "When": [each.ts.replace(tzinfo=None) for each in entries],
            "Who": [each.actor for each in entries],
            "By": [each.source for each in entries],
            "What": [each.action for each in entries],
            "About": [each.entity for each in entries],
            "Why": [each.reason for each in entries],
        },
        schema_overrides={"Why": pl.String},
    )
    picked = st.dataframe(
        arrow(frame),
        key="entries",
        hide_index=True,
        placeholder="–",
        on_select="rerun",
        selection_mode="single-row",
        height="content" if frame.height <= 14 else TABLE_HEIGHT,
        column_config={
            "No.": st.column_config.NumberColumn(width=64, format="localized"),
            "When": st.column_config.DatetimeColumn("When (UTC)", width=150, format="D MMM YYYY HH:mm:ss"),
            "Who": st.column_config.TextColumn(width=200),
            "By": st.column_config.TextColumn(width=64, help="Dashboard (ui), command (cli), token or job."),
            "What": st.column_config.TextColumn(width=180),
            "About": st.column_config.TextColumn(width=230),
            "Why": st.column_config.TextColumn(width=230),
        },
        alt="Audit entries, the newest first",
    )
    rows = [row for row in picked.selection.rows if row < len(entries)]
    return entries[rows[0]] if rows else None


def details(entry: AuditEntry) -> None:
    """Show one entry whole."""
    with st.container(border=True):
        st.markdown(
            f"**Entry {entry.seq:,}: {plain(entry.action)}** of {plain(entry.entity)} "
            f"by {plain(entry.actor)} ({plain(entry.source)}), {clock_text(entry.ts)} UTC"
        )
        if entry.reason:
            st.markdown(f"> {plain(entry.reason)}")
        before, after = st.columns(2)
        for place, title, value in ((before, "Before", entry.before), (after, "After", entry.after)):
            with place:
                st.caption(title)
                st.code(json.dumps(value, indent=1, ensure_ascii=False) if value else "–", language=None)
        rests = [f"policy `{entry.policy[:12]}`"] if entry.policy else []
        rests += (
            [f"evidence {', '.join(f'`{each[:12]}`' for each in entry.evidence)}"] if entry.evidence else []
        )
        st.caption(" · ".join([*rests, f"SHA-256 `{entry.hash}`"]))


def exports(actor: Actor, wanted: dict[str, Any], matching: int) -> None:
    """Offer what matches as a file; taking it out is itself an entry."""
    why = refusal(actor, "audit.export")
    with st.container(horizontal=True):
        for form, label, mime in EXPORTS:
            st.download_button(
                label,
                data=partial(audits.export, store(), actor, form, **wanted),
                file_name=f"steward-audit-{_shared.wall_clock():%Y%m%dT%H%M%S}.{form}",
                mime=mime,
                icon=":material/download:",
                disabled=why is not None or not matching,
                help=why,
                on_click="ignore",
            )


def older(found: views.AuditPage) -> None:
    """Offer the next page, and the way back to the newest entries."""
    with st.container(horizontal=True):
        if found.more:
            st.button(
                "Older entries",
                icon=":material/arrow_forward:",
                on_click=_turn,
                args=(found.entries[-1].seq,),
            )
        if st.query_params.get("before"):
            st.button("Newest entries", icon=":material/first_page:", on_click=_turn, args=(None,))


def _turn(before: int | None) -> None:
    if before is None:
        st.query_params.pop("before", None)
    else:
        st.query_params["before"] = str(before)


actor = require("health.see")
st.title("Audit log", anchor=False)
outcome()
with section("The audit log"):
    wanted = filters()
    asked = st.query_params.get("before", "")
    # Entries come with every command, so this page reads afresh each time.
    found = views.audit_page(store(), **wanted, before=int(asked) if asked.isdecimal() else None)
    certainty(found)
    if found.entries:
        chosen = table(list(found.entries))
        shown = f"{len(found.entries):,} of {found.entries_in_all:,} entries"
        st.caption(f"{shown}{f', {PAGE} a page' if found.more else ''} · click a row to see it whole")
        if chosen is not None:
            details(chosen)
        older(found)
        exports(actor, wanted, len(found.entries))
    elif any(wanted.values()):
        st.info(f"None of the {found.entries_in_all:,} entries matches.", icon=":material/filter_alt_off:")
    else:
        st.info("Nothing was done yet. Every change will be here, with who made it and why.")
