"""The stories of the demo raise their alerts, and the healthy model pages nobody."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from filelock import FileLock
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core import views
from core.actions import models as model_actions
from core.declaration import Declaration
from core.entities import Actor, Alert
from core.settings import Workspace
from core.store import Store, alerts, models, outbox, statistics, status
from jobs.sweep import run_once


@pytest.fixture(scope="module")
def swept(demo) -> Store:
    """The store of the demo after its sweeps, made once for all workers."""
    with FileLock(f"{demo}.swept.lock"):
        store = Store(Workspace.open(demo))
        if not (demo / "registry.db").exists():
            store.migrate()
            changes = model_actions.apply(store, [], Actor("tester@example.com", "test"))
            found = run_once(
                store.workspace,
                [change.model for change in changes if change.kind == "model"],
                store.workspace.now(),
            )
            assert [each.error for each in found] == [None] * 6
    return store


def told(store: Store, model: str, monitor: str) -> list[Alert]:
    with store.read() as c:
        return [alert for alert in alerts.of_model(c, model) if alert.episode.monitor == monitor]


def declared(store: Store, model: str) -> Declaration:
    with store.read() as c:
        registered = models.get(c, model)
    assert registered is not None
    return registered.declaration


def test_the_air_time_alarms_by_its_errors_all_summer_and_hardly_by_its_inputs(swept) -> None:
    errors = told(swept, "eta-air-time", "mae")
    assert {alert.episode.severity.value for alert in errors} == {"critical", "warning"}
    longest = max(errors, key=lambda alert: alert.episode.last_window - alert.episode.first_window)
    first, last = longest.episode.first_window, longest.episode.last_window
    assert (first.month, last.month) in {(8, 10), (6, 8)}
    drifted = [alert.episode for alert in told(swept, "eta-air-time", "drift")]
    inputs = [each for each in drifted if each.target.column not in ("air_time", "predicted_air_time")]
    # Days of fewer flights at Labor Day, Thanksgiving and Christmas, new destinations in July: no summer.
    assert len(inputs) <= 6
    assert max(each.last_window - each.first_window for each in inputs) <= timedelta(days=10)


def test_release_decision_is_unfair_to_crossed_groups_to_this_day(swept) -> None:
    crossed = told(swept, "release-decision", "demographic_parity_difference-colour-sex-age")
    assert crossed[-1].episode.severity == "critical"
    assert crossed[-1].episode.resolved_at is None
    assert told(swept, "release-decision", "demographic_parity_ratio-colour")


def test_the_islands_fell_silent_and_the_weather_failed_on_new_year_s_eve(swept) -> None:
    (silence,) = [a for a in told(swept, "cape-islands", "freshness") if a.episode.resolved_at is None]
    assert silence.episode.first_window == datetime(2013, 10, 25, 13, 59, tzinfo=UTC)
    outage = told(swept, "delay-30", "missing_share-temp-wind_speed")
    assert [a.episode.target.column for a in outage if a.episode.resolved_at is None] == [
        "temp",
        "wind_speed",
    ]
    with swept.read() as c:
        silent = status.get(c, "cape-islands")
    assert silent is not None and (silent.state, silent.open_alerts) == ("no_data", 1)


def test_the_healthy_model_pages_nobody_and_the_summer_pages_a_bounded_number_of_times(swept) -> None:
    with swept.read() as c:
        severities = Counter(alert.episode.severity.value for alert in alerts.of_model(c, "pushback-late15"))
    assert severities["critical"] == 0 and severities["warning"] <= 12
    assert len(told(swept, "delay-30", "drift")) <= 25


def test_the_numbers_part_in_the_downpours_of_may_and_august_and_in_the_heat_wave_of_july(swept) -> None:
    parted = told(swept, "delay-30", "pca_reconstruction")
    spans = [(alert.episode.first_window, alert.episode.last_window) for alert in parted]
    assert [(first.strftime("%-d %b"), last.strftime("%-d %b")) for first, last in spans] == [
        ("8 May", "9 May"),
        ("13 Jul", "19 Jul"),
        ("12 Aug", "13 Aug"),
    ]
    assert {alert.episode.severity.value for alert in parted} == {"warning"}
    pages = [views.why_page(swept, alert.id) for alert in parted]
    leading = [page.explanation.why.lost["column"][0] for page in pages if page is not None]
    assert leading == ["precip", "hour", "precip"], "of heat, that it comes at this hour"


def test_the_error_of_all_numbers_together_is_scikit_learn_s_on_every_day_of_weather(swept, joined) -> None:
    declaration = declared(swept, "delay-30")
    names = list(declaration.features.numeric)
    log = (
        joined("delay-30")
        .select("date", *names)
        .with_columns(pl.col(names).cast(pl.Float64).fill_null(np.nan))
    )
    winter = log.filter(pl.col("date") < date(2013, 4, 1)).select(names).to_numpy()
    scaler = make_pipeline(SimpleImputer(), StandardScaler())
    pca = PCA(n_components=0.65).fit(scaler.fit_transform(winter))
    stored = statistics.read(
        swept, "delay-30", "metrics", metrics=["pca_reconstruction"], columns=[""],
        segment="", version="", variant="", group="",
    )  # fmt: skip
    days = stored["window_start"].dt.convert_time_zone("America/New_York").dt.date()
    found = dict(zip(days, stored["value"], strict=True))
    assert len(found) == 365
    for (day,), rows in log.partition_by("date", as_dict=True).items():
        given = scaler.transform(rows.select(names).to_numpy())
        lost = given - pca.inverse_transform(pca.transform(given))
        assert found[day] == pytest.approx(np.sqrt((lost**2).sum(axis=1).mean()), rel=1e-9), day


def test_the_blizzard_is_a_spike_of_predictions_with_its_weather_and_its_outcomes(swept) -> None:
    (blizzard,) = [
        alert
        for alert in told(swept, "delay-30", "prediction_rate")
        if alert.episode.first_window == datetime(2013, 2, 8, 5, tzinfo=UTC)
    ]
    page = views.why_page(swept, blizzard.id)
    assert page is not None
    moved = page.explanation.why.columns.filter(pl.col("weight") > 0)["column"].to_list()
    assert "precip" in moved and set(moved) <= {
        "temp",
        "dewp",
        "humid",
        "wind_speed",
        "precip",
        "pressure",
        "visib",
    }
    effect = page.explanation.why.effect
    assert effect is not None and effect.metric == "label_rate" and effect.worse, "so the spike was right"


def test_each_team_hears_once_what_still_burns(swept) -> None:
    with swept.read() as c:
        messages = outbox.every(c)
    burning = {m.model: {event["severity"] for event in m.payload["events"]} for m in messages}
    assert len(messages) == len(burning)
    serious = {model for model, severities in burning.items() if "critical" in severities}
    assert serious == {"cape-islands", "delay-30", "release-decision"}
    assert set(burning) - serious <= {"eta-air-time", "pushback-late15"}, "other flights at Christmas"
    assert all(m.payload["first_sweep"] for m in messages)
