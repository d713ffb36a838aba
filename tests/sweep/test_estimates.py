"""Sweeps estimate performance of windows whose labels have not come."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from core.store import references
from tests.sweep.conftest import FIRST


def flights(day, n=400, *, far=0.3, labelled=True):
    """Errors that grow with the distance, which the log's later days have more of."""
    rng = np.random.default_rng(day)
    distance = np.where(rng.random(n) < far, rng.uniform(2, 4, n), rng.uniform(0, 2, n))
    label = 50 + 10 * distance
    start = FIRST + timedelta(days=day)
    frame = pl.DataFrame(
        {
            "at": [start + timedelta(seconds=200 * i) for i in range(n)],
            "distance": distance,
            "carrier": rng.choice(["UA", "AA"], n),
            "minutes": label + (0.5 + distance) * rng.normal(size=n),
        }
    )
    return frame.with_columns(actual=pl.Series(label if labelled else [None] * n, dtype=pl.Float64))


def test_a_regression_is_estimated_from_its_reference_tree(model):
    model.declare(
        task="regression",
        predictions={
            **{"path": "predictions/loans", "timestamp": "at"},
            **{"prediction": "minutes", "actual": "actual"},
        },
        features={"numeric": ["distance"], "categorical": ["carrier"]},
    )
    for path in model.folder.iterdir():
        path.unlink()
    for day in range(15):
        model.write(flights(day, far=0.3 if day < 12 else 0.9, labelled=day < 14), f"{day:03}.parquet")
    model.sweep(15.5)
    estimated, realised = model.values("estimated_mae"), model.values("mae")
    assert realised[14] is None and estimated[14] == pytest.approx(estimated[13], rel=0.1)
    for day in range(14):
        assert estimated[day] == pytest.approx(realised[day], rel=0.15), day
    assert estimated[13] > 1.3 * estimated[5]
    with model.store.read() as c:
        current = references.current(c, model.name)
    tree = references.read_grid(model.store, model.name, current.reference_id).loss_tree
    assert tree is not None and {split.column for split in tree.splits} <= {"distance", "minutes", "carrier"}


def test_a_classifier_is_estimated_before_its_labels_come(model):
    model.declare(labels={"delay": "3d"})
    model.sweep(15.5)
    estimated, realised = model.values("estimated_accuracy"), model.values("accuracy")
    assert set(estimated) == set(range(15))
    assert np.mean([estimated[day] - realised[day] for day in range(15)]) == pytest.approx(0, abs=0.03)
    assert set(model.values("calibration_shift")) == set(range(15))
