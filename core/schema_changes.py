"""Columns that appeared, vanished or changed their type in a prediction log, from what its files hold."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby, pairwise

from core.entities import LedgerEntry, SchemaChange
from core.windows import Calendar

NAMED = 3  # of the columns that changed alike
_File = tuple[datetime, Mapping[str, str]]  # when it begins, and the types of its columns


def changes(entries: Iterable[LedgerEntry], calendar: Calendar) -> list[SchemaChange]:
    """Return the changes in time order.

    Files that begin in the same window are looked at together: a log may be written in parts that hold
    different columns. A change lies where the first file with it begins.

    Parameters
    ----------
    entries : the ledger; label files and files that could not be read say nothing
    """
    files = sorted(_telling(entries), key=lambda file: file[0])
    parts = [list(part) for _, part in groupby(files, key=lambda file: calendar.containing(file[0]))]
    found = []
    for (_, old), (at, new) in pairwise((part[0][0], _types(part)) for part in parts):
        for column in sorted(old.keys() | new.keys()):
            if old.get(column) != new.get(column):
                found.append(SchemaChange(at, column, old.get(column), new.get(column)))
    return found


def told(found: Sequence[SchemaChange]) -> Iterator[tuple[datetime, str]]:
    """Yield what changed at each time, in words.

    Examples
    --------
    >>> from datetime import UTC
    >>> day = datetime(2013, 6, 3, tzinfo=UTC)
    >>> found = [SchemaChange(day, "age", "BIGINT", "VARCHAR"), SchemaChange(day, "dewp", "DOUBLE", None)]
    >>> next(told([*found, SchemaChange(day, "temp", "DOUBLE", None)]))[1]
    'columns dewp and temp vanished, column age changed from BIGINT to VARCHAR'
    """
    for at, each in groupby(sorted(found, key=lambda change: change.at), key=lambda change: change.at):
        changed = list(each)
        appeared = [change.column for change in changed if change.before is None]
        vanished = [change.column for change in changed if change.after is None]
        others = [change for change in changed if change.before and change.after]
        both = ((appeared, "appeared"), (vanished, "vanished"))
        said = [f"{_names(columns)} {how}" for columns, how in both if columns]
        said += [f"column {c.column} changed from {c.before} to {c.after}" for c in others[:NAMED]]
        said += [f"{len(others) - NAMED} more changed their type"] * (len(others) > NAMED)
        yield at, ", ".join(said)


def begins(entries: Iterable[LedgerEntry]) -> datetime | None:
    """Return when the first file begins that says something of its columns."""
    return min((first for first, _ in _telling(entries)), default=None)


def _telling(entries: Iterable[LedgerEntry]) -> Iterator[_File]:
    for entry in entries:
        if entry.file.kind == "predictions" and entry.state != "bad" and entry.columns and entry.first:
            yield entry.first, entry.columns


def _types(files: Iterable[_File]) -> dict[str, str]:
    """Return the type of every column; of one that has several, all of them."""
    types: dict[str, set[str]] = {}
    for _, columns in files:
        for name, kind in columns.items():
            types.setdefault(name, set()).add(kind)
    return {name: " or ".join(sorted(kinds)) for name, kinds in types.items()}


def _names(columns: Sequence[str]) -> str:
    if len(columns) == 1:
        return f"column {columns[0]}"
    rest = len(columns) - NAMED
    if rest > 0:
        return f"columns {', '.join(columns[:NAMED])} and {rest} more"
    return f"columns {', '.join(columns[:-1])} and {columns[-1]}"
