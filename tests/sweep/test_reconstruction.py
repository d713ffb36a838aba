"""`pca: true` from prediction logs to stored statistics, on real measurements, against scikit-learn."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core import reference, views
from core.cells import merge_cells
from core.engine import KERNEL_VERSION
from core.measures import measure
from core.store import alerts, models, references, statistics
from core.views import scripts
from tests.sweep.conftest import FIRST

DAYS, REFERENCE, BROKEN, ROWS = 16, 10, 14, 120
TUMOURS = load_breast_cancer()
NAMES = [name.replace(" ", "_") for name in TUMOURS.feature_names.tolist()]
UNSLICED = {"segment": "", "version": "", "variant": "", "group": ""}


def measurements(day, *, broken=False):
    """Thirty correlated measurements of tumours, some missing or infinite; broken: shuffled one by one."""
    rng = np.random.default_rng([day, 9])
    rows = TUMOURS.data[rng.integers(0, len(TUMOURS.data), ROWS)].copy()
    if broken:
        rows = rng.permuted(rows, axis=0)
    rows[rng.random(rows.shape) < 0.02] = np.nan
    rows[rng.random(rows.shape) < 0.01] = np.inf
    rows[:2] = np.nan
    columns = {name: pl.Series(values, dtype=pl.Float64) for name, values in zip(NAMES, rows.T, strict=True)}
    columns[NAMES[0]] = columns[NAMES[0]].fill_nan(None)
    start = FIRST + timedelta(days=day)
    return pl.DataFrame(
        {
            "id": [f"{day}-{i}" for i in range(ROWS)],
            "at": [start + timedelta(seconds=60 * i) for i in range(ROWS)],
            "version": "v1",
            "score": rng.random(ROWS),
            "predicted": 1,
            "actual": rng.integers(0, 2, ROWS),
            "clinic": rng.choice(["north", "south"], ROWS),
            "empty": pl.Series([None] * ROWS, dtype=pl.Float64),
            "still": 4.0,
            **columns,
        }
    )


def declared(model, **changes):
    features = {"numeric": [*NAMES, "empty", "still"], "categorical": ["clinic"]}
    model.declare(**{"pca": True, "features": features, "segments": ["clinic"]} | changes)


@pytest.fixture
def tumours(model):
    for path in model.folder.iterdir():
        path.unlink()
    for day in range(DAYS):
        model.write(measurements(day, broken=day >= BROKEN), f"{day:03}.parquet")
    return model


def declaration_of(model):
    with model.store.read() as c:
        return models.get(c, model.name).declaration


def numbers(frame):
    rows = frame.select(pl.col(NAMES).cast(pl.Float64)).to_numpy()
    rows = np.where(np.isfinite(rows), rows, np.nan)
    return rows[np.isfinite(rows).any(axis=1)]


def lost(scaler, pca, frame):
    given = scaler.transform(numbers(frame))
    return float(np.sqrt(((given - pca.inverse_transform(pca.transform(given))) ** 2).sum(axis=1).mean()))


def test_stored_errors_are_scikit_learn_s_in_every_window_and_segment(tumours):
    declared(tumours)
    tumours.sweep(DAYS + 1)
    days = [measurements(day, broken=day >= BROKEN) for day in range(DAYS)]
    scaler = make_pipeline(SimpleImputer(), StandardScaler())
    pca = PCA(n_components=0.65).fit(scaler.fit_transform(numbers(pl.concat(days[:REFERENCE]))))
    for segment, clinic in (("", None), ("clinic=north", "north"), ("clinic=south", "south")):
        found = tumours.values("pca_reconstruction", segment=segment)
        here = [day if clinic is None else day.filter(pl.col("clinic") == clinic) for day in days]
        assert found == pytest.approx({i: lost(scaler, pca, day) for i, day in enumerate(here)}, rel=1e-9)
        assert min(found[14], found[15]) > 1.4 * max(found[day] for day in range(BROKEN))
    rows = statistics.read(
        tumours.store, tumours.name, "metrics", metrics=["pca_reconstruction"], columns=[""], **UNSLICED
    )
    assert rows["n"].to_list() == [ROWS - 2] * DAYS
    assert tumours.values("pca_reconstruction", version="v1") == tumours.values("pca_reconstruction")


def test_a_month_is_the_sum_of_its_days(tumours):
    declared(tumours)
    tumours.sweep(DAYS + 1)
    counts = statistics.read(tumours.store, tumours.name, "counts", **UNSLICED)
    with tumours.store.read() as c:
        name = references.current(c, tumours.name).reference_id
    grid = references.read_grid(tumours.store, tumours.name, name)
    usual = merge_cells(references.read_reference_cells(tumours.store, tumours.name, name))
    declaration = declaration_of(tumours)
    month = measure(merge_cells(counts), usual, grid, declaration)
    months = pl.concat([measurements(day, broken=day >= BROKEN) for day in range(DAYS)])
    scaler = make_pipeline(SimpleImputer(), StandardScaler())
    reference_rows = pl.concat([measurements(day) for day in range(REFERENCE)])
    pca = PCA(n_components=0.65).fit(scaler.fit_transform(numbers(reference_rows)))
    found = month.filter(pl.col("metric") == "pca_reconstruction", pl.col("column") == "")["value"]
    assert found.to_list() == pytest.approx([lost(scaler, pca, months)], rel=1e-9)


def test_a_model_that_does_not_declare_it_is_counted_as_ever(tumours):
    """Its reference keeps its name, so nothing is counted again, and no cell or metric is added."""
    declared(tumours, pca=None)
    tumours.sweep(DAYS + 1)
    declaration = declaration_of(tumours)
    assert tumours.values("pca_reconstruction") == {}
    assert "moments" not in statistics.read(tumours.store, tumours.name, "counts")["kind"].unique()
    before = reference.identity(tumours.store.workspace, declaration, [])
    asked = declaration.model_copy(update={"pca": True})
    assert reference.identity(tumours.store.workspace, asked, []) != before
    with tumours.store.read() as c:
        assert references.current(c, tumours.name).reference_id == before
    assert KERNEL_VERSION == 3, "no other count changed: raising it would count every model anew"


def test_switching_it_on_makes_a_new_reference_with_the_errors_of_all_windows(tumours):
    declared(tumours, pca=None)
    tumours.sweep(DAYS + 1)
    declared(tumours)
    tumours.sweep(DAYS + 1)
    assert set(tumours.values("pca_reconstruction")) == set(range(DAYS))


def test_a_window_without_any_number_and_too_few_features_have_reasons(tumours):
    nothing = [pl.lit(None, pl.Float64).alias(name) for name in (*NAMES, "still")]
    tumours.write(measurements(12).with_columns(nothing), "012.parquet")
    declared(tumours)
    tumours.sweep(DAYS + 1)
    asked = {"metrics": ["pca_reconstruction"], "columns": [""], **UNSLICED}
    said = statistics.read(tumours.store, tumours.name, "metrics", **asked)
    unknown = said.filter(pl.col("value").is_null())
    assert unknown.select("n", "reason").rows() == [(0, "no row has a number in any feature")]
    assert (unknown["window_start"][0] - FIRST).days == 12
    declared(tumours, features={"numeric": [NAMES[0], "still"], "categorical": []}, segments=[])
    tumours.sweep(DAYS + 1)
    said = statistics.read(tumours.store, tumours.name, "metrics", **asked)
    assert len(said) == DAYS and said["value"].is_null().all()
    assert set(said["reason"]) == {"needs 2 to 50 numeric features that vary in the reference; it has 1"}


def test_more_than_fifty_inferred_features_are_too_many(tumours):
    for day in range(DAYS):
        rows = measurements(day)
        more = [(pl.col(name) * 2).alias(f"{name}_again") for name in NAMES]
        tumours.write(rows.with_columns(more), f"{day:03}.parquet")
    declared(tumours, features=None)
    tumours.sweep(DAYS + 1)
    asked = {"metrics": ["pca_reconstruction"], "columns": [""], **UNSLICED}
    said = statistics.read(tumours.store, tumours.name, "metrics", **asked)
    assert set(said["reason"]) == {"needs 2 to 50 numeric features that vary in the reference; it has 60"}
    assert "moments" not in statistics.read(tumours.store, tumours.name, "counts")["kind"].unique()


AUTO = {"metric": "pca_reconstruction", "threshold": "auto"}


def told(model):
    with model.store.read() as c:
        return [(alert.episode.target.segment, alert.message) for alert in alerts.of_model(c, model.name)]


def test_an_alert_says_that_features_go_together_differently_though_each_is_as_ever(tumours):
    drift = {"metric": "drift", "columns": NAMES, "threshold": "auto"}
    declared(tumours, monitors=[AUTO, drift])
    tumours.sweep(DAYS + 1)
    ((segment, message),) = told(tumours)
    assert segment == "" and message.startswith("PCA reconstruction error is ")
    assert ", above its usual " in message
    with tumours.store.read() as c:
        (alert,) = alerts.of_model(c, tumours.name)
    why = views.reasons(tumours.store, alert.id)
    assert "; no input moved by itself, so they go together differently" in why
    assert "; most of the change is in " in why


def test_a_reference_file_is_a_range_too(tumours):
    frame = pl.concat([measurements(day) for day in range(REFERENCE)])
    tumours.write(frame.drop("at"), "usual.parquet", folder="reference-rows")
    for day in range(REFERENCE):
        (tumours.folder / f"{day:03}.parquet").unlink()
    declared(tumours, monitors=[AUTO], reference={"path": "reference-rows/usual.parquet"})
    tumours.sweep(DAYS + 1)
    ((_, message),) = told(tumours)
    assert message.startswith("PCA reconstruction error is ") and "calibrated" not in message
    assert tumours.values("pca_reconstruction").keys() == set(range(REFERENCE, DAYS))


def test_a_reference_of_one_window_is_a_range_by_its_parts(tumours):
    wide = [measurements(100 + part).with_columns(pl.col("id") + "w") for part in range(12)]
    moved = [
        frame.with_columns(at=FIRST + timedelta(hours=2 * part) + (pl.col("at") - pl.col("at").min()) / 2)
        for part, frame in enumerate(wide)
    ]
    for path in tumours.folder.iterdir():
        path.unlink()
    tumours.write(pl.concat(moved), "000.parquet")
    for day in range(1, DAYS):
        tumours.write(measurements(day, broken=day >= BROKEN), f"{day:03}.parquet")
    declared(tumours, monitors=[AUTO], reference={"period": ["2024-01-01", "2024-01-02"]})
    tumours.sweep(DAYS + 1)
    ((_, message),) = told(tumours)
    assert message.startswith("PCA reconstruction error is ")


def test_the_reasons_name_the_feature_that_left_the_others(tumours):
    """One measurement in other units, on half of the rows: the others still go together."""
    for day in (14, 15):
        rows = measurements(day)
        half = pl.int_range(pl.len()) % 2 == 0
        moved = pl.when(half).then(pl.col("mean_area") * 3).otherwise("mean_area")
        tumours.write(rows.with_columns(mean_area=moved), f"{day:03}.parquet")
    declared(tumours, monitors=[AUTO])
    tumours.sweep(DAYS + 1)
    with tumours.store.read() as c:
        (alert,) = alerts.of_model(c, tumours.name)
    page = views.why_page(tumours.store, alert.id)
    lost = page.explanation.why.lost
    assert lost["column"][0] == "mean_area" and lost["share"][0] > 0.5
    assert lost["share"].sum() == pytest.approx(1)
    assert f"; most of the change is in mean_area ({lost['share'][0]:.0%})" in page.explanation.verdict
    assert "by themselves mean_area moved most" in page.explanation.verdict


def test_its_series_is_that_of_all_features_unless_one_is_named(tumours):
    declared(tumours)
    tumours.sweep(DAYS + 1)
    for column in (None, "mean_area"):
        found = scripts.one_series(tumours.store, tumours.name, "pca_reconstruction", column=column)
        assert found["value"].to_list() == list(tumours.values("pca_reconstruction", column or "").values())
