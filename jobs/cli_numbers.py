"""The commands that print numbers: `status`, `series` and `compare`."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from core.settings import Workspace
from core.store import Store, models
from core.views import scripts
from jobs.cli import CONDITION_FAILED
from jobs.terminal import print_json, print_table


def status(arguments: Namespace) -> int:
    """Print how each model is doing: as a table in its time zone, as JSON in UTC."""
    store = _open(arguments)
    rows = scripts.status(store).to_dicts()
    with store.read() as c:
        zones = {model.declaration.model: model.declaration.zone for model in models.every(c)}
    if arguments.json:
        print_json(rows)
    elif rows:
        shown = [_local(row, zones[row["model"]], ("since", "last_window")) for row in rows]
        print_table(shown, scripts.STATUS)
    else:
        print("No model is declared yet; start with: steward declare NAME FILE…")
    return 0


def series(arguments: Namespace) -> int:
    """Print one metric of a model over time: as a table in the model's time zone, as JSON in UTC."""
    found = scripts.one_series(
        _open(arguments),
        arguments.model,
        arguments.metric,
        column=arguments.column,
        segment=arguments.segment,
        group=arguments.group,
        version=arguments.version,
    )
    if arguments.json:
        bounds = pl.col("window_start", "window_end").dt.convert_time_zone("UTC")
        print_json(found.with_columns(bounds).to_dicts())
    elif found.height:
        print_table(found.to_dicts(), scripts.SERIES)
    else:
        print(f"{arguments.model} has no value of {arguments.metric} there yet.")
    return 0


def _local(row: dict[str, Any], zone: ZoneInfo, times: Sequence[str]) -> dict[str, Any]:
    return row | {time: row[time] and row[time].astimezone(zone) for time in times}


def compare(arguments: Namespace) -> int:
    """Compare two files of rows and print, write or judge what differs."""
    from core import comparison
    from core.documents.comparison import comparison_html

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
        Path(arguments.html).write_text(comparison_html(found), encoding="utf-8")
    if arguments.json:
        print_json(comparison.to_json(found))
    else:
        print(comparison.to_text(found), end="")
    return CONDITION_FAILED if arguments.fail_on == "drift" and found.verdict == "drift" else 0


def _open(arguments: Namespace) -> Store:
    store = Store(Workspace.open(arguments.workspace))
    store.require_current()
    return store
