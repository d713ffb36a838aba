"""Every metric of every task on data at the edge, counted by the engine: a sound number, or a reason."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from core.catalogue import CATALOGUE
from core.declaration import Declaration
from core.engine import DuckDBEngine
from core.entities import Grid, Source
from core.measures import measure

ROWS, DAYS = 300, 3
NULL = pl.lit(None)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
CLASSES = np.array(["early", "late", "never"])
FEATURES, OUTPUTS = ("x", "v", "c"), ("s", "s_early", "s_late", "s_never", "p", "k", "predicted")
PREDICTIONS = {
    "binary_classification": {"score": "s", "actual": "y"},
    "multiclass_classification": {
        "score": {name: f"s_{name}" for name in CLASSES},
        "prediction": "k",
        "actual": "label",
    },
    "regression": {"prediction": "p", "actual": "t"},
}
# What each edge does to the rows of the window that is measured; the reference stays ordinary.
EDGES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "one row": lambda rows: rows.head(1),
    "two rows": lambda rows: rows.head(2),
    "one class": lambda rows: rows.with_columns(y=0, label=pl.lit("late"), t=5.0),
    "one group": lambda rows: rows.with_columns(sex=pl.lit("F")),
    "constant": lambda rows: rows.with_columns(pl.all().exclude("at", "id").first()),
    "one bin": lambda rows: rows.with_columns(x=0.0, v=0.0, c=pl.lit("red"), s=0.5, p=5.0),
    "no input": lambda rows: rows.with_columns(NULL.cast(rows.schema[name]).alias(name) for name in FEATURES),
    "no prediction": lambda rows: rows.with_columns(
        NULL.cast(rows.schema[name]).alias(name) for name in OUTPUTS if name in rows.columns
    ),
    "no label": lambda rows: rows.with_columns(
        NULL.cast(rows.schema[name]).alias(name) for name in ("y", "label", "t")
    ),
    "infinite": lambda rows: rows.with_columns(x=np.inf, v=-np.inf, s=np.inf, p=-np.inf, t=np.inf),
    "not a number": lambda rows: rows.with_columns(x=np.nan, v=np.nan, s=np.nan, p=np.nan, t=np.nan),
    "unseen": lambda rows: rows.with_columns(
        x=1e300, v=-1e300, c=pl.lit("new"), k=pl.lit("new"), label=pl.lit("new")
    ),
    "everything failed": lambda rows: rows.with_columns(status=pl.lit("error")),
}


def log(seed: int, start: datetime, days: int) -> pl.DataFrame:
    """An ordinary prediction log, with the columns of every task."""
    rng = np.random.default_rng(seed)
    rows = ROWS * days
    classes, t = rng.integers(0, 3, rows), rng.gamma(9, 5, rows)
    y = rng.random(rows) < 0.4
    logits = np.exp(rng.normal(size=(rows, 3)) + 1.5 * np.eye(3)[classes])
    scores = logits / logits.sum(axis=1, keepdims=True)
    return pl.DataFrame(
        {
            "at": [start + timedelta(days=days) * (i / rows) for i in range(rows)],
            "id": [f"{seed}-{i}" for i in range(rows)],
            "x": (x := rng.normal(size=rows)),
            "v": 20 - 3 * x + rng.normal(size=rows),
            "c": rng.choice(["red", "green", "blue"], rows),
            "sex": rng.choice(["F", "M"], rows),
            "s": 1 / (1 + np.exp(-rng.normal(size=rows) - 2.0 * y + 1.0)),
            **{f"s_{name}": scores[:, i] for i, name in enumerate(CLASSES)},
            "k": CLASSES[scores.argmax(axis=1)],
            "p": t + rng.normal(2, 4, rows),
            "y": y.astype(int),
            "label": CLASSES[classes],
            "t": t,
            "ms": rng.lognormal(4, size=rows),
            "usd": rng.gamma(2, size=rows),
            "status": "ok",
        }
    )


def declared(task: str) -> Declaration:
    predictions = {"path": "logs", "timestamp": "at", "prediction_id": "id", **PREDICTIONS[task]}
    whole = {
        "model": "m",
        "owner": "o@example.com",
        "risk_tier": 3,
        "task": task,
        "predictions": predictions,
        "features": {"numeric": ["x", "v"], "categorical": ["c"]},
        "pca": True,
        "segments": ["c"],
        "protected": ["sex"],
        "operations": {"latency_ms": "ms", "cost_usd": "usd", "status": "status"},
    }
    return Declaration.model_validate(whole)


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine(threads=2) as engine:
        yield engine


@pytest.fixture(scope="module", params=sorted(PREDICTIONS))
def model(request, engine, tmp_path_factory) -> tuple[Declaration, Grid, pl.DataFrame]:
    """A declaration of each task, its grid, and the reference's counts."""
    declaration = declared(request.param)
    file = tmp_path_factory.mktemp("reference") / "log.parquet"
    log(0, FIRST, DAYS).write_parquet(file)
    source = Source((str(file),))
    windows = list(engine.windows_of(source, declaration))
    grid = engine.build_grid(source, declaration, windows, reference_id="r", frozen=True)
    return declaration, grid, engine.profile(source, declaration, grid, windows)


def measured(engine, model, rows: pl.DataFrame, path) -> tuple[pl.DataFrame, pl.DataFrame]:
    declaration, grid, reference = model
    rows.write_parquet(path / "log.parquet")
    source = Source((str(path / "log.parquet"),))
    cells = engine.profile(source, declaration, grid, list(engine.windows_of(source, declaration)))
    return cells, measure(cells, reference, grid, declaration)


def ordinary() -> pl.DataFrame:
    return log(1, FIRST + timedelta(days=DAYS), 1)


@pytest.mark.parametrize("edge", EDGES)
def test_a_number_in_its_range_inside_its_interval_or_a_reason(engine, model, tmp_path, edge) -> None:
    rows = EDGES[edge](ordinary())
    _, found = measured(engine, model, rows, tmp_path)
    assert found.height
    known, unknown = (found.filter(pl.col("value").is_null() == null) for null in (False, True))
    assert unknown["reason"].str.len_chars().gt(0).all() and unknown["reason"].is_not_null().all()
    assert known["value"].is_finite().all()
    assert found["n"].is_between(0, rows.height).all()
    for metric, low, high in known.group_by("metric").agg(low=pl.min("value"), high=pl.max("value")).rows():
        least, most = CATALOGUE[metric].range
        assert least is None or low >= least - 1e-12, metric
        assert most is None or high <= most + 1e-12, metric
    inside = pl.col("value").is_between(pl.col("lower") - 1e-12, pl.col("upper") + 1e-12)
    assert known.filter(~inside).select("metric", "value", "lower", "upper").is_empty()
    assert found.filter(pl.col("sampling_error") < 0).is_empty()


def test_no_rows_are_no_metrics(engine, model, tmp_path) -> None:
    cells, found = measured(engine, model, ordinary().clear(), tmp_path)
    assert cells.is_empty() and found.is_empty()


def test_what_the_whole_window_lacks_is_null_everywhere(engine, model, tmp_path) -> None:
    """Without labels no number that needs them may appear, in no slice."""
    _, found = measured(engine, model, EDGES["no label"](ordinary()), tmp_path)
    needing = [name for name, info in CATALOGUE.items() if info.needs_labels and name != "labelled_share"]
    assert found.filter(pl.col("metric").is_in(needing), pl.col("value").is_not_null()).is_empty()


def test_the_order_of_the_rows_says_nothing(engine, model, tmp_path) -> None:
    rows = ordinary()
    _, first = measured(engine, model, rows, tmp_path)
    _, second = measured(engine, model, rows.sample(fraction=1.0, shuffle=True, seed=3), tmp_path)
    assert first.select("metric", "column", "n").equals(second.select("metric", "column", "n"))
    assert np.allclose(first["value"].fill_null(0), second["value"].fill_null(0), rtol=1e-9, atol=1e-12)


def test_ten_million_times_the_rows_give_the_same_numbers_and_no_rubbish(engine, model, tmp_path) -> None:
    """Shares, rates and errors stay; the intervals shrink by the root of the factor."""
    declaration, grid, reference = model
    cells, first = measured(engine, model, ordinary(), tmp_path)
    factor = 10_000_000
    tallies = ("n", "missing", "nan", "positive_infinity", "negative_infinity", "uncastable")
    lists = [pl.col(name).list.eval(pl.element() * factor) for name in ("counts", "sums")]
    many = cells.with_columns(*(pl.col(name) * factor for name in tallies), *lists)
    second = measure(many, reference, grid, declaration)
    assert first.select("metric", "column", "segment").equals(second.select("metric", "column", "segment"))
    both = first.with_columns(many=second["value"], error=second["sampling_error"])
    by_rows = ["volume", "throughput", "psi", "chi_squared", "kolmogorov_smirnov_p_value"]
    by_rows.append("calibration_shift")  # its weights are of the rows on both sides
    kept = both.filter(~pl.col("metric").is_in(by_rows), pl.col("value").is_not_null())
    assert kept.height > 20
    assert np.allclose(kept["value"], kept["many"], rtol=1e-4, atol=1e-6)
    errors = kept.filter(pl.col("sampling_error") > 0, pl.col("error").is_not_null())
    assert (errors["error"] < errors["sampling_error"] / 1000).all()
    assert second["value"].drop_nulls().is_finite().all()
