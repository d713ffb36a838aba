"""`steward check` foresees what a sweep would stumble over or wait for in vain."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from jobs.cli import main

FIRST = datetime(2024, 1, 1)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose clock stands at 1 June 2024."""
    monkeypatch.setenv("STEWARD_WORKSPACE", str(tmp_path))
    assert main(["init"]) == 0
    (tmp_path / "steward.yaml").write_text("clock: {fixed: 2024-06-01T00:00:00Z}\n")
    return tmp_path


@pytest.fixture
def problems(root: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Write a log and its declaration and return what check has to say of them."""

    def problems(frame: pl.DataFrame, **changes: Any) -> list[str]:
        frame.write_parquet(root / "predictions" / "loan.parquet")
        log = {"path": "predictions", "timestamp": "at", "score": "score", "actual": "actual"}
        declaration = {
            "model": "loan",
            "owner": "owner@example.com",
            "task": "binary_classification",
            "risk_tier": 3,
            "predictions": log | changes.pop("predictions", {}),
            "reference": {"period": ["2024-01-01", "2024-01-08"]},
        } | changes
        kept = {key: value for key, value in declaration.items() if value is not None}
        (root / "models" / "loan.yaml").write_text(yaml.safe_dump(kept))
        capsys.readouterr()
        code = main(["check", "--json"])
        (model,) = json.loads(capsys.readouterr().out)["models"]
        assert code == (2 if model["problems"] else 0)
        return [problem.removeprefix(f"{root}/models/loan.yaml: ") for problem in model["problems"]]

    return problems


def log(days: int, per_day: int = 50, **columns: Any) -> pl.DataFrame:
    """Return a log from 1 January 2024 on, with as many rows every day."""
    rng, rows = np.random.default_rng(5), days * per_day
    step = timedelta(days=1) / per_day
    plain = {
        "at": pl.Series([FIRST + step * i for i in range(rows)]),
        "score": rng.random(rows),
        "actual": rng.integers(0, 2, rows),
        "amount": rng.normal(0, 1, rows),
    }
    return pl.DataFrame(plain | columns)


def test_a_good_log_has_no_problem(problems):
    assert problems(log(30)) == []


def test_scores_outside_zero_to_one_are_told_with_their_range(problems):
    percent = problems(log(30).with_columns(pl.col("score") * 100))
    assert len(percent) == 1
    assert percent[0].startswith("predictions.score: ")
    assert "rows of 'score' lie outside 0 to 1 (up to 99." in percent[0]
    assert "write probabilities, not percent" in percent[0]


def test_a_few_wrong_scores_are_counted_and_empty_ones_are_none_of_them(problems):
    score = pl.Series([7.5, -0.25, None, float("nan"), *[0.5] * 1_496])
    (told,) = problems(log(30).with_columns(score=score))
    assert "2 of 1,500 rows of 'score' lie outside 0 to 1 (-0.25 to 7.5)" in told


def test_scores_of_classes_are_looked_at_too(problems):
    frame = log(30, early=[0.5] * 1_500, late=[1.5] + [0.5] * 1_499, actual=["early", "late"] * 750)
    (told,) = problems(
        frame.drop("score"),
        task="multiclass_classification",
        predictions={"score": {"early": "early", "late": "late"}},
    )
    assert told.startswith("predictions.score.late: 1 of 1,500 rows of 'late'")


def test_a_log_too_small_for_the_default_reference_is_told_with_what_to_declare(problems):
    (told,) = problems(log(90), reference=None)
    assert told == (
        "reference: the default, 28 windows of at least 1,000 rows, is out of reach: 0 of 90 closed windows"
        " have as many, the middle one 50; declare reference: {period: [2024-01-01, 2024-03-25]}"
        " and window: 1w"
    )


def test_a_log_that_is_only_young_is_no_problem(problems):
    assert problems(log(5, per_day=1_200), reference=None) == []


def test_of_a_log_without_a_closed_window_nothing_is_foretold(problems, root):
    (root / "steward.yaml").write_text("clock: {fixed: 2024-01-01T12:00:00Z}\n")
    assert problems(log(1), reference=None) == []


def test_a_reference_period_without_rows_is_told_with_where_the_log_lies(problems):
    (told,) = problems(log(30), reference={"period": ["2023-06-01", "2023-07-01"]})
    assert told == (
        "reference.period: no row lies between 2023-06-01 and 2023-07-01; the log reaches from 2024-01-01"
        " to 2024-01-30, choose whole windows of it"
    )


def test_a_reference_period_that_lies_ahead_is_waited_for(problems):
    assert problems(log(30), reference={"period": ["2024-06-01", "2024-07-01"]}) == []


def test_a_settled_reference_needs_its_log_no_more(problems, root):
    assert problems(log(30)) == []
    main(["apply"])
    assert main(["run", "--once"]) == 0
    later = log(60).filter(pl.col("at") > datetime(2024, 2, 1))
    assert problems(later) == []


def test_a_reference_file_that_is_not_there_is_told(problems, root):
    (told,) = problems(log(30), reference={"path": "reference/loan/usual.parquet"})
    assert told.startswith(f"reference.path: there is no file {root}/reference/loan/usual.parquet")


def test_inferred_features_that_make_too_many_cells_are_told(problems):
    wide = {f"x{i}": np.zeros(1_500) for i in range(200)}
    cities = {name: ["Kyiv", "Oslo"] * 750 for name in ("city", "region")}
    (told,) = problems(log(30, **wide, **cities), segments=["city", "region"])
    assert "features: 203 inferred and 2 segments make about 21," in told
    assert "at most 20,000 are kept; declare fewer segments, or the features that matter" in told


def test_text_that_is_no_number_is_told_with_an_example(problems):
    commas = pl.Series(["0,5", "0.25", None] * 500)
    frame = log(30, score=commas, amount=pl.Series(["12", "n/a"] * 750))
    assert problems(frame, features={"numeric": ["amount"]}) == [
        "predictions.score: 500 of 1,500 rows of 'score' are no numbers, such as '0,5';"
        " write them like 1234.5",
        "features: 750 of 1,500 rows of 'amount' are no numbers, such as 'n/a'; write them like 1234.5,"
        " or declare the column categorical",
    ]


@pytest.mark.parametrize(
    ("labels", "positive", "says"),
    [
        (["yes", "no"], None, "no label is '1' or 'true', they are 'no', 'yes'"),
        (["Y", "N"], "yes", "no label is 'yes', they are 'N', 'Y'"),
        (["yes", "no"], "yes", None),
        (["0", "0"], None, None),
        (["no", "no"], "yes", None),
        ([True, False], None, None),
    ],
)
def test_labels_none_of_which_is_the_positive_class_are_told(problems, labels, positive, says):
    told = problems(log(30, actual=labels * 750), positive=positive)
    assert [says in text for text in told] == ([True] if says else [])


def test_the_labels_of_label_files_are_looked_at_too(problems, root):
    frame = log(30).with_columns(id=pl.int_range(pl.len())).drop("actual")
    (root / "labels" / "loan").mkdir()
    frame.select("id", outcome=pl.lit("late")).write_csv(root / "labels" / "loan" / "1.csv")
    (told,) = problems(
        frame,
        predictions={"actual": None, "prediction_id": "id"},
        labels={"path": "labels/loan", "prediction_id": "id", "actual": "outcome"},
    )
    assert told == "positive: no label is '1' or 'true', they are 'late'; name the positive class, in quotes"


def test_labels_that_are_no_class_of_the_scores_are_told(problems):
    frame = log(30, early=[0.5] * 1_500, late=[0.5] * 1_500, actual=["early", "late", "lost"] * 500)
    (told,) = problems(
        frame.drop("score"),
        task="multiclass_classification",
        predictions={"score": {"early": "early", "late": "late"}},
    )
    assert (
        told
        == "predictions.score: the labels 'lost' are none of its classes; name their score, or correct them"
    )


def test_an_hour_that_came_twice_is_a_note_and_no_fault(problems, root, capsys):
    night = log(30).with_columns(at=pl.col("at") + timedelta(days=300))
    assert problems(night, predictions={"timezone": "Europe/Berlin"}, reference=None) == []
    main(["check", "--json"])
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert len(model["notes"]) == 1 and "ambiguous local time (clocks went back)" in model["notes"][0]
    main(["check"])
    assert "  · " in capsys.readouterr().out
