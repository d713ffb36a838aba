"""A store with a model, the people around it, and what a version needs to pass the gate of its tier."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.actions import versions
from core.declaration import Declaration
from core.entities import Actor
from core.governed import ModelVersion
from core.policies import load
from core.records import Dataset, Evidence, UseCase, Version
from core.settings import Workspace
from core.steward_yaml import FixedClock
from core.store import Store, card_texts, models, use_cases

NOW = datetime(2014, 1, 1, 5, tzinfo=UTC)
DORA = Actor("dora@example.com", "ui", frozenset({"data_scientist"}))
VAL = Actor("val@example.com", "ui", frozenset({"validator"}))
APU = Actor("apu@example.com", "ui", frozenset({"approver"}))
EMIL = Actor("emil@example.com", "ui", frozenset({"ml_engineer"}))


def at(store: Store, now: datetime) -> Store:
    """The store, from now on at another business time."""
    settings = store.workspace.settings.model_copy(update={"clock": FixedClock(fixed=now)})
    store.workspace = replace(store.workspace, settings=settings)
    return store


def declaration(model: str = "delay-30", tier: int = 2) -> Declaration:
    return Declaration.model_validate(
        {
            "model": model,
            "owner": "owner@example.com",
            "team": "ops",
            "task": "binary_classification",
            "risk_tier": tier,
            "description": "Late?",
            "use_case": "punctuality",
            "segments": ["origin"],
            "predictions": {"path": f"predictions/{model}", "timestamp": "at", "score": "p", "actual": "y"},
        }
    )


USE_CASE = UseCase(
    use_case="punctuality",
    objective="tell travellers early",
    decision="send a warning",
    decision_type="automated",
    affected_persons="travellers",
    success="AUC above .65",
    false_positive="an unneeded worry",
    false_negative="a missed connection",
    ai_act_class="minimal",
    ai_act_rationale="no right depends on it",
    accountable="owner@example.com",
    personal_data=False,
)


def evidence_for(store: Store, tier: int, *, now: datetime = NOW, **verdicts: str) -> list[Evidence]:
    """Evidence of every kind the tier may ask for, passed unless `verdicts` says otherwise."""
    kinds = [
        kind
        for kind in load(store.workspace.root).rules.tiers[tier].evidence
        if kind != "independent_validation"
    ]
    return [
        Evidence(
            kind=kind,
            verdict=verdicts.get(kind, "passed"),
            summary=f"{kind} looked at",
            produced_by="evaluate",
            produced_at=now,
        )
        for kind in kinds
    ]


def artifact(workspace: Workspace, name: str, content: bytes = b"weights") -> str:
    folder = workspace.root / "artifacts" / name
    folder.mkdir(parents=True)
    (folder / "model.json").write_bytes(content)
    return f"artifacts/{name}"


def dataset(workspace: Workspace, name: str) -> Dataset:
    file = workspace.root / "datasets" / f"{name}.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"y\n{name}\n")
    return Dataset(name=name, kind="csv", uri=f"datasets/{name}.csv", split="time")


Register = Callable[..., ModelVersion]


@pytest.fixture
def released(store: Store) -> Store:
    """The store at NOW with the use case and models of the tiers 1 to 4: tier-1 … tier-4."""
    moved = at(store, NOW)
    with moved.write() as c:
        use_cases.put(c, USE_CASE, at=NOW, by="owner@example.com")
        for tier in (1, 2, 3, 4):
            models.put(c, declaration(f"tier-{tier}", tier), text="", now=NOW)
            for section in ("ethical_considerations", "caveats"):
                card_texts.add(c, f"tier-{tier}", section, "thought of", at=NOW, by="owner@example.com")
    return moved


@pytest.fixture
def register(released: Store) -> Register:
    """Register a version of a model of this tier, with all evidence unless it says otherwise."""

    def make(tier: int = 2, *, by: Actor = DORA, evidence: bool = True, **verdicts: str) -> ModelVersion:
        model, folder = f"tier-{tier}", released.workspace
        number = len(list((folder.root / "artifacts").glob("*"))) + 1
        record = Version(
            artifact=artifact(folder, f"{model}-{number}", f"weights {number}".encode()),
            format="json",
            training=(dataset(folder, f"train-{number}"),),
            evaluation=(dataset(folder, f"test-{number}"),),
        )
        made = versions.register(released, model, record, by)
        if evidence:
            versions.attach(released, model, made.number, evidence_for(released, tier, **verdicts), VAL)
            if tier == 1:
                validated = Evidence(
                    kind="independent_validation",
                    verdict="passed",
                    summary="read and rerun",
                    produced_by=VAL.id,
                    produced_at=NOW - timedelta(days=1),
                )
                versions.attach(released, model, made.number, [validated], VAL)
        return made

    return make


def model_file(store: Store, version: ModelVersion) -> Path:
    return store.workspace.root / str(version.record.artifact) / "model.json"
