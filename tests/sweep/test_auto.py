"""`threshold: auto` from prediction logs to alerts: through the engine, the store and the commands."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from core.rehearsal import rehearse
from core.settings import initialise
from core.store import Store, alerts, models, references, statistics
from tests.sweep.conftest import FIRST

DAYS, REFERENCE, ROWS = 40, 20, 300
DRIFT = {"metric": "drift", "columns": "all", "threshold": "auto"}


def day_rows(day: int, *, shift: float = 0.0, new: float = 0.0, n: int = ROWS) -> pl.DataFrame:
    rng = np.random.default_rng([day, 5])
    share = 1 / np.arange(1, 5001)
    shop = rng.choice(5000, size=n, p=share / share.sum())
    shop = np.where(rng.random(n) < new, 10_000 + 100 * day + rng.integers(0, 50, n), shop)
    return pl.DataFrame(
        {
            "id": [f"{day}-{i}" for i in range(n)],
            "at": [FIRST + timedelta(days=day, seconds=60 * i) for i in range(n)],
            "version": "v1",
            "score": rng.beta(2, 3, n),
            "predicted": 1,
            "actual": rng.integers(0, 2, n),
            "amount": rng.normal(shift, 1, n),
            "shop": [f"shop {number}" for number in shop],
        }
    )


@pytest.fixture
def swept(tmp_path, make_model):
    """Return a function: the model after a year's sweep, drifting from day 30 on as it is told."""

    def sweep(reference=(0, REFERENCE), **drift):
        store = Store(initialise(tmp_path / "workspace"))
        store.migrate()
        model = make_model(store)
        period = [str((FIRST + timedelta(days=day)).date()) for day in reference]
        model.declare(
            monitors=[DRIFT],
            reference={"period": period},
            features={"numeric": ["amount"], "categorical": ["shop"]},
        )
        for day in range(DAYS):
            model.write(day_rows(day, **(drift if day >= 30 else {})), f"{day:03}.parquet")
        model.sweep(DAYS + 1)
        return model

    return sweep


def kept(model):
    with model.store.read() as c:
        return alerts.of_model(c, model.name)


def test_quiet_days_with_a_category_of_five_thousand_values_raise_nothing(swept) -> None:
    model = swept()
    assert kept(model) == []
    distances = statistics.read(model.store, model.name, "metrics", metrics=["jensen_shannon"])
    after = distances.filter(pl.col("window_start") >= FIRST + timedelta(days=REFERENCE), version="")
    assert after["p_value"].is_not_null().all() and after["reason"].is_not_null().all()
    assert "calibrated" not in " ".join(after["reason"])


def test_new_values_of_a_long_tail_and_a_moved_mean_say_what_they_are(swept) -> None:
    model = swept(new=0.2, shift=0.6)
    found = {alert.episode.target.column: alert for alert in kept(model)}
    assert set(found) == {"shop", "amount"}
    assert found["amount"].message.startswith("Drift in location of amount: 0.")
    assert "values of shop" in found["shop"].message or "value of shop" in found["shop"].message
    assert {alert.episode.first_window for alert in found.values()} == {FIRST + timedelta(days=30)}
    with model.store.read() as c:
        declared = models.get(c, model.name).declaration
    (rehearsed,) = rehearse(model.store, declared, now=FIRST + timedelta(days=DAYS + 1))
    told = {episode.target.column: episode.question for episode in rehearsed.episodes}
    assert told.keys() == found.keys() and told["amount"] == "location"


def test_few_reference_windows_are_marked(swept) -> None:
    model = swept(reference=(0, 5), shift=1.0)
    (alert,) = (each for each in kept(model) if each.episode.target.column == "amount")
    assert alert.message.endswith("(not calibrated: few reference windows)")


def test_one_reference_window_is_counted_in_parts(swept) -> None:
    model = swept(reference=(0, 1), shift=1.5)
    with model.store.read() as c:
        current = references.current(c, model.name)
    cells = references.read_reference_cells(model.store, model.name, current.reference_id)
    rows = cells.filter(kind="rows", segment="", version="", variant="", group="")
    assert rows["n"].sum() == ROWS and rows.height > 1
    assert "amount" in {alert.episode.target.column for alert in kept(model)}
