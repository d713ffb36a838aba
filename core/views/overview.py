"""What the health overview and the /metrics route read: the status the sweeps left, and who is alive."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from core.store import Store, due, heartbeats, status
from core.views.verdict import facts

# The order in which attention is due; also the order of the filter.
STATE_ORDER = ("critical", "warning", "no_data", "learning", "healthy", "paused")


@dataclass(frozen=True)
class Overview:
    """Every model's status.

    `models` has the columns of `status.overview` and `why`: the reasons of the state or, where nothing judged
    the model, what stands out; a model that no sweep has reached yet has no `since`.
    `runner_seen` is the newest heartbeat (wall time), None while no job runner ever ran.
    """

    models: pl.DataFrame
    now: datetime
    runner_seen: datetime | None


@dataclass(frozen=True)
class VitalSigns:
    """What a monitoring system wants to know about Steward itself; ages in seconds of wall time."""

    states: Mapping[str, int]
    open_alerts: int
    sweep_age: Mapping[str, float]
    heartbeat_age: Mapping[str, float]


def overview(store: Store) -> Overview:
    """Return every model's status, those that need attention first."""
    with store.read() as c:
        models = status.overview(c)
        beats = heartbeats.every(c)
    urgency = pl.col("state").replace_strict({s: i for i, s in enumerate(STATE_ORDER)}, return_dtype=pl.Int8)
    found = [_why(row) for row in models.select(_EXPLAINING).iter_rows(named=True)]
    explained = models.with_columns(
        pl.Series("why", [why for why, _ in found], dtype=pl.String),
        pl.Series("_facts", [count for _, count in found], dtype=pl.Int8),
    )
    ordered = explained.sort(urgency, "_facts", "risk_tier", "model", descending=[False, True, False, False])
    return Overview(
        ordered.drop("_facts"),
        store.workspace.now(),
        max((beat.seen_at for beat in beats if beat.kind != "ui"), default=None),
    )


_EXPLAINING = (
    "state", "since", "reasons", "error", "headline", "headline_value", "headline_reference", "drift_column",
    "drift_value", "missing_column", "missing_value", "fairness_attribute", "fairness_value",
)  # fmt: skip


def _why(row: dict[str, Any]) -> tuple[str, int]:
    """Return why the model is in its state, and how many facts stand out."""
    failed = "the last sweep failed; " if row["error"] else ""
    if row["state"] == "paused":
        return "sweeps leave it alone", 0
    if row["since"] is None:
        return f"{failed}no sweep has looked at it yet", 0
    found = facts(row) if row["state"] == "healthy" else []
    return failed + "; ".join(found or row["reasons"] or ()), len(found)


def vital_signs(store: Store) -> VitalSigns:
    """Return models by state, open alerts, and how long ago sweeps finished and runners were seen."""
    with store.read() as c:
        models = status.overview(c)
        swept = {row.model: row.last_finished for row in due.every(c) if row.last_finished}
        seen = {beat.runner: beat.seen_at for beat in heartbeats.every(c)}
    found = Counter(models["state"].to_list())
    wall = datetime.now(UTC)
    return VitalSigns(
        {state: found.get(state, 0) for state in STATE_ORDER},
        int(models["open_alerts"].fill_null(0).sum()),
        {model: (wall - at).total_seconds() for model, at in swept.items()},
        {runner: (wall - at).total_seconds() for runner, at in seen.items()},
    )
