"""The tab Monitors: the rules that watch a model, what they said over the past, and forms to change them."""

from typing import Any

import polars as pl
import streamlit as st

from core import views
from core.actions import monitors as monitor_actions
from core.consistency import AUTO_METRIC
from core.monitor_text import sentence, severities
from core.monitor_yaml import block
from core.monitors import Monitor
from core.rehearsal import Rehearsed
from core.suggestions import suggested
from pages import _monitor_course, _monitor_form, _shared
from pages._alert_parts import severity_column
from pages._commands import carry_out, outcome, turn
from pages._model_parts import Selection
from pages._shared import HERE, STATES, badge, clock_text, plain, read, store

NEW = "new monitor"  # no monitor can have this name
TABLE_HEIGHT = 300
_TABLE: Any = {
    "Now": pl.List(pl.String),
    **dict.fromkeys(("Alarms when", "Severity", "Past", "Name"), pl.String),
}
PAST_NOTE = (
    "Grey stretches are the alerts this rule raises over the past, judged by it alone. "
    "What was told at the time stands in the tab History."
)
LIMIT_NOTE = " In the tinted bands it breaches."
AUTO_NOTE = " The marks are the windows it finds unusual, the dotted line what is usual for the distance."
AGAINST_REFERENCE = " The reference's own windows say what is usual and are not judged."


def show(chosen: Selection) -> None:
    """Show the tab."""
    page = read(views.monitors_page, chosen.slug)
    if page is None:
        return
    outcome()
    if page.monitors:
        table(page)
    else:
        st.info(
            "**No monitor watches this model**, so nothing ever alarms. Preview one of these, or write one.",
            icon=":material/visibility_off:",
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = pick(page)
        st.button(
            "Add a monitor",
            icon=":material/add:",
            disabled=name == NEW,
            key="add-monitor",
            on_click=st.session_state.__setitem__,
            args=("monitor", NEW),
        )
        managing(page, chosen)
    if name == NEW:
        new(page, chosen)
    else:
        one(next(monitor for monitor in page.monitors if monitor.name == name), page, chosen)


def table(page: views.MonitorsPage) -> None:
    """Show all monitors as people say them; a click on one shows it below."""
    names = [monitor.name for monitor in page.monitors]
    rows = [_row(monitor, page) for monitor in page.monitors]
    frame = pl.DataFrame(rows, schema=_TABLE, orient="row")

    def choose() -> None:
        cells = st.session_state["monitors-table"].selection.cells
        if cells:
            st.session_state["monitor"] = names[cells[0][0]]

    st.dataframe(
        frame,
        key="monitors-table",
        hide_index=True,
        on_select=choose,
        selection_mode="single-cell",
        placeholder="–",
        height="content" if len(rows) <= 8 else TABLE_HEIGHT,
        column_config={
            "Now": severity_column(),
            "Alarms when": st.column_config.TextColumn(width=440),
            "Severity": st.column_config.TextColumn(width=150),
            "Past": st.column_config.TextColumn(width=110),
            "Name": st.column_config.TextColumn(width=220),
        },
        alt="The monitors of the model",
    )


def _row(monitor: Monitor, page: views.MonitorsPage) -> tuple[Any, ...]:
    lasting = [alert.episode.severity.value for alert in page.open_alerts[monitor.name]]
    worst = [name for name in ("critical", "warning") if name in lasting][:1]
    now = [f"{STATES[name].glyph} {STATES[name].word}" for name in worst] or None
    count = len(page.past[monitor.name].episodes)
    return (
        now,
        sentence(monitor),
        ", then ".join(severities(monitor)),
        f"{count} alert{'' if count == 1 else 's'}",
        monitor.name,
    )


def pick(page: views.MonitorsPage) -> str:
    """Show the monitors' names and the new one, and return the chosen; the address has it."""
    names = [*(monitor.name for monitor in page.monitors), NEW]
    asked = st.query_params.get("monitor") or st.session_state.get("monitor")
    if asked is not None and asked not in names:
        st.session_state.pop("monitor", None)
        st.warning(f"No monitor of this model is called **{plain(asked)}**.")
    chosen: str = st.selectbox("Monitor", names, key="monitor", bind="query-params", width=300)
    return chosen


def managing(page: views.MonitorsPage, chosen: Selection) -> None:
    """Say where the monitors are changed, and offer the other place."""
    here = page.registered.managed == "ui"
    off, why = _monitor_form.barred(chosen)
    label = "Managed here" if here else "Managed by its file"
    icon = ":material/tune:" if here else ":material/description:"
    with st.popover(label, icon=icon, key=f"managing-{turn()}"):
        if here:
            st.markdown(
                "These monitors are changed here; `steward apply` refuses a file that says something else."
            )
            st.code(
                block(page.registered.text, page.registered.declaration), language="yaml", wrap_lines=True
            )
            st.caption(
                "Given back to its file, the next `steward apply` puts that file's monitors into force."
            )
        else:
            st.markdown(
                "These monitors stand in the model's file; the forms here preview a change and write its "
                "YAML. They can be changed here instead: `steward apply` then refuses a file that says "
                "something else."
            )
        st.button(
            "Give back to the file" if here else "Change them here from now on",
            disabled=off,
            help=why,
            key=f"manage-{turn()}",
            on_click=_manage,
            args=(chosen.slug, "file" if here else "ui", page.registered.revision),
        )


def one(monitor: Monitor, page: views.MonitorsPage, chosen: Selection) -> None:
    """Show a monitor: its open alerts, its course, and the form that changes it."""
    st.subheader(plain(sentence(monitor)), anchor=False)
    open_alerts(monitor, page, chosen)
    left, right = st.columns([5, 3])
    with right, st.container(border=True, gap="small"):
        st.markdown("**Change it**")
        draft = _monitor_form.edit(monitor, page)
        past = page.past[monitor.name]
        if draft is not None and draft.changed:
            preview = read(views.rehearsed, chosen.slug, draft.monitor)
            if preview is not None:
                _monitor_form.verdict(preview, past)
                _monitor_form.into_force(draft, page, chosen, replaces=monitor.name)
                past = preview
        elif draft is not None:
            st.caption(
                "Change a field: the alerts of the changed rule show at once, before anything is saved."
            )
        _monitor_form.removal(monitor, page, chosen)
    with left:
        shown = draft.monitor if draft is not None else monitor
        heading = f"Preview: {sentence(shown)}" if draft is not None and draft.changed else "As it is now"
        _course(shown, past, chosen, heading)


def open_alerts(monitor: Monitor, page: views.MonitorsPage, chosen: Selection) -> None:
    """Link to the alerts of a monitor that last, and say what else one of them sets off."""
    lasting = page.open_alerts[monitor.name]
    if not lasting:
        st.caption(":material/check: No alert is open.")
    for alert in lasting[:5]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(badge(alert.episode.severity.value))
            st.page_link(
                HERE / "alert.py",
                label=f"{alert.message}, since {clock_text(alert.episode.opened_at, chosen.zone)}",
                icon=":material/notifications_active:",
                query_params={"id": str(alert.id)},
            )
    if len(lasting) > 5:
        st.caption(f"And {len(lasting) - 5} more: see the page Alerts.")
    also = ["proposes a retraining"] if monitor.then else []
    also += [f"tells {' and '.join(monitor.notify)} besides the model's channels"] if monitor.notify else []
    if also:
        st.caption(f":material/bolt: Each alert {plain(' and '.join(also))}.")


def new(page: views.MonitorsPage, chosen: Selection) -> None:
    """Show what could be watched, the form of a new monitor and what it would have said."""
    found = {monitor.name: monitor for monitor in suggested(page.registered.declaration)}
    key = f"{chosen.slug}-start"
    start = found.get(st.session_state.get(key, ""))
    left, right = st.columns([5, 3])
    with right, st.container(border=True, gap="small"):
        st.markdown("**A new monitor**")
        draft = _monitor_form.add(page, start)
        preview = read(views.rehearsed, chosen.slug, draft.monitor) if draft else None
        if draft is not None and preview is not None:
            _monitor_form.verdict(preview, None)
            _monitor_form.into_force(draft, page, chosen, replaces=None)
    with left:
        suggestions(list(found.values()), key)
        if draft is not None and preview is not None:
            _course(draft.monitor, preview, chosen, f"Preview: {sentence(draft.monitor)}")


def suggestions(found: list[Monitor], key: str) -> None:
    """Show monitors that make sense for this model; a click previews one."""
    if found:
        st.markdown("**Worth watching** – a click previews it")
    for monitor in found:
        st.button(
            plain(sentence(monitor)),
            icon=":material/visibility:",
            key=f"{key}-{monitor.name}",
            wrap=True,
            on_click=st.session_state.__setitem__,
            args=(key, monitor.name),
        )


def _course(monitor: Monitor, past: Rehearsed, chosen: Selection, title: str) -> None:
    note = PAST_NOTE + (AUTO_NOTE if monitor.metric == AUTO_METRIC else LIMIT_NOTE)
    note += AGAINST_REFERENCE * (monitor.rule in ("threshold", "drop", "rise"))
    _monitor_course.show(past, chosen, title=title, note=note)


def _manage(slug: str, by: str, seen: str) -> None:
    def change() -> str:
        monitor_actions.manage(store(), slug, by, _shared.asking(), seen=seen)
        return "Monitors are changed here now" if by == "ui" else "Its file manages the monitors now"

    carry_out(change)
