"""steward.run: what is told of a run, and when nothing is."""

import subprocess
from pathlib import Path

import pytest

import steward
from core.running import code_here
from core.settings import Workspace
from core.store import Store, audit, versions
from jobs.cli import main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    assert main(["init", "--workspace", str(root)]) == 0
    (root / "models" / "loans.yaml").write_text(
        "model: loans\nowner: o@example.com\ntask: regression\nrisk_tier: 3\n"
        "predictions: {path: predictions/loans, timestamp: at, prediction: p}\n"
    )
    assert main(["apply", "--workspace", str(root)]) == 0
    (root / "train.csv").write_text("a,y\n1,2\n")
    return root


def test_a_run_is_kept_with_what_it_showed(root: Path):
    with steward.run("loans", "spring", parameters={"depth": 3}, dataset="train.csv", workspace=root) as run:
        run.metrics["mae"] = 4
        assert run.id is None
    store = Store(Workspace.open(root))
    with store.read() as c:
        kept = versions.run(c, run.id)
        assert audit.entries(c, action="run.")[0].after["name"] == "spring"
    store.close()
    assert kept.record.parameters == {"depth": 3}
    assert kept.record.metrics == {"mae": 4.0}
    assert kept.record.dataset.uri == "train.csv" and kept.record.dataset.digest
    assert kept.record.started is not None and kept.record.duration is not None


def test_a_run_that_fails_or_that_nobody_knows_is_not_kept(root: Path):
    with pytest.raises(ZeroDivisionError), steward.run("loans", "spring", workspace=root):
        _ = 1 / 0
    unknown = pytest.raises(steward.InputError, match="'lones' is no registered model")
    with unknown, steward.run("lones", "spring", workspace=root):
        pytest.fail("it must not begin")
    store = Store(Workspace.open(root))
    with store.read() as c:
        assert versions.runs_of(c, "loans") == []
    store.close()


def test_the_commit_is_told_without_the_password_of_its_origin(tmp_path: Path):
    def git(*words: str) -> None:
        named = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        subprocess.run(["git", *named, *words], cwd=tmp_path, check=True, capture_output=True)

    assert code_here(tmp_path) is None
    git("init")
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "-m", "a")
    assert (code_here(tmp_path).repository, code_here(tmp_path).dirty) == (tmp_path.name, False)
    git("remote", "add", "origin", "https://ada:secret@git.example.com/loans")
    (tmp_path / "a").write_text("b")
    told = code_here(tmp_path)
    assert (told.repository, told.dirty, len(told.commit)) == ("https://git.example.com/loans", True, 40)
