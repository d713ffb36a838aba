"""What should run against what does run: each difference is one alert, which ends with the difference."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from core import governing, reconciliation
from core.actions import alerts as alert_actions
from core.actions import lifecycles, promotions, releases
from core.declaration import Declaration
from core.entities import METRICS, Actor, ModelStatus
from core.governed import ModelVersion, Release
from core.reconciliation import Governed, Traffic
from core.records import Retirement, Version
from core.store import Store, alerts, audit, models, statistics, status
from tests.release.conftest import DORA, EMIL, NOW, Register, at, declaration

DAY = timedelta(days=1)
BEGUN = NOW - 300 * DAY
V1, V2 = (
    ModelVersion("tier-2", n, f"{n}.0", "deployed", "d" * 64, Version(), BEGUN, "dora@example.com")
    for n in (1, 2)
)


def event(what: str, number: int, days_ago: float, previous: int | None = None, **more) -> Release:
    told: dict[str, Any] = dict.fromkeys(("promotion", "of_release"))
    said = {"strategy": "direct", "emergency": False, "actor": "emil@example.com", "reason": ""}
    when = NOW - days_ago * DAY
    told |= said | {"model": "tier-2", "environment": "production", "event": what} | more
    return Release(id=number, number=number, previous=previous, at=when, **told)


@pytest.fixture
def model() -> Governed:
    """A model in good order: version 1.0 released 200 days ago, asked and labelled until yesterday."""
    return Governed(
        declaration=Declaration.model_validate(
            declaration("tier-2").model_dump(exclude_unset=True)
            | {"monitors": [{"metric": "f1", "below": 0.5}]}
        ),
        lifecycle="active",
        versions=(V1,),
        releases=(event("deployed", 1, 200),),
        champion=1,
        traffic={"1.0": Traffic(NOW - 100 * DAY, NOW - DAY, 1000)},
        last_prediction=NOW - DAY,
        last_label=NOW - 2 * DAY,
        begun=BEGUN,
        attested=None,
        owner_left=False,
        twins=(),
        unreviewed=(),
    )


def kinds(model: Governed) -> list[str]:
    return [finding.kind for finding in reconciliation.findings(model, NOW)]


def test_a_model_in_order_gives_nothing(model: Governed):
    assert kinds(model) == []


def test_a_model_without_registered_versions_is_left_alone(model: Governed):
    assert kinds(replace(model, versions=(), champion=None, releases=())) == []


def test_traffic_of_a_version_nobody_registered_or_released_is_a_shadow(model: Governed):
    seen = model.traffic | {"9.9": Traffic(NOW - 3 * DAY, NOW, 10)}
    (found,) = reconciliation.findings(replace(model, traffic=seen), NOW)
    assert (found.kind, found.version, found.since, found.severity) == (
        "shadow_version",
        "9.9",
        NOW - 3 * DAY,
        "critical",
    )
    assert found.message == "Version 9.9 serves since 29 Dec 2013 and is not registered"
    waiting = replace(V2, state="validated")
    both = replace(model, versions=(waiting, V1), traffic=model.traffic | {"2.0": Traffic(NOW, NOW, 1)})
    assert [f.message for f in reconciliation.findings(both, NOW)] == [
        "Version 2.0 serves since 1 Jan 2014 and is validated, never released"
    ]


def test_a_superseded_version_that_still_serves_after_a_day_is_a_ghost(model: Governed):
    changed = replace(
        model,
        versions=(V2, replace(V1, state="superseded")),
        champion=2,
        releases=(*model.releases, event("deployed", 2, 10, previous=1)),
        traffic=model.traffic | {"2.0": Traffic(NOW - 10 * DAY, NOW, 1000)},
    )
    (found,) = reconciliation.findings(changed, NOW)
    assert (found.kind, found.version, found.days) == ("ghost_traffic", "1.0", 9.0)
    soon = changed.traffic | {"1.0": Traffic(BEGUN, NOW - 9.5 * DAY, 10)}
    assert kinds(replace(changed, traffic=soon)) == []


def test_a_deployed_version_nothing_asks_is_a_zombie_and_nothing_else(model: Governed):
    silent = replace(model, last_prediction=NOW - 67 * DAY, last_label=NOW - 67 * DAY, traffic={})
    (found,) = reconciliation.findings(silent, NOW)
    assert (found.kind, round(found.days), found.since) == ("zombie", 67, NOW - 67 * DAY)
    assert kinds(replace(silent, last_prediction=NOW - 29 * DAY)) == []


def test_neglect_is_told(model: Governed):
    bare = model.declaration.model_copy(update={"monitors": (), "review_every": 180 * DAY})
    assert kinds(replace(model, declaration=bare)) == ["unmonitored", "stale"]
    assert kinds(replace(model, declaration=bare, attested=NOW - DAY)) == ["unmonitored"]
    assert kinds(replace(model, owner_left=True)) == ["orphan"]
    assert kinds(replace(model, twins=("churn",))) == ["duplicate"]
    assert kinds(replace(model, last_label=NOW - 120 * DAY)) == ["label_starved"]
    old = event("rolled_back", 1, 8, emergency=True)
    assert kinds(replace(model, unreviewed=(old,))) == ["unreviewed"]
    assert kinds(replace(model, unreviewed=(replace(old, at=NOW - 6 * DAY),))) == []


Volumes = Callable[[str, str, datetime], None]


@pytest.fixture
def volumes(released: Store) -> Volumes:
    """Write a day with rows of a version into a model's statistics."""

    def write(model: str, version: str, day: datetime) -> None:
        start = day.replace(hour=0)
        given = {
            "metric": "volume",
            "version": version,
            "window_start": start,
            "window_end": start + DAY,
            "value": 9.0,
        }
        texts = ("column", "segment", "variant", "group")
        row = dict.fromkeys(METRICS) | dict.fromkeys(texts, "") | given | {"n": 9, "reference_id": "r"}
        frame = pl.DataFrame([row], schema=METRICS)
        generation = statistics.write(released, model, f"{start:%Y-%m}", "metrics", frame)
        with released.write() as c:
            statistics.publish(c, model, f"{start:%Y-%m}", "metrics", generation)
            status.put(c, ModelStatus(model, "healthy", NOW, (), last_timestamp=start + DAY))

    return write


def open_alerts(store: Store, model: str) -> dict[str, str]:
    with store.read() as c:
        return {a.episode.monitor: a.message for a in alerts.of_model(c, model, ended=False)}


def test_an_alert_opens_once_stays_and_ends_with_its_difference(
    released: Store, register: Register, volumes: Volumes
):
    register(4)
    promotions.request(released, "tier-4", 1, DORA)
    releases.release(released, "tier-4", 1, EMIL)
    volumes("tier-4", "1", NOW - 2 * DAY)
    assert governing.reconcile(released, now=NOW) == 1
    assert list(open_alerts(released, "tier-4")) == ["@unmonitored"]
    later = NOW + 40 * DAY
    for _ in range(2):
        assert governing.reconcile(at(released, later), now=later) == 1
        assert list(open_alerts(released, "tier-4")) == ["@zombie"]
    with released.read() as c:
        shown = status.get(c, "tier-4")
        ended = [a.episode.closed_reason for a in alerts.of_model(c, "tier-4") if a.episode.resolved_at]
    assert shown is not None and (shown.state, shown.open_alerts) == ("healthy", 1)
    assert ended == ["it is no longer so"]


def test_what_a_person_resolved_stays_resolved_while_it_is_the_same(
    released: Store, register: Register, volumes: Volumes
):
    register(4)
    volumes("tier-4", "9.9", NOW - 2 * DAY)
    governing.reconcile(released, now=NOW)
    (number,) = [alert.id for alert in _alerts(released)]
    alert_actions.resolve(released, [number], EMIL, reason="a test of ours")
    assert governing.reconcile(released, now=NOW + DAY) == 0


def test_a_retired_model_is_watched_for_ghosts(released: Store, register: Register, volumes: Volumes):
    register(4)
    promotions.request(released, "tier-4", 1, DORA)
    releases.release(released, "tier-4", 1, EMIL)
    lifecycles.retire(released, "tier-4", Retirement(reason="replaced", criteria="no consumer"), EMIL)
    volumes("tier-4", "1", NOW + 5 * DAY)
    later = NOW + 7 * DAY
    assert governing.reconcile(at(released, later), now=later) == 1
    assert open_alerts(released, "tier-4") == {
        "@ghost_traffic": "Version 1 still serves, though it is superseded since 1 Jan 2014"
    }


def test_what_ran_before_is_adopted_once_and_has_to_be_reviewed(released: Store, register: Register):
    register(2, evidence=False)
    adopted = releases.adopt(released, "tier-2", 1, EMIL, reason="runs since 2012")
    assert (adopted.event, adopted.emergency) == ("adopted", True)
    register(2, evidence=False)
    with pytest.raises(releases.StateError, match="a further version needs a promotion"):
        releases.adopt(released, "tier-2", 2, EMIL, reason="this too")
    with released.read() as c:
        assert models.get(c, "tier-2") is not None and audit.verify(c).state == "intact"
    assert "@unreviewed" not in open_alerts(released, "tier-2")
    governing.reconcile(released, now=NOW + 8 * DAY)
    assert "@unreviewed" in open_alerts(released, "tier-2")
    releases.review(
        released, adopted.id, Actor("apu@example.com", "ui", frozenset({"approver"})), finding="fine"
    )
    governing.reconcile(released, now=datetime(2014, 1, 10, tzinfo=UTC))
    assert "@unreviewed" not in open_alerts(released, "tier-2")


def _alerts(store: Store):
    with store.read() as c:
        return alerts.of_model(c, "tier-4", ended=False)


def test_a_window_of_a_year_that_is_not_over_counts_whole(released: Store, volumes: Volumes):
    yearly = Declaration.model_validate(
        declaration("tier-4", 4).model_dump(exclude_unset=True) | {"window": "1y"}
    )
    volumes("tier-4", "1", datetime(2014, 1, 1, tzinfo=UTC))
    traffic, _ = governing.seen(released, yearly, datetime(2014, 12, 1, tzinfo=UTC))
    assert list(traffic) == ["1"]
