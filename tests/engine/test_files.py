"""Files as they come: folders with hive keys, CSV, and broken ones, whose error names the file."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from core.engine import DuckDBEngine
from core.entities import Source
from core.errors import LogError
from tests.engine.oracle import cell

AT = pl.Series([datetime(2024, 5, 1, h, tzinfo=UTC) for h in range(4)], dtype=pl.Datetime("us", "UTC"))


@pytest.fixture
def scored(declare):
    return declare(
        "binary_classification", columns={"score": "p", "prediction_id": "id"}, features={"numeric": ["x"]}
    )


@pytest.fixture
def good(write):
    return write({"at": AT, "id": ["a", "b", "c", "d"], "p": [0.1, 0.2, 0.3, 0.4], "x": [1.0, 2.0, 3.0, 4.0]})


def one_day(declaration):
    return declaration.calendar.of([AT[0]])


def refused(engine, path, declaration, kind="predictions"):
    with pytest.raises(LogError) as error:
        engine.scan(path, declaration, kind=kind)
    assert path in str(error.value)
    assert len(str(error.value).splitlines()) <= 2
    return str(error.value)


def test_a_scan_tells_columns_rows_and_first_and_last_timestamp(engine, good, scored):
    facts = engine.scan(good, scored)
    assert facts.columns == {"at": "TIMESTAMP WITH TIME ZONE", "id": "VARCHAR", "p": "DOUBLE", "x": "DOUBLE"}
    assert (facts.rows, facts.first, facts.last, facts.problems) == (4, AT[0], AT[3], {})


def test_a_file_without_bytes_is_refused(engine, tmp_path, scored):
    for name in ("empty.parquet", "empty.csv"):
        path = tmp_path / name
        path.touch()
        assert "0 bytes" in refused(engine, str(path), scored)


def test_a_file_without_rows_holds_nothing(engine, good, write, scored):
    for name in ("none.parquet", "none.csv"):
        facts = engine.scan(write(pl.read_parquet(good).clear(), name), scored)
        assert (facts.rows, facts.first, facts.last) == (0, None, None)


def test_half_written_and_corrupt_parquet_is_refused(engine, good, tmp_path, scored):
    whole = Path(good).read_bytes()
    for name, content in {
        "half": whole[: len(whole) // 2],
        "text": b"no parquet" * 99,
        "tail": whole[:-4] + b"XXXX",
    }.items():
        path = tmp_path / f"{name}.parquet"
        path.write_bytes(content)
        assert "corrupt or still being written" in refused(engine, str(path), scored)


def test_an_absent_file_is_refused(engine, tmp_path, scored):
    assert "cannot be read" in refused(engine, str(tmp_path / "gone.parquet"), scored)


@pytest.mark.parametrize("column", ["at", "id", "p"])
def test_a_missing_column_is_named_with_its_role_and_the_nearest_name(engine, good, write, scored, column):
    path = write(pl.read_parquet(good).rename({column: f"{column}_"}), "renamed.parquet")
    said = refused(engine, path, scored)
    assert f"has no column '{column}'" in said
    if column != "p":
        assert f"did you mean '{column}_'?" in said


def test_a_timestamp_of_the_wrong_type_is_refused(engine, good, write, scored):
    path = write(pl.read_parquet(good).with_columns(at=pl.lit(1_714_521_600)), "epoch.parquet")
    said = refused(engine, path, scored)
    assert "timestamp 'at' is INTEGER, expected TIMESTAMP, DATE or ISO 8601 text" in said


def test_label_files_are_checked_too(engine, write, declare):
    declaration = declare(
        "regression",
        columns={"prediction": "eta", "prediction_id": "id"},
        labels={
            "path": "l",
            "prediction_id": "id",
            "actual": "y",
            "available_at": "landed",
            "timestamp": "at",
        },
    )
    good = {"id": ["a"], "y": [1.0], "landed": AT[:1], "at": AT[1:2]}
    assert engine.scan(write(good, "l.parquet"), declaration, kind="labels").first == AT[1]
    for column in good:
        path = write({name: values for name, values in good.items() if name != column}, "bad.parquet")
        assert f"'{column}'" in refused(engine, path, declaration, kind="labels")


def test_a_declared_feature_that_no_file_has_is_refused_when_the_reference_is_built(engine, good, declare):
    declaration = declare(features={"numeric": ["xx"]})
    windows = list(engine.windows_of(Source((good,)), declaration))
    with pytest.raises(LogError, match="no file read has the declared column 'xx'; did you mean 'x'"):
        engine.build_grid(Source((good,)), declaration, windows, reference_id="r", frozen=True)


def test_a_feature_that_was_added_later_is_missing_before(good, write, declare, cells_of):
    declaration = declare(features={"numeric": ["x"], "categorical": ["new"]})
    later = write(pl.read_parquet(good).drop("x").with_columns(new=pl.lit("n")), "later.parquet")
    _, cells = cells_of(declaration, good, later)
    assert (cell(cells, "x")["n"], cell(cells, "x")["missing"]) == (4, 4)
    assert (cell(cells, "new", "categorical")["n"], cell(cells, "new", "categorical")["missing"]) == (4, 4)


def test_features_are_inferred_by_type_when_none_are_declared(engine, write, declare):
    frame = {
        "at": AT, "p": [0.1] * 4, "free": [1.0] * 4, "whole": [1, 2, 3, 4], "word": ["a", "b", "a", "b"],
        "yes": [True] * 4, "seen": AT, "many": [[1]] * 4, "name": ["Bo"] * 4,
    }  # fmt: skip
    declaration = declare("binary_classification", columns={"score": "p"}, features=None, sensitive=["name"])
    source = Source((write(frame),))
    grid = engine.build_grid(source, declaration, one_day(declaration), reference_id="r", frozen=True)
    assert set(grid.numeric) == {"free", "whole", "p"}
    assert set(grid.categorical) == {"word", "yes", "prediction"}


def test_hive_keys_are_columns_with_their_text(write, declare, cells_of):
    declaration = declare(
        timestamp="day", features={"numeric": ["x"], "categorical": ["code"]}, segments=["site"]
    )
    files = [
        write({"x": [1.0, 2.0]}, f"day=2024-05-0{day}/code=0{day}/site=S%C3%A3o/f[1].parquet")
        for day in (1, 2)
    ]
    files.append(
        write(
            {"x": [3.0], "code": ["own"]}, "day=2024-05-03/code=07/site=__HIVE_DEFAULT_PARTITION__/f.parquet"
        )
    )
    grid, cells = cells_of(declaration, *files)
    assert set(grid.categorical["code"].kept) == {"01", "02", "own"}
    assert grid.segments["site"] == ("São",)
    assert set(cells["segment"]) == {"", "site=São", "site=missing"}
    assert cells.filter(kind="rows", segment="")["n"].to_list() == [2, 2, 1]


def test_csv_counts_the_same_as_parquet(engine, write, declare):
    declaration = declare(
        "binary_classification",
        columns={"score": "p", "actual": "y", "prediction_id": "id"},
        features={"numeric": ["x"], "categorical": ["c", "b"]},
    )
    frame = pl.DataFrame(
        {
            "at": [
                "2024-05-01T00:00:00Z",
                "2024-05-01 01:00:00",
                "2024-05-01T02:00:00.5+01:00",
                "2024-05-01T03:00:00Z",
            ],
            "id": ["007", "7", "a,b", 'q"q'],
            "p": [0.5, 0.25, None, 1.0],
            "y": [1, 0, 1, None],
            "x": [1.5, None, 3.0, -0.0],
            "c": ["1", "multi\nline", None, "ü"],
            "b": [True, False, None, True],
        }
    )
    sources = [Source((write(frame, name),)) for name in ("log.parquet", "log.csv")]
    windows = list(engine.windows_of(sources[0], declaration))
    assert windows == list(engine.windows_of(sources[1], declaration))
    grids = [engine.build_grid(each, declaration, windows, reference_id="r", frozen=True) for each in sources]
    assert grids[0] == grids[1]
    parquet, text = (engine.profile(each, declaration, grids[0], windows) for each in sources)
    assert parquet.equals(text)


@pytest.mark.parametrize(
    "content",
    [
        b"at,id,p,x\n2024-05-01,a,0.5\n",
        b"at,id,p,x\n2024-05-01,a,0.5,1,2\n",
        b'at,id,p,x\n2024-05-01,"a,0.5,1\n',
        b"at,id,p,x\n2024-05-01,\xff\xfe,0.5,1\n",
        b"at,at,p,x\n",
        bytes(range(256)) * 9,
        b"\n\n\n",
    ],
    ids=["short row", "long row", "open quote", "no UTF-8", "twin columns", "binary", "blank lines"],
)
def test_csv_that_is_rubbish_is_refused(engine, tmp_path, scored, content):
    path = tmp_path / "rubbish.csv"
    path.write_bytes(content)
    refused(engine, str(path), scored)


def test_a_file_that_is_replaced_is_read_anew(engine, good, write, scored, tmp_path):
    assert engine.scan(good, scored).rows == 4
    shutil.copy(write(pl.read_parquet(good).head(2), "new.parquet"), good)
    assert engine.scan(good, scored).rows == 2


def test_closing_an_engine_removes_its_temporary_files(write, good, scored):
    engine = DuckDBEngine()
    engine.scan(write(pl.read_parquet(good), "log.csv"), scored)
    folder = Path(engine._files.folder)
    assert any(folder.iterdir())
    engine.close()
    assert not folder.exists()


def test_of_many_files_the_broken_one_is_named(engine, good, tmp_path, scored):
    page = bytearray(Path(good).read_bytes())
    page[4:200] = bytes(196)
    path = tmp_path / "page.parquet"
    path.write_bytes(page)
    source = Source((good, str(path), good))
    grid = engine.build_grid(Source(()), scored, [], reference_id="r", frozen=False)
    with pytest.raises(LogError, match=r"page\.parquet: cannot be read"):
        engine.profile(source, scored, grid, one_day(scored))


def test_a_csv_may_begin_with_the_nameless_index_that_pandas_writes(engine, tmp_path, scored):
    file = tmp_path / "log.csv"
    file.write_text(",at,id,p,x\n0,2024-05-01T00:00:00Z,a,0.1,1\n")
    facts = engine.scan(str(file), scored)
    assert (facts.rows, next(iter(facts.columns))) == (1, "Unnamed: 0")
    other = tmp_path / "other.csv"
    other.write_text("at,,id,p,x\n2024-05-01T00:00:00Z,0,a,0.1,1\n")
    assert "name every column" in refused(engine, str(other), scored)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"at,x\n2024-05-01,1\n2024-05-01\n", r"Line: 3: Expected Number of Columns: 2 Found: 1"),
        ("at,x\n2024-05-01,Ö\n".encode("latin-1"), r"Line: 2: Invalid unicode .* not utf-8 encoded"),
        (b'at,x\n2024-05-01,"1\n', r"Line: 2: Value with unterminated quote found"),
        (b"at,x\r\n2024-05-01,1\n2024-05-01,2\r\n", r"not RFC 4180 compliant"),
    ],
)
def test_a_csv_that_cannot_be_read_says_where_and_why(engine, declare, tmp_path, content, says):
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(LogError, match=says):
        engine.scan(str(tmp_path / "log.csv"), declare())


def test_a_message_names_the_file_once(engine, declare, tmp_path):
    path = tmp_path / "log.parquet"
    path.write_bytes(b"PAR1 half of it")
    with pytest.raises(LogError) as raised:
        engine.scan(str(path), declare())
    assert str(raised.value).count(str(path)) == 1
