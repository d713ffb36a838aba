"""Paths of declarations stay inside the roots, whatever they are made of."""

from pathlib import Path

import pytest

from core.errors import PathError
from core.settings import Workspace


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    (folder / "logs").mkdir(parents=True)
    return folder


@pytest.fixture
def workspace(tmp_path: Path, lake: Path) -> Workspace:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "steward.yaml").write_text(f"roots: [{lake}]\n")
    return Workspace.open(root)


def test_relative_paths_start_at_the_workspace(workspace):
    assert workspace.resolve("predictions/a.parquet") == workspace.root / "predictions" / "a.parquet"


def test_a_glob_keeps_its_wildcards(workspace, lake):
    assert workspace.resolve(f"{lake}/logs/**/*.parquet") == lake / "logs" / "**" / "*.parquet"


def test_dots_that_stay_inside_are_resolved(workspace):
    assert workspace.resolve("predictions/../labels") == workspace.root / "labels"


@pytest.mark.parametrize(
    "path", ["../x.parquet", "/etc/passwd", "predictions/../../x", "~/x.parquet", "../**/*.csv"]
)
def test_a_path_outside_the_roots_is_refused_with_the_roots_and_the_key_to_change(workspace, lake, path):
    with pytest.raises(PathError) as error:
        workspace.resolve(path)
    message = str(error.value)
    assert path in message
    assert str(workspace.root) in message
    assert str(lake) in message
    assert "add its folder to `roots`" in message


def test_dots_after_a_wildcard_are_refused(workspace):
    with pytest.raises(PathError, match="after a wildcard"):
        workspace.resolve("predictions/*/../../../x")


def test_a_link_out_of_the_roots_is_refused(workspace, tmp_path):
    (tmp_path / "secret").mkdir()
    (workspace.root / "predictions").symlink_to(tmp_path / "secret")
    with pytest.raises(PathError, match="outside the folders Steward may read"):
        workspace.resolve("predictions/*.parquet")


def test_a_linked_file_that_a_glob_matches_is_seen_to_lie_outside(workspace, tmp_path):
    (tmp_path / "secret.csv").write_text("x\n")
    link = workspace.root / "innocent.csv"
    link.symlink_to(tmp_path / "secret.csv")
    assert not workspace.contains(link)
    assert workspace.contains(workspace.root / "own.csv")


def test_a_neighbour_whose_name_starts_like_a_root_is_outside(workspace, lake):
    with pytest.raises(PathError, match="outside"):
        workspace.resolve(f"{lake}-secret/a.parquet")
