"""Two hundred attempts at the same steps from four processes: one wins each, and nothing is lost."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.actions import versions
from core.records import Dataset, Version
from core.store import Store, audit, models, releases
from core.store import promotions as stored
from tests.release.conftest import DORA, NOW, VAL, declaration, evidence_for

PROGRAM = Path(__file__).with_name("crowd.py")
PROCESSES, TIMES, MODELS = 4, 5, 10


@pytest.fixture
def many(released: Store) -> Store:
    """Ten models with a version each that passes its gate."""
    file = released.root / "steward.yaml"
    file.write_text(file.read_text() + "\nclock: {fixed: 2014-01-01T05:00:00+00:00}\n")
    data = Dataset(name="d", uri="s3://lake/d", digest="a" * 64, split="time")
    for number in range(1, MODELS + 1):
        with released.write() as c:
            declared = declaration(f"crowd-{number}", 3)
            models.put(c, declared, text="", now=NOW)
        record = Version(name=f"v{number}", format="json", training=(data,), evaluation=(data,))
        made = versions.register(released, declared.model, record, DORA)
        versions.attach(released, declared.model, made.number, evidence_for(released, 3), VAL)
    return released


def together(store: Store, what: str) -> Counter[str]:
    environment = os.environ | {"PYTHONPATH": str(PROGRAM.parents[2])}
    processes = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(store.root), what, str(me), str(TIMES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for me in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes: Counter[str] = Counter()
    for process in processes:
        said, _ = process.communicate(timeout=120)
        outcomes.update(json.loads(said))
    return outcomes


def test_exactly_one_attempt_wins_each_transition(many: Store):
    attempts = PROCESSES * TIMES * MODELS
    for what in ("request", "approve", "release"):
        outcomes = together(many, what)
        assert sum(outcomes.values()) == attempts == 200
        assert outcomes["won"] == MODELS, (what, outcomes)
        assert set(outcomes) <= {"won", "Conflict", "StateError"}
    with many.read() as c:
        assert audit.verify(c).state == "intact"
        done = Counter(entry.action for entry in audit.entries(c, limit=None))
        assert {p.state for p in stored.every(c)} == {"executed"}
        champions = [each for each in releases.every_champion(c) if each.model.startswith("crowd-")]
    assert [each.number for each in champions] == [1] * MODELS
    once = ("promotion.requested", "promotion.approved", "promotion.executed", "release.deployed")
    assert {name: done[name] for name in once} == dict.fromkeys(once, MODELS)
