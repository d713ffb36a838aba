"""What is read about one alert: the stretch to draw, its sentence, and the history on one axis."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core import charts, views
from core.alert_text import number
from core.entities import Episode as Trouble
from core.entities import ModelStatus, Severity, Target
from core.settings import Workspace
from core.store import Store
from core.verdicts import persistence
from core.views.alert import surroundings
from tests.pages import portfolio, watched

DAY = timedelta(days=1)
START = datetime(2013, 6, 1, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(watched_workspace: Workspace) -> Store:
    return Store(watched_workspace)


def trouble(days: int, monitor: str = "floor") -> Trouble:
    last = START + (days - 1) * DAY
    known = (Severity.WARNING, START, last, last, last, 0.6, 0.7, "below")
    return Trouble(monitor, Target("roc_auc"), *known)


def declared(persists: str) -> object:
    rule = {"name": "floor", "metric": "roc_auc", "below": 0.7, "for": persists}
    return portfolio.declared("m", monitors=[rule])


@pytest.mark.parametrize(
    ("persists", "days"),
    [("1 window", 1), ("3 windows", 3), ("14 windows", 20), ("48h", 90), ("2 windows", 2)],
)
def test_at_least_30_windows_and_twice_the_persistence_on_both_sides_are_drawn(
    persists: str, days: int
) -> None:
    model = declared(persists)
    span = persistence(model.monitors[0], model)  # type: ignore[attr-defined]
    start, end = surroundings(trouble(days), model, portfolio.NOW)  # type: ignore[arg-type]
    assert end - start >= 30 * DAY
    assert start <= START - 2 * span * DAY
    assert end >= START + (days + 2 * span) * DAY


def test_what_has_not_happened_yet_is_not_drawn_but_the_past_instead() -> None:
    now = START + 3 * DAY
    start, end = surroundings(trouble(3), declared("2 windows"), now)  # type: ignore[arg-type]
    assert end == now
    assert end - start >= 30 * DAY


def test_numbers_read_as_people_write_them() -> None:
    written = [number("volume", 12345.0), number("mae", 12345.6), number("label_rate", 0.05)]
    assert written == ["12,345 rows", "12,346", "5%"]


def test_other_alerts_are_those_open_at_some_moment_of_this_one(store: Store) -> None:
    page = views.alert_page(store, watched.SCORE)  # 13 April to 2 June
    assert page is not None
    assert page.others["id"].to_list() == [watched.DRIFT]
    assert page.windows["beyond"].any() and page.reference.height == 90
    assert views.alert_page(store, 99) is None


def test_the_time_axis_has_a_row_per_monitor_and_per_kind_of_moment(store: Store) -> None:
    found = views.history(store, "delay-30")
    figure = charts.timeline(found.events, zone=portfolio.ZONE, until=found.now)
    assert figure.layout.yaxis.categoryarray[::-1] == (
        "missing_share-wind", "auc-floor", "drift", "freshness", "parity", "retraining", "reference",
        "declaration",
    )  # fmt: skip
    assert {trace.name for trace in figure.data} == {
        "critical", "warning", "retraining", "reference", "declaration",
    }  # fmt: skip
    ends = [base + pl.Series([x]).cast(pl.Duration("ms"))[0] for t in figure.data[:2]
            for base, x in zip(pl.Series(t.base).to_list(), t.x, strict=True)]  # fmt: skip
    assert max(ends) <= datetime(2014, 1, 3)


def test_many_monitors_leave_room_for_the_moments_and_stored_text_is_no_markup() -> None:
    at = portfolio.NOW
    evil = '<a href="https://evil.example">x</a> & y'
    lanes = [f"monitor-{i}" for i in range(30)]
    alerts = pl.DataFrame({"at": [at - i * DAY for i in range(30)], "lane": lanes})
    alerts = alerts.with_columns(kind=pl.lit("alert"), severity=pl.lit("warning"), what=pl.lit(evil))
    moment = pl.DataFrame({"at": [at], "lane": ["declaration"], "kind": ["declaration"], "what": ["x"]})
    events = pl.concat([alerts, moment], how="diagonal")
    events = events.with_columns(until=pl.lit(None, pl.Datetime("us", "UTC")))
    figure = charts.timeline(events, zone="UTC", until=at)
    assert len(figure.layout.yaxis.categoryarray) == 12
    assert "<a" not in str(figure.data[0].customdata[0]) and "&lt;a" in str(figure.data[0].customdata[0])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Data arrives; no monitor has judged the model, and nothing stands out."),
        (
            {"reasons": ("x",)},
            "Data arrives and no monitor has judged the model; what stands out: x.",
        ),
        ({"rules": "r"}, "Healthy: no monitor raises an alarm."),
        (
            {"rules": "r", "reasons": ("x",)},
            "Healthy: no monitor raises an alarm; what stands out: x.",
        ),
        ({"rules": "r", "open_alerts": 2}, "Healthy but for 2 snoozed alerts."),
    ],
)
def test_only_what_monitors_judge_is_called_healthy(changes: dict[str, object], sentence: str) -> None:
    status = ModelStatus("m", "healthy", START, **changes)  # type: ignore[arg-type]
    assert views.verdict(status, False, "UTC", portfolio.NOW) == sentence
    assert views.shown_state("healthy", status.rules) == ("healthy" if status.rules else "unjudged")
    assert views.shown_state("critical", None) == "critical"
