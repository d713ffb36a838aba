"""The scoring command: what it is given, how it is watched, and what of its output is believed."""

import json
import sys
from datetime import timedelta

import numpy as np
import polars as pl
import psutil
import pytest
import yaml

from core import scoring
from core.errors import ScoringError
from core.scoring import Scorer
from core.steward_yaml import Command
from tests.evaluation.conftest import GOOD, POOR, PROGRAM, Office, answered, declared, loans
from tests.evaluation.test_evaluate import attached, evaluated, finding, refused

ROWS = pl.DataFrame({"x": [1.0, 2.0, 3.0]})
DOUBLES = """\
import sys, polars as pl
pl.read_parquet(sys.argv[1]).select(p=pl.col('x') * 2).write_parquet(sys.argv[2])
"""


def scorer(code: str, tmp_path, **keys) -> Scorer:
    words = (sys.executable, "-c", code, "{input}", "{output}", "{artifact}")
    return Scorer("score", Command(run=words, **keys), tmp_path / "artifact")


def test_it_answers_each_row_in_order(tmp_path):
    scored = scorer(DOUBLES, tmp_path)(ROWS, ("p",))
    assert scored.frame["p"].to_list() == [2.0, 4.0, 6.0]
    assert scored.seconds > 0


def test_no_shell_reads_its_arguments_and_its_environment_is_only_what_was_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", "secret")
    monkeypatch.setenv("ALLOWED", "yes")
    code = (
        "import json, os, sys\n"
        "open(sys.argv[4], 'w').write(json.dumps([dict(os.environ), os.getcwd(), sys.argv[5]]))\n" + DOUBLES
    )
    told = tmp_path / "told.json"
    words = (
        sys.executable,
        "-c",
        code,
        "{input}",
        "{output}",
        "{artifact}",
        str(told),
        "$(touch owned); {x}",
    )
    Scorer("score", Command(run=words, env=("ALLOWED", "ABSENT")), tmp_path)(ROWS, ("p",))
    environment, folder, argument = json.loads(told.read_text())
    assert argument == "$(touch owned); {x}"
    assert environment["ALLOWED"] == "yes"
    assert "DB_PASSWORD" not in environment
    assert environment["HOME"] == folder
    assert folder not in (str(tmp_path), "")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit('no model here')", "ended with 1: no model here"),
        ("pass", "wrote no {output}"),
        ("import sys; open(sys.argv[2], 'w').write('garbage')", "wrote what is no Parquet file"),
        (DOUBLES.replace("p=", "q="), "wrote the columns q; expected p too"),
        (DOUBLES.replace(".write", ".head(2).write"), "was given 3 rows and wrote 2"),
        ("import os, sys; os.symlink('/etc/hostname', sys.argv[2])", "wrote no {output}"),
    ],
)
def test_what_is_no_answer_is_refused_with_the_reason(tmp_path, code, said):
    with pytest.raises(ScoringError, match=said.replace("{", r"\{").replace("}", r"\}")):
        scorer(code, tmp_path)(ROWS, ("p",))


def test_it_is_stopped_with_all_it_started_when_its_time_is_over(tmp_path):
    child = tmp_path / "child"
    code = (
        "import subprocess, sys, time\n"
        "kept = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(child)!r}, 'w').write(str(kept.pid))\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(ScoringError, match="longer than its timeout of 3 s and was stopped"):
        scorer(code, tmp_path, timeout=timedelta(seconds=3))(ROWS, ("p",))
    pid = int(child.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_it_is_stopped_when_it_writes_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "OUTPUT_BYTES", 100_000)
    flood = "while True: f.write(bytes(50_000)); f.flush(); time.sleep(.01)"
    code = f"import time\nwith open('flood', 'wb') as f:\n    {flood}"
    with pytest.raises(ScoringError, match="wrote more than 0 MB and was stopped"):
        scorer(code, tmp_path)(ROWS, ("p",))


def test_a_program_that_is_not_there_and_one_that_is_told_nothing_are_named(tmp_path):
    absent = Scorer("score", Command(run=("no-such-program", "{input}", "{output}")), tmp_path)
    with pytest.raises(ScoringError, match="cannot be started: No such file or directory: no-such-program"):
        absent(ROWS, ("p",))
    with pytest.raises(ScoringError, match=r"run holds no \{output\}"):
        Scorer("score", Command(run=("score", "{input}")), tmp_path)(ROWS, ("p",))


def test_a_file_without_answers_is_scored_and_so_is_the_champion(office: Office, capsys):
    office.apply(**office.scoring())
    (office.root / "predictions" / "loans" / "log.parquet").unlink()
    office.write("inputs.parquet", loans())
    told = evaluated(office, capsys, file="inputs.parquet", code=1)
    ours, theirs = (answered(loans(), weights)["p"].to_numpy() for weights in (GOOD, POOR))
    paid = loans()["paid"].to_numpy()
    brier = finding(told["by_kind"]["champion_comparison"], "brier_difference")
    assert brier["value"] == pytest.approx(((ours - paid) ** 2).mean() - ((theirs - paid) ** 2).mean())
    assert told["champion"] == "loans version 1"


def test_robustness_tells_which_input_the_version_cannot_do_without(office: Office, capsys):
    office.apply(**office.scoring())
    told = evaluated(office, capsys, code=1)
    robustness = told["by_kind"]["robustness"]
    assert robustness["verdict"] == "failed"
    assert "does not bear income missing" in robustness["summary"]
    assert finding(robustness, "robustness_drop", "noise + 1 sd")["value"] == 0
    assert finding(robustness, "robustness_drop", "region never seen")["passed"] is True
    missing = finding(robustness, "robustness_drop", "income missing")
    assert missing["value"] > missing["threshold"] == 0.1
    assert "decisions change" in missing["note"]


def test_a_program_that_falls_over_a_missing_value_fails_that_disturbance_alone(office: Office, capsys):
    line = 'assert not rows["noise"].null_count(), "noise is gone"'
    program = PROGRAM.replace("x = rows", f"{line}\nx = rows")
    office.apply(**office.scoring(program))
    told = evaluated(office, capsys, code=1)
    robustness = told["by_kind"]["robustness"]
    assert "noise is gone" in finding(robustness, "robustness_drop", "noise missing")["note"]
    assert finding(robustness, "robustness_drop", "noise + 1 sd")["passed"] is True


def test_a_program_that_gives_nan_leaves_rows_unanswered(office: Office, capsys):
    office.apply(**office.scoring(PROGRAM.replace(".fill_null(0.0)", "")))
    told = evaluated(office, capsys, code=1)
    assert finding(told["by_kind"]["robustness"], "robustness_drop", "income missing")["passed"] is False


def test_predictions_that_are_not_the_artifacts_are_refused(office: Office, capsys):
    office.apply(**office.scoring())
    file = office.write("other.parquet", answered(loans(), GOOD | {"income": 1.4}))
    said = refused(office, capsys, "--predictions", file)
    assert "other.parquet holds other answers than the artifact gives" in said


@pytest.mark.parametrize(
    ("program", "said"),
    [("raise SystemExit(7)", "ended with 7"), (PROGRAM.replace('"p":', '"q":'), "wrote the columns q")],
)
def test_when_the_command_fails_nothing_is_attached(office: Office, capsys, program, said):
    office.apply(**office.scoring(program))
    assert said in refused(office, capsys, "--predictions", str(office.root / "frozen" / "candidate.parquet"))


def test_an_artifact_that_was_changed_is_not_asked(office: Office, capsys):
    office.apply(**office.scoring())
    (office.root / "artifacts" / "2" / "model.json").write_text(json.dumps(GOOD | {"income": 9}))
    said = refused(office, capsys, "--predictions", str(office.root / "frozen" / "candidate.parquet"))
    assert "is not what loans version 2 was registered with" in said


def test_a_command_nobody_declared_is_refused_at_apply(office: Office, capsys):

    text = yaml.safe_dump(declared(scoring={"command": "scor"}))
    (office.root / "models" / "loans.yaml").write_text(text)
    assert office.run("apply") == 2
    assert "'scor' is none of the commands of steward.yaml" in capsys.readouterr().err
    assert attached(office) == []


def test_the_time_of_a_row_is_told(office: Office, capsys):
    office.apply(**office.scoring())
    latency = evaluated(office, capsys, code=1)["by_kind"]["latency"]
    assert 0 < finding(latency, "latency_per_row")["value"] < finding(latency, "latency_of_start")["value"]
    assert np.isfinite(finding(latency, "latency_per_row")["value"])
