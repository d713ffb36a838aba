"""From an unknown CSV to numbers by commands alone, and what a failing model does to the others."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from jobs.cli import main

DAYS, PER_DAY = 6, 120


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a binary model's CSV log, its clock a day after the last row."""
    monkeypatch.setenv("STEWARD_WORKSPACE", str(tmp_path))
    assert main(["init"]) == 0
    (tmp_path / "steward.yaml").write_text("clock: {fixed: 2024-01-08T00:00:00Z}\n")
    write_log(tmp_path / "predictions" / "loan.csv")
    return tmp_path


def write_log(file: Path) -> None:
    rng = np.random.default_rng(3)
    rows = DAYS * PER_DAY
    step = timedelta(days=1) / PER_DAY
    score = rng.random(rows)
    pl.DataFrame(
        {
            "scored_at": [datetime(2024, 1, 1) + step * i for i in range(rows)],
            "loan_id": [f"L{i}" for i in range(rows)],
            "income": rng.normal(50, 9, rows),
            "country": rng.choice(["DE", "FR"], rows),
            "probability": score,
            "actual": (rng.random(rows) < score).astype(int),
        }
    ).write_csv(file)


def test_a_csv_becomes_a_watched_model_by_declare_apply_run(root, capsys):
    assert main(["declare", "loan", str(root / "predictions" / "loan.csv")]) == 0
    assert main(["apply"]) == 0
    capsys.readouterr()
    assert main(["run", "--once", "--json"]) == 0
    (swept,) = json.loads(capsys.readouterr().out)
    assert swept == {
        "model": "loan",
        "files": 1,
        "windows": DAYS,
        "rows": DAYS * PER_DAY,
        "outcome": "done",
        "error": None,
    }
    assert main(["series", "loan", "roc_auc", "--json"]) == 0
    points = json.loads(capsys.readouterr().out)
    assert len(points) == DAYS
    assert list(points[0]) == [
        *("window_start", "window_end", "n", "value", "lower", "upper", "sampling_error", "alert", "mature")
    ]
    assert all(point["n"] == PER_DAY and 0.6 < point["value"] < 1 and point["mature"] for point in points)
    assert points[0]["window_start"] == "2024-01-01T00:00:00+00:00"
    main(["status", "--json"])
    (status,) = json.loads(capsys.readouterr().out)
    assert status["rows"] == PER_DAY
    assert status["last_window"] == "2024-01-06T00:00:00+00:00"


def test_a_second_run_finds_nothing_to_do(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    main(["apply"])
    main(["run", "--once"])
    capsys.readouterr()
    assert main(["run", "--once", "--model", "loan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["windows"] == 0


def numbers(text):
    # Threads add scores up in an order of their own: the sixteenth digit is chance.
    return json.loads(text, parse_float=lambda number: f"{float(number):.12g}")


def test_rebuild_counts_the_days_it_is_given_again_with_the_same_result(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    main(["apply"])
    main(["run", "--once"])
    capsys.readouterr()
    main(["series", "loan", "roc_auc", "--json"])
    before = numbers(capsys.readouterr().out)
    assert main(["rebuild", "loan", "--from", "2024-01-02", "--to", "2024-01-04"]) == 0
    assert "done" in capsys.readouterr().out
    main(["series", "loan", "roc_auc", "--json"])
    assert numbers(capsys.readouterr().out) == before


def test_a_metric_per_column_asks_for_the_column(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    main(["apply"])
    main(["run", "--once"])
    capsys.readouterr()
    assert main(["series", "loan", "missing_share"]) == 2
    assert "missing_share is measured per column; say --column, one of" in capsys.readouterr().err
    assert main(["series", "loan", "missing_share", "--column", "income"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == DAYS + 1


def test_a_model_that_fails_is_named_and_the_others_are_done(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    text = (root / "models" / "loan.yaml").read_text()
    (root / "models" / "broken.yaml").write_text(
        text.replace("model: loan", "model: broken").replace("income", "incme")
    )
    main(["apply"])
    capsys.readouterr()
    assert main(["run", "--once"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["broken", "loan"]
    assert lines[1].endswith("failed")
    assert lines[2].endswith("done")
    assert "incme" in lines[3]


def test_a_mistake_of_the_declaration_is_told_without_a_traceback(root):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    file = root / "models" / "loan.yaml"
    file.write_text(file.read_text().replace("income", "incme"))
    main(["apply"])
    run = subprocess.run(
        [sys.executable, "-m", "jobs.cli", "run", "--once"], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 3
    assert "did you mean 'income'?" in run.stderr
    assert "Traceback" not in run.stderr


def test_files_and_rows_that_cannot_be_read_are_told_once_and_fail_the_run(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    file = root / "models" / "loan.yaml"
    file.write_text(file.read_text().replace("predictions/loan.csv", "predictions"))
    log = root / "predictions" / "loan.csv"
    log.write_text(log.read_text() + "05.01.2024,L9,1,DE,0.5,1\n")
    for name in ("a", "b", "c"):
        (root / "predictions" / f"{name}.parquet").write_bytes(b"PAR1 half of it")
    main(["apply"])
    capsys.readouterr()
    for _ in range(2):  # as long as they lie there
        assert main(["run", "--once"]) == 3
        told = capsys.readouterr().out
        assert told.splitlines()[1].endswith("files unreadable")
        assert told.count("cannot be read") == 1
        assert "(and 2 more files alike)" in told
    main(["check"])
    told = capsys.readouterr().out
    assert told.count("cannot be read") == 1
    assert "1 row: timestamp unreadable, expected ISO 8601" in told


def test_run_publishes_tables_from_which_any_duckdb_finds_the_statistics(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    main(["apply"])
    main(["run", "--once"])
    with duckdb.connect() as plain:
        plain.execute(f"SET file_search_path = '{root}'")
        plain.execute(
            "SET VARIABLE files = (SELECT list(path) FROM 'registry/statistics.parquet'"
            " WHERE kind = 'metrics' AND model = 'loan')"
        )
        found = plain.execute(
            "SELECT count(*) FROM read_parquet(getvariable('files'))"
            " WHERE metric = 'roc_auc' AND segment = ''"
        )
        assert found.fetchone()[0] >= DAYS


def test_each_command_says_the_next(root, capsys):
    assert main(["run", "--once"]) == 0
    assert "steward declare NAME FILE…" in capsys.readouterr().out
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    assert "then run: steward apply" in capsys.readouterr().out
    main(["apply"])
    assert "steward run --once" in capsys.readouterr().out
    main(["run", "--once"])
    assert "steward ui" in capsys.readouterr().out
    main(["apply"])
    assert "Next" not in capsys.readouterr().out


def test_check_looks_at_the_models_it_is_given(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    main(["declare", "eta", str(root / "predictions" / "loan.csv")])
    capsys.readouterr()
    assert main(["check", "eta", "--json"]) == 0
    assert [model["model"] for model in json.loads(capsys.readouterr().out)["models"]] == ["eta"]
    assert main(["check", "loam"]) == 2
    assert "models/loam.yaml does not exist; did you mean 'loan'?" in capsys.readouterr().err


def test_an_empty_declaration_by_redirection_is_explained(root, capsys):
    (root / "models" / "loan.yaml").touch()
    assert main(["declare", "loan", str(root / "predictions" / "loan.csv")]) == 2
    assert "run the command without > loan.yaml" in capsys.readouterr().err


def test_check_says_what_would_be_read_and_changes_nothing(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    capsys.readouterr()
    assert main(["check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["clock"] == "fixed"
    assert found["problems"] == []
    (model,) = found["models"]
    assert (model["files"], model["rows"]) == (1, DAYS * PER_DAY)
    assert model["first"] == "2024-01-01T00:00:00+00:00"
    assert model["roles"]["probability"] == "score"
    assert model["roles"]["income"] == "numeric feature"
    main(["check"])
    assert "income" in capsys.readouterr().out
    main(["status", "--json"])
    assert json.loads(capsys.readouterr().out) == []


def test_check_infers_features_like_a_sweep(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    file = root / "models" / "loan.yaml"
    kept = [
        line
        for line in file.read_text().splitlines()
        if not line.startswith(("features", "  numeric", "  categ"))
    ]
    file.write_text("\n".join(kept))
    capsys.readouterr()
    assert main(["check", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert model["roles"]["income"] == "numeric feature (inferred)"
    assert model["roles"]["country"] == "categorical feature (inferred)"


def test_check_names_everything_that_needs_a_person(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    file = root / "models" / "loan.yaml"
    text = file.read_text()
    file.write_text(text.replace("income", "incme"))
    (root / "models" / "empty.yaml").write_text(
        text.replace("model: loan", "model: empty").replace("predictions/loan.csv", "predictions/none/*.csv")
    )
    (root / "models" / "wrong.yaml").write_text(text.replace("task:", "tsk:"))
    (root / "predictions" / "half.parquet").write_bytes(b"PAR1 half of it")
    (root / "models" / "half.yaml").write_text(
        text.replace("model: loan", "model: half").replace("loan.csv", "half.parquet")
    )
    (root / "steward.yaml").write_text("roots: [/nowhere/at/all]\n")
    capsys.readouterr()
    assert main(["check"]) == 2
    told = capsys.readouterr().out
    for problem in (
        "no file has the column 'incme', the numeric feature",
        "predictions.path: no file matches predictions/none/*.csv yet",
        "tsk: unknown key; did you mean 'task'?",
        "half.parquet: ",
        "/nowhere/at/all: is no folder, but one of the roots",
    ):
        assert problem in told


def test_a_series_is_printed_in_the_models_time_zone(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    file = root / "models" / "loan.yaml"
    file.write_text(file.read_text().replace("timezone: UTC", "timezone: Europe/Berlin"))
    main(["apply"])
    main(["run", "--once"])
    capsys.readouterr()
    main(["series", "loan", "roc_auc"])
    assert capsys.readouterr().out.splitlines()[1].startswith("2024-01-01 00:00  2024-01-02 00:00")
    main(["series", "loan", "roc_auc", "--json"])
    assert json.loads(capsys.readouterr().out)[0]["window_start"] == "2023-12-31T23:00:00+00:00"


def test_a_report_that_cannot_be_written_is_named(root, capsys):
    log, out = str(root / "predictions" / "loan.csv"), str(root / "none" / "out.html")
    assert main(["compare", log, log, "--html", out]) == 2
    assert f"{out}: No such file or directory; give a path that exists" in capsys.readouterr().err


def test_status_is_printed_in_each_models_time_zone(root, capsys):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    file = root / "models" / "loan.yaml"
    file.write_text(file.read_text().replace("timezone: UTC", "timezone: Asia/Tokyo"))
    main(["apply"])
    main(["run", "--once"])
    capsys.readouterr()
    main(["status"])
    assert "2024-01-06 00:00" in capsys.readouterr().out
    main(["status", "--json"])
    assert json.loads(capsys.readouterr().out)[0]["last_window"] == "2024-01-05T15:00:00+00:00"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (
            ["missing_share", "--column", "incme"],
            "no missing_share of column 'incme'; did you mean 'income'?",
        ),
        (
            ["roc_auc", "--segment", "country=De"],
            "no roc_auc of segment 'country=De'; did you mean 'country=DE'?",
        ),
        (["roc_auc", "--version", "v9"], "roc_auc is not measured per version; leave --version out"),
        (["roc_auc", "--column", "income"], "roc_auc is not measured per column; leave --column out"),
        (
            ["selection_rate"],
            "selection_rate is measured per group; say --group, one of country=DE, country=FR",
        ),
    ],
)
def test_a_series_that_is_none_names_the_nearest_one(root, capsys, asked, says):
    main(["declare", "loan", str(root / "predictions" / "loan.csv")])
    file = root / "models" / "loan.yaml"
    file.write_text(file.read_text().replace("# segments: [column]", "segments: [country]"))
    file.write_text(file.read_text().replace("# protected: [column]", "protected: [country]"))
    main(["apply"])
    main(["run", "--once"])
    capsys.readouterr()
    assert main(["series", "loan", *asked]) == 2
    assert says in capsys.readouterr().err
