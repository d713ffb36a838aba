"""The rules people say, as YAML: through declaration, sweeps and fold to the alerts they must raise."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import yaml

from core import monitoring, retraining
from core.actions.models import apply
from core.entities import Actor, Alert
from core.store import Store, alerts, models, statistics
from core.store import retraining as requests
from jobs.cli import main

ACTOR = Actor("tester@example.com", "test")
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
REFERENCE_DAYS, LAST_DAY = 10, 24
ROWS = 200
DECLARATION = """
model: loans
owner: owner@example.com
task: binary_classification
risk_tier: 3
predictions:
  path: predictions/loans
  timestamp: at
  prediction_id: id
  prediction: predicted
  actual: actual
features: {numeric: [amount], categorical: []}
reference: {period: [2024-01-01, 2024-01-11]}
monitors:
"""


@dataclass(frozen=True)
class Told:
    """An alert as days after the first: first breaching day, opened and resolved with that day's close."""

    first: int
    opened: int
    resolved: int | None
    severity: str
    value: float
    threshold: float


def day_of(day: int, wrong: int, shift: float) -> pl.DataFrame:
    """One day with 100 positives and 100 negatives, `wrong` of each mistaken: F1 = accuracy = 1 - wrong/100.

    The amounts are the quantiles of a uniform law, so without a shift no day differs from another.
    """
    half = ROWS // 2
    actual = np.repeat([1, 0], half)
    predicted = np.where(np.tile(np.arange(half), 2) < wrong, 1 - actual, actual)
    return pl.DataFrame(
        {
            "id": [f"{day}-{i}" for i in range(ROWS)],
            "at": [FIRST + timedelta(days=day, minutes=i) for i in range(ROWS)],
            "predicted": predicted,
            "actual": actual,
            "amount": np.arange(ROWS) / ROWS + shift,
        }
    )


@pytest.fixture
def say(sqlite_store: Store, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[Told]]:
    """Declare a rule, sweep a series day by day, return the alerts; `monitors test` must tell the same."""

    def said(
        rule: str,
        wrong: Mapping[int, int] = {},
        shift: Mapping[int, float] = {},
        rows: Mapping[int, int] = {},
    ) -> list[Told]:
        root = sqlite_store.root
        file = root / "models" / "loans.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{DECLARATION}  - {rule}\n")
        apply(sqlite_store, [file], ACTOR)
        folder = root / "predictions" / "loans"
        folder.mkdir(parents=True, exist_ok=True)
        for day in range(LAST_DAY):
            frame = day_of(day, wrong.get(day, 5), shift.get(day, 0.0)).head(rows.get(day, ROWS))
            frame.write_parquet(folder / f"{day:03}.parquet")
            if day >= REFERENCE_DAYS:
                now = FIRST + timedelta(days=day + 1, hours=2)
                monitoring.sweep(sqlite_store, "loans", now=now, holder="here:1:test")
        with sqlite_store.read() as c:
            kept = alerts.of_model(c, "loans")
        assert rehearsed(root) == [episode_of(each) for each in kept]
        return [told(each) for each in kept]

    def rehearsed(root) -> list[dict]:
        capsys.readouterr()
        assert main(["monitors", "test", "loans", "--json", "--workspace", str(root)]) == 0
        (monitor,) = json.loads(capsys.readouterr().out)
        return [{name: each[name] for name in EPISODE} for each in monitor["episodes"]]

    return said


EPISODE = ("severity", "opened_at", "ended", "first_window", "last_window", "value", "threshold", "message")


def episode_of(alert: Alert) -> dict:
    """Return an alert as `steward monitors test --json` tells it."""
    episode = alert.episode
    instants = (episode.opened_at, episode.resolved_at, episode.first_window, episode.last_window)
    opened, ended, first, last = (instant and instant.isoformat() for instant in instants)
    values = (episode.severity.value, opened, ended, first, last)
    return dict(zip(EPISODE, (*values, episode.value, episode.threshold, alert.message), strict=True))


def told(alert: Alert) -> Told:
    episode = alert.episode

    def close(at: datetime) -> int:
        assert (at - FIRST) % timedelta(days=1) == timedelta(hours=1), "a window closes with its grace"
        return (at - FIRST).days - 1

    return Told(
        (episode.first_window - FIRST).days,
        close(episode.opened_at),
        close(episode.resolved_at) if episode.resolved_at else None,
        episode.severity.value,
        pytest.approx(episode.value),
        pytest.approx(episode.threshold),
    )


def test_f1_below_0_92_for_more_than_48_hours(say) -> None:
    rule = "{name: f1-floor, metric: f1, below: 0.92, for: 48h, severity: critical}"
    # F1 0.92 itself, and one day below it, are fine; then three bad days, four good ones, two bad to the end.
    wrong = {11: 8, 12: 8, 13: 9, 15: 9, 16: 9, 17: 9, 22: 10, 23: 10}
    assert say(rule, wrong) == [
        Told(15, 16, 19, "critical", 0.91, 0.92),
        Told(22, 23, None, "critical", 0.90, 0.92),
    ]


def test_accuracy_drops_by_5_percent_for_three_consecutive_days(say) -> None:
    rule = "{metric: accuracy, drop: 5%, for: 3 windows}"
    # From 0.95 five percent lead to 0.9025: 0.91 is no such drop, 0.90 is one.
    wrong = {10: 9, 11: 9, 12: 9, 13: 10, 14: 10, 16: 10, 17: 10, 18: 10, 19: 11}
    assert say(rule, wrong) == [Told(16, 18, 22, "warning", 0.89, 0.9025)]


def test_accuracy_drops_by_0_05_means_points_not_percent(say) -> None:
    assert say("{metric: accuracy, drop: 0.05}", {12: 10, 14: 11}) == [
        Told(14, 14, 15, "warning", 0.89, 0.90)
    ]


def test_ks_p_value_below_0_05(say, sqlite_store: Store) -> None:
    rule = "{metric: kolmogorov_smirnov_p_value, columns: [amount], below: 0.05}"
    # A shift by 20 of 200 quantiles is D = 0.1; on 2000 and 200 rows λ = 0.1 √(2000 · 200 / 2200) = 1.348 and
    # p = 2 (exp(-2 λ²) - exp(-8 λ²) + …) = 0.0527. One by 22 is D = 0.11: λ = 1.483, p = 0.0246.
    (alert,) = say(rule, shift={12: 0.0975, 14: 0.1075, 15: 0.3})
    assert (alert.first, alert.opened, alert.resolved) == (14, 14, 16)
    found = statistics.read(sqlite_store, "loans", "metrics", metrics=["kolmogorov_smirnov_p_value"])
    values = dict(zip(found["window_start"].dt.day().to_list(), found["value"], strict=True))
    assert values[12] == 1.0, "a day as ever"
    assert (values[13], values[15]) == pytest.approx((0.0527, 0.0246), abs=1e-4)
    assert values[16] < 1e-6


def test_volume_drops_by_50_percent_against_the_same_weekday(say) -> None:
    weekends = dict.fromkeys((5, 6, 12, 13, 19, 20), 60)  # the first day is a Monday
    # Of a Wednesday 200 rows are usual. Nobody knows before the fourth week what is usual.
    found = say("{metric: volume, drop: 50%}", rows=weekends | {16: 40, 22: 101, 23: 99})
    assert found == [Told(23, 23, None, "warning", 99.0, 100.0)]


def test_retrain_every_30_days(say, sqlite_store: Store) -> None:
    file = sqlite_store.root / "models" / "loans.yaml"
    say("{metric: f1, below: 0.92}")
    declared = yaml.safe_load(file.read_text()) | {"retraining": {"every": "30d"}}
    file.write_text(yaml.safe_dump(declared))
    apply(sqlite_store, [file], ACTOR)
    with sqlite_store.read() as c:
        registered = models.get(c, "loans")
    assert registered is not None
    days = [
        day
        for day in range(1, 100)
        if retraining.request_due(sqlite_store, now=registered.created_at + timedelta(days=day))
    ]
    assert days == [30], "nobody has decided about the first request"
    with sqlite_store.read() as c:
        assert [(each.reason, each.state) for each in requests.every(c)] == [("schedule", "proposed")]


def test_a_rule_may_request_retraining(say, sqlite_store: Store) -> None:
    say("{name: floor, metric: f1, below: 0.92, for: 48h, then: request_retraining}", {12: 9, 13: 9, 14: 9})
    with sqlite_store.read() as c:
        assert [each.reason for each in requests.every(c)] == ["floor"]
