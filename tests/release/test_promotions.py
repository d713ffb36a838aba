"""From request to release: four eyes on frozen evidence, and every way around them that was tried."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.actions import decisions, promotions, releases, versions
from core.entities import Actor
from core.errors import Conflict, NotAllowed, PathError, StateError
from core.records import Version
from core.store import Store, audit
from core.store import releases as stored_releases
from core.store import versions as stored_versions
from tests.release.conftest import APU, DORA, EMIL, NOW, VAL, Register, at, evidence_for, model_file


def state(store: Store, model: str, number: int) -> str:
    with store.read() as c:
        version = stored_versions.get(c, model, number)
    assert version is not None
    return version.state


def test_a_version_goes_from_registration_to_production_by_three_persons(released: Store, register: Register):
    version = register(2)
    asked = promotions.request(released, "tier-2", version.number, DORA, note="better in July")
    assert (asked.state, state(released, "tier-2", 1)) == ("awaiting_approval", "validated")
    approved = decisions.approve(released, asked.id, APU, comment="good", seen=asked.revision)
    assert (approved.state, state(released, "tier-2", 1)) == ("approved", "approved")
    event = releases.release(released, "tier-2", 1, EMIL)
    assert (event.event, event.number, event.previous) == ("deployed", 1, None)
    with released.read() as c:
        assert stored_releases.live_at(c, "tier-2", "production", NOW) == event
        assert audit.verify(c).state == "intact"
        done = [entry.action for entry in audit.entries(c)][::-1]
    assert done[-6:] == [
        "promotion.approval_given",
        "version.approved",
        "promotion.approved",
        "version.deployed",
        "promotion.executed",
        "release.deployed",
    ]


def test_missing_evidence_keeps_the_request_from_the_approvers_and_is_named(
    released: Store, register: Register
):
    register(2, evidence=False)
    asked = promotions.request(released, "tier-2", 1, DORA)
    missing = {check["name"] for check in asked.gate or () if check["state"] == "missing"}
    assert asked.state == "checks_failed"
    assert missing == {"performance", "calibration", "robustness", "leakage", "latency", "model_card"}
    with pytest.raises(StateError, match="is checks_failed; only awaiting_approval is decided on"):
        decisions.approve(released, asked.id, APU)
    versions.attach(released, "tier-2", 1, evidence_for(released, 2), VAL)
    assert promotions.submit(released, asked.id, DORA).state == "awaiting_approval"


@pytest.mark.parametrize("tier", [1, 2, 3])
def test_nobody_approves_their_own_request(released: Store, register: Register, tier: int):
    register(tier)
    both = Actor(DORA.id, "ui", frozenset({"data_scientist", "approver", "validator"}))
    asked = promotions.request(released, f"tier-{tier}", 1, both)
    with pytest.raises(NotAllowed, match="requested it; somebody else has to approve"):
        decisions.approve(released, asked.id, both)


def test_the_developer_does_not_approve_even_if_somebody_else_asked(released: Store, register: Register):
    both = Actor(APU.id, "ui", frozenset({"data_scientist", "approver"}))
    register(2, by=both)
    asked = promotions.request(released, "tier-2", 1, DORA)
    with pytest.raises(NotAllowed, match="developed or registered the version"):
        decisions.approve(released, asked.id, both)


def test_a_high_risk_model_takes_two_persons_of_two_roles(released: Store, register: Register):
    register(1)
    asked = promotions.request(released, "tier-1", 1, DORA)
    assert asked.state == "awaiting_approval", asked.gate
    both = Actor(APU.id, "ui", frozenset({"validator", "approver"}))
    assert decisions.approve(released, asked.id, both).state == "awaiting_approval"
    again = decisions.approve(released, asked.id, both)
    assert again.state == "awaiting_approval"
    assert decisions.approve(released, asked.id, VAL).state == "approved"


def test_a_low_risk_model_is_approved_by_its_gate_alone(released: Store, register: Register):
    register(4)
    asked = promotions.request(released, "tier-4", 1, DORA)
    assert (asked.state, asked.updated_by) == ("approved", "policy")


def test_a_token_never_decides(released: Store, register: Register):
    register(2)
    asked = promotions.request(released, "tier-2", 1, DORA)
    with pytest.raises(NotAllowed, match="a token never decides"):
        decisions.approve(released, asked.id, replace(APU, source="token"))


def test_an_approval_of_what_somebody_changed_meanwhile_is_a_conflict(released: Store, register: Register):
    register(2)
    asked = promotions.request(released, "tier-2", 1, DORA)
    decisions.ask_back(released, asked.id, VAL, comment="which months?")
    with pytest.raises(Conflict, match="was changed by val@example.com just now, it is draft now; reload"):
        decisions.approve(released, asked.id, APU, seen=asked.revision)


def test_decisions_of_an_earlier_round_do_not_count(released: Store, register: Register):
    register(1)
    asked = promotions.request(released, "tier-1", 1, DORA)
    decisions.approve(released, asked.id, VAL)
    decisions.ask_back(released, asked.id, APU, comment="which months?")
    promotions.submit(released, asked.id, DORA)
    assert decisions.approve(released, asked.id, APU).state == "awaiting_approval"
    assert decisions.approve(released, asked.id, VAL).state == "approved"


def test_a_request_expires_after_a_fortnight(released: Store, register: Register):
    register(2)
    asked = promotions.request(released, "tier-2", 1, DORA)
    late = at(released, NOW + timedelta(days=15))
    with pytest.raises(Conflict, match="is expired: nobody carried it through in time"):
        decisions.approve(late, asked.id, APU)
    with released.read() as c:
        assert promotions.steps.found(c, asked.id).state == "expired"


def test_a_changed_gate_result_voids_an_approval_and_the_version_is_validated_again(
    released: Store, register: Register
):
    register(2)
    asked = promotions.request(released, "tier-2", 1, DORA)
    decisions.approve(released, asked.id, APU)
    worse = [e for e in evidence_for(released, 2, robustness="failed") if e.kind == "robustness"]
    versions.attach(released, "tier-2", 1, worse, VAL)
    with pytest.raises(Conflict, match="the gate finds something else now: robustness was passed, is failed"):
        releases.release(released, "tier-2", 1, EMIL)
    assert state(released, "tier-2", 1) == "validated"


def test_a_changed_policy_voids_a_request(released: Store, register: Register):
    register(2)
    asked = promotions.request(released, "tier-2", 1, DORA)
    own = released.workspace.root / "policies" / "default.yaml"
    own.parent.mkdir()
    shipped = promotions.gating.policies.SHIPPED.read_text()
    own.write_text(shipped.replace("max_age: 60d", "max_age: 45d"))
    assert [p.state for p in promotions.settle(released, APU)] == ["invalidated"]
    with pytest.raises(StateError, match="is invalidated"):
        decisions.approve(released, asked.id, APU)


def test_changed_files_are_noticed_before_the_release(released: Store, register: Register):
    version = register(2)
    asked = promotions.request(released, "tier-2", 1, DORA)
    decisions.approve(released, asked.id, APU)
    model_file(released, version).write_bytes(b"other weights")
    with pytest.raises(Conflict, match="files are not those that were registered"):
        releases.release(released, "tier-2", 1, EMIL)
    assert state(released, "tier-2", 1) == "validated"


def test_the_database_refuses_to_change_what_a_version_says(released: Store, register: Register):
    import sqlalchemy as sa

    register(2)
    for statement in (
        "UPDATE versions SET digest = 'x'",
        "DELETE FROM versions",
        "UPDATE evidence SET verdict = 'passed'",
        "DELETE FROM evidence",
    ):
        with pytest.raises(Exception, match="never"), released.write() as c:
            c.execute(sa.text(statement))


@pytest.mark.parametrize("uri", ["../outside", "/etc", "artifacts/../../outside"])
def test_an_artifact_outside_the_roots_is_refused(released: Store, uri: str):
    with pytest.raises(PathError, match="outside the folders Steward may read|does not exist"):
        versions.register(released, "tier-2", Version(artifact=uri, format="json"), DORA)


def test_a_link_out_of_the_roots_is_refused(released: Store):
    folder = released.workspace.root / "artifacts" / "x"
    folder.mkdir(parents=True)
    (folder / "model.json").symlink_to("/etc/hostname")
    with pytest.raises(PathError, match="leads outside the folders Steward may read"):
        versions.register(released, "tier-2", Version(artifact="artifacts/x", format="json"), DORA)


def test_rolling_back_goes_to_the_champion_before_and_not_to_and_fro(released: Store, register: Register):
    for number in (1, 2, 3):
        register(4)
        promotions.request(released, "tier-4", number, DORA)
        releases.release(released, "tier-4", number, EMIL)
    assert releases.roll_back(released, "tier-4", EMIL, reason="errors", seen=3).number == 2
    assert releases.roll_back(released, "tier-4", EMIL, reason="more errors").number == 1
    with pytest.raises(StateError, match="no earlier release"):
        releases.roll_back(released, "tier-4", EMIL, reason="even more")
    assert [state(released, "tier-4", n) for n in (1, 2, 3)] == ["deployed", "superseded", "superseded"]


def test_whoever_rolled_back_does_not_review_it(released: Store, register: Register):
    both = Actor(EMIL.id, "ui", frozenset({"ml_engineer", "approver"}))
    register(4)
    promotions.request(released, "tier-4", 1, DORA)
    releases.release(released, "tier-4", 1, EMIL)
    event = releases.suspend(released, "tier-4", both, reason="wrong prices")
    with pytest.raises(NotAllowed, match="a person who did not act reviews it"):
        releases.review(released, event.id, both, finding="fine")
    with pytest.raises(StateError, match="suspension of tier-4 is not reviewed yet"):
        releases.resume(released, "tier-4", EMIL, reason="fixed")
    releases.review(released, event.id, APU, finding="a wrong feed")
    assert releases.resume(released, "tier-4", EMIL, reason="feed fixed").event == "resumed"
    assert state(released, "tier-4", 1) == "deployed"


def test_one_key_registers_promotes_and_releases_once(released: Store, register: Register):
    register(4)
    first = promotions.request(released, "tier-4", 1, DORA, key="k1")
    assert promotions.request(released, "tier-4", 1, DORA, key="k1") == first
    with pytest.raises(Conflict, match="used for another command"):
        promotions.request(released, "tier-4", 1, EMIL, key="k1")
    event = releases.release(released, "tier-4", 1, EMIL, key="k2")
    assert releases.release(released, "tier-4", 1, EMIL, key="k2") == event
