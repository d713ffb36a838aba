"""The commands that print numbers: `status`, `series` and `compare`."""

from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from core.catalogue import CATALOGUE
from core.errors import InputError
from core.settings import Workspace
from core.store import Store, models, statistics
from core.store import status as model_status
from core.strict import nearest
from jobs.cli import CONDITION_FAILED
from jobs.terminal import print_json, print_table

_STATUS = ("model", "version", "state", "since", "reasons", "open_alerts", "last_window", "rows")
_SERIES = ("window_start", "window_end", "n", "value", "lower", "upper", "sampling_error", "alert", "mature")


def status(arguments: Namespace) -> int:
    """Print how each model is doing: as a table in its time zone, as JSON in UTC."""
    store = _open(arguments)
    with store.read() as c:
        rows = model_status.overview(c).select(_STATUS).to_dicts()
        zones = {model.declaration.model: model.declaration.zone for model in models.every(c)}
    if arguments.json:
        print_json(rows)
    elif rows:
        print_table([_local(row, zones[row["model"]], ("since", "last_window")) for row in rows], _STATUS)
    else:
        print("No model is declared yet; start with: steward declare NAME FILE…")
    return 0


def series(arguments: Namespace) -> int:
    """Print one metric of a model over time: as a table in the model's time zone, as JSON in UTC."""
    store = _open(arguments)
    with store.read() as c:
        known = {model.declaration.model: model.declaration for model in models.every(c)}
    if arguments.model not in known:
        raise InputError(f"{arguments.model!r} is no registered model; {nearest(arguments.model, known)}")
    found = statistics.read(
        store,
        arguments.model,
        "metrics",
        metrics=[arguments.metric],
        columns=None if arguments.column is None else [arguments.column],
        segment=arguments.segment,
        group=arguments.group,
        version=arguments.version,
        variant="",
    )
    if found.is_empty():
        _name_the_nearest(
            statistics.read(store, arguments.model, "metrics", metrics=[arguments.metric]), arguments
        )
    rows = _points(found, arguments, store.workspace.now())
    if arguments.json:
        print_json(rows)
    elif rows:
        zone = known[arguments.model].zone  # where windows are cut, so that a day begins at midnight
        print_table([_local(row, zone, _SERIES[:2]) for row in rows], _SERIES)
    else:
        print(f"{arguments.model} has no value of {arguments.metric} there yet.")
    return 0


def _name_the_nearest(everything: pl.DataFrame, arguments: Namespace) -> None:
    """Say which column, segment, group or version of a metric was meant where it has none of that name."""
    for key in ("column", "segment", "group", "version") if everything.height else ():
        asked, metric = getattr(arguments, key), arguments.metric
        names = sorted(set(everything[key]) - {""})
        if asked is None or asked in everything[key]:
            continue
        if not asked:
            raise InputError(f"{metric} is measured per {key}; say --{key}, one of {', '.join(names)}")
        if not names:
            raise InputError(f"{metric} is not measured per {key}; leave --{key} out")
        raise InputError(f"there is no {metric} of {key} {asked!r}; {nearest(asked, names)}")


def _points(found: pl.DataFrame, arguments: Namespace, now: datetime) -> list[dict[str, Any]]:
    """Return the series, or say which name was meant where it is not one series."""
    columns = sorted(set(found["column"]))
    if len(columns) > 1:
        raise InputError(
            f"{arguments.metric} is measured per column; say --column, one of {', '.join(columns)}"
        )
    if arguments.metric not in CATALOGUE and found.is_empty():
        raise InputError(f"{arguments.metric!r} is no metric; {nearest(arguments.metric, CATALOGUE)}")
    mature = pl.col("mature_at").is_null() | (pl.col("mature_at") <= now)
    points = found.with_columns(alert=pl.lit(None), mature=mature).sort("window_start")
    return points.select(_SERIES).to_dicts()


def _local(row: dict[str, Any], zone: ZoneInfo, times: Sequence[str]) -> dict[str, Any]:
    return row | {time: row[time] and row[time].astimezone(zone) for time in times}


def compare(arguments: Namespace) -> int:
    """Compare two files of rows and print, write or judge what differs."""
    from core import comparison, documents

    options = comparison.Options(
        prediction=arguments.prediction,
        score=arguments.score,
        actual=arguments.actual,
        timestamp=arguments.timestamp,
        protected=tuple(arguments.protected),
        segment=arguments.segment,
        columns=arguments.columns,
        categorical=arguments.categorical,
        task=arguments.task,
        positive=arguments.positive,
    )
    reference, current = comparison.read(arguments.reference), comparison.read(arguments.current)
    found = comparison.compare(reference, current, options)
    if arguments.html:
        Path(arguments.html).write_text(documents.comparison_html(found), encoding="utf-8")
    if arguments.json:
        print_json(comparison.to_json(found))
    else:
        print(comparison.to_text(found), end="")
    return CONDITION_FAILED if arguments.fail_on == "drift" and found.verdict == "drift" else 0


def _open(arguments: Namespace) -> Store:
    store = Store(Workspace.open(arguments.workspace))
    store.require_current()
    return store
