"""A small portfolio written through the real store: every state, with numbers a test can know."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from core.declaration import Declaration
from core.entities import (
    CELLS,
    METRICS,
    Grid,
    Kind,
    LedgerEntry,
    LogFile,
    ModelStatus,
    NumericGrid,
    Vocabulary,
)
from core.settings import Workspace, initialise
from core.store import Store, due, heartbeats, ledger, models, references, statistics, status, sweeps

NOW = datetime(2014, 1, 1, 5, tzinfo=UTC)
ZONE = "America/New_York"
REFERENCE_ID = "reference-1"
FIRST = datetime(2013, 1, 1, 5, tzinfo=UTC)
DAYS = 365
COLUMNS = ("temp", "distance", "wind", "origin", "carrier")


def workspace(path: Path, *, text: str = f"clock: {{fixed: {NOW.isoformat()}}}\n") -> Workspace:
    """Make a workspace whose clock stands at the end of 2013."""
    initialise(path)
    (path / "steward.yaml").write_text(text)
    return Workspace.open(path)


def build(store: Store) -> None:
    """Register one model per state and write a year of statistics for `delay-30`."""
    register(
        store,
        "delay-30",
        segments=("origin",),
        protected=("sex",),
        pca=True,
        description="Late by more than 30 minutes?",
    )
    register(store, "cape-islands", team="islands")
    register(store, "newcomer", team="islands", risk_tier=3)
    register(store, "resting")
    register(store, "eta-air-time", task="regression", owner="ops@example.com", risk_tier=1)
    register(store, "never-swept", risk_tier=4)
    write_year(store, "delay-30")
    with store.write() as c:
        models.pause(c, "resting", "ops@example.com")
        for row in statuses():
            status.put(c, row)
        due.done(c, "delay-30", NOW, None)
        due.done(c, "eta-air-time", NOW, "predictions/eta.parquet: column dep_time is missing")
        sweeps.record(c, sweeps.SweepRun("delay-30", NOW, NOW + timedelta(seconds=2), 365, 300_000, 12))
        heartbeats.beat(c, "host:1:a", "jobs", "host", 1, datetime.now(UTC))
        broken = LogFile(str(store.root / "predictions/eta/2013-12.parquet"), "predictions", 10, 1)
        ledger.record(
            c, "eta-air-time", [LedgerEntry(broken, "bad", error="not a Parquet file: no magic bytes")]
        )


def register(store: Store, slug: str, **changes: object) -> None:
    """Register a model; `changes` are keys of its declaration."""
    with store.write() as c:
        models.put(c, declared(slug, **changes), text=f"model: {slug}\n", now=FIRST)


def declared(slug: str, **changes: object) -> Declaration:
    """Return a declaration; `changes` are some of its keys."""
    if changes.get("task") == "regression":
        output = {"prediction": "predicted", "actual": "actual"}
    else:
        output = {"score": "probability", "prediction": "predicted", "actual": "actual"}
    keys = {
        "model": slug,
        "owner": "customer-comms@example.com",
        "team": "customer-comms",
        "task": "binary_classification",
        "risk_tier": 2,
        "predictions": {
            "path": f"predictions/{slug}/*.parquet",
            "timestamp": "scored_at",
            "timezone": ZONE,
            **output,
        },
        "features": {"numeric": ["temp", "distance", "wind"], "categorical": ["origin", "carrier"]},
        "operations": {"latency_ms": "latency_ms"},
        "labels": {"delay": "2d"},
    } | changes
    return Declaration.model_validate(keys)


def statuses() -> list[ModelStatus]:
    """Return a status for every state of this stage."""
    quiet = "predictions arrive; no monitor has judged them"
    return [
        ModelStatus(
            "delay-30",
            "healthy",
            FIRST,
            ("99.8% of wind missing since 30 Dec 2013", "drift of temp 0.62 (usually up to 0.35)"),
            version="2013-03",
            last_window=windows()[-2][0],
            last_timestamp=NOW - timedelta(hours=2),
            rows=880,
            headline="roc_auc",
            headline_value=0.683,
            headline_reference=0.741,
            sparkline=tuple(0.7 + 0.02 * np.sin(i) for i in range(14)),
            drifted_columns=2,
            drift_column="temp",
            drift_value=0.62,
            missing_column="wind",
            missing_value=0.998,
            fairness_attribute="sex",
            fairness_value=0.17,
            updated_at=NOW,
        ),
        ModelStatus(
            "cape-islands",
            "no_data",
            datetime(2013, 10, 25, 14, tzinfo=UTC),
            ("no predictions since 25 October 2013",),
            last_timestamp=datetime(2013, 10, 25, 14, tzinfo=UTC),
            updated_at=NOW,
        ),
        ModelStatus(
            "newcomer", "learning", NOW, ("the reference needs 12 more windows",), rows=400, updated_at=NOW
        ),
        ModelStatus("resting", "healthy", FIRST, (quiet,), rows=10, updated_at=NOW),
        ModelStatus(
            "eta-air-time",
            "healthy",
            FIRST,
            (quiet,),
            rows=900,
            headline="mae",
            headline_value=13.9,
            headline_reference=7.8,
            sparkline=tuple(7.8 + 0.45 * i for i in range(14)),
            drift_column="distance",
            drift_value=0.04,
            updated_at=NOW - timedelta(hours=1),
            last_window=windows()[-2][0],
        ),
    ]


def windows() -> list[tuple[datetime, datetime]]:
    """Return the year's days in New York, without a week in August, and the day that is still open."""
    declared = Declaration.model_validate(
        {
            "model": "x",
            "owner": "x",
            "task": "custom",
            "risk_tier": 4,
            "predictions": {"path": "x", "timestamp": "t", "timezone": ZONE},
        }
    )
    days = declared.calendar.covering(FIRST, NOW)
    gap = {datetime(2013, 8, day).date() for day in range(5, 12)}
    return [(w.start, w.end) for w in days if w.start.date() not in gap]


def write_year(store: Store, slug: str) -> None:
    """Write a year of metrics and counts, with a reference of January to March."""
    days = windows()
    first, last = days[0][0], days[89][0]
    with store.write() as c:
        references.put(c, references.Reference(slug, REFERENCE_ID, True, first, last, 79_000, NOW))
    references.write_grid(store, slug, grid())
    cells = cells_of(days)
    references.write_reference_cells(store, slug, REFERENCE_ID, cells.filter(pl.col("window_start") <= last))
    publish(store, slug, "metrics", metrics_of(days))
    publish(store, slug, "counts", cells)


def publish(store: Store, slug: str, kind: statistics.Kind, frame: pl.DataFrame) -> None:
    """Write a frame month by month and make it current."""
    month = pl.col("window_start").dt.convert_time_zone(ZONE).dt.to_string("%Y-%m").alias("month")
    for (name,), part in frame.with_columns(month).group_by("month"):
        generation = statistics.write(store, slug, str(name), kind, part.drop("month"))
        with store.write() as c:
            statistics.publish(c, slug, str(name), kind, generation)


def grid() -> Grid:
    """Return the frozen bins."""
    edges = tuple(np.linspace(-10.0, 90.0, 101))
    return Grid(
        REFERENCE_ID,
        True,
        numeric={
            name: NumericGrid(edges, 40.0, 20.0) for name in ("temp", "distance", "wind", "probability")
        },
        categorical={
            "origin": Vocabulary(("EWR", "JFK", "LGA")),
            "carrier": Vocabulary(("AA", "B6", "DL", "EV", "MQ", "UA", "WN")),
        },
        score_edges=tuple(np.linspace(0, 1, 21)),
        segments={"origin": ("EWR", "JFK", "LGA")},
        groups={"sex": ("sex=F", "sex=M")},
    )


def metrics_of(days: list[tuple[datetime, datetime]]) -> pl.DataFrame:
    """Return a year of metrics: a warm summer drifts `temp`, AUC sinks, `wind` is missing on the last day."""
    n = len(days)
    x = np.arange(n) / n
    noise = np.random.default_rng(5).normal(0, 1, n)
    summer = np.clip(np.sin(np.pi * (x - 0.2) / 0.6), 0, None) * (x > 0.2) * (x < 0.8)
    late = np.where(np.arange(n) >= n - 3, 1.0, 0.0)
    rows = 880 + 60 * noise
    frames = [
        metric(days, "volume", rows),
        metric(days, "throughput", rows / 24),
        metric(days, "duplicate_share", np.abs(noise) / 1000),
        metric(days, "labelled_share", 1 - late * 0.6, error=0.004, labels=True),
        metric(days, "error_share", np.abs(noise) / 500, error=0.002),
    ]
    performance = {
        "roc_auc": 0.74 - 0.06 * x,
        "f1": 0.42 - 0.05 * x,
        "calibration_gap": 0.08 * np.sin(6 * x) - 0.02,
    }
    performance |= {
        "log_loss": 0.48 + 0.05 * summer,
        "accuracy": 0.83 - 0.03 * summer,
        "brier": 0.15 + 0.01 * x,
        "label_rate": 0.2 + 0.05 * summer,
        "prediction_rate": 0.2 + 0 * x,
    }
    frames += [metric(days, k, v + 0.01 * noise, error=0.02, labels=True) for k, v in performance.items()]
    frames.append(metric(days, "pca_reconstruction", 1.5 + 0.8 * summer + 0.05 * noise))
    frames.append(metric(days, "estimated_roc_auc", 0.73 - 0.05 * x, error=0.02))
    distances = {"temp": 0.1 + 0.6 * summer, "wind": 0.08 + 0 * x, "distance": 0.04 + 0 * x}
    distances |= {"origin": 0.03 + 0 * x, "carrier": 0.05 + 0.04 * x, "probability": 0.06 + 0.2 * summer}
    for column, values in distances.items():
        frames.append(
            metric(days, "jensen_shannon", values + 0.01 * np.abs(noise), column=column, expected=0.05)
        )
        missing = np.where(np.arange(n) == n - 2, 0.998, 0.002) if column == "wind" else np.abs(noise) / 3000
        frames.append(metric(days, "missing_share", missing, column=column))
    frames += [
        metric(days, f"latency_{name}", base * (1 + 0.1 * np.abs(noise)))
        for name, base in (("p50", 21.0), ("p95", 64.0), ("p99", 140.0))
    ]
    for group, value in (("sex=F", 0.60), ("sex=M", 0.77)):
        frames.append(metric(days, "selection_rate", value + 0.01 * noise, group=group, error=0.02))
    gap = 0.17 + 0.01 * noise
    frames.append(metric(days, "demographic_parity_difference", gap, column="sex", error=0.03))
    frames.append(metric(days, "demographic_parity_ratio", 0.78 + 0.01 * noise, column="sex"))
    frames.append(metric(days, "roc_auc", 0.7 + 0 * x, labels=True, segment="origin=JFK"))
    frames.append(metric(days, "volume", rows / 3, segment="origin=JFK"))
    return pl.concat(frames)


def metric(
    days: list[tuple[datetime, datetime]],
    name: str,
    values: np.ndarray,
    *,
    column: str = "",
    segment: str = "",
    group: str = "",
    error: float | None = None,
    expected: float | None = None,
    labels: bool = False,
) -> pl.DataFrame:
    """Return one metric's rows."""
    rows = [
        dict.fromkeys(METRICS)
        | {
            "metric": name,
            "column": column,
            "segment": segment,
            "version": "",
            "variant": "",
            "group": group,
            "window_start": start,
            "window_end": end,
            "value": float(value),
            "n": 880,
            "lower": None if error is None else value - 2 * error,
            "sampling_error": error,
            "upper": None if error is None else value + 2 * error,
            "expected": expected,
            "mature_at": end + timedelta(days=2) if labels else None,
            "reference_id": REFERENCE_ID,
        }
        for (start, end), value in zip(days, values, strict=True)
    ]
    return pl.DataFrame(rows, schema=METRICS)


def cells_of(days: list[tuple[datetime, datetime]]) -> pl.DataFrame:
    """Return counts: bell curves that move right in summer, three airports, 20 score bins against labels."""
    middle = (np.linspace(-10, 90, 101)[:-1] + np.linspace(-10, 90, 101)[1:]) / 2
    rows = []
    for i, (start, end) in enumerate(days):
        shift = 30 * max(0.0, np.sin(np.pi * (i / len(days) - 0.2) / 0.6))
        for column, centre in (("temp", 40 + shift), ("distance", 40), ("wind", 30), ("probability", 25)):
            bell = np.round(880 * np.exp(-(((middle - centre) / 15) ** 2)) / 26).astype(int)
            rows.append(cell(start, end, column, Kind.NUMERIC, [0, *bell.tolist(), 3]))
        rows.append(cell(start, end, "origin", Kind.CATEGORICAL, [310, 300, 260, 0, 10]))
        rows.append(cell(start, end, "carrier", Kind.CATEGORICAL, [80, 150, 140, 150, 70, 160, 100, 20, 10]))
        rows.append(cell(start, end, "", Kind.CLASSIFICATION, *scored()))
    return pl.DataFrame(rows, schema=CELLS)


def scored() -> tuple[list[int], list[float]]:
    """Return score bin × predicted × label counts: 40 rows a bin, of which the score's share is positive."""
    counts = np.zeros((20, 2, 3), int)
    sums = np.zeros((20, 2, 3))
    for i, score in enumerate(np.linspace(0.025, 0.975, 20)):
        positives = round(40 * score)
        counts[i, int(score > 0.5)] = (40 - positives, positives, 4)
        sums[i] = counts[i] * score
    return counts.ravel().tolist(), [*sums.ravel().tolist(), 100.0, 300.0]


def cell(
    start: datetime,
    end: datetime,
    column: str,
    kind: Kind,
    counts: list[int],
    sums: list[float] | None = None,
) -> dict[str, object]:
    """Return one cell of all rows."""
    numbers = dict.fromkeys(("missing", "nan", "positive_infinity", "negative_infinity", "uncastable"), 0)
    keys = dict.fromkeys(("segment", "version", "variant", "group"), "")
    return {
        "window_start": start,
        "window_end": end,
        **keys,
        "column": column,
        "kind": kind.value,
        "n": sum(counts),
        **numbers,
        "low": None,
        "high": None,
        "counts": counts,
        "sums": sums or [],
        "reference_id": REFERENCE_ID,
    }
