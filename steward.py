"""Steward for notebooks and scripts: compare two tables, read what a workspace says, log predictions.

This file is what `import steward` may rely on; the packages beside it (core, jobs, pages) are not.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import polars as pl

import core

if Path(core.__file__ or "").resolve().parent != Path(__file__).resolve().parent / "core":
    raise ImportError(
        f"steward comes with a package named core, but {core.__file__} was found first; "
        "start Python in another folder, or give Steward an environment of its own"
    )

from core import batches, comparison
from core.actions import versions
from core.documents import comparison as report
from core.errors import InputError, StewardError
from core.running import RunInProgress, dataset_of, measured
from core.settings import Workspace
from core.store import Store, models
from core.strict import nearest
from core.tables import as_polars
from core.views import scripts

__all__ = [
    "Comparison",
    "InputError",
    "StewardError",
    "alerts",
    "compare",
    "log_predictions",
    "run",
    "series",
    "status",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_OPTION = re.compile(
    r"(?<!\S)--(?=(actual|categorical|columns?|group|positive|prediction|protected|score|segment|task"
    r"|timestamp|version)\b)"
)


class Comparison:
    """What `compare` found; shows itself as a report in a notebook and as text elsewhere."""

    def __init__(self, found: comparison.Comparison, title: str) -> None:
        self._found = found
        self._title = title

    @property
    def verdict(self) -> str:
        """``drift``, ``no_drift`` or ``too_few_rows``."""
        return self._found.verdict

    @property
    def drifted(self) -> list[str]:
        """The columns that drifted, worst first."""
        return self._found.drifted

    @property
    def columns(self) -> pl.DataFrame:
        """One row per compared column, worst first: its verdict, p-value, and every distance that it has."""
        rows = [
            {"column": name, "kind": each.kind, "role": each.role, "verdict": each.verdict}
            | {"p_value": each.p_value, "reason": each.reason}
            | {f"missing_{side}": share for side, share in vars(each.missing_share).items()}
            | {metric: value for metric, value in each.drift.items() if not isinstance(value, Mapping)}
            for name, each in self._found.columns.items()
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, as ``steward compare --json`` prints it."""
        return comparison.to_json(self._found)

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the report as one HTML page that needs nothing else; write it to `path` if that is given."""
        page = report.comparison_html(self._found, title=self._title)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def _repr_html_(self) -> str:
        return report.comparison_part(self._found, title=self._title)

    def __repr__(self) -> str:
        return comparison.to_text(self._found)


def _in_python(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Name in errors the arguments of a function, where the command has options of the same names."""

    @wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except InputError as error:
            raise type(error)(_OPTION.sub("", str(error))) from error.__cause__

    return call


@_in_python
def compare(
    reference: Any,
    current: Any,
    *,
    prediction: str | None = None,
    score: str | Mapping[str, str] | None = None,
    actual: str | None = None,
    timestamp: str | None = None,
    protected: str | Sequence[str] = (),
    segment: str | None = None,
    columns: Sequence[str] | None = None,
    categorical: str | Sequence[str] = (),
    task: str | None = None,
    positive: object = None,
    title: str = "Comparison of two tables",
) -> Comparison:
    """Compare two tables of rows, once: which columns drifted, and what that did to the model.

    Parameters
    ----------
    reference, current : what is normal, and what is to be judged; each a polars or pandas DataFrame, an Arrow
        table, or the path of a Parquet or CSV file. Columns are matched by name.
    prediction : the column of the predicted class or number
    score : the column of the positive class's probability; for several classes {class: column}
    actual : the column of the label; a table without it has no labels
    timestamp : only shown as the period of each table
    protected : the columns whose groups are compared
    segment : the same comparison for each of its 20 most frequent values
    columns : compare these columns only
    categorical : count these columns as categories although they hold numbers
    task : ``binary_classification``, ``multiclass_classification`` or ``regression``; guessed if left out
    positive : the positive class; 1 or true if left out

    Raises
    ------
    InputError
        If a table is none, or an argument does not fit the tables; the message says how.
    """
    options = comparison.Options(
        prediction=prediction,
        score=",".join(f"{k}={v}" for k, v in score.items()) if isinstance(score, Mapping) else score,
        actual=actual,
        timestamp=timestamp,
        protected=_names(protected),
        segment=segment,
        columns=None if columns is None else _names(columns),
        categorical=_names(categorical),
        task=task,
        positive=None if positive is None else _class_name(positive),
    )
    sides = (_rows(reference, "reference"), _rows(current, "current"))
    return Comparison(comparison.compare(*sides, options), title)


@_in_python
def status(*, workspace: str | Path | None = None) -> pl.DataFrame:
    """Return how each registered model is doing, one row per model.

    Parameters
    ----------
    workspace : the folder with steward.yaml; STEWARD_WORKSPACE if left out, else ./data
    """
    with _opened(workspace) as store:
        return scripts.status(store)


@_in_python
def alerts(
    model: str | None = None, *, resolved: bool = False, workspace: str | Path | None = None
) -> pl.DataFrame:
    """Return the alerts that are not resolved, newest first, one row per alert.

    Parameters
    ----------
    model : only of this model
    resolved : the resolved ones too
    workspace : the folder with steward.yaml; STEWARD_WORKSPACE if left out, else ./data
    """
    with _opened(workspace) as store:
        found = scripts.all_alerts(store, ended=resolved)
        if model is None:
            return found
        _registered(store, model)
        return found.filter(pl.col("model") == model)


@_in_python
def series(
    model: str,
    metric: str,
    *,
    column: str | None = None,
    segment: str = "",
    group: str = "",
    version: str = "",
    workspace: str | Path | None = None,
) -> pl.DataFrame:
    """Return one metric of a model over time, one row per window, times in the model's zone.

    Parameters
    ----------
    metric : a name of docs/metrics.md, such as ``roc_auc``
    column : of this column, for metrics that are measured per column
    segment, group : of this part of the traffic, such as ``origin=JFK`` or ``sex=F``
    version : of this model version
    workspace : the folder with steward.yaml; STEWARD_WORKSPACE if left out, else ./data

    Returns
    -------
    ``window_start``, ``window_end``, ``n``, ``value`` (null where it cannot be given), ``lower``, ``upper``
    (95 %), ``sampling_error``, ``alert`` (the severity of an alert that lasts through the window) and
    ``mature`` (false while labels are waited for).

    Raises
    ------
    InputError
        If that names no series; the message says which there are.
    """
    with _opened(workspace) as store:
        return scripts.one_series(
            store, model, metric, column=column, segment=segment, group=group, version=version
        )


@_in_python
def log_predictions(model: str, frame: Any, *, workspace: str | Path | None = None) -> Path:
    """Write a batch of predictions into a model's prediction log, and return the new Parquet file.

    The file is there whole or not at all, so batches may be written while Steward sweeps, by several
    processes at once. A time without zone is local time of the declared `timezone`.

    Parameters
    ----------
    frame : a polars or pandas DataFrame, or an Arrow table, with the columns that the model's declaration
        names; the label's may be missing, others may be there
    workspace : the folder with steward.yaml; STEWARD_WORKSPACE if left out, else ./data

    Raises
    ------
    InputError
        If the model is not registered, or a column lacks or does not hold what is declared; nothing was
        written then.
    """
    with _opened(workspace) as store:
        _registered(store, model)
        with store.read() as c:
            registered = models.get(c, model)
        assert registered is not None
        return batches.write(store.workspace, registered.declaration, as_polars(frame, "frame"))


@contextmanager
def run(
    model: str,
    name: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    dataset: str | Path | Mapping[str, Any] | None = None,
    workspace: str | Path | None = None,
) -> Iterator[RunInProgress]:
    """Record a training or experiment run, around what happens in a ``with``.

    Kept are start and duration, parameters, the metrics put into ``run.metrics``, the dataset with the digest
    of its content, the git commit that is checked out, and the energy where codecarbon is installed. Versions
    point to the run by ``run.id``. A run that ends with an exception is not recorded.

    Parameters
    ----------
    dataset : a file or folder under the workspace's roots, or a mapping as in ``steward version log-run``
    workspace : the folder with steward.yaml; STEWARD_WORKSPACE if left out, else ./data

    Raises
    ------
    InputError
        If the model is not registered or the record cannot be accepted.
    """
    from jobs.acting import acting

    with _opened(workspace) as store:
        _registered(store, model)
        trained_on = dataset_of(dataset, store.root) if dataset is not None else None
        made = RunInProgress(name, dict(parameters or {}), dataset=trained_on)
        with measured(made):
            yield made
        if made.record is not None:
            made.id = versions.log_run(store, model, made.record, acting(store)).id


@contextmanager
def _opened(workspace: str | Path | None) -> Iterator[Store]:
    place = workspace if workspace is not None else os.environ.get("STEWARD_WORKSPACE", "data")
    store = Store(Workspace.open(place))
    try:
        store.require_current()
        yield store
    finally:
        store.close()


def _registered(store: Store, model: str) -> None:
    with store.read() as c:
        known = [each.declaration.model for each in models.every(c)]
    if model not in known:
        raise InputError(f"{model!r} is no registered model; {nearest(model, known)}")


def _rows(table: Any, name: str) -> pl.DataFrame:
    return comparison.read(table) if isinstance(table, str | Path) else as_polars(table, name)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _class_name(positive: object) -> str:
    return str(positive).lower() if isinstance(positive, bool) else str(positive)


if __name__ == "__main__":  # python -m steward: the command of the same name
    from jobs.cli import main

    sys.exit(main())
