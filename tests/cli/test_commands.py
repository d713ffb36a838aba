"""The command line as people meet it: what it prints, what it writes and how it exits."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from core.settings import Workspace
from core.store import Store, audit, models
from jobs.cli import main
from tests.settings.declarations import BINARY, REGRESSION, changed


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh workspace that commands find by the environment."""
    monkeypatch.setenv("STEWARD_WORKSPACE", str(tmp_path / "workspace"))
    assert main(["init"]) == 0
    return tmp_path / "workspace"


def declared(root: Path, text: str = REGRESSION, name: str = "eta") -> Path:
    file = root / "models" / f"{name}.yaml"
    file.write_text(text)
    return file


def test_help_is_quick_because_it_imports_nothing_heavy():
    heavy = "{'polars', 'duckdb', 'sqlalchemy', 'pydantic', 'streamlit', 'yaml', 'numpy', 'tqdm'}"
    code = f"import sys; from jobs.cli import parser; parser(); sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_every_command_takes_a_workspace(capsys):
    from jobs.cli import parser

    def ends(command, name):
        within = [a.choices for a in command._actions if isinstance(a, argparse._SubParsersAction)]
        if not within:
            return {name: command}
        return {n: c for key, each in within[0].items() for n, c in ends(each, f"{name} {key}").items()}

    commands = ends(parser(), "steward")
    assert {"steward run", "steward monitors test"} <= set(commands)
    for name, command in commands.items():
        assert "--workspace" in command.format_help(), name


@pytest.mark.parametrize(
    "arguments", [[], ["nope"], ["run"], ["series", "m"], ["run", "--once", "--now", "soon"]]
)
def test_wrong_usage_exits_with_2(arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_init_twice_keeps_what_is_there(root, capsys):
    (root / "steward.yaml").write_text("clock: {fixed: 2014-01-01T00:00:00Z}\n")
    assert main(["init"]) == 0
    assert Workspace.open(root).now().year == 2014
    assert f"Workspace {root} is ready" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", [["status"], ["apply"], ["check"], ["run", "--once"], ["ui"], ["up"], ["jobs"]]
)
def test_without_a_workspace_each_command_says_how_to_make_one(command, tmp_path, capsys):
    assert main([*command, "--workspace", str(tmp_path / "none")]) == 2
    assert f"run: steward init --workspace {tmp_path}/none" in capsys.readouterr().err


def test_next_to_a_workspace_each_command_says_where_it_is(tmp_path, capsys):
    (tmp_path / "steward.yaml").write_text("")
    assert main(["status", "--workspace", str(tmp_path / "data")]) == 2
    above = f"but the folder above it is one; add: --workspace {tmp_path}"
    assert capsys.readouterr().err == f"steward: {tmp_path}/data is no workspace, {above}\n"


def test_a_workspace_that_is_the_current_folder_is_pointed_at(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STEWARD_WORKSPACE", raising=False)
    (tmp_path / "steward.yaml").write_text("")
    assert main(["status"]) == 2
    assert f"add: --workspace {tmp_path}\n" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n"])
def test_an_empty_declaration_is_told_in_one_line(text, root, capsys):
    file = declared(root, text)
    assert main(["apply"]) == 2
    assert capsys.readouterr().err == (
        f"steward: {file}: is empty; remove it, and let Steward write it: steward declare eta FILE…\n"
    )


@pytest.mark.parametrize("command", [["status"], ["apply"], ["run", "--once"], ["rebuild", "eta"], ["ui"]])
def test_a_registry_that_needs_a_migration_is_refused_with_the_command_to_run(command, tmp_path, capsys):
    (tmp_path / "steward.yaml").write_text("")
    (tmp_path / "registry.db").touch()
    assert main([*command, "--workspace", str(tmp_path)]) == 2
    assert f"run: steward init --workspace {tmp_path}" in capsys.readouterr().err


def test_apply_registers_a_model_and_applying_twice_changes_nothing(root, capsys):
    declared(root)
    assert main(["apply"]) == 0
    assert "eta: registered" in capsys.readouterr().out
    store = Store(Workspace.open(root))
    with store.read() as c:
        before = (models.get(c, "eta"), len(audit.entries(c)))
    revision = store.revision()
    assert main(["apply"]) == 0
    assert "eta: unchanged" in capsys.readouterr().out
    with store.read() as c:
        assert (models.get(c, "eta"), len(audit.entries(c))) == before
    store.close()
    assert revision > 0


def test_a_change_is_audited_with_before_and_after(root, capsys):
    declared(root)
    main(["apply"])
    declared(root, changed(REGRESSION, "owner: new@example.com"))
    assert main(["apply"]) == 0
    assert "eta: changed (owner)" in capsys.readouterr().out
    store = Store(Workspace.open(root))
    with store.read() as c:
        newest = audit.entries(c, entity="model:eta", limit=1)[0]
    store.close()
    assert newest.before == {"owner": "ops@example.com"}
    assert newest.after == {"owner": "new@example.com"}


def test_a_dry_run_shows_and_changes_nothing(root, capsys):
    declared(root)
    assert main(["apply", "--dry-run"]) == 0
    assert "eta: would be registered" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_prune_pauses_models_whose_file_is_gone(root, capsys):
    declared(root)
    declared(root, BINARY, "delay-30")
    main(["apply"])
    (root / "models" / "eta.yaml").unlink()
    capsys.readouterr()
    assert main(["apply", "--prune", "--json"]) == 0
    changes = {change["model"]: change["what"] for change in json.loads(capsys.readouterr().out)}
    assert changes == {"delay-30": "unchanged", "eta": "paused"}
    main(["status", "--json"])
    states = {model["model"]: model["state"] for model in json.loads(capsys.readouterr().out)}
    assert states == {"delay-30": "no_data", "eta": "paused"}


def test_one_wrong_declaration_keeps_all_of_them_out(root, capsys):
    declared(root)
    wrong = declared(root, changed(BINARY, "model: ../x"), "x")
    assert main(["apply"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"steward: {wrong}: model: '../x' cannot name a model; expected up to 63 of a-z")
    assert told.count("\n") == 1
    main(["status", "--json"])
    assert json.loads(capsys.readouterr().out) == []


def test_a_wrong_declaration_leaves_the_accepted_ones_in_force(root, capsys):
    declared(root)
    main(["apply"])
    declared(root, REGRESSION.replace("eta/*.parquet", "/etc/*.parquet"))
    assert main(["apply"]) == 2
    assert "outside the folders Steward may read" in capsys.readouterr().err
    main(["status", "--json"])
    assert [model["model"] for model in json.loads(capsys.readouterr().out)] == ["eta"]


def test_status_has_the_promised_keys(root, capsys):
    declared(root)
    main(["apply"])
    capsys.readouterr()
    main(["status", "--json"])
    (model,) = json.loads(capsys.readouterr().out)
    assert list(model) == [
        "model",
        "version",
        "state",
        "since",
        "reasons",
        "open_alerts",
        "last_window",
        "rows",
    ]
    main(["status"])
    assert capsys.readouterr().out.splitlines()[1].split()[0] == "eta"


@pytest.mark.parametrize(
    "command", [["series", "etta", "mae"], ["run", "--once", "--model", "etta"], ["rebuild", "etta"]]
)
def test_an_unknown_model_is_answered_with_the_nearest_one(command, root, capsys):
    declared(root)
    main(["apply"])
    assert main(command) == 2
    assert "'etta' is no registered model; did you mean 'eta'?" in capsys.readouterr().err


def test_series_of_an_unknown_metric_names_the_nearest_one(root, capsys):
    declared(root)
    main(["apply"])
    assert main(["series", "eta", "mea"]) == 2
    assert "'mea' is no metric; did you mean 'mae'?" in capsys.readouterr().err
    capsys.readouterr()
    assert main(["series", "eta", "mae", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_compare_of_two_files_fails_on_drift_only_when_asked(tmp_path, capsys):
    for name, shift in (("a", 0.0), ("b", 0.0), ("c", 3.0)):
        values = [i % 97 / 10 + shift for i in range(2000)]
        pl.DataFrame({"x": values}).write_csv(tmp_path / f"{name}.csv")
    same, other = [str(tmp_path / "b.csv")], [str(tmp_path / "c.csv")]
    reference = ["compare", str(tmp_path / "a.csv")]
    assert main([*reference, *same, "--fail-on", "drift"]) == 0
    assert main([*reference, *other]) == 0
    capsys.readouterr()
    assert main([*reference, *other, "--fail-on", "drift", "--json", "--html", str(tmp_path / "r.html")]) == 1
    assert json.loads(capsys.readouterr().out)["columns"]["x"]["verdict"] == "drift"
    assert "<html" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert main([*reference, str(tmp_path / "none.csv")]) == 2
    assert "none.csv is no file" in capsys.readouterr().err
