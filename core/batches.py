"""Predictions of a script into a model's prediction log: columns checked, one Parquet file, whole or none."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from core.declaration import BinnedAttribute, Declaration
from core.errors import LogError
from core.logs import GLOB_CHARACTERS, SUFFIXES, split_glob
from core.settings import Workspace
from core.store.parquet import write_whole
from core.strict import nearest

_TYPES = {"number": pl.Float64, "score": pl.Float64, "category": pl.String, "flag": pl.Boolean}
_EXPECTED = {"number": "numbers", "score": "probabilities from 0 to 1", "flag": "true and false"}


def write(workspace: Workspace, declaration: Declaration, frame: pl.DataFrame) -> Path:
    """Write a batch of predictions where the model's log lies, and return the file.

    Readers see the file whole or not at all. Two batches never have the same name.

    Raises
    ------
    LogError
        If the frame lacks a declared column or holds something else than declared, one line per mistake; or
        if the declared path leaves no room for a new file.
    StoreError
        If the file cannot be written.
    """
    checked = conforming(frame, declaration)
    path = new_file(workspace, declaration, checked)
    write_whole(path, lambda file: checked.write_parquet(file, compression="zstd"))
    return path


def conforming(frame: pl.DataFrame, declaration: Declaration) -> pl.DataFrame:
    """Return a batch that has what the declaration says; columns without any value get their type.

    The label's column may be missing: it is added, empty. Columns that nothing is declared about stay.

    Raises
    ------
    LogError
        One line per mistake.
    """
    if found := list(_mistakes(frame, declaration)):
        raise LogError("\n".join(f"{declaration.model}: {mistake}" for mistake in found))
    kinds = columns_of(declaration)
    label = None if declaration.labels and declaration.labels.path else declaration.predictions.actual
    if label and label not in frame.columns:  # not known yet; a log without the column is not as declared
        frame = frame.with_columns(pl.lit(None).alias(label))
    types = {label: _label_type(declaration)} | {name: _TYPES.get(kind) for name, kind in kinds.items()}
    empty = [name for name, dtype in frame.schema.items() if dtype == pl.Null]
    return frame.with_columns(pl.col(name).cast(types.get(name) or pl.String) for name in empty)


def _label_type(declaration: Declaration) -> type[pl.DataType]:
    if declaration.task == "regression":
        return pl.Float64
    return pl.Int64 if declaration.positive is None or isinstance(declaration.positive, int) else pl.String


def columns_of(declaration: Declaration) -> dict[str, str]:
    """Return what each column of the log holds: time, id, number, score, category, flag or anything."""
    log, features = declaration.predictions, declaration.features
    operations, custom = declaration.operations, declaration.custom.values()
    scores = log.score.values() if isinstance(log.score, dict) else [log.score]
    protected = [
        (each.column, "number") if isinstance(each, BinnedAttribute) else (each, "category")
        for each in declaration.protected
    ]
    said = [
        (log.timestamp, "time"),
        (log.prediction_id, "id"),
        *((name, "score") for name in scores),
        (log.prediction, "number" if declaration.task == "regression" else "category"),
        *((name, "number") for name in (features.numeric if features else ())),
        *((name, "number") for name in (operations.latency_ms, operations.cost_usd)),
        *((each.column, "number" if each.kind == "numeric" else "flag") for each in custom),
        *protected,
        *((name, "category") for name in (features.categorical if features else ())),
        *((name, "category") for name in (*declaration.segments, operations.status)),
        *((name, "category") for name in (log.version, log.variant)),
        *((name, "anything") for name in declaration.sensitive),
    ]
    kinds: dict[str, str] = {}
    for name, kind in said:
        if name:
            kinds.setdefault(name, kind)
    return kinds


def new_file(workspace: Workspace, declaration: Declaration, frame: pl.DataFrame) -> Path:
    """Return the path of a file that is not there yet and that the declared path finds.

    Raises
    ------
    LogError
        If the path names one file, or has wildcards that a new file's name cannot be told from.
    """
    declared = declaration.predictions.path
    first = frame[declaration.predictions.timestamp].min()
    stamp = f"{_compact(first)}-{secrets.token_hex(4)}"
    folder = workspace.resolve(declared)
    if not GLOB_CHARACTERS.intersection(declared):
        if folder.suffix in SUFFIXES and not folder.is_dir():
            advice = f"declare its folder instead: path: {Path(declared).parent}"
            raise LogError(f"predictions.path {declared!r} names one file, a batch is a new one; {advice}")
        return folder / f"{stamp}.parquet"
    folder, pattern = split_glob(folder)
    *above, name = Path(pattern).parts
    name = "*.parquet" if name in ("*", "**") else name
    before, star, after = name.partition("*")
    unclear = set(above) - {"**"} or not star or GLOB_CHARACTERS.intersection(before + after)
    if unclear or not after.endswith(".parquet"):
        advice = "declare a folder, or a path such as predictions/churn/**/*.parquet"
        raise LogError(f"no name for a new file can be told from predictions.path {declared!r}; {advice}")
    return folder / f"{before}{stamp}{after}"


def _compact(moment: object) -> str:
    utc = moment.astimezone(UTC) if isinstance(moment, datetime) and moment.tzinfo else moment
    return f"{utc:%Y%m%dT%H%M%S}"


def _mistakes(frame: pl.DataFrame, declaration: Declaration) -> Iterator[str]:
    if frame.is_empty():
        yield "the batch has no rows; write none when nothing was predicted"
        return
    kinds = columns_of(declaration)
    for name, kind in kinds.items():
        if name not in frame.columns:
            others = [column for column in frame.columns if column not in kinds] or frame.columns
            yield f"the batch has no column {name!r}, which is declared; {nearest(name, others)}"
        elif wrong := _wrong(frame[name], kind):
            yield wrong


def _wrong(column: pl.Series, kind: str) -> str | None:
    """Say what a column holds that it should not, None where it is as declared."""
    name, dtype = column.name, column.dtype
    if kind in ("time", "id") and (missing := column.null_count()):
        return f"{name}: {missing:,} of {len(column):,} rows have none; every prediction needs its {kind}"
    if kind == "time" and dtype != pl.Date and not isinstance(dtype, pl.Datetime):
        return f"{name} holds {dtype}, expected times; convert it, e.g. with .str.to_datetime()"
    if dtype.is_nested() or dtype in (pl.Object, pl.Binary):
        return f"{name} holds {dtype}, expected single values"
    numeric = dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)
    if kind in ("number", "score") and not numeric:
        example = column.drop_nulls().first()
        return f"{name} holds {dtype} such as {example!r}, expected {_EXPECTED[kind]}; cast it"
    if kind == "score" and dtype.is_numeric():
        finite = column.cast(pl.Float64).drop_nulls().drop_nans()
        if len(finite) and not finite.is_between(0, 1).all():
            low, high = finite.to_numpy().min(), finite.to_numpy().max()
            return f"{name} goes from {low:.4g} to {high:.4g}, expected {_EXPECTED[kind]}"
    return None
