"""The commands from registering a version to rolling it back, in words and as JSON."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.actions import versions
from core.records import Evidence
from core.settings import Workspace
from core.store import Store
from jobs.acting import acting
from jobs.cli import main

MODEL = """\
model: {model}
owner: owner@example.com
task: binary_classification
risk_tier: {tier}
description: Late?
use_case: punctuality
segments: [origin]
predictions: {{path: predictions/{model}, timestamp: at, score: p, actual: y}}
monitors: [{{metric: accuracy, below: 0.5}}]
"""
USE_CASE = """\
use_case: punctuality
objective: tell travellers early
decision: send a warning
decision_type: automated
affected_persons: travellers
success: AUC above .65
false_positive: an unneeded worry
false_negative: a missed connection
ai_act_class: minimal
ai_act_rationale: no right depends on it
accountable: owner@example.com
personal_data: false
"""


@pytest.fixture
def root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A workspace with two models of tiers 2 and 4, and artifacts to register."""
    root = tmp_path / "workspace"
    assert main(["init", "--workspace", str(root)]) == 0
    for model, tier in (("tier-2", 2), ("tier-4", 4)):
        (root / "models" / f"{model}.yaml").write_text(MODEL.format(model=model, tier=tier))
    (root / "use_cases" / "punctuality.yaml").write_text(USE_CASE)
    for name in ("a", "b"):
        (root / "artifacts" / name).mkdir(parents=True)
        (root / "artifacts" / name / "model.json").write_text(f"weights {name}")
    assert main(["apply", "--workspace", str(root)]) == 0
    assert "use case punctuality: registered" in capsys.readouterr().out
    return root


def run(root: Path, *words: str) -> int:
    return main([*words, "--workspace", str(root)])


def proven(root: Path, number: int) -> None:
    """Attach what the gate of tier 4 asks for."""
    store = Store(Workspace.open(root))
    record = Evidence(
        kind="performance",
        verdict="passed",
        summary="AUC .7",
        produced_by="test",
        produced_at=datetime.now(UTC),
    )
    versions.attach(store, "tier-4", number, [record], acting(store))
    store.close()


def test_a_version_is_registered_released_and_rolled_back(root: Path, capsys) -> None:
    for name in ("a", "b"):
        record = root / "version.yaml"
        record.write_text(
            f'name: "{name}"\nartifact: artifacts/{name}\nformat: json\nparameters: {{depth: 3}}\n'
        )
        assert run(root, "version", "register", "tier-4", str(record)) == 0
    assert "Registered tier-4 version 2 (b): digest" in capsys.readouterr().out
    assert run(root, "gate", "tier-4", "1") == 1
    assert "1 check stands against it" in capsys.readouterr().out
    assert run(root, "promote", "request", "tier-4", "1") == 1
    assert "promotion 1 of tier-4 version 1 is checks_failed" in capsys.readouterr().out
    assert run(root, "release", "tier-4", "1") == 2
    assert "has no approval for production: promotion 1" in capsys.readouterr().err
    for number in (1, 2):
        proven(root, number)
        assert run(root, "gate", "tier-4", str(number)) == 0
        words = ("submit", "1") if number == 1 else ("request", "tier-4", "2")
        assert run(root, "promote", *words) == 0
        assert run(root, "release", "tier-4", str(number)) == 0
    capsys.readouterr()
    assert run(root, "rollback", "tier-4", "--reason", "wrong prices") == 0
    assert (
        "version 1 is rolled back in production.\nSomebody else has to review it" in capsys.readouterr().out
    )
    assert run(root, "review", "3", "it was right") == 2
    assert "a person who did not act reviews it" in capsys.readouterr().err
    assert run(root, "releases", "tier-4", "--json") == 0
    told = [(e["event"], e["version"], e["name"]) for e in json.loads(capsys.readouterr().out)]
    assert told == [("deployed", 1, "a"), ("deployed", 2, "b"), ("rolled_back", 1, "a")]


def test_one_does_not_waive_or_approve_alone(root: Path, capsys) -> None:
    assert run(root, "version", "register", "tier-2", "--artifact", "artifacts/b", "--format", "json") == 0
    assert run(root, "waive", "tier-2", "1", "robustness", "--reason", "small data") == 0
    assert run(root, "confirm", "1") == 2
    assert "a second person confirms it" in capsys.readouterr().err
    assert run(root, "waive", "tier-2", "1", "robustnes", "--reason", "small data") == 2
    assert "did you mean 'robustness'" in capsys.readouterr().err


def test_versions_are_listed_shown_and_compared(root: Path, capsys) -> None:
    for name in ("a", "b"):
        words = ["--artifact", f"artifacts/{name}", "--format", "json", "--name", name]
        assert run(root, "version", "register", "tier-4", *words) == 0
    assert run(root, "version", "register", "tier-4", "--name", "a") == 2
    assert "has a version 'a' already: number 1" in capsys.readouterr().err
    assert run(root, "version", "list", "tier-4", "--json") == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["b", "a"]
    assert run(root, "version", "show", "tier-4", "1") == 0
    assert "model.json" in capsys.readouterr().out
    assert run(root, "version", "compare", "tier-4", "1", "2", "--json") == 0
    assert {each["key"] for each in json.loads(capsys.readouterr().out)} >= {"name", "manifest.0.sha256"}
    assert run(root, "version", "archive", "tier-4", "1", "--reason", "old") == 0
    assert "cannot be released again" in capsys.readouterr().out


def test_a_run_is_logged_and_pointed_to(root: Path, capsys) -> None:
    file = root / "run.yaml"
    file.write_text("name: spring\nduration: 2m\nparameters: {depth: 3}\nmetrics: {roc_auc: 0.7}\n")
    assert run(root, "version", "log-run", "tier-4", str(file), "--json") == 0
    assert json.loads(capsys.readouterr().out)["run"] == 1
    assert run(root, "version", "register", "tier-4", "--run", "7") == 2
    assert "tier-4 has no run 7; log it first" in capsys.readouterr().err
    assert run(root, "version", "register", "tier-4", "--run", "1") == 0
    capsys.readouterr()
    assert run(root, "version", "show", "tier-4", "1", "--json") == 0
    lineage = json.loads(capsys.readouterr().out)["lineage"]
    assert lineage == [{"source": "run:1", "relation": "produced", "target": "version:tier-4/1"}]


def test_what_never_ran_is_said_so(root: Path, capsys) -> None:
    assert run(root, "releases", "tier-4") == 0
    assert capsys.readouterr().out == "Nothing of tier-4 was ever released to production.\n"
    assert run(root, "releases", "tier-4", "--at", "2014-01-01") == 0
    assert "was in production at 2014-01-01 00:00 UTC" in capsys.readouterr().out


def test_a_use_case_nobody_described_is_refused(root: Path, capsys) -> None:
    file = root / "models" / "tier-4.yaml"
    file.write_text(file.read_text().replace("use_case: punctuality", "use_case: punctualty"))
    assert run(root, "apply") == 2
    assert "'punctualty' is described nowhere; did you mean 'punctuality'" in capsys.readouterr().err


def test_a_model_is_retired_once(root: Path, capsys) -> None:
    words = ["retire", "tier-4", "--reason", "replaced", "--criteria", "no consumer left", "--told", "ops"]
    assert run(root, *words) == 0
    assert run(root, *words) == 2
    assert "tier-4 is retired and cannot become retiring; from here: archived" in capsys.readouterr().err
