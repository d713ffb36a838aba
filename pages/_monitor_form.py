"""The form of a monitor: its rule, what the changed rule would have said, and how it comes into force."""

import re
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import monitor_form, views
from core.actions import monitors as monitor_actions
from core.catalogue import CATALOGUE
from core.consistency import AUTO_METRIC, counted_columns, per_column
from core.declaration import Declaration
from core.errors import DeclarationError
from core.monitor_form import KINDS, Fields
from core.monitor_yaml import as_declared, block, edited
from core.monitors import Monitor
from core.rehearsal import Rehearsed, differences
from core.verdicts import FRESHNESS, usual_persistence
from pages import _shared
from pages._commands import carry_out, turn
from pages._model_parts import Selection, title
from pages._shared import plain, read, store

AUTO_TITLE = "Drift (automatic)"


@dataclass(frozen=True)
class Draft:
    """What the form says: the monitor as declared, and the declaration with it; None where it is refused."""

    monitor: Monitor
    after: Declaration
    changed: bool


def edit(monitor: Monitor, page: views.MonitorsPage) -> Draft | None:
    """Show the fields of a declared monitor, and return what they say."""
    base, key = as_declared(monitor), f"{page.registered.declaration.model}-{monitor.name}-{turn()}"
    said = _rule(monitor.metric, monitor_form.fields(monitor), key)
    return _draft(page, base, monitor_form.monitor(base, said), replaces=monitor.name)


def add(page: views.MonitorsPage, start: Monitor | None) -> Draft | None:
    """Show the fields of a new monitor, filled from `start`, and return what they say."""
    slug = page.registered.declaration.model
    key = f"{slug}-new-{start.name if start else ''}-{turn()}"
    base = _place(page, start, key)
    kept = start is not None and base["metric"] == start.metric
    first = monitor_form.kinds(base["metric"])[0]
    shown = monitor_form.fields(start) if start and kept else Fields(first)
    said = _rule(base["metric"], shown, f"{key}-{base['metric']}")
    if said.rule != "threshold" and not (said.warning or said.critical):
        st.caption("Say from which value on it is a warning, or critical, or both.")
        return None
    return _draft(page, {}, monitor_form.monitor(base, said), replaces=None)


def _draft(
    page: views.MonitorsPage, base: dict[str, Any], declared: dict[str, Any], *, replaces: str | None
) -> Draft | None:
    declaration = page.registered.declaration
    names = [monitor.name for monitor in declaration.monitors]
    if replaces and declared == base:
        return Draft(declaration.monitors[names.index(replaces)], declaration, False)
    try:
        after = monitor_actions.drafted(declaration, declared, replaces=replaces)
    except DeclarationError as error:
        place = rf"^{re.escape(declaration.model)}: (monitors\.\d+[.:]\s?)?"
        told = dict.fromkeys(re.sub(place, "", line) for line in str(error).splitlines())
        st.warning("  \n".join(plain(line) for line in told), icon=":material/edit:")
        return None
    return Draft(after.monitors[names.index(replaces) if replaces else -1], after, True)


def _place(page: views.MonitorsPage, start: Monitor | None, key: str) -> dict[str, Any]:
    """Show what a new monitor looks at, and return that part of it."""
    declaration = page.registered.declaration
    titles = _metrics(declaration)
    names = list(titles.values())
    watched = {monitor.metric for monitor in declaration.monitors}
    unwatched = (place for place, name in enumerate(names) if name not in watched)
    first = names.index(start.metric) if start and start.metric in names else next(unwatched, 0)
    metric = titles[st.selectbox("Metric", list(titles), index=first, key=f"{key}-metric")]
    kept = as_declared(start) if start and start.metric == metric else {}
    place: dict[str, Any] = {"metric": metric}
    info = CATALOGUE.get(metric)
    attributes = [each if isinstance(each, str) else each.column for each in declaration.protected]
    whole = kept.get("columns") == "all"
    if per_column(metric):
        options = counted_columns(declaration)
        columns = st.multiselect(
            "Columns", options, key=f"{key}-{metric}-columns", placeholder="All columns",
            default=[] if whole else kept.get("columns"),
        )  # fmt: skip
        place["columns"] = columns or "all"
    if info is not None and info.family == "fairness":
        crossed = [" & ".join(attributes)] if len(attributes) > 1 else []
        protected = st.multiselect(
            "By", [*attributes, *crossed], key=f"{key}-{metric}-by", placeholder="All protected attributes",
            default=kept.get("protected"),
        )  # fmt: skip
        place |= {"protected": protected} if protected else {}
    if declaration.segments and metric != FRESHNESS:
        segments = st.multiselect(
            "In each", declaration.segments, key=f"{key}-{metric}-segments", placeholder="All rows together",
            default=kept.get("segments"),
        )  # fmt: skip
        place |= {"segments": segments} if segments else {}
    name = st.text_input("Name", key=f"{key}-name", placeholder="made of metric and place").strip()
    return {"name": name} | place if name else place


def _metrics(declaration: Declaration) -> dict[str, str]:
    """Return what can be watched by title: what is measured of the model, all there is before it was."""
    measured = read(views.measured, declaration.model)
    known = [name for name in CATALOGUE if name in measured or not measured]
    return {AUTO_TITLE: AUTO_METRIC} | {title(name): name for name in (*known, *declaration.custom)}


def _rule(metric: str, shown: Fields, key: str) -> Fields:
    """Show the fields of a rule, and return what they say."""
    options = {KINDS[kind]: kind for kind in monitor_form.kinds(metric)}
    index = list(options.values()).index(shown.rule) if shown.rule in options.values() else 0
    rule = options[st.selectbox("Alarms when it", list(options), index=index, key=f"{key}-kind")]
    warning = critical = ""
    severity = shown.severity
    if rule == "threshold":
        what = "Each column" if metric == AUTO_METRIC else "It"
        st.caption(f"{what} is held against what is usual for it; there is no limit to choose.")
        severity = str(
            st.segmented_control(
                "Severity", ["warning", "critical"], default=shown.severity, required=True, key=f"{key}-how"
            )
        )
    else:
        same, hint = rule == shown.rule, _hint(rule, metric)
        with st.container(horizontal=True):
            warning, critical = (
                st.text_input(
                    level.capitalize(),
                    value=getattr(shown, level) if same else "",
                    key=f"{key}-{rule}-{level}",
                    placeholder=hint,
                    width=150,
                    help=f"Leave it empty for no {level} level.",
                )
                for level in ("warning", "critical")
            )
    persistence = shown.persistence
    if metric != FRESHNESS:
        persistence = st.text_input(
            "For",
            value=shown.persistence,
            key=f"{key}-for",
            placeholder=usual_persistence(rule),
            width=150,
            help="How long it must last before there is an alert, and as long to end it: `3 windows`, `48h`.",
        )
    return Fields(rule, warning, critical, persistence, severity)


def _hint(rule: str, metric: str) -> str:
    if metric == FRESHNESS:
        return "hours"
    return {"outside": "low to high", "drop": "10%", "rise": "10%"}.get(rule, "a number")


def verdict(past: Rehearsed, before: Rehearsed | None) -> None:
    """Say how many alerts a rule would have raised, against those of the rule it replaces."""
    text = f"**{_count(len(past.episodes))}** over the past"
    if before is not None:
        gone, new = differences(before, past)
        text += f", {len(before.episodes)} by the present rule"
        changes = [f"{gone} fewer" * bool(gone), f"{new} new" * bool(new)]
        text += f" ({', '.join(filter(None, changes))})" if gone or new else ""
    skipped = ", ".join(f"{count:,} ({reason})" for reason, count in past.skipped.items())
    st.markdown(f":material/history: {text}.")
    st.caption(
        f"{past.judged:,} windows judged" + (f"; not judged: {plain(skipped)}" if skipped else "") + ". "
        "A changed rule judges from the next window on; what was alarmed stays."
    )


def _count(number: int) -> str:
    return f"{number} alert{'' if number == 1 else 's'}"


def into_force(draft: Draft, page: views.MonitorsPage, chosen: Selection, *, replaces: str | None) -> None:
    """Show how a change comes into force: by a button, or as YAML for the model's file."""
    declared = as_declared(draft.monitor)
    if page.registered.managed == "ui":
        off, why = barred(chosen)
        st.button(
            "Save" if replaces else "Add this monitor",
            type="primary",
            icon=":material/save:",
            disabled=off,
            help=why,
            key=f"save-{turn()}",
            on_click=_put,
            args=(chosen.slug, declared, replaces, page.registered.revision),
        )
        return
    yaml_of(draft.after, page)


def yaml_of(after: Declaration, page: views.MonitorsPage) -> None:
    """Show the block ``monitors:`` that makes a change, to be pasted into the model's file."""
    slug = after.model
    st.caption(
        f"{plain(slug)} is managed by its file. Put this block in the place of the one in its declaration, "
        "then run `steward apply`."
    )
    st.code(block(edited(page.registered.text, after), after), language="yaml", wrap_lines=True)


def removal(monitor: Monitor, page: views.MonitorsPage, chosen: Selection) -> None:
    """Show how a monitor is removed, and what that does."""
    count = len(page.open_alerts.get(monitor.name, ()))
    key = f"remove-{monitor.name}-{turn()}"
    opened = st.popover("Remove", icon=":material/delete:", key=key, on_change="rerun")
    if not opened.open:  # its YAML takes some time to write
        return
    with opened:
        closes = f" Its {_count(count)} will close as “monitor removed”." if count else ""
        st.markdown(f"Nothing will watch for this any more.{closes}")
        if page.registered.managed != "ui":
            yaml_of(monitor_actions.without(page.registered.declaration, monitor.name), page)
            return
        off, why = barred(chosen)
        st.button(
            "Remove this monitor",
            type="primary",
            disabled=off,
            help=why,
            key=f"really-remove-{turn()}",
            on_click=_remove,
            args=(chosen.slug, monitor.name, page.registered.revision),
        )


def barred(chosen: Selection) -> tuple[bool, str | None]:
    """Return whether the person may not change monitors, and what to say then."""
    why = _shared.refusal(chosen.actor, "monitor.change", chosen.slug)
    return why is not None, why


def _put(slug: str, declared: dict[str, Any], replaces: str | None, seen: str) -> None:
    def change() -> str:
        after = monitor_actions.put(store(), slug, declared, _shared.asking(), replaces=replaces, seen=seen)
        if replaces:
            return f"Changed: {replaces}"
        st.session_state["monitor"] = after.monitors[-1].name
        return f"Added: {after.monitors[-1].name}"

    carry_out(change)


def _remove(slug: str, name: str, seen: str) -> None:
    def change() -> str:
        monitor_actions.remove(store(), slug, name, _shared.asking(), seen=seen)
        st.session_state.pop("monitor", None)
        return f"Removed: {name}"

    carry_out(change)
