"""What a notebook calls a table (polars, pandas, Arrow) as a polars frame."""

from collections import Counter
from typing import Any

import polars as pl

from core.errors import InputError

_EXPECTED = "expected a polars or pandas DataFrame, or an Arrow table"


def as_polars(table: Any, name: str) -> pl.DataFrame:
    """Return a table as a polars frame; NaN of pandas is missing, a named index of pandas is a column.

    Parameters
    ----------
    table : a polars DataFrame or LazyFrame, a pandas DataFrame, an Arrow table, record batch or reader, or
        anything else that streams Arrow (``__arrow_c_stream__``), such as a DuckDB relation
    name : what to call it in messages

    Raises
    ------
    InputError
        If it is none of these, has a column twice, or pandas keeps values of several types in one column.
    """
    if isinstance(table, pl.DataFrame):
        return table
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    if type(table).__module__.partition(".")[0] == "pandas":
        return _of_pandas(table, name)
    if hasattr(table, "__arrow_c_stream__") and not isinstance(table, pl.Series):
        names: list[str] = getattr(getattr(table, "schema", None), "names", [])
        _require_unique(names, name)
        return pl.DataFrame(table)
    if hasattr(table, "__arrow_c_array__"):
        return pl.DataFrame(table)
    raise InputError(f"{name} is of type {type(table).__name__}; {_EXPECTED}")


def _of_pandas(table: Any, name: str) -> pl.DataFrame:
    if type(table).__name__ != "DataFrame":
        raise InputError(f"{name} is a pandas {type(table).__name__}; {_EXPECTED}")
    indexed = [level for level in table.index.names if level is not None]
    frame = table.reset_index(level=indexed) if indexed and not set(indexed) & set(table.columns) else table
    names = [str(column) for column in frame.columns]
    _require_unique(names, name)
    columns = (_series(frame.iloc[:, i], column, name) for i, column in enumerate(names))
    return pl.DataFrame(list(columns))


def _series(column: Any, name: str, table: str) -> pl.Series:
    try:
        return pl.Series(name, pl.from_pandas(column.reset_index(drop=True)))
    except (TypeError, ValueError) as error:  # Arrow's errors are of these kinds
        kinds = Counter(type(value).__name__ for value in column.dropna())
        held = " and ".join(kind for kind, _ in kinds.most_common(2)) or str(column.dtype)
        advice = f"make it one type, e.g. {table}[{name!r}].astype(str)"
        raise InputError(f"column {name!r} of {table} holds {held}; {advice}") from error


def _require_unique(names: list[str], table: str) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError(f"{table} has the column {twice[0]!r} more than once; rename one of them")
