"""The commands `monitors export` and `monitors manage`, and the way between dashboard and file."""

import json
from pathlib import Path

import pytest

from core.actions import monitors as monitor_actions
from core.entities import Actor
from core.settings import Workspace
from core.store import Store, models
from jobs.cli import main
from tests.settings.declarations import BINARY

EVE = Actor("eve@example.com", "ui", frozenset({"ml_engineer"}))
BLOCK = """\
monitors:
  # the floor
  - {metric: roc_auc, below: 0.6}    # of a day
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with the applied model delay-30."""
    monkeypatch.setenv("STEWARD_WORKSPACE", str(tmp_path / "workspace"))
    assert main(["init"]) == 0
    (tmp_path / "workspace" / "models" / "delay-30.yaml").write_text(BINARY + BLOCK)
    assert main(["apply"]) == 0
    return tmp_path / "workspace"


def change(root: Path) -> None:
    """Change the floor and add a monitor, as the dashboard does."""
    store = Store(Workspace.open(root))
    floor = {"metric": "roc_auc", "below": 0.62, "for": "3 windows"}
    monitor_actions.put(store, "delay-30", floor, EVE, replaces="roc_auc")
    monitor_actions.put(store, "delay-30", {"metric": "volume", "below": 10}, EVE)
    store.close()


def managed(root: Path) -> str:
    store = Store(Workspace.open(root))
    with store.read() as c:
        found = models.get(c, "delay-30")
    store.close()
    assert found is not None
    return found.managed


def test_export_prints_the_block_as_it_was_written(root: Path, capsys) -> None:
    capsys.readouterr()
    assert main(["monitors", "export", "delay-30"]) == 0
    assert capsys.readouterr().out == BLOCK
    assert main(["monitors", "export", "delay-30", "--whole"]) == 0
    assert capsys.readouterr().out == BINARY + BLOCK
    assert main(["monitors", "export", "delay-30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"metric": "roc_auc", "below": 0.6}]


def test_what_the_dashboard_changed_goes_back_into_the_file_and_applying_it_changes_nothing(
    root: Path, capsys
) -> None:
    assert main(["monitors", "manage", "delay-30", "ui"]) == 0
    change(root)
    assert main(["apply"]) == 2, "the file says something else"
    assert "delay-30 was changed in the dashboard since" in capsys.readouterr().err
    assert main(["monitors", "export", "delay-30"]) == 0
    exported = capsys.readouterr().out
    assert "  # the floor\n  - {metric: roc_auc, below: 0.62, for: 3 windows}    # of a day\n" in exported
    (root / "models" / "delay-30.yaml").write_text(BINARY + exported)
    assert main(["apply"]) == 0
    assert capsys.readouterr().out == "delay-30: unchanged\n"
    assert managed(root) == "ui"
    assert main(["monitors", "export", "delay-30", "--whole"]) == 0
    assert capsys.readouterr().out == BINARY + exported


def test_a_model_is_handed_over_and_back(root: Path, capsys) -> None:
    capsys.readouterr()
    assert managed(root) == "file"
    for by, words in (
        ("ui", "delay-30 is now managed in the dashboard."),
        ("ui", "delay-30 is already managed in the dashboard."),
        ("file", "The next steward apply replaces its monitors by those of the file"),
    ):
        assert main(["monitors", "manage", "delay-30", by]) == 0
        assert words in capsys.readouterr().out
        assert managed(root) == by


def test_applying_by_force_gives_a_model_back_to_its_file(root: Path) -> None:
    assert main(["monitors", "manage", "delay-30", "ui"]) == 0
    change(root)
    assert main(["apply", "--force"]) == 0
    assert managed(root) == "file"


def test_an_unknown_model_is_named_with_the_nearest(root: Path, capsys) -> None:
    assert main(["monitors", "export", "delay"]) == 2
    assert "'delay' is no registered model; did you mean 'delay-30'?" in capsys.readouterr().err
