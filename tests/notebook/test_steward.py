"""`import steward`: two tables compared, a workspace read, predictions logged."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import yaml

import steward
from core.actions.models import apply
from core.entities import Actor
from core.settings import initialise
from core.store import Store
from jobs.cli import main

ROOT = Path(__file__).resolve().parents[2]
DECLARATION: dict[str, Any] = {
    "model": "loans",
    "owner": "o@example.com",
    "task": "binary_classification",
    "risk_tier": 3,
    "predictions": {
        "path": "predictions/loans", "timestamp": "at", "timezone": "America/New_York", "prediction_id": "id",
        "score": "score", "actual": "actual",
    },
    "features": {"numeric": ["amount"], "categorical": ["city"]},
    "custom": {"complaints": {"column": "complaint", "kind": "rate"}},
    "protected": ["sex", {"column": "age", "bins": [40]}],
}  # fmt: skip


def rows(n: int = 300, *, seed: int = 0, shift: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    start = datetime(2024, 3, 1, 12, tzinfo=UTC)
    return pl.DataFrame(
        {
            "id": [f"{seed}-{i}" for i in range(n)],
            "at": [start + timedelta(seconds=i) for i in range(n)],
            "score": rng.random(n),
            "amount": rng.normal(shift, 1, n),
            "city": rng.choice(["Oslo", "Köln"], n),
            "sex": rng.choice(["F", "M"], n),
            "age": rng.integers(18, 80, n),
            "complaint": rng.random(n) < 0.1,
        }
    )


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Path]:
    """Register the model, its `predictions` changed, and return the workspace's folder."""
    workspace = initialise(tmp_path / "data")
    store = Store(workspace)
    store.migrate()

    def register(**predictions: str) -> Path:
        said = DECLARATION | {"predictions": {**DECLARATION["predictions"], **predictions}}
        file = workspace.root / "models" / "loans.yaml"
        file.write_text(yaml.safe_dump(said))
        apply(store, [file], Actor("tester", "test"))
        store.close()
        return workspace.root

    return register


def log(root: Path, frame: object) -> Path:
    return steward.log_predictions("loans", frame, workspace=root)


def refusal(root: Path, frame: object) -> str:
    with pytest.raises(steward.InputError) as refused:
        log(root, frame)
    assert not list(root.glob("predictions/**/*.parquet"))
    return str(refused.value)


def test_polars_pandas_arrow_and_files_compare_alike(tmp_path: Path) -> None:
    reference, current = (
        rows(seed=1),
        rows(seed=2, shift=0.5).with_columns(amount=pl.when(pl.int_range(pl.len()) > 20).then("amount")),
    )
    said = {"score": "score", "protected": ["sex"]}
    expected = steward.compare(reference, current, **said).to_dict()
    assert expected["columns"]["amount"]["verdict"] == "drift"
    assert expected["columns"]["amount"]["missing_share"]["current"] == pytest.approx(21 / 300)
    relation = duckdb.sql("FROM current")
    forms = [current.lazy(), current.to_pandas(), current.to_arrow(), relation.to_arrow_table().to_reader()]
    for form in forms:
        assert steward.compare(reference.to_pandas(), form, **said).to_dict() == expected
    reference.write_parquet(tmp_path / "a.parquet")
    current.write_parquet(tmp_path / "b.parquet")
    files = steward.compare(tmp_path / "a.parquet", str(tmp_path / "b.parquet"), **said)
    assert files.to_dict() == expected


def test_a_named_index_of_pandas_is_a_column_and_another_is_not() -> None:
    frame = pd.DataFrame({"amount": np.arange(5.0)}, index=pd.Index(list("aabbb"), name="city"))
    assert steward.as_polars(frame, "x").columns == ["city", "amount"]
    assert steward.as_polars(frame.reset_index(drop=True)[2:], "x").columns == ["amount"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"a": [1, "x", "y"]}), "'a' of current holds str and int; make it one type"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "current has the column 'a' more than once"),
        (pd.Series([1.0]), "current is a pandas Series; expected a polars or pandas DataFrame"),
        (pl.Series([1.0]), "current is of type Series; expected a polars or pandas DataFrame"),
        ({"a": [1]}, "current is of type dict; expected a polars or pandas DataFrame"),
        ("nowhere.parquet", "nowhere.parquet is no file"),
    ],
)
def test_what_is_no_table_is_refused_with_what_is_one(table: object, message: str) -> None:
    with pytest.raises(steward.InputError, match=re.escape(message)):
        steward.compare(rows(), table)


def test_errors_name_arguments_and_not_options_of_the_command() -> None:
    with pytest.raises(steward.InputError, match=r"^score 'scor' is a column of neither file; did"):
        steward.compare(rows(), rows(), score="scor")
    labels = pl.DataFrame({"p": [0.2, 0.3, 0.9], "label": ["bad", "good", "bad"]})
    with pytest.raises(steward.InputError, match="say positive with one of bad, good"):
        steward.compare(labels, labels, score="p", actual="label", task="binary_classification")


def test_arguments_take_what_python_has_for_them() -> None:
    rng = np.random.default_rng(3)
    truth = rng.choice(["early", "late"], 200)
    frame = pl.DataFrame({"p_early": rng.random(200), "actual": truth}).with_columns(
        p_late=1 - pl.col("p_early")
    )
    several = steward.compare(frame, frame, score={"early": "p_early", "late": "p_late"}, actual="actual")
    assert "f1_macro" in several.to_dict()["performance"]["current"]
    flag = frame.select(score="p_early", flag=pl.col("actual") == "late")
    assert steward.compare(flag, flag, score="score", actual="flag", positive=True).verdict == "no_drift"


def test_a_comparison_shows_itself_as_text_as_a_table_and_as_html(tmp_path: Path) -> None:
    found = steward.compare(rows(seed=1), rows(seed=2, shift=1.0))
    assert (found.verdict, found.drifted) == ("drift", ["amount"])
    assert repr(found).startswith("1 of 6 columns drifted: amount.")
    assert found.columns.select("column", "verdict").row(0) == ("amount", "drift")
    assert found.columns["wasserstein"][0] == pytest.approx(1, abs=0.3)
    assert found.to_html(tmp_path / "r.html") == (tmp_path / "r.html").read_text()


def test_in_a_notebook_the_report_brings_its_style_and_touches_nothing_else() -> None:
    evil = "<script>alert(1)</script>"
    frame = rows().with_columns(city=pl.lit(evil)).rename({"amount": "<img src=x>"})
    part = steward.compare(frame, frame.with_columns(city=pl.lit("b")), title=evil)._repr_html_()
    assert evil not in part and "<img" not in part and "<html" not in part and "http" not in part
    (style,) = re.findall(r"<style>(.*?)</style>", part, re.DOTALL)
    scope, _, inner = style.strip().partition(" {")
    assert scope == ".steward-report" * 3
    assert not re.search(r":root|\bbody\b", inner)
    depth = np.cumsum([(c == "{") - (c == "}") for c in style.strip()])
    assert depth[-1] == 0 and (depth[len(scope) + 1 : -1] > 0).all()  # one rule holds all the others


def test_a_batch_is_one_parquet_file_that_the_next_sweep_counts(declare: Callable[..., Path]) -> None:
    root = declare()
    path = log(root, rows().to_pandas().set_index("id"))
    assert path.parent == root / "predictions" / "loans" and path.name.startswith("20240301T120000-")
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert main(["run", "--once", "--workspace", str(root)]) == 0
    volume = steward.series("loans", "volume", workspace=root)
    assert volume["value"].to_list() == [300]
    assert volume["window_start"].to_list()[0].isoformat() == "2024-03-01T00:00:00-05:00"
    assert steward.status(workspace=root)["rows"].to_list() == [300]


def test_batches_of_several_writers_are_all_there(declare: Callable[..., Path]) -> None:
    root = declare()
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda seed: log(root, rows(50, seed=seed)), range(12)))
    assert len(set(paths)) == 12
    assert pl.read_parquet(root / "predictions/loans/*.parquet")["id"].n_unique() == 600


def test_a_column_without_any_value_has_its_declared_type(declare: Callable[..., Path]) -> None:
    none = rows().with_columns(amount=None, city=None, complaint=None, note=None)
    schema = pl.read_parquet_schema(log(declare(), none))
    assert (schema["amount"], schema["city"], schema["complaint"]) == (pl.Float64, pl.String, pl.Boolean)
    assert schema["actual"] == pl.Int64  # the label is not known yet, but the log is as declared


def test_every_mistake_of_a_batch_is_told_and_nothing_written(declare: Callable[..., Path]) -> None:
    root = declare()
    wrong = rows().select(
        pl.when(pl.int_range(pl.len()) > 1).then("id").alias("id"),
        pl.col("at").dt.to_string().alias("at"),
        score=pl.col("score") * 100,
        amont="amount",
        city=pl.concat_list("city"),
        sex="sex",
        age=pl.col("age").cast(pl.String),
        complaint="complaint",
    )
    told = refusal(root, wrong).splitlines()
    assert all(line.startswith("loans: ") for line in told)
    assert [re.sub(r"\d+(\.\d+)?", "N", line.removeprefix("loans: ")) for line in told] == [
        "at holds String, expected times; convert it, e.g. with .str.to_datetime()",
        "id: N of N rows have none; every prediction needs its id",
        "score goes from N to N, expected probabilities from N to N",
        "the batch has no column 'amount', which is declared; did you mean 'amont'?",
        "age holds String such as 'N', expected numbers; cast it",
        "city holds List(String), expected single values",
    ]
    assert "no rows" in refusal(root, rows().clear())


def test_a_model_that_nobody_declared_is_answered_with_the_nearest_one(declare: Callable[..., Path]) -> None:
    root = declare()
    for call in (
        lambda: steward.log_predictions("loan", rows(), workspace=root),
        lambda: steward.series("loan", "f1", workspace=root),
        lambda: steward.alerts("loan", workspace=root),
    ):
        with pytest.raises(steward.InputError, match="'loan' is no registered model; did you mean 'loans'?"):
            call()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("predictions/loans", r"predictions/loans/\S+\.parquet"),
        ("predictions/loans/**/*.parquet", r"predictions/loans/\S+\.parquet"),
        ("predictions/**/scores-*.parquet", r"predictions/scores-\S+\.parquet"),
        ("predictions/*", r"predictions/\S+\.parquet"),
    ],
)
def test_a_batch_lies_where_the_declared_path_finds_it(
    path: str, place: str, declare: Callable[..., Path]
) -> None:
    root = declare(path=path)
    written = log(root, rows())
    assert re.fullmatch(place, written.relative_to(root).as_posix())
    assert main(["run", "--once", "--workspace", str(root)]) == 0
    assert steward.status(workspace=root)["rows"].to_list() == [300]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (
            "predictions/loans.parquet",
            "names one file, a batch is a new one; declare its folder instead: path",
        ),
        ("predictions/*/part.parquet", "no name for a new file can be told"),
        ("predictions/year=*/*.parquet", "no name for a new file can be told"),
        ("predictions/*.csv", "declare a folder, or a path such as"),
    ],
)
def test_a_path_without_room_for_a_batch_is_told(path: str, told: str, declare: Callable[..., Path]) -> None:
    assert told in refusal(declare(path=path), rows())


def test_dates_and_local_times_are_times(declare: Callable[..., Path]) -> None:
    root = declare()
    log(root, rows(10).with_columns(at=pl.lit(date(2024, 3, 1))))
    log(root, rows(10, seed=1).with_columns(at=pl.lit(datetime(2024, 3, 1, 23, 59))))
    assert main(["run", "--once", "--workspace", str(root)]) == 0
    assert steward.series("loans", "volume", workspace=root)["value"].to_list() == [20]


def test_frames_say_what_the_commands_print_as_json(
    declare: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = declare()
    log(root, rows())
    assert main(["run", "--once", "--workspace", str(root)]) == 0
    monkeypatch.setenv("STEWARD_WORKSPACE", str(root))
    for command, frame in (
        (["status"], steward.status()),
        (["alerts"], steward.alerts()),
        (
            ["series", "loans", "missing_share", "--column", "amount"],
            steward.series("loans", "missing_share", column="amount"),
        ),
    ):
        capsys.readouterr()
        assert main([*command, "--workspace", str(root), "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert len(printed) == frame.height
        assert all(list(row) == frame.columns for row in printed)
    with pytest.raises(steward.InputError, match="measured per column; say column, one of amount"):
        steward.series("loans", "missing_share")
    with pytest.raises(steward.InputError, match="is no workspace"):
        steward.status(workspace=root.parent / "elsewhere")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_a_package_of_the_same_name_is_named_and_not_mistaken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    assert run(tmp_path, "-c", "import steward").returncode == 0  # a folder without code is in nobody's way
    (tmp_path / "core" / "__init__.py").write_text("")
    found = run(tmp_path, "-c", "import steward")
    assert (
        f"steward comes with a package named core, but {tmp_path}/core/__init__.py was found first"
        in found.stderr
    )


def test_as_a_program_it_is_the_command_of_the_same_name(tmp_path: Path) -> None:
    found = run(tmp_path, "-m", "steward", "status", "--workspace", "none")
    assert found.returncode == 2 and "is no workspace" in found.stderr


def test_importing_it_takes_neither_screen_nor_scheduler(tmp_path: Path) -> None:
    heavy = ("streamlit", "apscheduler", "plotly", "sklearn", "pandas")
    program = f"import steward, sys; print({set(heavy)} & set(sys.modules))"
    assert run(tmp_path, "-c", program).stdout == "set()\n"
