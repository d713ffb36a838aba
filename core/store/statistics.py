"""Statistics files: the counts and metrics of each model's windows, one Parquet file a month and kind.

``statistics/<model>/<yyyy-mm>.<kind>.<generation>.parquet``: a file never changes. A month is written again
as a new generation, and the registry row that names the current one moves in the transaction that records
the sweep. Until then, and after a crash before it, readers see the generation before.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb
import polars as pl
import sqlalchemy as sa

from core.entities import CELL_KEYS, CELLS, METRIC_KEYS, METRICS
from core.errors import StoreError
from core.store.database import Store
from core.store.parquet import write_frame
from core.store.schema import leases, reference, statistics
from core.store.upsert import upsert
from core.windows import Window

Kind = Literal["counts", "metrics"]

_SCHEMAS = {"counts": pl.Schema(CELLS), "metrics": pl.Schema(METRICS)}
# A reader asks for a few series: rows that are read together stand together.
_ORDER = {
    "counts": ("kind", "column", "segment", "version", "variant", "group", "window_start"),
    "metrics": METRIC_KEYS,
}
_KEYS = {"counts": CELL_KEYS, "metrics": METRIC_KEYS}


def write(store: Store, model: str, month: str, kind: Kind, frame: pl.DataFrame) -> str:
    """Write a new generation of a month and return its name; `publish` makes it the current one.

    Parameters
    ----------
    month : ``yyyy-mm`` of the windows' start in the model's zone, see Calendar.month
    frame : all the month's rows, columns of entities.CELLS or entities.METRICS

    Raises
    ------
    StoreError
        If the columns differ, or two rows have the same keys.
    """
    schema = _SCHEMAS[kind]
    if set(frame.columns) != set(schema):
        difference = sorted(set(frame.columns) ^ set(schema))
        raise StoreError(
            f"{model} {month}: a {kind} frame has {list(schema)}; missing or unknown: {difference}"
        )
    ordered = frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items()).sort(_ORDER[kind])
    if ordered.select(_KEYS[kind]).is_duplicated().any():
        raise StoreError(
            f"{model} {month}: two {kind} rows have the same {', '.join(_KEYS[kind])}; write each once"
        )
    # A random name, so that removing an old file can never hit one that is about to be published.
    generation = secrets.token_hex(8)
    write_frame(path_of(store.root, model, month, kind, generation), ordered)
    return generation


def publish(c: sa.Connection, model: str, month: str, kind: Kind, generation: str) -> None:
    """Make a generation the one that readers follow."""
    upsert(c, statistics, [{"model": model, "month": month, "kind": kind, "generation": generation}])


def months(store: Store, model: str, kind: Kind) -> dict[str, Path]:
    """Return the current file of each month, in time order."""
    current = (
        sa.select(statistics.c.month, statistics.c.generation)
        .where(statistics.c.model == model, statistics.c.kind == kind)
        .order_by(statistics.c.month)
    )
    with store.read() as c:
        return {month: path_of(store.root, model, month, kind, name) for month, name in c.execute(current)}


def read(
    store: Store,
    model: str,
    kind: Kind,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    metrics: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    segment: str | None = None,
    version: str | None = None,
    variant: str | None = None,
    group: str | None = None,
) -> pl.DataFrame:
    """Return a model's statistics, sorted by their keys; None does not filter, "" is "not sliced this way".

    Parameters
    ----------
    start, end : windows that start in [start, end)
    metrics, columns : names to keep; `metrics` only for kind ``metrics``

    Returns
    -------
    Columns of entities.CELLS or entities.METRICS; empty when nothing matches.

    Raises
    ------
    StoreError
        If a file is gone or damaged.
    """
    files = files_between(months(store, model, kind), start, end)
    wanted = {"metric": metrics, "column": columns}
    exact = {"segment": segment, "version": version, "variant": variant, "group": group}
    wanted |= {name: None if value is None else [value] for name, value in exact.items()}
    conditions, values = ["true"], dict[str, Any]()
    for name, accepted in wanted.items():
        if accepted is not None:
            names = [f"{name}_{i}" for i in range(len(accepted))]
            conditions.append(f'"{name}" IN ({", ".join(f"${n}" for n in names) or "NULL"})')
            values |= dict(zip(names, accepted, strict=True))
    if start is not None:
        conditions.append("window_start >= $start")
        values["start"] = start
    if end is not None:
        conditions.append("window_start < $end")
        values["end"] = end
    return _select(store, model, kind, files, " AND ".join(conditions), values)


def windows(
    store: Store, model: str, *, start: datetime | None = None, end: datetime | None = None
) -> list[Window]:
    """Return the windows that have numbers, in time order; those that start in [start, end)."""
    whole = {"segment": "", "version": "", "variant": "", "group": ""}
    found = read(store, model, "metrics", start=start, end=end, metrics=["volume"], columns=[""], **whole)
    return [Window(*bounds) for bounds in found.select("window_start", "window_end").iter_rows()]


def files_between(files: dict[str, Path], start: datetime | None, end: datetime | None) -> list[Path]:
    """Return the files of the months that can hold windows starting in [start, end).

    A month is one of the model's zone, at most a day away from UTC's.
    """
    day = timedelta(days=1)
    first = f"{start.astimezone(UTC) - day:%Y-%m}" if start else ""
    last = f"{end.astimezone(UTC) + day:%Y-%m}" if end else "9999-99"
    return [path for month, path in files.items() if first <= month <= last]


def expire(c: sa.Connection, before: datetime) -> int:
    """Let go of months before an instant, except those of a current reference; return how many files.

    Their files stay until `remove_unreferenced` takes them.
    """
    day = timedelta(days=1)  # a month of the model's zone is at most a day away from UTC's
    spans = sa.select(reference.c.model, reference.c.first_window, reference.c.last_window).where(
        reference.c.is_current, reference.c.first_window.is_not(None)
    )
    kept = {model: (f"{first - day:%Y-%m}", f"{last + day:%Y-%m}") for model, first, last in c.execute(spans)}
    old = sa.select(statistics.c.model, statistics.c.month, statistics.c.kind).where(
        statistics.c.month < f"{before.astimezone(UTC):%Y-%m}"
    )
    gone = [row for row in c.execute(old) if not _between(row.month, kept.get(row.model))]
    for model, month, kind in gone:
        own = (statistics.c.model == model, statistics.c.month == month, statistics.c.kind == kind)
        c.execute(sa.delete(statistics).where(*own))
    return len(gone)


def _between(month: str, span: tuple[str, str] | None) -> bool:
    return span is not None and span[0] <= month <= span[1]


def unreferenced(store: Store, older_than: datetime) -> list[Path]:
    """Return the files that no registry row names and that were written before `older_than` (wall time).

    Files of a model whose lease is held are left alone: they may be about to be published.
    """
    with store.read() as c:
        held = sa.select(leases.c.model).where(
            leases.c.holder.is_not(None), leases.c.expires_at > datetime.now(UTC)
        )
        busy = set(c.execute(held).scalars())
        current = {path_of(store.root, *row) for row in c.execute(sa.select(statistics))}
    return [
        path
        for folder in sorted((store.root / "statistics").glob("*/"))
        if folder.name not in busy
        for path in sorted(folder.iterdir())
        if path not in current and path.stat().st_mtime < older_than.timestamp()
    ]


def remove_unreferenced(store: Store, older_than: datetime) -> list[Path]:
    """Remove the files that `unreferenced` names, and return them."""
    paths = unreferenced(store, older_than)
    for path in paths:
        path.unlink(missing_ok=True)
    return paths


def path_of(root: Path, model: str, month: str, kind: str, generation: str) -> Path:
    """Return where a generation lies in a workspace."""
    return root / "statistics" / model / f"{month}.{kind}.{generation}.parquet"


def _select(
    store: Store, model: str, kind: Kind, files: Sequence[Path], condition: str, values: dict[str, Any]
) -> pl.DataFrame:
    schema = _SCHEMAS[kind]
    if not files:
        return pl.DataFrame(schema=schema)
    selected, order = (", ".join(f'"{name}"' for name in names) for names in (schema, _ORDER[kind]))
    query = f"SELECT {selected} FROM read_parquet($files) WHERE {condition} ORDER BY {order}"
    with store.parquet() as cursor:
        try:
            found: pl.DataFrame = cursor.sql(
                query, params={"files": [str(path) for path in files], **values}
            ).pl()
        except duckdb.Error as error:
            raise _unreadable(model, files, error) from error
    return found.cast(schema)


def _unreadable(model: str, files: Sequence[Path], error: duckdb.Error) -> StoreError:
    gone = [path for path in files if not path.exists()]
    what = f"{gone[0]} is gone" if gone else str(error).splitlines()[0]
    return StoreError(f"statistics of {model} cannot be read: {what}; run: steward rebuild {model}")
