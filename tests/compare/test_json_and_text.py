"""What scripts and people read: the JSON of CONTRACT, the text table, and files that are read."""

import json

import numpy as np
import polars as pl
import pytest

from core.comparison import Options, compare, read, to_json, to_text
from core.errors import ComparisonError, PathError

OPTIONS = Options(score="score", actual="actual", protected=("sex",), timestamp="scored_at", segment="origin")
ON_SHARES = {"psi", "jensen_shannon", "hellinger", "total_variation", "l_infinity"}


@pytest.fixture
def files(tmp_path):
    """Return two prediction logs on disk, the second shifted, of types a CSV can hold."""
    rng = np.random.default_rng(2)
    paths = []
    for name, n, shift in (("reference.parquet", 2_000, 0.0), ("current.csv", 1_000, 1.0)):
        score = rng.beta(1, 3, n)
        frame = pl.DataFrame(
            {
                "scored_at": pl.datetime_range(
                    pl.datetime(2024, 1, 1),
                    pl.datetime(2024, 1, 1) + pl.duration(minutes=n - 1),
                    "1m",
                    eager=True,
                ),
                "temp": rng.normal(shift, 1, n),
                "origin": rng.choice(["JFK", "EWR"], n),
                "sex": rng.choice(["F", "M"], n),
                "score": score,
                "actual": (rng.random(n) < score).astype(int),
            }
        )
        paths.append(tmp_path / name)
        frame.write_parquet(paths[-1]) if name.endswith("parquet") else frame.write_csv(paths[-1])
    return paths


@pytest.fixture
def document(files):
    found = to_json(compare(*(read(path) for path in files), OPTIONS))
    return json.loads(json.dumps(found, allow_nan=False))


def test_the_keys_are_those_of_the_contract(document):
    every = {"rows", "columns", "performance", "fairness", "quality", "verdict"}
    assert set(document) == every | {"multivariate", "segments"}
    assert all(set(part) == every for part in document["segments"].values())
    assert document["rows"] == {"reference": 2_000, "current": 1_000}
    assert document["verdict"] == "drift"
    assert set(document["performance"]) == {"reference", "current"}
    assert set(document["fairness"]["sex"]) == {"groups", "differences", "reference"}


def test_without_segment_there_is_no_key_for_it(files):
    assert "segments" not in to_json(compare(*(read(path) for path in files), Options()))


def test_a_column_says_kind_missing_share_drift_verdict_and_p_value(document):
    numeric, categorical = document["columns"]["temp"], document["columns"]["origin"]
    assert set(numeric) == {"kind", "missing_share", "drift", "verdict", "p_value"}
    assert (numeric["kind"], numeric["verdict"]) == ("numeric", "drift")
    assert numeric["missing_share"] == {"reference": 0.0, "current": 0.0}
    of_values = {"kolmogorov_smirnov", "kolmogorov_smirnov_p_value", "wasserstein", "wasserstein_normed"}
    assert set(numeric["drift"]) == ON_SHARES | of_values
    assert set(categorical["drift"]) == ON_SHARES | {"chi_squared"}
    assert set(categorical["drift"]["chi_squared"]) == {"statistic", "p_value"}


def test_a_segment_is_a_whole_comparison(document):
    assert set(document["segments"]) == {"JFK", "EWR"}
    jfk = document["segments"]["JFK"]
    assert jfk["verdict"] == "drift" and set(jfk["performance"]["current"]) == set(
        document["performance"]["current"]
    )


def test_the_text_names_roles_and_says_the_worst_first(files):
    text = to_text(compare(*(read(path) for path in files), OPTIONS))
    assert text.startswith("1 of 5 columns drifted: temp. ROC AUC ")
    assert "CURRENT: 1,000 rows, 2024-01-01 00:00:00 to 2024-01-01 16:39:00" in text
    for told in (
        "score = score",
        "task = binary_classification (guessed: one score)",
        "positive class = 1 (the default)",
    ):
        assert told in text
    assert text.index("temp") < text.index("origin  ")


def test_a_number_column_of_a_csv_may_say_na(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("temp,carrier\n1.5,NA\nNA,UA\n", encoding="utf-8")
    assert read(path).to_dict(as_series=False) == {"temp": [1.5, None], "carrier": ["NA", "UA"]}


def test_an_empty_csv_has_no_rows(tmp_path):
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "head.csv").write_text("a,b\n")
    assert read(tmp_path / "a.csv").shape == (0, 0) and read(tmp_path / "head.csv").shape == (0, 2)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(PathError, match="no.parquet is no file"):
        read(tmp_path / "no.parquet")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("half.parquet", b"PAR1 and then the disk was full", "half.parquet cannot be read"),
        ("a.xlsx", b"PK", "expected a .parquet or a .csv file"),
        ("latin.csv", "a\nZürich\n".encode("latin-1"), "latin.csv cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ComparisonError, match=said):
        read(tmp_path / name)
