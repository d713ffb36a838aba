"""Pausing, resuming and removing models: nothing is lost, and what a person paused stays so."""

import pytest

from core.actions import lifecycles, promotions, releases
from core.actions import models as model_actions
from core.entities import Actor, Alert, Episode, Severity, Target
from core.errors import DeclarationError, InputError, NotAllowed, StateError
from core.store import Store, alerts, audit, models, status
from core.store import versions as stored_versions
from tests.release.conftest import DORA, EMIL, NOW, Register

FILE = """\
model: tier-2
owner: owner@example.com
task: binary_classification
risk_tier: 2
predictions: {path: predictions/tier-2, timestamp: at, score: p, actual: y}
"""


def test_what_a_person_paused_stays_paused_when_its_file_is_applied_again(released: Store):
    model_actions.pause(released, "tier-2", EMIL, reason="the feed is being moved")
    file = released.root / "models" / "tier-2.yaml"
    file.write_text(FILE)
    model_actions.apply(released, [file], EMIL)
    with released.read() as c:
        assert (models.get(c, "tier-2").paused, models.get(c, "tier-2").paused_by) == (True, EMIL.id)
    model_actions.resume(released, "tier-2", EMIL, reason="moved")
    with released.read() as c:
        assert not models.get(c, "tier-2").paused
        assert [e.reason for e in audit.entries(c, entity="model:tier-2", limit=3)][::2] == [
            "moved",
            "the feed is being moved",
        ]


def test_a_step_that_changes_nothing_or_knows_no_model_is_refused(released: Store):
    with pytest.raises(StateError, match="not paused already"):
        model_actions.resume(released, "tier-2", EMIL, reason="x")
    model_actions.pause(released, "tier-2", EMIL, reason="x")
    with pytest.raises(StateError, match=r"paused by emil@example\.com already"):
        model_actions.pause(released, "tier-2", EMIL, reason="x")
    with pytest.raises(InputError, match="no model 'x' is registered"):
        model_actions.pause(released, "x", EMIL, reason="x")
    with pytest.raises(NotAllowed, match="may not pause, resume and remove models"):
        model_actions.pause(released, "tier-3", DORA, reason="x")


def test_a_removed_model_leaves_the_pages_and_stays_on_record(released: Store, register: Register):
    register(2)
    episode = Episode(
        *("drift", Target("psi"), Severity.CRITICAL, NOW, NOW, NOW, NOW),
        value=1.0,
        threshold=0.1,
        side="above",
    )
    with released.write() as c:
        alerts.add(c, Alert(0, "tier-2", episode, "moved"))
    lifecycles.remove(released, "tier-2", EMIL, reason="nobody asks it")
    with released.read() as c:
        assert "tier-2" not in status.overview(c)["model"].to_list()
        assert models.get(c, "tier-2").lifecycle == "archived"
        assert len(stored_versions.every(c, "tier-2")) == 1
        (alert,) = alerts.of_model(c, "tier-2")
        assert (alert.episode.resolved_at, alert.episode.closed_reason) == (NOW, "model removed")
    file = released.root / "models" / "tier-2.yaml"
    file.write_text(FILE)
    with pytest.raises(DeclarationError, match="was removed and stays in the archive"):
        model_actions.apply(released, [file], EMIL)
    with pytest.raises(StateError, match="swept no more"):
        model_actions.resume(released, "tier-2", EMIL, reason="x")
    with pytest.raises(StateError, match="this state is final"):
        lifecycles.remove(released, "tier-2", EMIL, reason="again")


def test_what_serves_or_is_asked_for_is_not_removed(released: Store, register: Register):
    register(4)
    asked = promotions.request(released, "tier-4", 1, DORA)
    with pytest.raises(StateError, match=f"promotion {asked.id} of tier-4 is open"):
        lifecycles.remove(released, "tier-4", EMIL, reason="x")
    releases.release(released, "tier-4", 1, EMIL)
    with pytest.raises(
        StateError, match="version 1 of tier-4 is in production; first run: steward retire tier-4"
    ):
        lifecycles.remove(released, "tier-4", EMIL, reason="x")


@pytest.mark.parametrize("state", ["proposed", "in_development", "under_review", "suspended", "retiring"])
def test_from_every_state_a_way_leads_to_the_archive(released: Store, state: str):
    with released.write() as c:
        models.move(c, "tier-2", state)
    lifecycles.remove(released, "tier-2", Actor("eve", "ui", frozenset({"admin"})), reason="never used")
    with released.read() as c:
        assert models.get(c, "tier-2").lifecycle == "archived"
