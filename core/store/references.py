"""References: what is normal for a model, and the frozen grid its rows are counted in.

``reference/<model>/<reference_id>.grid.json`` is the grid, ``….counts.parquet`` the counts of each reference
window, ``….parquet`` a sample of its rows, ``….importance.json`` what each input matters as they tell: the
reference stays usable when its logs are gone.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import sqlalchemy as sa
from pydantic import TypeAdapter

from core.entities import CELL_KEYS, CELLS, Grid
from core.errors import StoreError
from core.store.database import Store
from core.store.parquet import write_frame, write_whole
from core.store.schema import reference
from core.store.upsert import upsert

_GRID = TypeAdapter(Grid)
_IMPORTANCE = TypeAdapter(dict[str, float])


@dataclass(frozen=True)
class Reference:
    """One reference of a model: its windows, how many rows it holds, and whether it can still change."""

    model: str
    reference_id: str
    frozen: bool
    first_window: datetime | None
    last_window: datetime | None
    rows: int
    created_at: datetime


def put(c: sa.Connection, current: Reference) -> None:
    """Make a reference the model's current one; earlier ones stay known."""
    c.execute(sa.update(reference).where(reference.c.model == current.model).values(is_current=False))
    upsert(c, reference, [{**asdict(current), "is_current": True}], keep=("created_at",))


def current(c: sa.Connection, model: str) -> Reference | None:
    """Return the model's current reference; None before the first."""
    columns = [column for column in reference.c if column.name != "is_current"]
    found = sa.select(*columns).where(reference.c.model == model, reference.c.is_current)
    row = c.execute(found).one_or_none()
    return None if row is None else Reference(**row._mapping)


def every(c: sa.Connection, model: str) -> list[Reference]:
    """Return all references a model ever had, the oldest first."""
    columns = [column for column in reference.c if column.name != "is_current"]
    found = sa.select(*columns).where(reference.c.model == model)
    ordered = found.order_by(reference.c.created_at, reference.c.reference_id)
    return [Reference(**row._mapping) for row in c.execute(ordered)]


def write_grid(store: Store, model: str, grid: Grid) -> None:
    """Keep a grid under its reference_id."""
    text = json.dumps(asdict(grid), allow_nan=False, ensure_ascii=False, indent=1)
    path = _path(store, model, grid.reference_id, "grid.json")
    write_whole(path, lambda file: file.write(text.encode()))


def read_grid(store: Store, model: str, reference_id: str) -> Grid:
    """Return a kept grid.

    Raises
    ------
    StoreError
        If its file is gone or damaged.
    """
    path = _path(store, model, reference_id, "grid.json")
    try:
        return _GRID.validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _unreadable(model, path, error) from error


def write_reference_cells(store: Store, model: str, reference_id: str, cells: pl.DataFrame) -> None:
    """Keep the counts of a reference's windows, columns of entities.CELLS."""
    ordered = cells.select(pl.col(name).cast(dtype) for name, dtype in CELLS.items()).sort(CELL_KEYS)
    write_frame(_path(store, model, reference_id, "counts.parquet"), ordered)


def read_reference_cells(store: Store, model: str, reference_id: str) -> pl.DataFrame:
    """Return the kept counts of a reference's windows, columns of entities.CELLS.

    Raises
    ------
    StoreError
        If their file is gone or damaged.
    """
    path = _path(store, model, reference_id, "counts.parquet")
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(model, path, error) from error


def write_sample(store: Store, model: str, reference_id: str, rows: pl.DataFrame) -> None:
    """Keep a sample of a reference's rows, so that it can be counted another way when its logs are gone."""
    write_frame(_path(store, model, reference_id, "parquet"), rows)


def write_importance(store: Store, model: str, reference_id: str, importance: Mapping[str, float]) -> None:
    """Keep how much each input matters, as the reference's rows tell."""
    text = json.dumps(dict(importance), allow_nan=False, ensure_ascii=False, indent=1)
    path = _path(store, model, reference_id, "importance.json")
    write_whole(path, lambda file: file.write(text.encode()))


def read_importance(store: Store, model: str, reference_id: str) -> dict[str, float]:
    """Return how much each input matters, as the reference's rows tell; empty where that is not known."""
    path = _path(store, model, reference_id, "importance.json")
    try:
        return _IMPORTANCE.validate_json(path.read_bytes()) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise _unreadable(model, path, error) from error


def sample_path(store: Store, model: str, reference_id: str) -> Path | None:
    """Return the file with the sample of a reference's rows, if there is one."""
    path = _path(store, model, reference_id, "parquet")
    return path if path.exists() else None


def _path(store: Store, model: str, reference_id: str, ending: str) -> Path:
    return store.root / "reference" / model / f"{reference_id}.{ending}"


def _unreadable(model: str, path: Path, error: Exception) -> StoreError:
    problem = str(error).splitlines()[0] if path.exists() else "it is gone"
    return StoreError(f"the reference {path} cannot be read: {problem}; run: steward rebuild {model}")
