"""The demo's challengers: the same models taught until June, beside their champions of January to March.

All are written as artifacts of plain JSON. Champion and challenger answer the same frozen rows, the flights
from July on, which neither has seen: `files` writes everything, the records say what the registry is told,
`evaluate` lets the real evaluation attach what these rows prove.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn import __version__
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from core.actions import evaluations
from core.demo import trees
from core.demo.flights import (
    DELAY_CATEGORIES,
    DELAY_NUMBERS,
    LATE_OR_CANCELLED,
    PUSHBACK_NUMBERS,
    PUSHED_BACK_AT,
    ROUTE,
    SCORED_AT,
)
from core.demo.recording import END_OF_YEAR, serving
from core.demo.sources import NEW_YORK
from core.demo.training import classifier, matrix, predictions
from core.demo_scoring import probabilities
from core.entities import Actor
from core.records import Dataset, Run, Version
from core.store import Store

CHAMPION, CHALLENGER = "1.0", "2.0"
LAST_MONTH = {CHAMPION: 3, CHALLENGER: 6}  # of training
_BEGINS = datetime(2013, 7, 1)  # New York
_PARAMETERS = {"max_iter": 50, "max_leaf_nodes": 15, "min_samples_leaf": 200}


@dataclass(frozen=True)
class Task:
    """What a model is asked: `at` names when, `late` is the answer, `decides`: it logs a decision too."""

    model: str
    categories: tuple[str, ...]
    numbers: tuple[str, ...]
    at: pl.Expr
    late: pl.Expr
    label: str
    decides: bool = False
    median_ms: float = 35.0

    @property
    def evaluation(self) -> str:
        """The name of the frozen rows."""
        return f"{self.model}-second-half"


DELAY_30 = Task(
    *("delay-30", DELAY_CATEGORIES, DELAY_NUMBERS, SCORED_AT, LATE_OR_CANCELLED),
    label="more than 30 minutes late or cancelled",
)
PUSHBACK = Task(
    *("pushback-late15", ROUTE, PUSHBACK_NUMBERS, PUSHED_BACK_AT, pl.col("arr_delay") > 15),
    label="arrives more than 15 minutes late",
    decides=True,
    median_ms=8.0,
)


@dataclass(frozen=True)
class Files:
    """Where everything lies, relative to the workspace; by version where each has its own."""

    artifacts: dict[str, str]
    training: dict[str, str]
    answers: dict[str, str]
    rows: str
    validated: dict[str, float]  # ROC AUC in weeks that were held out of the training


def files(root: Path, flights: pl.DataFrame, task: Task = DELAY_30) -> Files:
    """Train both versions and write artifacts, training rows, frozen rows and both versions' answers to them.

    What an earlier call wrote stays as it is.

    Parameters
    ----------
    root : the workspace
    flights : as `sources.flights` returns them
    """
    folder, at = Path("datasets") / task.model, task.at.meta.output_name()
    written = root / folder / "files.json"  # comes last
    if written.exists():
        return Files(**json.loads(written.read_text()))
    (root / folder).mkdir(parents=True, exist_ok=True)
    flights = flights.with_columns(task.at, late=task.late).filter(
        pl.col(at).is_not_null(), pl.col("late").is_not_null()
    )
    rows = flights.select("flight_id", at, "month", *task.categories, *task.numbers, "late")
    local = pl.col(at)
    if rows.schema[at] != pl.Datetime("us"):
        local = local.dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None)
    unseen = pl.col("month") > LAST_MONTH[CHALLENGER]
    frozen = rows.filter(unseen, local >= _BEGINS, local < END_OF_YEAR).drop("month")
    made = Files({}, {}, {}, str(folder / "second-half.parquet"), {})
    frozen.write_parquet(root / made.rows)
    for version, last in LAST_MONTH.items():
        learned = (flights["month"] <= last).to_numpy()
        made.artifacts[version] = f"artifacts/{task.model}/{version}"
        made.training[version] = str(folder / f"training-{version}.parquet")
        made.answers[version] = str(folder / f"answers-{version}.parquet")
        model, made.validated[version] = _taught(task, flights, learned)
        content = trees.forest(model, task.categories, task.numbers, flights)
        trees.write(content, root / made.artifacts[version])
        rows.filter(learned).drop("month").write_parquet(root / made.training[version])
        _served(task, version, content, frozen).write_parquet(root / made.answers[version])
    written.write_text(json.dumps(asdict(made)))
    return made


def _served(task: Task, version: str, content: dict[str, Any], rows: pl.DataFrame) -> pl.DataFrame:
    """Return a version's answers to the frozen rows, as its serving system would log them."""
    probability = pl.Series("probability", probabilities(content, rows)).round(5)
    served = rows.with_columns(probability, model_version=pl.lit(version))
    if not task.decides:
        return served
    decided = served.with_columns(predicted_late=pl.col("probability") >= 0.5)
    answer = ["probability", "predicted_late"]
    return serving(decided, seed=len(version), answer=answer, median_ms=task.median_ms)


def training_run(made: Files, version: str, task: Task = DELAY_30) -> Run:
    """Return the run that taught a version: what it learned from, and what it promised."""
    return Run(
        name=f"{task.model} {version}",
        parameters=dict(_PARAMETERS),
        metrics={"roc_auc": made.validated[version]},
        dataset=_training(task, made, version),
    )


def record(
    made: Files, version: str, task: Task = DELAY_30, *, run: int | None = None, parent: int | None = None
) -> Version:
    """Return what the registry is told of a version."""
    rows = Dataset(
        name=task.evaluation,
        uri=made.rows,
        period=(date(2013, 7, 1), date(2014, 1, 1)),
        label=task.label,
        split="time",
        licence="CC0",
    )
    return Version(
        name=version,
        artifact=made.artifacts[version],
        format="json",
        framework=f"scikit-learn {__version__}",
        inputs=dict.fromkeys(task.categories, "string") | dict.fromkeys(task.numbers, "double"),
        outputs={"probability": "double"},
        parameters=dict(_PARAMETERS),
        seed=0,
        run=run,
        training=(_training(task, made, version),),
        evaluation=(rows,),
        parent=parent,
        note=f"learned from January to {'March' if version == CHAMPION else 'June'} 2013",
    )


def evaluate(
    store: Store,
    made: Files,
    number: int,
    actor: Actor,
    task: Task = DELAY_30,
    *,
    version: str = CHALLENGER,
) -> evaluations.Evaluation:
    """Attach what the frozen rows prove of a version; of the challenger also against the champion."""
    return evaluations.evaluate(
        store,
        task.model,
        number,
        actor,
        predictions=str(store.root / made.answers[version]),
        champion=str(store.root / made.answers[CHAMPION]) if version == CHALLENGER else None,
        dataset=task.evaluation,
    )


def _training(task: Task, made: Files, version: str) -> Dataset:
    return Dataset(
        name=f"{task.model}-training-{version}",
        uri=made.training[version],
        period=(date(2013, 1, 1), date(2013, LAST_MONTH[version] + 1, 1)),
        label=task.label,
        licence="CC0",
    )


def _taught(task: Task, flights: pl.DataFrame, learned: np.ndarray) -> tuple[Any, float]:
    """Return the model of the training months, and its ROC AUC in weeks of them that were held out."""
    make = classifier(len(task.categories))
    features = matrix(flights, task.categories, task.numbers)
    target = flights["late"].to_numpy().astype(np.float64)
    known, weeks = np.ones(len(target), dtype=np.bool_), flights["week"].to_numpy()
    held_out = predictions(make, features, target, training=learned, known=known, block=weeks)[learned]
    validated = float(roc_auc_score(target[learned], held_out))
    with threadpool_limits(1, "openmp"):
        return make().fit(features[learned], target[learned]), validated
