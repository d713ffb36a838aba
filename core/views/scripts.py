"""What scripts and notebooks read: how every model is, its alerts, and one metric over time."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from core.catalogue import CATALOGUE
from core.entities import Alert
from core.errors import InputError
from core.store import Store, alerts, models, statistics
from core.store import status as model_status
from core.strict import nearest
from core.verdicts import shown_metric

STATUS = ("model", "version", "state", "since", "reasons", "open_alerts", "last_window", "rows")
SERIES = ("window_start", "window_end", "n", "value", "lower", "upper", "sampling_error", "alert", "mature")
_INSTANT = pl.Datetime("us", "UTC")
ALERTS: dict[str, Any] = {
    "id": pl.Int64,
    **dict.fromkeys(("model", "monitor", "metric", "column", "segment", "group"), pl.String),
    **dict.fromkeys(("severity", "state"), pl.String),
    **dict.fromkeys(("opened_at", "resolved_at", "first_window", "last_window"), _INSTANT),
    **dict.fromkeys(("value", "threshold"), pl.Float64),
    **dict.fromkeys(("message", "closed_reason"), pl.String),
}


def status(store: Store) -> pl.DataFrame:
    """Return how each registered model is doing: the columns STATUS, a row per model, times in UTC."""
    with store.read() as c:
        return model_status.overview(c).select(STATUS)


def all_alerts(store: Store, *, ended: bool = False) -> pl.DataFrame:
    """Return the alerts that are not resolved, with `ended` all of them, newest first: the columns ALERTS."""
    now = store.workspace.now()
    with store.read() as c:
        rows = [_facts(alert, alert.state(now)) for alert in alerts.every(c, ended=ended)]
    return pl.DataFrame(rows, schema=ALERTS, orient="row")


def one_series(
    store: Store,
    model: str,
    metric: str,
    *,
    column: str | None = None,
    segment: str = "",
    group: str = "",
    version: str = "",
) -> pl.DataFrame:
    """Return one metric over time: the columns SERIES, a row per window, times in the model's zone.

    `alert` is the severity of an alert about it that lasted through the window; it is `mature` when no label
    is waited for.

    Raises
    ------
    InputError
        If there is no such model or metric, or it takes a column, segment, group or version to name one
        series; the message says which there are.
    """
    with store.read() as c:
        known = {each.declaration.model: each.declaration for each in models.every(c)}
        if model not in known:
            raise InputError(f"{model!r} is no registered model; {nearest(model, known)}")
        raised = alerts.of_model(c, model)
    asked = {"column": column, "segment": segment, "group": group, "version": version}
    found = statistics.read(
        store,
        model,
        "metrics",
        metrics=[metric],
        columns=None if column is None else [column],
        segment=segment,
        group=group,
        version=version,
        variant="",
    )
    if found.is_empty():
        _name_the_nearest(statistics.read(store, model, "metrics", metrics=[metric]), metric, asked)
    if column is None and (whole := found.filter(pl.col("column") == "")).height:
        found = whole  # of the whole model; that it has parts as well is no question
    if len(columns := sorted(set(found["column"]))) > 1:
        raise InputError(f"{metric} is measured per column; say --column, one of {', '.join(columns)}")
    if metric not in CATALOGUE and found.is_empty():
        raise InputError(f"{metric!r} is no metric; {nearest(metric, CATALOGUE)}")
    mature = pl.col("mature_at").is_null() | (pl.col("mature_at") <= store.workspace.now())
    wanted = {**asked, "column": column or (columns[0] if columns else "")}
    lasted = _severity(found, [alert for alert in raised if _speaks_of(alert, metric, wanted)])
    points = found.with_columns(alert=lasted, mature=mature).sort("window_start").select(SERIES)
    zone = known[model].zone.key
    return points.with_columns(pl.col("window_start", "window_end").dt.convert_time_zone(zone))


def _name_the_nearest(everything: pl.DataFrame, metric: str, asked: dict[str, str | None]) -> None:
    """Say which column, segment, group or version of a metric was meant where it has none of that name."""
    for key, value in asked.items() if everything.height else ():
        names = sorted(set(everything[key]) - {""})
        if value is None or value in everything[key]:
            continue
        if not value:
            raise InputError(f"{metric} is measured per {key}; say --{key}, one of {', '.join(names)}")
        if not names:
            raise InputError(f"{metric} is not measured per {key}; leave --{key} out")
        raise InputError(f"there is no {metric} of {key} {value!r}; {nearest(value, names)}")


def _speaks_of(alert: Alert, metric: str, wanted: dict[str, str | None]) -> bool:
    target = alert.episode.target
    same = all(getattr(target, key) == (value or "") for key, value in wanted.items())
    return same and shown_metric(target.metric) == metric


def _severity(found: pl.DataFrame, raised: Sequence[Alert]) -> pl.Expr:
    """Return the worst severity of the alerts that last through each window, null where none does."""
    worst = pl.lit(None, pl.String)
    for alert in sorted(raised, key=lambda alert: alert.episode.severity == "critical"):
        episode = alert.episode
        lasts = pl.col("window_start").is_between(episode.first_window, episode.last_window)
        worst = pl.when(lasts).then(pl.lit(episode.severity.value)).otherwise(worst)
    return worst


def _facts(alert: Alert, state: str) -> tuple[Any, ...]:
    """Return an alert as outsiders rely on it, in the order of ALERTS."""
    episode, target = alert.episode, alert.episode.target
    return (
        *(alert.id, alert.model, episode.monitor, target.metric, target.column, target.segment),
        *(target.group, episode.severity.value, state, episode.opened_at, episode.resolved_at),
        *(episode.first_window, episode.last_window, episode.value, episode.threshold),
        *(alert.message, episode.closed_reason),
    )
