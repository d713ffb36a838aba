"""`steward declare`: what an unknown prediction log tells about itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.declaration import Declaration, load_declaration
from core.declare import declare
from core.errors import DeclarationError, InputError, LogError
from jobs.cli import main

N = 600
RNG = np.random.default_rng(7)
TIMES = [datetime(2024, 1, 1) + timedelta(minutes=30 * i) for i in range(N)]


def declared(tmp_path: Path, frame: pl.DataFrame, *, suffix: str = "parquet") -> tuple[str, Declaration]:
    file = tmp_path / f"log.{suffix}"
    frame.write_csv(file) if suffix == "csv" else frame.write_parquet(file)
    text = declare("m", [file], tmp_path)
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    return text, load_declaration(tmp_path / "m.yaml")


def test_a_binary_csv_is_declared_without_a_word(tmp_path):
    frame = pl.DataFrame(
        {
            "scored_at": TIMES,
            "request_id": [f"r{i}" for i in range(N)],
            "model_version": ["v1"] * N,
            "amount": RNG.normal(50, 9, N),
            "country": RNG.choice(["DE", "FR"], N),
            "gender": RNG.choice(["f", "m"], N),
            "email": [f"{i}@example.com" for i in range(N)],
            "marital_status": RNG.choice(["a", "b"], N),
            "probability": RNG.random(N),
            "label": RNG.integers(0, 2, N),
            "latency_ms": RNG.random(N) * 90,
            "status": ["ok"] * N,
        }
    )
    text, found = declared(tmp_path, frame, suffix="csv")
    log = found.predictions
    assert (found.task, log.path, log.timestamp, log.prediction_id) == (
        "binary_classification",
        "log.csv",
        "scored_at",
        "request_id",
    )
    assert (log.version, log.score, log.prediction, log.actual) == (
        "model_version",
        "probability",
        None,
        "label",
    )
    assert found.features is not None
    assert found.features.numeric == ("amount",)
    assert found.features.categorical == ("country", "gender", "marital_status")
    assert (found.operations.latency_ms, found.operations.status) == ("latency_ms", "status")
    assert found.sensitive == ("email",)
    assert "# protected: [gender, marital_status]" in text
    assert "the timestamps carry no zone" in text
    assert "# left out: email" in text


def test_a_regression_with_aware_times(tmp_path):
    times = pl.Series("created_at", TIMES).dt.replace_time_zone("America/New_York", ambiguous="earliest")
    frame = pl.DataFrame({"predicted": RNG.random(N) * 9, "actual": RNG.random(N) * 9, "x": RNG.random(N)})
    text, found = declared(tmp_path, frame.with_columns(times))
    assert found.task == "regression"
    assert (found.predictions.prediction, found.predictions.actual) == ("predicted", "actual")
    assert "windows are cut in this zone" in text


def test_a_score_per_class_is_multiclass(tmp_path):
    early = RNG.random(N)
    frame = pl.DataFrame(
        {"ts": TIMES, "p_early": early, "p_late": 1 - early, "outcome": RNG.choice(["early", "late"], N)}
    )
    _, found = declared(tmp_path, frame)
    assert found.task == "multiclass_classification"
    assert found.predictions.score == {"early": "p_early", "late": "p_late"}


def test_the_positive_class_of_words_is_guessed_and_quoted(tmp_path):
    frame = pl.DataFrame(
        {"ts": TIMES, "decision": ["no"] * (N - 60) + ["yes"] * 60, "actual": ["no", "yes"] * (N // 2)}
    )
    text, found = declared(tmp_path, frame)
    assert found.positive == "yes"
    assert "positive: 'yes'" in text


def test_a_probability_called_prediction_is_a_score(tmp_path):
    frame = pl.DataFrame({"ts": TIMES, "prediction": RNG.random(N), "actual": RNG.integers(0, 2, N)})
    _, found = declared(tmp_path, frame)
    assert (found.task, found.predictions.score) == ("binary_classification", "prediction")


def test_awkward_column_names_survive(tmp_path):
    names = ["no", "a: b", "#c", "[d]", "naïve, really", "'quoted'", "2024-01-01", "{e}"]
    frame = pl.DataFrame(
        {"ts": TIMES, "y_pred": RNG.random(N) * 9, **{name: RNG.random(N) for name in names}}
    )
    _, found = declared(tmp_path, frame)
    assert found.features is not None
    assert set(found.features.numeric) == set(names)


def test_what_is_essential_and_missing_is_named_when_it_is_applied(tmp_path):
    file = tmp_path / "log.parquet"
    pl.DataFrame({"x": RNG.random(N), "y_pred": RNG.random(N)}).write_parquet(file)
    text = declare("m", [file])
    assert "# timestamp: column" in text
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(DeclarationError, match=r"predictions\.timestamp: required key is missing"):
        load_declaration(tmp_path / "m.yaml")


def test_several_files_become_a_glob_and_their_columns_are_united(tmp_path):
    logs = tmp_path / "predictions" / "m"
    for month, extra in (("01", "old"), ("02", "new")):
        (logs / month).mkdir(parents=True)
        frame = pl.DataFrame({"ts": TIMES, "y_pred": RNG.random(N) * 9, extra: RNG.random(N)})
        frame.write_parquet(logs / month / "log.parquet")
    (tmp_path / "m.yaml").write_text(declare("m", [logs], tmp_path))
    found = load_declaration(tmp_path / "m.yaml")
    assert found.predictions.path == "predictions/m/**/*.parquet"
    assert found.features is not None
    assert set(found.features.numeric) == {"old", "new"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.parquet", b"PAR1 half", "log.parquet: cannot be read"),
        ("log.csv", b"", "log.csv: the first line '' is no row of distinct column names"),
        ("log.txt", b"x", "expected files that end in .parquet or .csv"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises((LogError, InputError), match=message):
        declare("m", [tmp_path / name])


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(LogError, match="none.csv: no such file"):
        declare("m", [tmp_path / "none.csv"])


def test_the_command_writes_once_and_says_what_to_fill_in(tmp_path, capsys):
    workspace = ["--workspace", str(tmp_path / "w")]
    main(["init", *workspace])
    file = tmp_path / "log.csv"
    pl.DataFrame({"ts": TIMES, "y_pred": RNG.random(N)}).write_csv(file)
    assert main(["declare", "eta", str(file), *workspace]) == 0
    told = capsys.readouterr().out
    assert "owner: owner@example.com" in told
    assert f"add to steward.yaml: roots: [{tmp_path}]" in told
    assert main(["declare", "eta", str(file), *workspace]) == 2
    assert "eta.yaml exists; edit it" in capsys.readouterr().err
    assert main(["declare", "../eta", str(file), *workspace]) == 2
    assert "'../eta' cannot name a model" in capsys.readouterr().err


def test_times_are_recognised_in_text(tmp_path):
    text = [moment.replace(tzinfo=UTC).isoformat() for moment in TIMES]
    _, found = declared(tmp_path, pl.DataFrame({"when": text, "y_pred": RNG.random(N) * 9}))
    assert found.predictions.timestamp == "when"


def test_the_index_that_pandas_wrote_is_no_feature(tmp_path):
    frame = pl.DataFrame({"": range(N), "ts": TIMES, "y_pred": RNG.random(N) * 9, "x": RNG.random(N)})
    text, found = declared(tmp_path, frame, suffix="csv")
    assert found.features is not None
    assert found.features.numeric == ("x",)
    assert "# left out: 'Unnamed: 0'" in text


def test_a_csv_with_semicolons_is_declared(tmp_path):
    file = tmp_path / "log.csv"
    pl.DataFrame({"ts": TIMES, "y_pred": RNG.random(N), "x": RNG.random(N)}).write_csv(file, separator=";")
    assert "numeric: [x]" in declare("m", [file])


def test_a_folder_with_one_file_so_far_is_declared_as_the_folder(tmp_path):
    (tmp_path / "logs").mkdir()
    pl.DataFrame({"ts": TIMES, "y_pred": RNG.random(N)}).write_parquet(tmp_path / "logs" / "1.parquet")
    assert "path: logs/**/*.parquet" in declare("m", [tmp_path / "logs"], tmp_path)
    pl.DataFrame({"ts": TIMES, "y_pred": RNG.random(N)}).write_csv(tmp_path / "logs" / "2.csv")
    assert "path: logs\n" in declare("m", [tmp_path / "logs"], tmp_path)


def test_what_comes_near_a_role_is_named_with_what_keeps_it_from_it(tmp_path):
    frame = pl.DataFrame(
        {
            "application_date": [time.strftime("%d.%m.%Y %H:%M") for time in TIMES],
            "default_score": RNG.random(N) * 99,
            "decision": RNG.choice(["accept", "reject"], N),
            "default": RNG.choice(["no", "yes"], N),
        }
    )
    frame.write_csv(tmp_path / "log.csv")
    lines = declare("m", [tmp_path / "log.csv"]).splitlines()
    marked = {line.split(":")[0].strip(): line for line in lines if "fill in" in line}
    assert "application_date" in marked["# timestamp"]
    assert "write it like 2024-01-31 12:00:00" in marked["# timestamp"]
    assert "a probability is 0 to 1" in marked["# score"]
    assert any(line.startswith("task: binary_classification") for line in lines)
    assert "  actual: default" in lines
    assert "# left out: decision (its values are not those of the label default)" in lines


@pytest.mark.parametrize(
    ("rows_per_day", "window", "reference"),
    [
        (2_000, "1d", None),
        (300, "1d", "[2024-01-03, 2024-01-31]"),
        (40, "1w", "[2024-01-08, 2024-04-01]"),
        (5, "1mo", "[2024-02-01, 2024-08-01]"),
    ],
)
def test_window_and_reference_suit_how_fast_the_log_grows(tmp_path, rows_per_day, window, reference):
    step = timedelta(days=1) / rows_per_day
    times = [datetime(2024, 1, 3) + step * i for i in range(rows_per_day * 3)]
    _, found = declared(tmp_path, pl.DataFrame({"ts": times, "y_pred": RNG.random(len(times)) * 9}))
    assert found.window == window
    period = found.reference.period if found.reference else None
    assert reference == (f"[{period[0]:%Y-%m-%d}, {period[1]:%Y-%m-%d}]" if period else None)


def test_a_folder_of_partitions_keeps_room_for_the_next_year(tmp_path):
    for month in ("01", "02"):
        folder = tmp_path / "logs" / "year=2024" / f"month={month}"
        folder.mkdir(parents=True)
        pl.DataFrame({"ts": TIMES, "y_pred": RNG.random(N)}).write_parquet(folder / "part-0.parquet")
    assert "path: logs/**/*.parquet" in declare("m", [tmp_path / "logs"], tmp_path)


def test_files_that_are_still_written_are_not_looked_at(tmp_path):
    (tmp_path / "logs" / "_temporary").mkdir(parents=True)
    pl.DataFrame({"ts": TIMES, "y_pred": RNG.random(N)}).write_parquet(tmp_path / "logs" / "1.parquet")
    for name in (".2.parquet", "_temporary/3.parquet"):
        (tmp_path / "logs" / name).write_bytes(b"PAR1 half")
    assert "path: logs/**/*.parquet" in declare("m", [tmp_path / "logs"], tmp_path)


def test_numbers_that_were_text_for_a_while_are_numeric_and_codes_are_not(tmp_path):
    (tmp_path / "logs").mkdir()
    columns = {"ts": TIMES, "y_pred": RNG.random(N) * 9, "postcode": ["01067", "80331"] * (N // 2)}
    for day, words in enumerate((RNG.integers(5, 90, N), [str(i % 70) for i in range(N)], RNG.random(N))):
        columns |= {"words": words, "order": [str(70_000 + N * day + i) for i in range(N)]}
        pl.DataFrame(columns).write_parquet(tmp_path / "logs" / f"{day}.parquet")
    (tmp_path / "m.yaml").write_text(declare("m", [tmp_path / "logs"], tmp_path))
    found = load_declaration(tmp_path / "m.yaml").features
    assert found is not None and (found.numeric, found.categorical) == (("words",), ("postcode",))


def test_the_way_to_late_labels_is_shown_with_the_names_that_are_known(tmp_path):
    frame = pl.DataFrame({"ts": TIMES, "request_id": range(N), "probability": RNG.random(N)})
    text, _ = declared(tmp_path, frame)
    assert "# labels: {path: labels/m, prediction_id: request_id, actual: label, delay: 2d}" in text
