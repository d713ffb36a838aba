"""The invariants of the registry under any order of commands by anybody."""

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from core import lifecycle
from core.actions import decisions, promotions, releases
from core.actions import versions as version_actions
from core.entities import Actor
from core.errors import StewardError
from core.records import Dataset, Evidence, Version
from core.settings import initialise
from core.store import Store, audit, card_texts, models, use_cases
from core.store import promotions as stored_promotions
from core.store import releases as stored_releases
from core.store import versions as stored_versions
from tests.release.conftest import NOW, USE_CASE, at, declaration, evidence_for

# Everybody may do everything: only the separation of persons is left to keep them apart.
EVERYTHING = frozenset({"data_scientist", "validator", "approver", "ml_engineer"})
PEOPLE = [Actor(f"{name}@example.com", "ui", EVERYTHING) for name in ("ada", "bob", "eve")]
TIERS = (1, 2, 3, 4)
DATA = Dataset(name="flights", uri="s3://lake/flights", digest="0" * 64, split="time")


class Registry(RuleBasedStateMachine):
    """People register, request, decide, release and roll back in any order; some of it is refused."""

    versions = Bundle("versions")
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(initialise(Path(self.folder.name) / "w"))
        self.store.migrate()
        self.now = NOW
        at(self.store, NOW)
        self.records: dict[tuple[str, int], tuple[str, Any]] = {}
        with self.store.write() as c:
            use_cases.put(c, USE_CASE, at=NOW, by="o")
            for tier in TIERS:
                models.put(c, declaration(f"tier-{tier}", tier), text="", now=NOW)
                for section in ("ethical_considerations", "caveats"):
                    card_texts.add(c, f"tier-{tier}", section, "said", at=NOW, by="o")

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def attempt(self, command, *arguments, **more) -> Any:
        try:
            return command(self.store, *arguments, **more)
        except StewardError:
            return None

    @initialize(target=versions)
    def some_are_registered(self) -> Any:
        return multiple(*(self.register(tier, PEOPLE[0], True) for tier in TIERS for _ in range(2)))

    @rule(
        target=versions,
        tier=st.sampled_from(TIERS),
        who=st.sampled_from(PEOPLE),
        good=st.sampled_from([True, True, True, False]),
    )
    def register(self, tier: int, who: Actor, good: bool) -> tuple[str, int]:
        record = Version(format="onnx", seed=len(self.records), training=(DATA,), evaluation=(DATA,))
        made = self.attempt(version_actions.register, f"tier-{tier}", record, who)
        every = evidence_for(self.store, tier, now=self.now, **({} if good else {"latency": "failed"}))
        every += [
            Evidence(kind=kind, verdict="passed", summary="x", produced_by="x", produced_at=self.now)
            for kind in ("independent_validation",)
        ]
        self.attempt(version_actions.attach, made.model, made.number, every, who)
        self.records[made.model, made.number] = (made.digest, made.record)
        return made.model, made.number

    @rule(target=requests, version=versions, who=st.sampled_from(PEOPLE))
    def request(self, version: tuple[str, int], who: Actor) -> Any:
        made = self.attempt(promotions.request, *version, who)
        return multiple() if made is None else made.id

    @rule(
        identifier=requests,
        who=st.sampled_from(PEOPLE),
        what=st.sampled_from(["approve"] * 5 + ["reject", "ask_back", "withdraw", "submit"]),
        token=st.sampled_from([False, False, True]),
    )
    def decide(self, identifier: int, who: Actor, what: str, token: bool) -> None:
        actor = replace(who, source="token") if token else who
        before = self.promotion(identifier)
        match what:
            case "approve":
                done = self.attempt(decisions.approve, identifier, actor)
                assert done is None or not token or before == done
            case "reject":
                self.attempt(decisions.reject, identifier, actor, comment="no")
            case "ask_back":
                self.attempt(decisions.ask_back, identifier, actor, comment="why?")
            case "withdraw":
                self.attempt(promotions.withdraw, identifier, actor, reason="later")
            case "submit":
                self.attempt(promotions.submit, identifier, actor)

    @rule(version=versions, released=st.booleans())
    def everybody_agrees(self, version: tuple[str, int], released: bool) -> None:
        asked = self.attempt(promotions.request, *version, PEOPLE[0])
        for who in PEOPLE if asked else ():
            self.attempt(decisions.approve, asked.id, who)
        if released:
            self.attempt(releases.release, *version, PEOPLE[0])

    @rule(identifier=requests, who=st.sampled_from(PEOPLE))
    def release_what_was_asked_for(self, identifier: int, who: Actor) -> None:
        promotion = self.promotion(identifier)
        self.attempt(releases.release, promotion.model, promotion.number, who)

    @rule(version=versions, who=st.sampled_from(PEOPLE))
    def release_anything(self, version: tuple[str, int], who: Actor) -> None:
        self.attempt(releases.release, *version, who)

    @rule(
        tier=st.sampled_from(TIERS),
        who=st.sampled_from(PEOPLE),
        what=st.sampled_from(["roll_back", "suspend", "resume"]),
    )
    def emergency(self, tier: int, who: Actor, what: str) -> None:
        self.attempt(getattr(releases, what), f"tier-{tier}", who, reason="it burns")

    @rule(identifier=st.integers(1, 8), who=st.sampled_from(PEOPLE))
    def review(self, identifier: int, who: Actor) -> None:
        self.attempt(releases.review, identifier, who, finding="seen")

    @rule(days=st.sampled_from([1, 1, 1, 2, 15]))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)
        at(self.store, self.now)
        promotions.settle(self.store, Actor("jobs", "jobs"))

    @rule(version=versions, who=st.sampled_from(PEOPLE))
    def archive(self, version: tuple[str, int], who: Actor) -> None:
        self.attempt(version_actions.archive, *version, who, reason="old")

    def promotion(self, identifier: int):
        with self.store.read() as c:
            return stored_promotions.get(c, identifier)

    @invariant()
    def at_most_one_version_is_live_and_it_is_the_champion(self) -> None:
        with self.store.read() as c:
            live = [v for v in stored_versions.every(c) if v.state in lifecycle.LIVE]
            champions = {h.model: h.number for h in stored_releases.every_champion(c) if h.number is not None}
        assert {v.model: v.number for v in live} == champions
        assert len(live) == len(champions)

    @invariant()
    def nothing_is_live_without_an_approval_or_the_emergency_flag(self) -> None:
        with self.store.read() as c:
            events = stored_releases.events(c)
            for event in events:
                if event.event == "deployed":
                    promotion = stored_promotions.get(c, event.promotion or 0)
                    assert promotion is not None and promotion.state == "executed"
                    assert (promotion.model, promotion.number) == (event.model, event.number)
                elif event.event in ("rolled_back", "suspended"):
                    assert event.emergency
                if event.event == "rolled_back":  # it was approved once
                    assert any(
                        (e.event, e.model, e.number) == ("deployed", event.model, event.number)
                        for e in events
                    )

    @invariant()
    def a_versions_record_never_changes(self) -> None:
        with self.store.read() as c:
            kept = {(v.model, v.number): (v.digest, v.record) for v in stored_versions.every(c)}
        assert kept == self.records

    @invariant()
    def approvals_come_from_distinct_persons_apart_from_the_work(self) -> None:
        with self.store.read() as c:
            for promotion in stored_promotions.every(c, states=("approved", "executed")):
                version = stored_versions.get(c, promotion.model, promotion.number)
                assert version is not None
                tier = int(promotion.model[-1])
                given = [
                    a.actor
                    for a in stored_promotions.said(c, promotion.id)
                    if (a.decision, a.round) == ("approve", promotion.round)
                ]
                assert len(set(given)) >= {1: 2, 2: 1, 3: 1, 4: 0}[tier]
                if tier <= 3:
                    assert promotion.requested_by not in given
                if tier <= 2:
                    assert not version.developers & set(given)

    @invariant()
    def the_chain_is_intact(self) -> None:
        with self.store.read() as c:
            assert audit.verify(c).state == "intact"


TestRegistry = Registry.TestCase
TestRegistry.settings = settings(
    max_examples=15, stateful_step_count=35, deadline=None, suppress_health_check=list(HealthCheck)
)
