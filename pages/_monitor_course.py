"""What a rule says about the past: one target drawn with its limits, and the alerts it raises there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl
import streamlit as st

from core import charts, views
from core.alert_text import sentence, subject
from core.consistency import AUTO_METRIC
from core.entities import Episode, Target
from core.rehearsal import Rehearsed
from core.verdicts import FRESHNESS, shown_metric
from pages._alert_parts import severity_column, severity_words
from pages._model_parts import Selection, draw, drawn, meaning, nothing, reading, series, until
from pages._shared import plain

TABLE_HEIGHT = 250
_INSTANT = pl.Datetime("us", "UTC")
_SPANS: Any = {"start": _INSTANT, "end": _INSTANT, "severity": pl.String}
_ALERTS: Any = {"severity": pl.String, "message": pl.String, "on": _INSTANT, "until": _INSTANT}


def show(past: Rehearsed, chosen: Selection, *, title: str, note: str) -> None:
    """Show the chart of one target and the alerts of all of them.

    Parameters
    ----------
    title, note : what stands above and below the chart, plain text
    """
    found = views.targets(past)
    with st.container(border=True, gap="xsmall"):
        if not found:
            st.markdown(f"**{plain(title)}**")
            nothing("no window has been measured that this rule looks at")
            return
        metric = shown_metric(found[0].metric)
        st.markdown(f"**{plain(title)}**", help=meaning(metric))
        target = _pick(found)
        _chart(past, target, chosen)
        st.caption(note)
    _alerts(past.episodes, chosen)


def _pick(found: Sequence[Target]) -> Target:
    """Show the targets, those that alarm first, and return the chosen one; the address has it."""
    if len(found) == 1:
        return found[0]
    labels = {subject(target): target for target in found}
    asked = st.session_state.get("target")
    if asked is not None and asked not in labels:
        del st.session_state["target"]
    chosen: str = st.selectbox(
        "Of", list(labels), key="target", bind="query-params", width=360, label_visibility="collapsed"
    )
    return labels[chosen]


def _chart(past: Rehearsed, target: Target, chosen: Selection) -> None:
    alt = f"{subject(target)} of {chosen.slug} with the limits of its monitor"
    episodes = [episode for episode in past.episodes if episode.target == target]
    if target.metric == FRESHNESS:
        rows = series(chosen, ("volume",), columns=("",))
        if not rows.height:
            nothing()
            return
        figure = charts.bars_over_time(
            rows, zone=chosen.zone, until=until(chosen), annotated=chosen.page.annotations
        )
        first = rows["window_start"].min()
        charts.mark_alerts(figure, _spans(episodes, first, until(chosen)), chosen.zone)  # type: ignore[arg-type]
        draw(figure, alt, key="monitor")
        return
    verdicts = views.of_target(past, target)
    if chosen.start is not None:
        verdicts = verdicts.filter(pl.col("window_start") >= chosen.start)
    if chosen.end is not None:
        verdicts = verdicts.filter(pl.col("window_start") < chosen.end)
    if not verdicts["value"].drop_nulls().len():
        nothing(verdicts["reason"].drop_nulls().mode()[0] if verdicts["reason"].drop_nulls().len() else None)
        return
    spans = _spans(episodes, verdicts["window_start"].min(), until(chosen))  # type: ignore[arg-type]
    figure = drawn(
        charts.monitored,
        {"verdicts": verdicts, "alerts": spans},
        zone=chosen.zone,
        reading=reading(shown_metric(target.metric)),
        banded=target.metric != AUTO_METRIC,
        until=until(chosen),
        annotated=chosen.page.annotations,
    )
    draw(figure, alt, key="monitor")


def _spans(episodes: Sequence[Episode], first: datetime, end: datetime) -> pl.DataFrame:
    """Return the stretches of episodes within what is drawn."""
    rows = [
        (max(episode.first_window, first), min(_over(episode) or end, end), episode.severity.value)
        for episode in episodes
    ]
    return pl.DataFrame([row for row in rows if row[0] < row[1]], schema=_SPANS, orient="row")


def _over(episode: Episode) -> datetime | None:
    if episode.target.metric == FRESHNESS:
        return episode.resolved_at
    return episode.resolved_window or episode.resolved_at


def _alerts(episodes: Sequence[Episode], chosen: Selection) -> None:
    if not episodes:
        return
    ordered = sorted(episodes, key=lambda episode: episode.opened_at, reverse=True)
    rows = [(e.severity.value, sentence(e), e.opened_at, e.resolved_at) for e in ordered]
    frame = pl.DataFrame(rows, schema=_ALERTS, orient="row")
    on, ended = (
        pl.col(name).dt.convert_time_zone(chosen.zone).dt.to_string("%-d %b %Y") for name in ("on", "until")
    )
    st.dataframe(
        frame.select(
            Severity=severity_words(), Alert="message", Opened=on, Resolved=ended.fill_null("lasts")
        ),
        key="rehearsed-alerts",
        hide_index=True,
        height="content" if len(rows) <= 6 else TABLE_HEIGHT,
        column_config={
            "Severity": severity_column(),
            "Alert": st.column_config.TextColumn(width=330),
            "Opened": st.column_config.TextColumn(width=100),
            "Resolved": st.column_config.TextColumn(width=100),
        },
        alt="The alerts that the rule raises over the past, newest first",
    )
