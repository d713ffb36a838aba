"""The command `annotations`: said, listed and taken back, in words and as JSON."""

import json
from pathlib import Path

import pytest

from core.store import Store
from jobs.cli import main
from tests.pages import portfolio

KEYS = "id model from to text mute exclude_from_reference made_at made_by ended_at ended_by"
CAMPAIGN = ["--from", "2013-11-29", "--to", "2013-12-02", "Black Friday campaign"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with swept models."""
    workspace = portfolio.workspace(tmp_path / "workspace")
    store = Store(workspace)
    store.migrate()
    portfolio.build(store)
    store.close()
    return workspace.root


def test_what_is_said_is_listed_until_it_is_taken_back(root: Path, capsys) -> None:
    def run(*words: str) -> str:
        assert main(["annotations", *words, "--workspace", str(root)]) == 0
        return capsys.readouterr().out

    assert run("list") == "Nothing is annotated.\n"
    said = run("add", "--model", "delay-30", "--mute", *CAMPAIGN)
    assert said == "Annotation 1 stands; the next sweep judges by it.\n"
    assert run("add", "--all-models", *CAMPAIGN) == "Annotation 2 stands.\n"
    head, *rows = run("list").splitlines()
    assert head.split()[:4] == ["id", "model", "from", "to"]
    assert [row.split("  ")[1].strip() for row in rows] == ["all models", "delay-30"]
    found = json.loads(run("list", "--model", "delay-30", "--json"))
    assert [list(each) for each in found] == [KEYS.split()] * 2
    own = found[1]
    assert (own["from"], own["to"]) == ("2013-11-29T05:00:00+00:00", "2013-12-02T05:00:00+00:00")
    assert (own["mute"], own["exclude_from_reference"], own["model"]) == (True, False, "delay-30")
    assert run("remove", "1") == "Annotation 1 is taken back; the next sweep judges by it.\n"
    assert [each["id"] for each in json.loads(run("list", "--json"))] == [2]
    assert len(json.loads(run("list", "--all", "--json"))) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["add", "--model", "delay-3", *CAMPAIGN],
            "'delay-3' is no registered model; did you mean 'delay-30'?",
        ),
        (["add", "--all-models", "--from", "2013-12-02", "--to", "2013-12-02", "x"], "is not before"),
        (["remove", "7"], "there is no annotation 7; see: steward annotations list"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(root: Path, capsys, words, message) -> None:
    assert main(["annotations", *words, "--workspace", str(root)]) == 2
    assert message in capsys.readouterr().err
