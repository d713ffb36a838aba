"""What a scoring command is given: the inputs of the frozen rows, and nothing it should tell itself."""

from pathlib import Path

import polars as pl

from core import comparison
from core.declaration import Declaration
from core.errors import LogError
from core.evaluation.answered import Answered
from core.records import Version


def answer_columns(declaration: Declaration) -> tuple[str, ...]:
    """Return the columns a scoring command has to write."""
    log = declaration.predictions
    return tuple(dict.fromkeys(name for name in (*log.scores, log.prediction) if name))


def read_inputs(file: Path, declaration: Declaration, version: Version) -> pl.DataFrame:
    """Return the rows of a file as a scoring command reads them.

    They have the version's registered inputs; where it registered none, every column that is no answer,
    label, version or measure of the serving system.

    Raises
    ------
    LogError
        If a registered input is not in the file.
    """
    frame, log = comparison.read(file), declaration.predictions
    if absent := [name for name in version.inputs if name not in frame.columns]:
        raise LogError(f"{file.name} lacks {', '.join(absent)}, which the version's signature names as input")
    kept = set(version.inputs) or set(frame.columns) - declaration.about_predictions - {
        log.version,
        log.variant,
    }
    keys = {log.prediction_id, log.timestamp}
    return frame.select(name for name in frame.columns if name in kept | keys)


def with_answers(file: Path, scored: pl.DataFrame, target: Path) -> Path:
    """Write a file's rows with a version's answers in place of what it holds, and return where."""
    frame = comparison.read(file).drop(scored.columns, strict=False)
    pl.concat([frame, scored], how="horizontal").write_parquet(target)
    return target


def of_rows(inputs: pl.DataFrame, rows: Answered) -> pl.DataFrame | None:
    """Return the inputs of rows in their order; None where no prediction_id says which are theirs."""
    name = rows.declaration.predictions.prediction_id
    if name is None:
        return None
    keyed = inputs.unique(name, keep="last", maintain_order=True).with_columns(
        key=pl.col(name).cast(pl.String)
    )
    found = pl.DataFrame({"key": rows.ids}).join(keyed, on="key", how="left", maintain_order="left")
    return found.drop("key")
