"""What monitors say about windows: each metric value beside the limits of its rule, and how bad that is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from core import volume
from core.annotations import Span
from core.auto import standing
from core.auto.columns import FEWEST_ROWS
from core.auto.usual_range import with_range
from core.catalogue import CATALOGUE
from core.consistency import AUTO_METRIC
from core.declaration import Declaration
from core.entities import METRICS, Target
from core.monitors import Changes, Limits, Monitor, Ranges, magnitude
from core.reconstruction import RECONSTRUCTION
from core.windows import duration

MINIMUM_LABELLED = 30  # below it a window's performance says more about chance than about the model
FRESHNESS = "freshness"
_TARGET = tuple(field.name for field in fields(Target))
_INSTANT = METRICS["window_start"]

# One window as one monitor sees it: `level` is 0 quiet, 1 warning, 2 critical, null = not judged (`reason`).
VERDICTS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "monitor": pl.String,
    **dict.fromkeys(_TARGET, pl.String),
    "window_start": _INSTANT,
    "window_end": _INSTANT,
    "ordinal": pl.Int64,  # windows next to each other differ by one
    "judged_at": _INSTANT,  # when it could be judged: closed, and its labels complete
    "level": pl.Int8,
    "value": pl.Float64,
    "low": pl.Float64,  # quiet from here …
    "high": pl.Float64,  # … to here; null = no limit on this side
    "critical_low": pl.Float64,
    "critical_high": pl.Float64,
    "reason": pl.String,
    "question": pl.String,  # what the verdict on drift found, in words
}
_LIMITS = ("low", "high", "critical_low", "critical_high")


def shown_metric(metric: str) -> str:
    """Return the metric whose values a monitor judges: the verdict on drift is shown as a distance."""
    return "jensen_shannon" if metric == AUTO_METRIC else metric


def usual_persistence(rule: str) -> str:
    """Return how long a rule must be broken unless the monitor says it: an automatic one twice."""
    return "2 windows" if rule == "threshold" else "1 window"


def persistence(monitor: Monitor, declaration: Declaration) -> int:
    """Return how many breaching windows in a row make an alert, and how many quiet ones end it."""
    if monitor.metric == FRESHNESS:  # a silence is measured as a whole
        return 1
    said = monitor.persistence or usual_persistence(monitor.rule)
    count, _, unit = said.partition(" ")
    return int(count) if unit else declaration.calendar.count(duration(said))


def judge(
    metrics: pl.DataFrame,
    reference: pl.DataFrame,
    declaration: Declaration,
    monitors: Iterable[Monitor],
    *,
    now: datetime,
    since: Mapping[str, datetime | None] = {},
) -> pl.DataFrame:
    """Return the verdicts of a model's monitors on its closed windows.

    Freshness is judged by the clock instead, see `silences`.

    Parameters
    ----------
    metrics, reference : METRICS of the windows to judge, and of the reference's own windows
    now : business time; windows that are open then are left out
    since : by monitor name the first window its rule judges; None or absent = all

    Returns
    -------
    VERDICTS, sorted by monitor, target and window.
    """
    closed = metrics.filter(pl.col("window_end") + declaration.grace <= now)
    judged_at = pl.max_horizontal(pl.col("window_end") + declaration.grace, "mature_at")
    closed = closed.with_columns(
        judged_at=judged_at, ordinal=declaration.calendar.ordinals(closed["window_start"])
    )
    closed = standing.marked(closed, reference, now=now)
    frames = [pl.DataFrame(schema=VERDICTS)]
    for monitor in monitors:
        if monitor.metric == FRESHNESS:
            continue
        seen = _seen(closed, monitor, declaration)
        if monitor.metric == volume.VOLUME:  # has weekdays and hours: compared with its past
            seen = volume.with_usual(seen, declaration.calendar)
        if (start := since.get(monitor.name)) is not None:
            seen = seen.filter(pl.col("window_start") >= start)
        limited = _limited(seen, _seen(reference, monitor, declaration, reference=True), monitor, reference)
        frames.append(_levels(limited, monitor, now))
    return pl.concat(frames).sort("monitor", *_TARGET, "window_start")


def _seen(
    metrics: pl.DataFrame, monitor: Monitor, declaration: Declaration, *, reference: bool = False
) -> pl.DataFrame:
    """Return the rows a monitor looks at; of the reference those of all versions together."""
    metric = shown_metric(monitor.metric)
    info = CATALOGUE.get(metric)
    kept = [pl.col("metric") == metric, pl.col("variant") == ""]
    kept.append(
        _any(pl.col("segment"), declaration.segments if monitor.segments == "all" else monitor.segments)
    )
    each = monitor.versions == "each" and not reference
    kept.append((pl.col("version") != "") if each else (pl.col("version") == ""))
    gap = info is not None and info.family == "fairness" and info.name.endswith(("_difference", "_ratio"))
    attributes = monitor.protected or tuple(_attributes(declaration))
    if gap:
        kept += [pl.col("group") == "", pl.col("column").is_in(attributes)]
    elif info is not None and info.family == "fairness":
        kept += [
            pl.col("group") != "",
            pl.col("group").map_elements(attribute_of, pl.String).is_in(attributes),
        ]
    else:
        kept.append(pl.col("group") == "")
        if metric == RECONSTRUCTION:  # what each feature loses says why, it is not judged
            kept.append(pl.col("column") == "")
        if monitor.columns not in (None, "all"):
            kept.append(pl.col("column").is_in(monitor.columns or ()))
    return metrics.filter(*kept)


def _any(segment: pl.Expr, columns: Iterable[str] | None) -> pl.Expr:
    if columns is None:
        return segment == ""
    return pl.any_horizontal(pl.lit(False), *(segment.str.starts_with(f"{name}=") for name in columns))


def _attributes(declaration: Declaration) -> list[str]:
    names = [p if isinstance(p, str) else p.column for p in declaration.protected]
    return [*names, " & ".join(names)] if len(names) > 1 else names


def attribute_of(group: str) -> str:
    """Return the attribute of a group: "sex & age" of "sex=F & age=[25, 40)"."""
    return " & ".join(part.partition("=")[0] for part in group.split(" & "))


def _limited(
    seen: pl.DataFrame, reference: pl.DataFrame, monitor: Monitor, every: pl.DataFrame
) -> pl.DataFrame:
    """Add the limits of the monitor's rule to every row; null where what it compares with is unknown."""
    none = dict.fromkeys(_LIMITS, pl.lit(None, pl.Float64))
    if monitor.rule in ("above", "below", "outside"):
        return seen.with_columns(**none | _fixed(monitor))
    if monitor.metric != volume.VOLUME:
        seen = _outside(seen, every)
    if monitor.rule == "threshold" and monitor.metric == RECONSTRUCTION:
        sides = {side: pl.col(f"{side}est") for side in ("low", "high")}
        limits = [_both(side, usual, usual, monitor) for side, usual in sides.items()]
        return with_range(seen, reference).with_columns(**none | limits[0] | limits[1])
    if monitor.rule == "threshold":
        return seen.with_columns(**none | _both("high", pl.col("usual"), pl.col("usual"), monitor))
    compared = seen if monitor.metric == volume.VOLUME else _compared(seen, reference, monitor)
    change = monitor.drop if monitor.rule == "drop" else monitor.rise
    warning, critical = _levels_of(change)
    side, sign = ("low", -1) if monitor.rule == "drop" else ("high", 1)
    first, second = (pl.col("usual") + sign * _amount(each) for each in (warning, critical))
    return compared.with_columns(**none | _both(side, first, second, monitor)).drop("usual")


def _outside(seen: pl.DataFrame, every: pl.DataFrame) -> pl.DataFrame:
    """Leave out the reference's span: it says what is normal, what an annotation left out there nothing."""
    starts = every["window_start"]
    within = pl.col("window_start").is_between(starts.min(), starts.max())
    return seen.filter(~within.fill_null(False))


def _compared(seen: pl.DataFrame, reference: pl.DataFrame, monitor: Monitor) -> pl.DataFrame:
    """Add `usual`, the middle of what the reference's windows showed."""
    keys = ("column", "segment", "group")
    enough = pl.col("n").fill_null(_fewest(monitor)) >= _fewest(monitor)
    usual = reference.filter(enough).group_by(keys).agg(usual=pl.col("value").quantile(0.5, "linear"))
    return seen.drop("usual").join(usual, on=keys, how="left", maintain_order="left")


def _fixed(monitor: Monitor) -> dict[str, pl.Expr]:
    if monitor.rule == "outside":
        (low, high), (lowest, highest) = _levels_of(monitor.outside)
        limits = _both("low", pl.lit(low), pl.lit(lowest), monitor)
        return limits | _both("high", pl.lit(high), pl.lit(highest), monitor)
    warning, critical = _levels_of(monitor.above if monitor.rule == "above" else monitor.below)
    side = "high" if monitor.rule == "above" else "low"
    return _both(side, pl.lit(float(warning)), pl.lit(float(critical)), monitor)


def _levels_of(limit: object) -> tuple[Any, Any]:
    """Return the warning and the critical limit; one limit alone stands for both."""
    if isinstance(limit, Limits | Ranges | Changes):
        return limit.warning, limit.critical
    return limit, limit


def _both(side: str, warning: pl.Expr, critical: pl.Expr, monitor: Monitor) -> dict[str, pl.Expr]:
    two = isinstance(getattr(monitor, monitor.rule), Limits | Ranges | Changes)
    only_warns = not two and monitor.severity != "critical"
    beyond = pl.lit(None, pl.Float64) if only_warns else critical
    return {side: warning.cast(pl.Float64), f"critical_{side}": beyond.cast(pl.Float64)}


def _amount(change: float | str) -> pl.Expr:
    size = magnitude(change)
    return pl.col("usual").abs() * size if isinstance(change, str) else pl.lit(size)


def _fewest(monitor: Monitor) -> int:
    if monitor.rule == "threshold" and monitor.metric == RECONSTRUCTION:
        return FEWEST_ROWS
    info = CATALOGUE.get(monitor.metric)
    return MINIMUM_LABELLED if info is not None and info.family == "performance" else 0


def _levels(limited: pl.DataFrame, monitor: Monitor, now: datetime) -> pl.DataFrame:
    fewest, auto = _fewest(monitor), monitor.metric == AUTO_METRIC
    value = pl.col("value")
    known = pl.any_horizontal(pl.col(name).is_not_null() for name in ("low", "high"))
    reason = (
        pl.when(pl.col("mature_at") > now)
        .then(pl.lit("labels still arrive"))
        .when(pl.lit(auto) & value.is_not_null() & pl.col("drifted").is_null())
        .then(standing.unjudged() if auto else pl.lit(None))
        .when(value.is_null())
        .then(pl.coalesce("reason", pl.lit("no value")))
        .when(pl.col("n") < fewest)
        .then(pl.lit(f"fewer than {fewest} rows"))
        .when((pl.col("group") != "") & pl.col("reason").is_not_null())
        .then(pl.col("reason"))
        .when(~known)
        .then(pl.lit("nothing to compare with"))
    )
    beyond = (value < pl.col("critical_low")).fill_null(False) | (value > pl.col("critical_high")).fill_null(
        False
    )
    breach = (value < pl.col("low")).fill_null(False) | (value > pl.col("high")).fill_null(False)
    if auto:
        breach, beyond = pl.col("drifted"), pl.col("drifted") & pl.col("critical_high").is_not_null()
    level = pl.when(reason.is_null()).then(pl.when(beyond).then(2).when(breach).then(1).otherwise(0))
    judged = limited.with_columns(
        monitor=pl.lit(monitor.name), metric=pl.lit(monitor.metric), level=level, reason=reason
    )
    return judged.select(pl.col(name).cast(dtype) for name, dtype in VERDICTS.items())


def silences(
    rows: pl.DataFrame,
    monitors: Iterable[Monitor],
    *,
    last: datetime | None,
    now: datetime,
    since: Mapping[str, datetime | None] = {},
    muted: Sequence[Span] = (),
) -> pl.DataFrame:
    """Return the verdicts of freshness monitors: silences longer than their limit, up to now.

    A silence begins with the newest row before it. It breaches as soon as it is longer than the limit, by the
    clock and not at the close of a window; the next window with rows ends it. While the clock is muted no
    silence counts: it starts anew at the end of the mute.

    Parameters
    ----------
    rows : METRICS of freshness (hours from a window's newest row to its end), of all rows together
    last : the newest row up to now
    since : by monitor name from when on its rule judges; None or absent = always
    muted : when the clock is mute, in time order and apart
    """
    ordered = rows.filter(pl.col("value").is_not_null()).sort("window_start")
    ended = [end - timedelta(hours=hours) for end, hours in ordered.select("window_end", "value").iter_rows()]
    began = ordered["window_start"].to_list()
    spans = [(start, min(end, now)) for start, end in zip(began, ended, strict=True) if start <= now]
    if last is not None and spans:
        spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
    frames = [pl.DataFrame(schema=VERDICTS)]
    for monitor in monitors:
        if monitor.metric == FRESHNESS:
            start = since.get(monitor.name)
            found = _silences(spans, monitor, muted, now)
            frames.append(found if start is None else found.filter(pl.col("judged_at") >= start))
    return pl.concat(frames)


def silent_after(monitor: Monitor) -> list[timedelta]:
    """Return the limits of a freshness monitor; other monitors have none."""
    limits = set(_levels_of(monitor.above)) if monitor.metric == FRESHNESS else set()
    return [timedelta(hours=hours) for hours in sorted(limits)]


def _silences(spans: Sequence[Span], monitor: Monitor, muted: Sequence[Span], now: datetime) -> pl.DataFrame:
    warning, critical = _levels_of(monitor.above)
    limits = [(1, warning), (2, critical)] if warning != critical else [(_single(monitor), warning)]
    found: list[dict[str, object]] = []
    for (start, end), (following, _) in zip(spans, [*spans[1:], (now, now)], strict=True):
        found.append({"window_start": start, "window_end": end, "judged_at": start, "level": 0, "value": 0.0})
        for began, until in _heard(end, following, muted):
            found += _breaches(began, until, limits)
    frame = pl.DataFrame(found, schema_overrides={"window_start": _INSTANT, "window_end": _INSTANT})
    said = frame.with_columns(
        monitor=pl.lit(monitor.name), metric=pl.lit(FRESHNESS), high=pl.lit(float(warning))
    )
    whole = said.with_row_index("ordinal").with_columns(
        critical_high=pl.lit(float(critical) if len(limits) > 1 else None, pl.Float64)
    )
    empty = {name: pl.lit("") for name in _TARGET[1:]}
    null = {name: pl.lit(None) for name in ("low", "critical_low", "reason", "question")}
    return whole.with_columns(**empty, **null).select(pl.col(n).cast(d) for n, d in VERDICTS.items())


def _heard(start: datetime, end: datetime, muted: Sequence[Span]) -> Iterator[Span]:
    """Yield the parts of a silence in which its clock runs, each anew from the end of a mute."""
    for low, high in muted:
        if start < high and low < end:
            yield start, low
            start = high
    yield start, end


def _breaches(start: datetime, end: datetime, limits: Sequence[tuple[int, float]]) -> list[dict[str, object]]:
    """Return when a silence crossed each limit, and how long it had become at its end."""
    hours = (end - start) / timedelta(hours=1)
    found: list[dict[str, object]] = []
    for level, limit in limits:
        if hours > limit:
            at = start + timedelta(hours=limit)
            found.append(
                {"window_start": start, "window_end": at, "judged_at": at, "level": level, "value": limit}
            )
    last = {"window_end": end, "judged_at": end, "value": hours}
    return [*found, found[-1] | last] if found else []


def _single(monitor: Monitor) -> int:
    return 2 if monitor.severity == "critical" else 1
