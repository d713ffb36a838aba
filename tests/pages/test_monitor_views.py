"""What the tab Monitors reads and draws: targets, limits and their bands, breaches, alerts."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest

from core import charts, rehearsal, views
from core.charts.style import MAX_POINTS
from core.entities import Episode, Severity, Target
from core.monitors import Monitor
from core.rehearsal import Rehearsed
from core.settings import Workspace
from core.store import Store
from core.verdicts import VERDICTS
from tests.pages import watched
from tests.pages.test_alert_views import DAY, START


@pytest.fixture(scope="module")
def store(watched_workspace: Workspace) -> Store:
    return Store(watched_workspace)


def course(values: list[float | None], **limits: float | list[float]) -> pl.DataFrame:
    """Verdicts of consecutive days under some limits."""
    rows: dict[str, object] = dict.fromkeys(VERDICTS) | {
        "monitor": "floor", "metric": "mae", **dict.fromkeys(("column", "segment", "version", "group"), ""),
        "window_start": [START + i * DAY for i in range(len(values))],
        "window_end": [START + (i + 1) * DAY for i in range(len(values))],
        "value": values,
    }  # fmt: skip
    frame = pl.DataFrame(rows | limits, schema=VERDICTS)  # type: ignore[arg-type]
    beyond = (pl.col("value") > pl.col("critical_high")).fill_null(False)
    breach = (pl.col("value") > pl.col("high")).fill_null(False)
    level = pl.when(beyond).then(2).when(breach).then(1).otherwise(0).cast(pl.Int8)
    return frame.with_columns(level=pl.when(pl.col("value").is_not_null()).then(level))


def drawn(verdicts: pl.DataFrame, *alerts: tuple[object, ...], banded: bool = True) -> go.Figure:
    schema = {"start": VERDICTS["window_start"], "end": VERDICTS["window_end"], "severity": pl.String}
    spans = pl.DataFrame(list(alerts), schema=schema, orient="row")
    return charts.monitored({"verdicts": verdicts, "alerts": spans}, zone="UTC", banded=banded)


def named(figure: go.Figure) -> Mapping[str, go.Scatter]:
    return {trace.name: trace for trace in figure.data if trace.name}


def episode(target: Target, first: int, last: int) -> Episode:
    start, end = START + first * DAY, START + last * DAY
    return Episode("floor", target, Severity.WARNING, start, end, end, end, 1.0, 0.5, "above")


def test_two_limits_are_two_bands_and_breaches_are_marked_by_how_bad_they_are() -> None:
    figure = drawn(course([1.0, 2.5, 3.5, 1.0], high=2.0, critical_high=3.0))
    found = named(figure)
    assert {"warning above 2", "critical above 3"} <= set(found)
    assert list(found["breach, warning"].y) == [2.5] and list(found["breach, critical"].y) == [3.5]
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    assert [(min(band.y), max(band.y)) for band in bands] == [(2.0, 3.0), (3.0, figure.layout.yaxis.range[1])]
    assert figure.layout.yaxis.range[1] > 3.5


def test_one_critical_limit_is_one_band() -> None:
    figure = drawn(course([1.0, 3.5], high=3.0, critical_high=3.0))
    assert [name for name in named(figure) if "above" in name] == ["critical above 3"]


def test_an_automatic_rule_shows_what_is_usual_and_no_band() -> None:
    figure = drawn(course([1.0, 3.5], high=3.0), banded=False)
    assert [trace for trace in figure.data if trace.fill == "toself"] == []
    assert list(named(figure)["usual"].y) == [3.0, 3.0] and "breach, warning" in named(figure)


def test_a_limit_that_moves_is_drawn_in_steps_and_few_points() -> None:
    moving = [2.0 + i / 1000 for i in range(2000)]
    figure = drawn(course([1.0] * 2000, high=moving))
    assert len(named(figure)["warning limit"].x) <= 2 * MAX_POINTS
    steady = drawn(course([1.0] * 2000, high=2.0))
    assert len(named(steady)["warning above 2"].x) == 2


def test_what_was_not_judged_is_hollow_and_no_part_of_the_line() -> None:
    verdicts = course([1.0, 2.0, 1.0], high=5.0).with_columns(
        level=pl.Series([0, None, 0], dtype=pl.Int8), reason=pl.Series([None, "labels still arrive", None])
    )
    figure = drawn(verdicts)
    assert list(named(figure)["not judged"].text) == ["labels still arrive"]
    line = next(trace for trace in figure.data if trace.mode == "lines+markers")
    assert np.isnan(np.asarray(line.y, float)).tolist() == [False, True, False]


def test_alerts_shade_their_stretch() -> None:
    figure = drawn(course([1.0, 3.0, 1.0], high=2.0), (START + DAY, START + 2 * DAY, "critical"))
    assert len(figure.layout.shapes) == 2 and figure.layout.shapes[0].x1 - figure.layout.shapes[0].x0 == DAY


def test_targets_that_alarm_now_come_first_then_those_that_breached_most() -> None:
    breaches = {"JFK": 1, "EWR": 3, "LGA": 2}
    verdicts = pl.concat(
        course([3.0] * count + [1.0] * (5 - count), high=2.0).with_columns(segment=pl.lit(f"origin={name}"))
        for name, count in breaches.items()
    )
    lasting = episode(Target("mae", segment="origin=JFK"), 0, 0)
    past = Rehearsed("floor", [lasting], 15, {}, verdicts)
    assert [target.segment[-3:] for target in views.targets(past)] == ["JFK", "EWR", "LGA"]
    assert views.of_target(past, lasting.target)["level"].to_list() == [1, 0, 0, 0, 0]


def test_open_alerts_stand_with_their_monitors(store: Store) -> None:
    page = views.monitors_page(store, "delay-30")
    assert page is not None
    found = {name: [alert.id for alert in lasting] for name, lasting in page.open_alerts.items()}
    assert found == {
        "drift": [watched.CARRIER],
        "auc-floor": [watched.AUC],
        "missing_share-wind": [watched.WIND],
        "parity": [watched.PARITY],
    }


def test_one_monitor_alone_says_what_it_says_among_the_others(store: Store) -> None:
    page = views.monitors_page(store, "delay-30")
    assert page is not None
    for monitor in page.monitors:
        alone = views.rehearsed(store, "delay-30", monitor)
        assert alone is not None
        assert alone.episodes == page.past[monitor.name].episodes
        assert alone.verdicts.equals(page.past[monitor.name].verdicts)
    assert views.rehearsed(store, "nobody", Monitor.model_validate({"metric": "mae", "above": 1})) is None
    assert views.monitors_page(store, "nobody") is None


def test_alerts_of_two_rules_are_the_same_where_they_share_a_window_and_a_target() -> None:
    one, other = Target("mae"), Target("mae", segment="origin=JFK")

    def of(*episodes: Episode) -> Rehearsed:
        return Rehearsed("floor", episodes, 10, {}, pl.DataFrame(schema=VERDICTS))

    before = of(episode(one, 0, 3), episode(one, 10, 12), episode(other, 5, 6))
    after = of(episode(one, 3, 4), episode(one, 20, 21))
    assert rehearsal.differences(before, after) == (2, 1)
    assert rehearsal.differences(before, before) == (0, 0)
