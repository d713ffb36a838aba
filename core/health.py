"""One model's status from its newest metrics: which state, since when, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from core import findings
from core.catalogue import CATALOGUE
from core.declaration import Declaration
from core.entities import ModelStatus
from core.findings import Finding
from core.usual import Normal, with_usual
from core.windows import Window

# The performance metric that speaks for a model: the first one its log can give.
HEADLINES = {
    "binary_classification": ("roc_auc", "f1", "accuracy"),
    "multiclass_classification": ("accuracy",),
    "regression": ("mae",),
    "custom": (),
}
SPARKLINE_WINDOWS = 14
MINIMUM_LABELLED = 30  # below it a window's performance says more about chance than about the model
QUIET = "predictions arrive; no monitor has judged them"
JUDGED_QUIET = "no monitor found anything amiss"
QUIETS = (QUIET, JUDGED_QUIET)
FAIRNESS_GAPS = {"regression": "bias_difference"}
_WHOLE = (
    (pl.col("segment") == "")
    & (pl.col("version") == "")
    & (pl.col("variant") == "")
    & (pl.col("group") == "")
)


@dataclass(frozen=True)
class Evidence:
    """What a status rests on.

    `recent` and `reference` are METRICS frames: of the last windows, and of the reference's own windows (a
    file as one window; none while learning). `learning` says what the reference still waits for (None once
    it is frozen); `last_timestamp` is of the newest prediction up to now.
    """

    recent: pl.DataFrame
    reference: pl.DataFrame
    last_timestamp: datetime | None
    learning: str | None = None
    problems: Sequence[str] = ()


def last_closed(declaration: Declaration, now: datetime) -> Window:
    """Return the newest window whose end lies at least `grace` before now."""
    calendar = declaration.calendar
    end = calendar.containing(now - declaration.grace).start
    return calendar.containing(end - timedelta(microseconds=1))


def assess(
    declaration: Declaration, evidence: Evidence, previous: ModelStatus | None, now: datetime
) -> ModelStatus:
    """Return the model's status at `now` without its alerts, which stand above it.

    `since` is kept while the state stays the same; of a healthy model it is since when what stands out does,
    of one without data its last prediction.
    """
    closed = last_closed(declaration, now)
    recent = evidence.recent.filter(pl.col("window_start") <= closed.start)
    whole, reference = recent.filter(_WHOLE), _mature(evidence.reference.filter(_WHOLE), now)
    newest = _newest(whole)
    distances, missing = (
        with_usual(_metric(whole, name), _metric(reference, name))
        for name in ("jensen_shannon", "missing_share")
    )
    gaps = _metric(_mature(whole, now), FAIRNESS_GAPS.get(declaration.task, "demographic_parity_difference"))
    headline = _headline(declaration, _mature(whole, now), reference)
    zone = declaration.zone
    found = [
        *findings.performance(headline.name or "", headline.series, headline.normal, zone),
        *findings.missing(missing, zone),
        *findings.gaps(gaps, zone),
        *findings.drift(distances, zone),
    ]
    state, since, reasons = _state(declaration, evidence, closed, found, now)
    silent = state == "no_data" and evidence.last_timestamp is not None
    if previous and state == (previous.condition or previous.state) and not silent:
        quiet = not found and any(text in QUIETS for text in previous.condition_reasons or previous.reasons)
        if state != "healthy" or quiet:
            since = previous.condition_since or previous.since
    reasons = (*reasons, *([headline.missing] if headline.missing else []), *evidence.problems)
    drift = _worst(_newest(distances), pl.col("excess"))
    most_missing = _worst(_newest(missing).filter(pl.col("value") > 0), pl.col("value"))
    widest = _worst(_newest(gaps), pl.col("value").abs())
    values = headline.series["value"].to_list()
    return ModelStatus(
        model=declaration.model,
        state=state,
        since=since,
        reasons=reasons,
        version=_live_version(recent),
        last_window=newest["window_start"].max() if newest.height else None,  # type: ignore[arg-type]
        last_timestamp=evidence.last_timestamp,
        rows=_number(newest.filter(pl.col("metric") == "volume")),
        headline=headline.name,
        headline_value=values[-1] if values else None,
        headline_reference=headline.normal.middle if headline.normal else None,
        sparkline=tuple(values[-SPARKLINE_WINDOWS:]),
        drifted_columns=_newest(distances).filter(pl.col("excess") > 0).height if distances.height else None,
        drift_column=drift[0],
        drift_value=drift[1],
        missing_column=most_missing[0],
        missing_value=most_missing[1],
        fairness_attribute=widest[0],
        fairness_value=widest[1],
        updated_at=now,
        condition=state,
        condition_since=since,
        condition_reasons=reasons,
    )


@dataclass(frozen=True)
class Headline:
    """The metric that speaks for a model: its windows with enough labels, and what the reference's showed.

    `missing` says why there is none although labels are complete.
    """

    name: str | None
    series: pl.DataFrame
    normal: Normal | None
    missing: str | None = None


def _state(
    declaration: Declaration, evidence: Evidence, closed: Window, found: Sequence[Finding], now: datetime
) -> tuple[str, datetime, Sequence[str]]:
    last = evidence.last_timestamp
    learning = [evidence.learning] if evidence.learning else []
    if last is None:
        return "no_data", now, [f"no predictions yet under {declaration.predictions.path}"]
    if last < closed.start:
        day = last.astimezone(declaration.zone)
        return "no_data", last, [f"no predictions since {day:%-d %B %Y %H:%M}", *learning]
    if learning:
        return "learning", now, learning
    if found:
        return "healthy", min(finding.since for finding in found), [finding.text for finding in found]
    return "healthy", now, [JUDGED_QUIET if declaration.monitors else QUIET]


def _headline(declaration: Declaration, mature: pl.DataFrame, reference: pl.DataFrame) -> Headline:
    """Return the first headline metric with a value; only windows with enough labelled rows speak for it."""
    overall, normal = (frame.filter(pl.col("column") == "") for frame in (mature, reference))
    for name in HEADLINES[declaration.task]:
        series = _metric(overall, name).filter(pl.col("value").is_not_null()).sort("window_start")
        if not series.height:
            continue
        enough = series.filter(pl.col("n") >= MINIMUM_LABELLED)
        if enough.height:
            judged = _metric(normal, name).filter(pl.col("n") >= MINIMUM_LABELLED)
            return Headline(name, enough, Normal.of(judged))
        few = f"no {CATALOGUE[name].title}: no recent window has {MINIMUM_LABELLED} labelled rows"
        return Headline(None, enough, None, few)
    return Headline(None, overall.clear(), None)


def _metric(metrics: pl.DataFrame, name: str) -> pl.DataFrame:
    return metrics.filter(pl.col("metric") == name)


def _mature(metrics: pl.DataFrame, now: datetime) -> pl.DataFrame:
    return metrics.filter(pl.col("mature_at").is_null() | (pl.col("mature_at") <= now))


def _newest(metrics: pl.DataFrame) -> pl.DataFrame:
    return metrics.filter(pl.col("window_start") == pl.col("window_start").max())


def _worst(metrics: pl.DataFrame, by: pl.Expr) -> tuple[str | None, float | None]:
    ranked = metrics.filter(pl.col("value").is_not_null()).sort(
        by, "column", descending=[True, False], nulls_last=True
    )
    return (ranked["column"][0], ranked["value"][0]) if ranked.height else (None, None)


def _live_version(recent: pl.DataFrame) -> str | None:
    volumes = recent.filter((pl.col("metric") == "volume") & (pl.col("version") != "")).pipe(_newest)
    ranked = volumes.sort("value", "version", descending=[True, False])
    return ranked["version"][0] if ranked.height else None


def _number(metrics: pl.DataFrame) -> int | None:
    return int(metrics["value"][0]) if metrics.height and metrics["value"][0] is not None else None
