"""One model's status from its newest metrics: which state, since when, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from core.declaration import Declaration
from core.entities import ModelStatus
from core.windows import Window

# The performance metric that speaks for a model: the first one its log can give.
HEADLINES = {
    "binary_classification": ("roc_auc", "f1", "accuracy"),
    "multiclass_classification": ("accuracy",),
    "regression": ("mae",),
    "custom": (),
}
SPARKLINE_WINDOWS = 14
NOTABLE_DISTANCE = 0.1  # Jensen–Shannon distance beyond what chance alone shows
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

    `recent` and `reference` are METRICS frames: the last windows, and the reference as one window.
    `learning` says what the reference still waits for (None once it is frozen); `last_timestamp` is of
    the newest prediction up to now.
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
    """Return the model's status at `now`; `since` is kept while the state stays the same."""
    closed = last_closed(declaration, now)
    recent = evidence.recent.filter(pl.col("window_start") <= closed.start)
    state, since, why = _state(declaration, evidence, closed, now)
    if previous is not None and previous.state == state:
        since = previous.since
    whole = recent.filter(_WHOLE).sort("window_start")
    newest = _newest(whole)
    distances = newest.filter(pl.col("metric") == "jensen_shannon")
    excess = pl.col("value") - pl.col("expected").fill_null(0.0)
    drift = _worst(distances, excess)
    missing = _worst(
        newest.filter((pl.col("metric") == "missing_share") & (pl.col("value") > 0)), pl.col("value")
    )
    gap_metric = FAIRNESS_GAPS.get(declaration.task, "demographic_parity_difference")
    fairness = _worst(
        _mature(whole, now).filter(pl.col("metric") == gap_metric).pipe(_newest), pl.col("value").abs()
    )
    name, values, normal = _headline(declaration, whole, evidence.reference, now)
    return ModelStatus(
        model=declaration.model,
        state=state,
        since=since,
        reasons=(why, *evidence.problems),
        version=_live_version(recent),
        last_window=newest["window_start"].max() if newest.height else None,  # type: ignore[arg-type]
        last_timestamp=evidence.last_timestamp,
        rows=_number(newest.filter(pl.col("metric") == "volume")),
        headline=name,
        headline_value=values[-1] if values else None,
        headline_reference=normal,
        sparkline=values,
        drifted_columns=distances.filter(excess >= NOTABLE_DISTANCE).height if distances.height else None,
        drift_column=drift[0],
        drift_value=drift[1],
        missing_column=missing[0],
        missing_value=missing[1],
        fairness_attribute=fairness[0],
        fairness_value=fairness[1],
        updated_at=now,
    )


def _state(
    declaration: Declaration, evidence: Evidence, closed: Window, now: datetime
) -> tuple[str, datetime, str]:
    last = evidence.last_timestamp
    if last is None:
        return "no_data", now, f"no predictions yet under {declaration.predictions.path}"
    if last < closed.start:
        day = last.astimezone(declaration.zone)
        return "no_data", last, f"no predictions since {day:%-d %B %Y %H:%M}"
    if evidence.learning:
        return "learning", now, evidence.learning
    return "healthy", now, "predictions arrive; no monitor has judged them"


def _headline(
    declaration: Declaration, whole: pl.DataFrame, reference: pl.DataFrame, now: datetime
) -> tuple[str | None, tuple[float | None, ...], float | None]:
    overall = _mature(whole, now).filter(pl.col("column") == "")
    for name in HEADLINES[declaration.task]:
        series = overall.filter((pl.col("metric") == name) & pl.col("value").is_not_null())
        if series.height:
            values = tuple(series["value"].tail(SPARKLINE_WINDOWS).to_list())
            normal = reference.filter(_WHOLE & (pl.col("metric") == name) & (pl.col("column") == ""))["value"]
            return name, values, normal[0] if normal.len() else None
    return None, (), None


def _mature(metrics: pl.DataFrame, now: datetime) -> pl.DataFrame:
    return metrics.filter(pl.col("mature_at").is_null() | (pl.col("mature_at") <= now))


def _newest(metrics: pl.DataFrame) -> pl.DataFrame:
    return metrics.filter(pl.col("window_start") == pl.col("window_start").max())


def _worst(metrics: pl.DataFrame, by: pl.Expr) -> tuple[str | None, float | None]:
    ranked = metrics.filter(pl.col("value").is_not_null()).sort(by, "column", descending=[True, False])
    return (ranked["column"][0], ranked["value"][0]) if ranked.height else (None, None)


def _live_version(recent: pl.DataFrame) -> str | None:
    volumes = recent.filter((pl.col("metric") == "volume") & (pl.col("version") != "")).pipe(_newest)
    ranked = volumes.sort("value", "version", descending=[True, False])
    return ranked["version"][0] if ranked.height else None


def _number(metrics: pl.DataFrame) -> int | None:
    return int(metrics["value"][0]) if metrics.height and metrics["value"][0] is not None else None
