"""Reading frozen rows: a prediction file as if it were a piece of the model's log, labels joined by id."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from core import artifacts, comparison, logs, survey
from core.declaration import Declaration
from core.engine import DuckDBEngine
from core.entities import LedgerEntry, Source
from core.errors import InputError, LogError, PathError
from core.evaluation.answered import Answered, answered
from core.evaluation.leakage import Training
from core.governed import LoggedRun
from core.records import Dataset, Version
from core.settings import Workspace
from core.windows import Window

ROWS = 500_000  # of a larger file, chosen by a hash of the prediction_id
_ALL = 50_000_000
CHAMPION_SHARE = 0.9  # of the candidate's rows that the champion has to have answered


@dataclass(frozen=True)
class Reader:
    """Reads rows of one model.

    `entries` is the ledger of its files; before the first sweep they are looked for where they lie.
    """

    workspace: Workspace
    declaration: Declaration
    entries: list[LedgerEntry]

    def file(self, path: Path, *, name: str, classes: tuple[str, ...] = ()) -> Answered:
        """Return the labelled rows of a prediction file.

        Raises
        ------
        LogError
            If it cannot be read as declared, or none of its rows has both an answer and a label.
        """
        with DuckDBEngine() as engine:
            source = Source((str(path),))
            windows = sorted(engine.windows_of(source, self.declaration))
            if not windows:
                raise LogError(f"{name} has no rows with a usable {self.declaration.predictions.timestamp}")
            labels = self._source(windows).labels
            frame = engine.sample(Source(source.files, labels), self.declaration, windows, ROWS)
        return answered(frame, self.declaration, name=name, classes=classes)

    def logged(self, candidate: Answered, version: str) -> Answered | None:
        """Return what the prediction log holds of a version in the candidate's windows; None if nothing."""
        calendar, column = self.declaration.calendar, self.declaration.predictions.version
        windows = calendar.of(candidate.times.unique().to_list())
        source = self._source(windows)
        if not source.files:
            return None
        with DuckDBEngine() as engine:
            frame = engine.sample(source, self.declaration, windows, _ALL)
        if column is not None:
            frame = frame.filter(pl.col(column) == version)
        known = candidate.declaration.predictions.prediction_id
        if known is not None:
            frame = frame.filter(pl.col(known).is_in(candidate.ids.implode()))
        if frame.is_empty():
            return None
        try:
            return answered(frame, self.declaration, name="the prediction log", classes=candidate.classes)
        except LogError:
            return None

    def _source(self, windows: list[Window]) -> Source:
        if self.entries:
            return survey.source(self.declaration, self.entries, windows)
        files = logs.find(self.workspace, self.declaration)
        return Source(
            tuple(f.path for f in files if f.kind == "predictions"),
            tuple((f.path, f.mtime_ns / 1e9) for f in files if f.kind == "labels"),
        )


def located(workspace: Workspace, path: str) -> Path:
    """Return a file that a person named: as it stands, or else in the workspace; inside the roots.

    Raises
    ------
    PathError
        If there is no such file, or it lies outside the roots.
    """
    here = Path(path).expanduser()
    file = workspace.resolve(str(here.resolve()) if here.exists() else path)
    if not file.is_file():
        raise PathError(
            f"{path} is no file ({file}); give a Parquet or CSV file under the roots of the workspace"
        )
    return file


def as_dataset(workspace: Workspace, file: Path, *, name: str) -> Dataset:
    """Return a prediction file as the dataset that evidence is bound to."""
    inside = file.is_relative_to(workspace.root)
    uri = file.relative_to(workspace.root).as_posix() if inside else str(file)
    kind = "csv" if file.suffix.lower() == ".csv" else "parquet"
    return artifacts.with_digest(workspace, Dataset(name=name, kind=kind, uri=uri))  # type: ignore[arg-type]


def require_rows_of(workspace: Workspace, dataset: Dataset, rows: Answered) -> None:
    """Refuse rows that are not in the dataset they are said to be of; believe what cannot be read from here.

    Raises
    ------
    InputError
        If a prediction_id is not in the dataset.
    """
    column = rows.declaration.predictions.prediction_id
    known = None if column is None else values(workspace, dataset, column)
    if known is None:
        return
    strange = rows.ids.filter(~rows.ids.is_in(known.cast(pl.String).implode()))
    if len(strange):
        raise InputError(
            f"{len(strange):,} of {len(rows):,} rows are not in the dataset {dataset.name} (e.g. "
            f"{strange[0]}); "
            "predict its rows, or leave --dataset out"
        )


def training(
    workspace: Workspace, version: Version, run: LoggedRun | None, declaration: Declaration
) -> Training:
    """Return what is known of a version's training, as far as its files can be read from here."""
    column, ids, ends = declaration.predictions.prediction_id, [], []
    for dataset in version.training:
        found = None if column is None else values(workspace, dataset, column)
        if found is not None:
            ids.append(found.cast(pl.String))
        if dataset.period is not None:
            ends.append(declaration.instant(dataset.period[1]))
        elif (times := values(workspace, dataset, declaration.predictions.timestamp)) is not None:
            ends += _latest(times, declaration)
    split = frozenset(d.split for d in version.evaluation if d.split is not None)
    complete = ids and len(ids) == len(version.training)
    return Training(
        ids=pl.concat(ids).unique() if complete else None,
        until=max(ends) if ends else None,
        promised=dict(run.record.metrics) if run else None,
        split=split,
    )


def values(workspace: Workspace, dataset: Dataset, column: str) -> pl.Series | None:
    """Return one column of a dataset's files; None where they cannot be read from here or lack it."""
    if artifacts.is_remote(dataset.uri) or dataset.kind not in ("parquet", "csv"):
        return None
    root = workspace.resolve(dataset.uri)
    files = [root] if root.is_file() else sorted(root.rglob(f"*.{dataset.kind}"))
    found = []
    for file in files:
        if not workspace.contains(file):
            return None
        if file.suffix.lower() == ".csv":
            frame = comparison.read(file)
        else:
            if column not in pl.read_parquet_schema(file):
                return None
            frame = pl.read_parquet(file, columns=[column])
        if column not in frame.columns:
            return None
        found.append(frame[column])
    return pl.concat(found) if found else None


def _latest(times: pl.Series, declaration: Declaration) -> list[datetime]:
    if not isinstance(times.dtype, pl.Datetime) or times.null_count() == len(times):
        return []
    last = times.max()
    assert isinstance(last, datetime)
    return [declaration.instant(last).astimezone(UTC)]
