"""Opening logs and label files: their columns, CSV made Parquet once, and errors that name the file."""

import csv
import difflib
import gzip
import io
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import duckdb

from core.engine import dialect
from core.errors import LogError

PANDAS_INDEX = "Unnamed: 0"
_CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
# A mistake in a statement or too little memory; anything else that fails while reading is the file's fault.
_NOT_THE_FILE = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.OutOfMemoryException,
    duckdb.InternalException,
    duckdb.InterruptException,
    duckdb.NotImplementedException,
)
_WHY = ("Expected Number of Columns", "Invalid unicode", "unterminated quote", "not RFC 4180 compliant")
_OTHER_TYPE = "Steward cannot count this type; write the column as number, text or timestamp"
_REWRITE = (
    "it is corrupt or still being written; write it again under another name and rename it when complete"
)


@dataclass(frozen=True)
class FileFacts:
    """What one file holds.

    `columns` maps names to DuckDB types (hive keys of the path are VARCHAR); `first` and `last` are UTC.
    `problems` counts rows: ``timestamp missing`` and ``timestamp unreadable`` are in no window; rows with
    an ``ambiguous local time`` (the first of the two) or a ``non-existent local time`` (moved forward) are.
    """

    columns: Mapping[str, str]
    rows: int
    first: datetime | None = None
    last: datetime | None = None
    problems: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LogTable:
    """A file read as Parquet: `parquet` differs from `path` for CSV; `hive` are keys only the path holds."""

    path: str
    parquet: str
    columns: Mapping[str, str]
    hive: Mapping[str, str | None]


class Files:
    """Opens files for one engine and remembers their columns and CSV copies until it is closed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._staging = tempfile.TemporaryDirectory(prefix="steward-")
        self._known: dict[tuple[str, int, int], LogTable] = {}

    def open(self, path: str) -> LogTable:
        """Return a file's columns; LogError when it is absent, empty, corrupt or half-written."""
        try:
            facts = Path(path).stat()
        except OSError as error:
            raise LogError(
                f"{path}: the file cannot be read ({error.strerror}); restore it or sweep again"
            ) from None
        if facts.st_size == 0:
            raise LogError(f"{path}: the file has 0 bytes, expected a Parquet or CSV file; {_REWRITE}")
        key = (path, facts.st_size, facts.st_mtime_ns)
        if key not in self._known:
            self._known[key] = self._open(path)
        return self._known[key]

    @property
    def folder(self) -> str:
        """Where temporary files go."""
        return self._staging.name

    def close(self) -> None:
        """Remove the CSV copies."""
        self._staging.cleanup()

    def _open(self, path: str) -> LogTable:
        with reading(self._connection, [path]):
            parquet = self._staged(path) if path.lower().endswith(_CSV) else path
            found = self._connection.sql(
                "DESCRIBE SELECT * FROM read_parquet($file, hive_partitioning = false)",
                params={"file": literal(parquet)},
            )
            columns = {str(row[0]): str(row[1]) for row in found.fetchall()}
        hive = {key: value for key, value in _hive_keys(path) if key not in columns}
        return LogTable(path, parquet, {**columns, **dict.fromkeys(hive, "VARCHAR")}, hive)

    def _staged(self, path: str) -> str:
        """Copy a CSV to Parquet as text, in order; the kernel casts, and counts what cannot be cast."""
        copy = str(Path(self._staging.name) / f"{len(self._known)}.parquet")
        delimiter, names = csv_header(path)
        self._connection.execute("SET preserve_insertion_order = true")
        try:
            self._connection.execute(
                "COPY (SELECT * FROM read_csv($file, auto_detect = false, header = true, delim = $delimiter,"
                " quote = '\"', escape = '\"', columns = $columns, null_padding = false, strict_mode = true))"
                " TO $copy (FORMAT parquet)",
                {
                    "file": literal(path),
                    "delimiter": delimiter,
                    "columns": dict.fromkeys(names, "VARCHAR"),
                    "copy": copy,
                },
            )
        finally:
            self._connection.execute("SET preserve_insertion_order = false")
        return copy


@contextmanager
def reading(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> Iterator[None]:
    """Turn what DuckDB says about unreadable files into a LogError that names the file."""
    try:
        yield
    except _NOT_THE_FILE:
        raise
    except duckdb.Error as error:
        path = next((path for path in paths if path in str(error)), None) or _unreadable(connection, paths)
        said = f"{path}: cannot be read ({_reason(error, path)})"
        advice = _OTHER_TYPE if isinstance(error, duckdb.NotSupportedError) else _REWRITE
        raise LogError(f"{said}; {advice}") from error


def _reason(error: duckdb.Error, path: str) -> str:
    """Return what is wrong in one line; of a CSV DuckDB says where in its first line and why below."""
    where, *more = str(error).replace(f" '{path}'", "").removeprefix("Invalid Input Error: ").splitlines()
    why = next((line.strip() for line in more if any(words in line for words in _WHY)), None)
    return (f"{where}: {why}" if why else where)[:300]


def _unreadable(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> str:
    """Return the file whose rows cannot be read: a broken page does not say where it lies."""
    for path in paths if len(paths) > 1 else ():
        try:
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE answer AS SELECT bit_xor(hash(t)) FROM read_parquet($file) t",
                {"file": literal(path)},
            )
        except duckdb.Error:
            return path
    return paths[0]


def require(table: LogTable, column: str, role: str) -> None:
    """Refuse a file without a column the declaration names."""
    if column not in table.columns:
        near = difflib.get_close_matches(column, table.columns, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(table.columns)[:12])}."
        raise LogError(
            f"{table.path}: has no column {column!r}, declared as {role}; {hint}"
            " Correct the declaration or the file"
        )


def require_time(table: LogTable, column: str, role: str) -> None:
    """Refuse a file whose declared timestamp is no time."""
    require(table, column, role)
    found = table.columns[column]
    if not dialect.is_time(found):
        raise LogError(
            f"{table.path}: {role} {column!r} is {found}, expected TIMESTAMP, DATE or ISO 8601 text;"
            " write it as a timestamp, e.g. to_timestamp(seconds)"
        )


def literal(path: str) -> str:
    """Return a path that DuckDB does not take for a glob."""
    return re.sub(r"([*?\[])", r"[\1]", path)


def _hive_keys(path: str) -> list[tuple[str, str | None]]:
    """Return key=value folders as text: guessing their types would turn 01 into 1."""
    pairs = [
        folder.split("=", 1) for folder in Path(path).parent.parts if re.fullmatch(r"[^=]+=[^=]*", folder)
    ]
    return [(key, None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value)) for key, value in pairs]


def csv_header(path: str) -> tuple[str, list[str]]:
    """Return the delimiter and the column names; a sniffer would skip lines until the rest looks regular.

    A first column without a name is the index that pandas wrote, and is called what pandas calls it.
    """
    open_ = gzip.open if path.lower().endswith(".gz") else Path.open
    with open_(Path(path), "rb") as file:
        try:
            line = file.readline(1_000_000).decode("utf-8-sig")
        except (UnicodeDecodeError, OSError, EOFError) as error:
            raise LogError(
                f"{path}: the first line is no UTF-8 text ({error}), expected CSV column names; {_REWRITE}"
            ) from None
    delimiter = max(",;\t|", key=line.count)
    names = next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    if len(names) > 1 and not names[0].strip():
        names[0] = PANDAS_INDEX
    if not all(name.strip() for name in names) or len(set(names)) < len(names) or "\0" in line or not names:
        raise LogError(
            f"{path}: the first line {line[:80]!r} is no row of distinct column names; add a header line,"
            " or name every column"
        )
    return delimiter, names
