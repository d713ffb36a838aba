"""A workspace in which every command of core/actions has something to act on, and the people around it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import text

from core import identity
from core.actions import alerts as alert_actions
from core.actions import promotions, releases, versions, waivers
from core.entities import Actor, Alert, AlertEvent, Annotation, Episode, ModelStatus, Severity, Target
from core.identity import ApiToken, Principal
from core.permissions import ROLES
from core.records import Run, Version
from core.settings import Workspace, initialise
from core.store import Store, alerts, annotations, card_texts, identities, models, outbox, status, use_cases
from tests.identity.conftest import begin
from tests.release.conftest import APU, DORA, EMIL, NOW, USE_CASE, VAL, dataset, declaration, evidence_for

SETTINGS = f"clock: {{fixed: {NOW.isoformat()}}}\nchannels: {{on-disk: {{folder: messages}}}}\n"
MONITOR = {"name": "late", "metric": "roc_auc", "below": 0.6}
TIERS = {"tier-2": 2, "tier-3": 3, "fresh": 3, "ready": 4, "rolled": 4, "halted": 4, "watched": 4, "idle": 4}


@dataclass(frozen=True)
class Known:
    """The numbers of what lies there."""

    asked: int  # awaits approval
    failed: int  # its checks failed
    waiver: int
    emergency: int
    annotation: int
    letter: int  # dead
    token: int  # of viewer@example.com


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Known]]:
    store, known = settle(initialise(tmp_path_factory.mktemp("world") / "workspace"))
    yield store, known
    store.close()


@pytest.fixture
def copy(world: tuple[Store, Known], tmp_path: Path) -> Iterator[tuple[Store, Known]]:
    """The world, to change."""
    root = shutil.copytree(world[0].root, tmp_path / "workspace")
    store = Store(Workspace.open(root))
    yield store, world[1]
    store.close()


def settle(root_workspace: Workspace) -> tuple[Store, Known]:
    """Build it in a new workspace."""
    file = root_workspace.root / "steward.yaml"
    file.write_text(SETTINGS)
    store = Store(Workspace.open(root_workspace.root))
    store.migrate()
    _declare(store)
    asked = _ask(store)
    _release(store)
    watched = _watch(store)
    known = Known(*asked, *watched, _people(store))  # people last: before them nobody has to sign in
    return store, known


def session(address: str, kind: str = "good") -> Actor:
    """The actor of one of somebody's sessions or tokens, whatever that is worth by now."""
    source = "token" if "token" in kind else "ui"
    roles = frozenset({address.partition("@")[0].removeprefix("gone-")})
    return Actor(address, source, roles, identity.digest(f"{kind} of {address}"))


def _declare(store: Store) -> None:
    with store.write() as c:
        use_cases.put(c, USE_CASE, at=NOW, by="owner@example.com")
        for model, tier in TIERS.items():
            declared = declaration(model, tier)
            if model == "watched":
                declared = declared.model_validate(declared.model_dump(mode="json") | {"monitors": [MONITOR]})
            written = yaml.safe_dump(declared.model_dump(mode="json", exclude_unset=True))
            models.put(c, declared, text=written, managed="ui" if model == "watched" else "file", now=NOW)
            status.put(c, ModelStatus(model, "healthy", NOW, ("quiet",), condition="healthy", rules="r"))
            for section in ("ethical_considerations", "caveats"):
                card_texts.add(c, model, section, "thought of", at=NOW, by="owner@example.com")
        models.pause(c, "idle", EMIL.id)


def _version(store: Store, model: str, *, proven: bool = True) -> int:
    number = versions.register(store, model, Version(format="onnx"), DORA).number
    if proven:
        versions.attach(store, model, number, evidence_for(store, TIERS[model]), VAL)
    return number


def _ask(store: Store) -> tuple[int, int, int, int]:
    for model in ("tier-2", "tier-3", "fresh", "ready"):
        _version(store, model)
    adopted = releases.adopt(store, "tier-2", 1, EMIL, reason="runs since April")
    shown = Version(
        format="onnx", training=(dataset(store.workspace, "a"),), evaluation=(dataset(store.workspace, "b"),)
    )
    second = versions.register(store, "tier-2", shown, DORA).number
    versions.attach(store, "tier-2", second, evidence_for(store, 2), VAL)
    asked = promotions.request(store, "tier-2", second, DORA)
    failed = promotions.request(store, "tier-2", _version(store, "tier-2", proven=False), DORA)
    assert (asked.state, failed.state) == ("awaiting_approval", "checks_failed")
    until = NOW + timedelta(days=30)
    made = waivers.propose(store, "tier-2", 3, DORA, check="robustness", reason="later", until=until)
    return asked.id, failed.id, made.id, adopted.id


def _release(store: Store) -> None:
    assert promotions.request(store, "ready", 1, DORA).state == "approved"
    for model in ("rolled", "halted"):
        for _ in range(2):
            number = _version(store, model)
            promotions.request(store, model, number, DORA)
            releases.release(store, model, number, EMIL)
    halted = releases.suspend(store, "halted", EMIL, reason="wrong prices")
    releases.review(store, halted.id, APU, finding="as told")


def _watch(store: Store) -> tuple[int, int]:
    versions.log_run(store, "tier-3", Run(name="spring"), DORA)
    with store.write() as c:
        for segment in ("", "origin=JFK"):
            first = NOW - timedelta(days=3)
            target = Target("roc_auc", "", segment)
            episode = Episode("late", target, Severity.WARNING, first, NOW, first, NOW, 0.5, 0.6, "below")
            kept = alerts.add(c, Alert(0, "tier-2", episode, "late"))
            alerts.happened(c, AlertEvent(kept.id, first, "steward", "opened"))
        tomorrow = NOW + timedelta(days=1)
        said = Annotation(0, "tier-2", NOW, tomorrow, "fair", False, False, NOW, "x@example.com")
        made = annotations.add(c, said)
        outbox.add(c, "on-disk", "test", {}, model=None)
        letter = c.execute(text("UPDATE outbox SET state = 'dead' RETURNING id")).scalar_one()
    alert_actions.snooze(store, [2], EMIL, until=tomorrow, reason="known")
    return made.id, int(letter)


def _people(store: Store) -> int:
    now = datetime.now(UTC)
    far, gone = now + timedelta(hours=1), now - timedelta(minutes=1)
    with store.write() as c:
        for role in ROLES:
            for address in (f"{role}@example.com", f"gone-{role}@example.com"):
                identities.add(c, Principal(address, role, "oidc", "active", now, "bootstrap"), password=None)
                identities.grant(c, address, role, "", at=now, by="bootstrap")
        hashed = identity.password_hash("correct horse battery")
        identities.add(c, Principal("pat@example.com", "", "local", "active", now, "x"), password=hashed)
        identities.grant(c, "pat@example.com", "viewer", "", at=now, by="bootstrap")
        for role in ROLES:
            address = f"{role}@example.com"
            for kind, until in (("token", far), ("expired token", gone), ("revoked token", far)):
                made = ApiToken(0, kind, address, (role,), now - timedelta(hours=1), until, None, None)
                number = identities.add_token(c, made, digest=identity.digest(f"{kind} of {address}"))
                if kind == "revoked token":
                    identities.revoke_tokens(c, at=now, identifier=number)
    for role in ROLES:
        address = f"{role}@example.com"
        begin(store, address, f"good of {address}", at=now, until=far)
        begin(store, address, f"stale of {address}", at=now - timedelta(minutes=20), until=far)
        begin(store, address, f"expired of {address}", at=now - timedelta(hours=13), until=gone)
        begin(store, address, f"ended of {address}", at=now, until=far)
        begin(store, f"gone-{address}", f"good of gone-{address}", at=now, until=far)
        with store.write() as c:
            identities.end_sessions(c, at=now, digest=identity.digest(f"ended of {address}"))
            identities.change(c, f"gone-{address}", state="disabled")
    with store.read() as c:
        return identities.every_token(c, "viewer@example.com")[-1].id
