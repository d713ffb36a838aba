"""What a person says about the two files of a comparison, and reading them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from core.comparison.kinds import is_plain
from core.errors import ComparisonError, PathError
from core.strict import nearest

TASKS = ("binary_classification", "multiclass_classification", "regression")
# Beside numbers these words in a CSV column mean missing; in a text column they stay text.
MISSING_WORDS = ("", "NA", "N/A", "null", "NULL", "None")


@dataclass(frozen=True)
class Options:
    """The roles of the columns; what is left out is guessed or not looked at.

    Parameters
    ----------
    prediction : the predicted class or number
    score : the probability of the positive class; for several classes ``class=column,class=column``
    actual : the label; a file without this column has no labels
    timestamp : only shown as the period of each file
    protected : the attributes whose groups are compared; numbers with many values are cut at reference
        quartiles
    segment : the same comparison for each of its 20 most frequent values
    columns : compare these columns only (default: all)
    categorical : count these columns as categories although they hold numbers
    task : ``binary_classification``, ``multiclass_classification`` or ``regression`` (default: guessed)
    positive : the positive class of a binary model (default: 1 or true)
    """

    prediction: str | None = None
    score: str | None = None
    actual: str | None = None
    timestamp: str | None = None
    protected: tuple[str, ...] = ()
    segment: str | None = None
    columns: tuple[str, ...] | None = None
    categorical: tuple[str, ...] = ()
    task: str | None = None
    positive: str | None = None

    @property
    def scores(self) -> Mapping[str, str]:
        """The score columns by class; the class of a binary model's only score is ""."""
        if self.score is None:
            return {}
        if "=" not in self.score:
            return {"": self.score}
        pairs = [part.partition("=") for part in self.score.split(",")]
        return {name.strip(): column.strip() for name, _, column in pairs}


def read(path: str | Path) -> pl.DataFrame:
    """Return the rows of one Parquet or CSV file.

    Raises
    ------
    PathError
        If there is no such file.
    ComparisonError
        If its name ends neither in .parquet nor in .csv, or its content cannot be read as that.
    """
    path = Path(path)
    if not path.is_file():
        raise PathError(f"{path} is no file; give the path of a Parquet or CSV file")
    readers = {".parquet": _read_parquet, ".pq": _read_parquet, ".csv": _read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ComparisonError(f"{path} ends in {path.suffix!r}; expected a .parquet or a .csv file")
    try:
        return reader(path)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise ComparisonError(f"{path} cannot be read: {reason}; write the file again and repeat") from error


def validate(reference: pl.DataFrame, current: pl.DataFrame, options: Options) -> None:
    """Raise ComparisonError if an option names what neither file has."""
    known = list(dict.fromkeys([*reference.columns, *current.columns]))
    roles = {
        "--prediction": [options.prediction],
        "--score": options.scores.values(),
        "--actual": [options.actual],
        "--timestamp": [options.timestamp],
        "--protected": options.protected,
        "--segment": [options.segment],
    }
    listed = {"--columns": options.columns or (), "--categorical": options.categorical}
    for option, names in (roles | listed).items():
        for name in (name for name in names if name is not None):
            if name not in known:
                raise ComparisonError(
                    f"{option} {name!r} is a column of neither file; {nearest(name, known)}"
                )
            types = [side.schema[name] for side in (reference, current) if name in side.columns]
            if option in roles and not all(is_plain(dtype) for dtype in types):
                raise ComparisonError(f"{option} {name!r} holds {types[0]}; expected single values")
    if options.task is not None and options.task not in TASKS:
        raise ComparisonError(f"--task {options.task!r} is unknown; expected {', '.join(TASKS)}")


def _read_parquet(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path, use_pyarrow=False)


def _read_csv(path: Path) -> pl.DataFrame:
    if path.stat().st_size == 0:
        return pl.DataFrame()
    frame = pl.read_csv(path, infer_schema_length=None, try_parse_dates=True)
    return frame.with_columns(
        _numbers(column) for column in frame.iter_columns() if column.dtype == pl.String
    )


def _numbers(column: pl.Series) -> pl.Series:
    """Return a text column as numbers if it holds nothing but numbers and words for missing."""
    present = column.set(column.is_in(MISSING_WORDS), None)
    if present.null_count() == len(column):
        return column
    numbers = present.cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == present.null_count() else column
