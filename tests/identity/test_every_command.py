"""Every command of core/actions, asked by every role and by everybody who should not be there."""

import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import text

import core.actions
from core import views
from core.actions import (
    alerts,
    annotations,
    audits,
    authority,
    cards,
    decisions,
    evaluations,
    identities,
    lifecycles,
    messages,
    models,
    monitors,
    promotions,
    releases,
    reports,
    tokens,
    versions,
    waivers,
)
from core.entities import Actor
from core.errors import LogError, NotAllowed, StewardError
from core.identity import digest
from core.permissions import IN_PERSON, PERMITS, ROLES
from core.records import Evidence, Retirement, Run, Version
from core.store import Store
from tests.identity.world import MONITOR, Known, copy, session, world
from tests.release.conftest import NOW, USE_CASE

__all__ = ["copy", "world"]
Run_ = Callable[[Store, Known, Actor], object]


@dataclass(frozen=True)
class Case:
    """One way to call a command, and all that whoever calls it so has to be allowed."""

    needs: tuple[str, ...]
    run: Run_


def case(needs: str, run: Run_) -> Case:
    return Case(tuple(needs.split()), run)


DAY = timedelta(days=1)
SEEN = {"reason": "so it is"}
EVIDENCE = Evidence(kind="latency", verdict="passed", summary="x", produced_by="x", produced_at=NOW)
DECLARED = """\
model: tier-3
owner: owner@example.com
team: ops
task: binary_classification
risk_tier: {tier}
predictions: {{path: predictions/tier-3, timestamp: at, score: p, actual: y}}
"""


def applied(tier: int) -> Run_:
    def run(store: Store, known: Known, actor: Actor) -> object:
        file = store.root / "models" / "tier-3.yaml"
        file.write_text(DECLARED.format(tier=tier))
        return models.apply(store, [file], actor)

    return run


def described(store: Store, known: Known, actor: Actor) -> object:
    file = store.root / "models" / "use-case.yaml"
    file.write_text(USE_CASE.model_copy(update={"use_case": "comfort"}).model_dump_json())
    return models.apply(store, [file], actor)


def evaluated(store: Store, known: Known, actor: Actor) -> object:
    """Evaluate 200 answers, every third of which is wrong."""
    file = store.root / "answers.csv"
    rows = [
        f"2013-12-{1 + i % 28:02}T00:00:00Z,{0.9 if i % 2 else 0.1},{(i + i // 3) % 2},JFK"
        for i in range(200)
    ]
    file.write_text("\n".join(["at,p,y,origin", *rows]))
    return evaluations.evaluate(store, "tier-3", 1, actor, predictions=str(file))


def annotated(**consequences: Any) -> Run_:
    asked = {"model": "tier-2", "start": NOW - DAY, "end": NOW, "text": "fair"} | consequences
    return lambda s, k, a: annotations.add(s, a, **asked)


CASES: dict[str, list[Case]] = {
    "alerts.acknowledge": [case("alert.attend", lambda s, k, a: alerts.acknowledge(s, [1], a))],
    "alerts.assign": [case("alert.attend", lambda s, k, a: alerts.assign(s, [1], a, to="x@example.com"))],
    "alerts.snooze": [
        case("alert.attend", lambda s, k, a: alerts.snooze(s, [1], a, until=NOW + DAY, **SEEN))
    ],
    "alerts.unsnooze": [case("alert.attend", lambda s, k, a: alerts.unsnooze(s, [2], a))],
    "alerts.resolve": [case("alert.attend", lambda s, k, a: alerts.resolve(s, [1], a, **SEEN))],
    "alerts.comment": [case("alert.attend", lambda s, k, a: alerts.comment(s, 1, a, text="hm"))],
    "annotations.add": [
        case("annotation.say", annotated()),
        case("annotation.say annotation.leave_out", annotated(exclude_from_reference=True)),
        case("annotation.say annotation.everywhere", annotated(model=None, mute=True)),
    ],
    "annotations.remove": [case("annotation.say", lambda s, k, a: annotations.remove(s, k.annotation, a))],
    "audits.export": [case("audit.export", lambda s, k, a: audits.export(s, a, "csv"))],
    "cards.write": [case("card.write", lambda s, k, a: cards.write(s, "tier-3", "caveats", "few rows", a))],
    "cards.sign_off": [case("card.sign_off", lambda s, k, a: cards.sign_off(s, "tier-3", 1, a))],
    "decisions.approve": [case("promotion.decide", lambda s, k, a: decisions.approve(s, k.asked, a))],
    "decisions.reject": [
        case("promotion.decide", lambda s, k, a: decisions.reject(s, k.asked, a, comment="no"))
    ],
    "decisions.ask_back": [
        case("promotion.decide", lambda s, k, a: decisions.ask_back(s, k.asked, a, comment="why?"))
    ],
    "decisions.comment": [
        case("promotion.comment", lambda s, k, a: decisions.comment(s, k.asked, a, text="hm"))
    ],
    "evaluations.evaluate": [case("evidence.attach", evaluated)],
    "reports.attach_report": [
        case(
            "evidence.attach",
            lambda s, k, a: reports.attach_report(
                s, "tier-3", 1, a, kind="security_scan", verdict="passed", summary="nothing found"
            ),
        )
    ],
    "identities.add": [
        case("user.manage", lambda s, k, a: identities.add(s, "new@example.com", a, kind="service"))
    ],
    "identities.grant": [
        case("user.manage", lambda s, k, a: identities.grant(s, "viewer@example.com", "analyst", a))
    ],
    "identities.revoke": [
        case("user.manage", lambda s, k, a: identities.revoke(s, "viewer@example.com", "viewer", a))
    ],
    "identities.disable": [case("user.manage", lambda s, k, a: identities.disable(s, "pat@example.com", a))],
    "identities.enable": [
        case("user.manage", lambda s, k, a: identities.enable(s, "gone-viewer@example.com", a))
    ],
    "identities.set_password": [
        case(
            "user.manage", lambda s, k, a: identities.set_password(s, "pat@example.com", "another secret", a)
        )
    ],
    "lifecycles.move": [
        case("model.lifecycle", lambda s, k, a: lifecycles.move(s, "tier-3", "under_review", a, **SEEN))
    ],
    "lifecycles.retire": [
        case(
            "model.lifecycle",
            lambda s, k, a: lifecycles.retire(s, "tier-3", Retirement(reason="x", criteria="y"), a),
        )
    ],
    "lifecycles.attest": [
        case("model.lifecycle", lambda s, k, a: lifecycles.attest(s, "tier-3", a, text="ok"))
    ],
    "lifecycles.remove": [case("model.pause", lambda s, k, a: lifecycles.remove(s, "idle", a, **SEEN))],
    "messages.send_test": [case("channel.test", lambda s, k, a: messages.send_test(s, "on-disk", a))],
    "messages.send_again": [case("message.again", lambda s, k, a: messages.send_again(s, k.letter, a))],
    "models.apply": [
        case("model.declare", applied(tier=3)),
        case("model.declare model.lower_risk", applied(tier=4)),
        case("use_case.describe", described),
    ],
    "models.pause": [case("model.pause", lambda s, k, a: models.pause(s, "tier-3", a, **SEEN))],
    "models.resume": [case("model.pause", lambda s, k, a: models.resume(s, "idle", a, **SEEN))],
    "models.rebuild": [
        case("model.rebuild", lambda s, k, a: models.rebuild(s, "tier-3", a, start=None, end=None))
    ],
    "monitors.put": [
        case("monitor.change", lambda s, k, a: monitors.put(s, "watched", {"metric": "f1", "below": 0.5}, a))
    ],
    "monitors.remove": [
        case("monitor.change", lambda s, k, a: monitors.remove(s, "watched", MONITOR["name"], a))
    ],
    "monitors.manage": [case("model.manage", lambda s, k, a: monitors.manage(s, "tier-3", "ui", a))],
    "promotions.request": [case("promotion.request", lambda s, k, a: promotions.request(s, "tier-3", 1, a))],
    "promotions.submit": [case("promotion.request", lambda s, k, a: promotions.submit(s, k.failed, a))],
    "promotions.withdraw": [
        case("promotion.request", lambda s, k, a: promotions.withdraw(s, k.failed, a, **SEEN))
    ],
    "releases.release": [case("release.change", lambda s, k, a: releases.release(s, "ready", 1, a))],
    "releases.adopt": [case("release.change", lambda s, k, a: releases.adopt(s, "fresh", 1, a, **SEEN))],
    "releases.roll_back": [
        case("release.change", lambda s, k, a: releases.roll_back(s, "rolled", a, **SEEN))
    ],
    "releases.suspend": [case("release.change", lambda s, k, a: releases.suspend(s, "tier-2", a, **SEEN))],
    "releases.resume": [case("release.change", lambda s, k, a: releases.resume(s, "halted", a, **SEEN))],
    "releases.review": [
        case("release.review", lambda s, k, a: releases.review(s, k.emergency, a, finding="as told"))
    ],
    "tokens.create": [
        case(
            "token.own",
            lambda s, k, a: tokens.create(s, a, name="x", roles=a.roles, lasts=timedelta(minutes=1)),
        )
    ],
    "tokens.revoke": [case("user.manage", lambda s, k, a: tokens.revoke(s, k.token, others(a)))],
    "versions.register": [
        case("version.register", lambda s, k, a: versions.register(s, "tier-3", Version(name="new"), a))
    ],
    "versions.log_run": [case("run.log", lambda s, k, a: versions.log_run(s, "tier-3", Run(name="x"), a))],
    "versions.attach": [
        case("evidence.attach", lambda s, k, a: versions.attach(s, "tier-3", 1, [EVIDENCE], a)),
        case(
            "evidence.attach evidence.validate",
            lambda s, k, a: versions.attach(
                s, "tier-3", 1, [EVIDENCE.model_copy(update={"kind": "independent_validation"})], a
            ),
        ),
    ],
    "versions.archive": [
        case("version.register", lambda s, k, a: versions.archive(s, "tier-3", 1, a, **SEEN))
    ],
    "waivers.propose": [
        case(
            "waiver.propose",
            lambda s, k, a: waivers.propose(s, "tier-2", 3, a, check="fairness", until=NOW + DAY, **SEEN),
        )
    ],
    "waivers.confirm": [case("waiver.confirm", lambda s, k, a: waivers.confirm(s, k.waiver, a))],
}
# What changes something and asks no role: how people come and go, and what jobs do of themselves.
ASKS_NO_ROLE = {
    "identities.recover",
    "promotions.settle",
    *(f"sign_ins.{name}" for name in ("sign_in", "by_token", "by_provider", "sign_out")),
}
READ_ONLY = {"health.see", "rows.open"}
WAYS = [(name, i) for name, cases in CASES.items() for i in range(len(cases))]


def others(actor: Actor) -> Actor:
    """The actor; nobody revokes their own token in a case about the tokens of others."""
    return actor if actor.id != "viewer@example.com" else replace(actor, id="auditor@example.com")


def changing() -> set[str]:
    """The public functions of core/actions that change the registry."""
    found = set()
    for module in pkgutil.iter_modules(core.actions.__path__):
        for name, function in vars(import_module(f"core.actions.{module.name}")).items():
            if not inspect.isfunction(function) or name.startswith("_"):
                continue
            if function.__module__ != f"core.actions.{module.name}":
                continue
            takes = list(inspect.signature(function).parameters)
            if takes[:1] == ["store"] and ("actor" in takes or "store.write(" in inspect.getsource(function)):
                found.add(f"{module.name}.{name}")
    return found


def allowed(needs: tuple[str, ...]) -> list[str]:
    return [role for role in ROLES if all(role in PERMITS[command].roles for command in needs)]


def head(store: Store) -> tuple[Any, ...]:
    with store.read() as c:
        audited = c.execute(text("SELECT seq, hash FROM audit_head")).one()
        return (*audited, c.execute(text("SELECT value FROM revision")).scalar_one())


def strangers(role: str) -> dict[str, Actor]:
    """Everybody who is not, or not any more, who they say they are; each would have the role."""
    address, everything = f"{role}@example.com", frozenset(ROLES)
    return {
        "nobody in the dashboard": Actor("single-user", "ui", everything),
        "nobody in a terminal": Actor("single-user", "cli", everything),
        "a forged cookie": Actor(address, "ui", everything, digest("forged")),
        "a forged token": Actor(address, "token", everything, "0" * 64),
        "the digest of a cookie": Actor(address, "ui", everything, digest(digest(f"good of {address}"))),
        "the cookie of somebody else": replace(session_of(role), id="pat@example.com"),
        **{kind: session_of(role, kind) for kind in ("expired", "ended", "expired token", "revoked token")},
        "somebody disabled": session_of(f"gone-{role}"),
    }


def session_of(role: str, kind: str = "good") -> Actor:
    return session(f"{role}@example.com", kind)


def test_every_command_has_a_case_and_every_permission_is_asked_for():
    assert changing() == {*CASES, *ASKS_NO_ROLE}
    assert {need for cases in CASES.values() for each in cases for need in each.needs} == {
        *PERMITS
    } - READ_ONLY


@pytest.mark.parametrize(("name", "i"), WAYS, ids=[f"{name}-{i}" for name, i in WAYS])
def test_whoever_lacks_the_role_or_the_sign_in_is_refused_and_changes_nothing(
    world: tuple[Store, Known], name: str, i: int
):
    store, known = world
    asked = CASES[name][i]
    may = allowed(asked.needs)
    role = may[-1] if may else "ml_engineer"
    refused = {f"a {each}": session_of(each) for each in ROLES if each not in may} | strangers(role)
    if IN_PERSON & {*asked.needs}:
        refused |= {"a token": session_of(role, "token"), "a stale session": session_of(role, "stale")}
    before = head(store)
    for who, actor in refused.items():
        if name == "tokens.revoke" and actor.id == "viewer@example.com":
            continue  # it is their own
        with pytest.raises(NotAllowed):
            asked.run(store, known, actor)
            pytest.fail(f"{who} may {name}")
    assert head(store) == before


@pytest.mark.parametrize(("name", "i"), WAYS, ids=[f"{name}-{i}" for name, i in WAYS])
def test_whoever_has_a_role_for_it_is_let_in(copy: tuple[Store, Known], name: str, i: int):
    store, known = copy
    asked, done = CASES[name][i], 0
    before = head(store)
    may = allowed(asked.needs)
    kinds = ["good"] if IN_PERSON & {*asked.needs} else ["good", "token"]
    for role in may:
        for kind in kinds:
            try:
                asked.run(store, known, session_of(role, kind))
                done += 1
            except StewardError as error:
                assert "ask an admin for the role" not in str(error) and "sign" not in str(error)
    assert not may or (done and head(store) != before), f"nobody could {name}"


def test_rows_are_opened_by_those_who_may(world: tuple[Store, Known]):
    may = allowed(("rows.open",))
    refused = [session_of(role) for role in ROLES if role not in may]
    for actor in (*refused, *strangers(may[0]).values()):
        with pytest.raises(NotAllowed):
            views.rows(world[0], "tier-2", NOW, actor)
    for role in may:
        with pytest.raises(LogError, match="its rows are gone"):
            views.rows(world[0], "tier-2", NOW, session_of(role))


def test_a_role_somewhere_lets_one_see_and_none_does_not(world: tuple[Store, Known]):
    with world[0].read() as c:
        scoped = Actor("x", "test", frozenset({"approver@team:ops"}))
        assert authority.refusal(c, scoped, "health.see") is None
        assert authority.refusal(c, Actor("x", "test", frozenset()), "health.see") is not None
        for actor in strangers("viewer").values():
            # Whoever works alone on this machine sees; who claims a sign-in has to have one.
            assert (authority.refusal(c, actor, "health.see") is None) == (actor.credential is None)


@pytest.mark.parametrize("command", sorted({*PERMITS} - {"health.see"}))
def test_a_role_for_one_model_or_team_is_none_elsewhere(world: tuple[Store, Known], command: str):
    store, _ = world
    for role in PERMITS[command].roles:
        here = {Actor("x", "test", frozenset({f"{role}@{scope}"})) for scope in ("model:tier-2", "team:ops")}
        with store.read() as c:
            for actor in here:
                assert authority.refusal(c, actor, command, model="tier-2") is None
                assert authority.refusal(c, actor, command) is not None
            elsewhere = Actor("x", "test", frozenset({f"{role}@model:tier-2", f"{role}@team:sales"}))
            assert authority.refusal(c, elsewhere, command, model="tier-3") is not None
