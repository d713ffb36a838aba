"""What the health overview and the /metrics route read: the status the sweeps left, and who is alive."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from core.health import QUIET, QUIETS
from core.store import Store, alerts, due, heartbeats, status
from core.views.alerts import SEVERITIES, local_day

# The order in which attention is due; also the order of the filter.
STATE_ORDER = ("critical", "warning", "no_data", "learning", "healthy", "paused")
SHOWN_ORDER = ("critical", "warning", "no_data", "learning", "unjudged", "healthy", "paused")


@dataclass(frozen=True)
class Overview:
    """Every model's status.

    `models` has the columns of `status.overview`, `shown` (see verdict.shown_state), `why`: the reasons of
    the state, and of a healthy model what stands out, and `on`: the day of `since` in the model's zone. A
    model that no sweep has reached yet and a quiet one have no `since`.
    `runner_seen` is the newest heartbeat (wall time), None while no job runner ever ran.
    """

    models: pl.DataFrame
    now: datetime
    runner_seen: datetime | None


@dataclass(frozen=True)
class VitalSigns:
    """What a monitoring system wants to know about Steward itself; ages in seconds of wall time."""

    states: Mapping[str, int]
    open_alerts: Mapping[str, int]  # by severity; not resolved, so acknowledged and snoozed ones too
    sweep_age: Mapping[str, float]
    heartbeat_age: Mapping[str, float]


def overview(store: Store) -> Overview:
    """Return every model's status, those that need attention first."""
    with store.read() as c:
        models = status.overview(c)
        beats = heartbeats.every(c)
    urgency = pl.col("state").replace_strict({s: i for i, s in enumerate(STATE_ORDER)}, return_dtype=pl.Int8)
    quiet = pl.col("reasons").list.get(0, null_on_oob=True).fill_null(QUIET).is_in(QUIETS)
    failed = (
        pl.when(pl.col("error").is_not_null()).then(pl.lit("the last sweep failed; ")).otherwise(pl.lit(""))
    )
    resting = (
        pl.when(pl.col("open_alerts") > 0)
        .then(pl.format("snoozed alerts: {}", "open_alerts"))
        .otherwise(pl.lit("no monitor raises an alarm"))
    )
    why = (
        pl.when(pl.col("state") == "paused")
        .then(pl.lit("sweeps leave it alone"))
        .when(pl.col("since").is_null())
        .then(failed + "no sweep has looked at it yet")
        .when(quiet & (pl.col("state") == "healthy") & pl.col("rules").is_not_null())
        .then(failed + resting)
        .otherwise(failed + pl.col("reasons").list.join("; "))
    )
    unjudged = (pl.col("state") == "healthy") & pl.col("rules").is_null()
    shown = pl.when(unjudged).then(pl.lit("unjudged")).otherwise("state")
    # Nothing stands out of a quiet model, so there is no day since when.
    since = pl.when(~quiet).then(pl.col("since"))
    ordered = models.sort(urgency, quiet, "risk_tier", "model").with_columns(
        why=why, since=since, shown=shown
    )
    ordered = ordered.with_columns(on=local_day("since", ordered["zone"].unique()))
    return Overview(
        ordered,
        store.workspace.now(),
        max((beat.seen_at for beat in beats if beat.kind != "ui"), default=None),
    )


def vital_signs(store: Store) -> VitalSigns:
    """Return models by state, open alerts, and how long ago sweeps finished and runners were seen."""
    with store.read() as c:
        models = status.overview(c)
        swept = {row.model: row.last_finished for row in due.every(c) if row.last_finished}
        seen = {beat.runner: beat.seen_at for beat in heartbeats.every(c)}
        unresolved = alerts.unresolved(c)
    found = Counter(models["state"].to_list())
    wall = datetime.now(UTC)
    return VitalSigns(
        {state: found.get(state, 0) for state in STATE_ORDER},
        {severity: unresolved.get(severity, 0) for severity in SEVERITIES},
        {model: (wall - at).total_seconds() for model, at in swept.items()},
        {runner: (wall - at).total_seconds() for runner, at in seen.items()},
    )
