"""The challenger of delay-30: the same model taught until June, beside its champion of January to March.

Both are written as artifacts of plain JSON. They answer the same frozen rows, the flights from July on, which
neither has seen: `files` writes everything, the records say what the registry is told, `evaluate` lets the
real evaluation attach what these rows prove.
"""

from dataclasses import dataclass
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
from core.demo.flights import DELAY_CATEGORIES, DELAY_NUMBERS, LATE_OR_CANCELLED, SCORED_AT
from core.demo.sources import NEW_YORK
from core.demo.training import classifier, matrix, predictions
from core.entities import Actor
from core.records import Dataset, Run, Version
from core.store import Store

MODEL = "delay-30"
CHAMPION, CHALLENGER = "1.0", "2.0"
LAST_MONTH = {CHAMPION: 3, CHALLENGER: 6}  # of training
EVALUATION = "delay-30-second-half"
_BEGINS = datetime(2013, 7, 1)  # New York
_PARAMETERS = {"max_iter": 50, "max_leaf_nodes": 15, "min_samples_leaf": 200}


@dataclass(frozen=True)
class Files:
    """Where everything lies, relative to the workspace; by version where each has its own."""

    artifacts: dict[str, str]
    training: dict[str, str]
    answers: dict[str, str]
    rows: str
    validated: dict[str, float]  # ROC AUC in weeks that were held out of the training


def files(root: Path, flights: pl.DataFrame) -> Files:
    """Train both versions and write artifacts, training rows, frozen rows and both versions' answers to them.

    What is there already is written again with the same content.

    Parameters
    ----------
    root : the workspace
    flights : as `sources.flights` returns them
    """
    folder = Path("datasets") / MODEL
    (root / folder).mkdir(parents=True, exist_ok=True)
    rows = flights.select(
        "flight_id", SCORED_AT, "month", *DELAY_CATEGORIES, *DELAY_NUMBERS, late=LATE_OR_CANCELLED
    )
    frozen = rows.filter(
        pl.col("scored_at").dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None) >= _BEGINS
    )
    frozen = frozen.drop("month")
    made = Files({}, {}, {}, str(folder / "second-half.parquet"), {})
    frozen.write_parquet(root / made.rows)
    for version, last in LAST_MONTH.items():
        learned = (flights["month"] <= last).to_numpy()
        made.artifacts[version] = f"artifacts/{MODEL}/{version}"
        made.training[version] = str(folder / f"training-{version}.parquet")
        made.answers[version] = str(folder / f"answers-{version}.parquet")
        model, made.validated[version] = _taught(flights, learned)
        content = trees.forest(model, DELAY_CATEGORIES, DELAY_NUMBERS, flights)
        trees.write(content, root / made.artifacts[version])
        rows.filter(learned).drop("month").write_parquet(root / made.training[version])
        answers = pl.Series("probability", trees.probabilities(content, frozen)).round(5)
        served = frozen.with_columns(answers, model_version=pl.lit(version))
        served.write_parquet(root / made.answers[version])
    return made


def training_run(made: Files, version: str) -> Run:
    """Return the run that taught a version: what it learned from, and what it promised."""
    return Run(
        name=f"{MODEL} {version}",
        parameters=dict(_PARAMETERS),
        metrics={"roc_auc": made.validated[version]},
        dataset=_training(made, version),
    )


def record(made: Files, version: str, *, run: int | None = None, parent: int | None = None) -> Version:
    """Return what the registry is told of a version."""
    rows = Dataset(
        name=EVALUATION,
        uri=made.rows,
        period=(date(2013, 7, 1), date(2014, 1, 1)),
        label="more than 30 minutes late or cancelled",
        split="time",
        licence="CC0",
    )
    return Version(
        name=version,
        artifact=made.artifacts[version],
        format="json",
        framework=f"scikit-learn {__version__}",
        inputs=dict.fromkeys(DELAY_CATEGORIES, "string") | dict.fromkeys(DELAY_NUMBERS, "double"),
        outputs={"probability": "double"},
        parameters=dict(_PARAMETERS),
        seed=0,
        run=run,
        training=(_training(made, version),),
        evaluation=(rows,),
        parent=parent,
        note=f"learned from January to {'March' if version == CHAMPION else 'June'} 2013",
    )


def evaluate(store: Store, made: Files, number: int, actor: Actor) -> evaluations.Evaluation:
    """Attach what the frozen rows prove of the registered challenger against the champion."""
    return evaluations.evaluate(
        store,
        MODEL,
        number,
        actor,
        predictions=str(store.root / made.answers[CHALLENGER]),
        champion=str(store.root / made.answers[CHAMPION]),
        dataset=EVALUATION,
    )


def _training(made: Files, version: str) -> Dataset:
    return Dataset(
        name=f"{MODEL}-training-{version}",
        uri=made.training[version],
        period=(date(2013, 1, 1), date(2013, LAST_MONTH[version] + 1, 1)),
        label="more than 30 minutes late or cancelled",
        licence="CC0",
    )


def _taught(flights: pl.DataFrame, learned: np.ndarray) -> tuple[Any, float]:
    """Return the model of the training months, and its ROC AUC in weeks of them that were held out."""
    make = classifier(len(DELAY_CATEGORIES))
    features = matrix(flights, DELAY_CATEGORIES, DELAY_NUMBERS)
    target = flights.select(LATE_OR_CANCELLED.alias("late"))["late"].to_numpy().astype(np.float64)
    known, weeks = np.ones(len(target), dtype=np.bool_), flights["week"].to_numpy()
    held_out = predictions(make, features, target, training=learned, known=known, block=weeks)[learned]
    validated = float(roc_auc_score(target[learned], held_out))
    with threadpool_limits(1, "openmp"):
        return make().fit(features[learned], target[learned]), validated
