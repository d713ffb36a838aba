"""The status of each model and the overview of all of them."""

from datetime import timedelta

import polars as pl
import pytest
import sqlalchemy as sa

from core.entities import ModelStatus
from core.store import models, schema, status


def full(model: str, now) -> ModelStatus:
    return ModelStatus(
        model,
        "critical",
        now - timedelta(days=2),
        reasons=("AUC fell from 0.86 to 0.74", "temp drifted"),
        version="7",
        open_alerts=2,
        last_window=now,
        last_timestamp=now,
        rows=5_000_000_000,
        headline="roc_auc",
        headline_value=0.74,
        headline_reference=0.86,
        sparkline=(0.86, None, 0.5),
        drifted_columns=1,
        drift_column="temp",
        drift_value=0.3,
        updated_at=now,
    )


def test_a_status_comes_back_equal_and_replaces_the_one_before(registered, now):
    with registered.write() as c:
        assert status.get(c, "delay-30") is None
        status.put(c, full("delay-30", now))
        assert status.get(c, "delay-30") == full("delay-30", now)
        status.put(c, ModelStatus("delay-30", "healthy", now))
        assert status.get(c, "delay-30") == ModelStatus("delay-30", "healthy", now)


def test_the_overview_has_every_model_with_its_owner_and_status(registered, declared, now):
    with registered.write() as c:
        models.put(c, declared("eta", owner="eta@example.com", team=None, risk_tier=1), text="", now=now)
        models.put(c, declared("resting"), text="", now=now)
        models.pause(c, "resting", "ops@example.com")
        status.put(c, full("delay-30", now))
    with registered.read() as c:
        overview = status.overview(c)
    delay, eta, resting = overview.rows(named=True)
    assert (delay["state"], delay["since"], delay["owner"]) == (
        "critical",
        now - timedelta(days=2),
        "ops@example.com",
    )
    assert delay["reasons"] == ["AUC fell from 0.86 to 0.74", "temp drifted"]
    assert delay["sparkline"][1] is None and delay["sparkline"][2] == 0.5
    assert delay["rows"] == 5_000_000_000
    assert (eta["state"], eta["since"], eta["team"], eta["risk_tier"]) == ("no_data", None, None, 1)
    assert (eta["reasons"], eta["sparkline"]) == ([], [])
    assert (resting["state"], resting["paused"]) == ("paused", True)
    assert overview.schema["last_window"] == pl.Datetime("us", "UTC")


def test_the_overview_of_no_models_has_the_same_columns(store, declared, now):
    with store.read() as c:
        empty = status.overview(c)
    with store.write() as c:
        models.put(c, declared(), text="", now=now)
        assert status.overview(c).schema == empty.schema


def test_the_overview_of_a_thousand_models_is_one_query(store, declared, now):
    with store.write() as c:
        models.put(c, declared("model-0000"), text="", now=now)
        status.put(c, full("model-0000", now))
        for table in (schema.models, schema.status):
            row = dict(c.execute(sa.select(table)).one()._mapping)
            c.execute(sa.insert(table), [{**row, "model": f"model-{i:04}"} for i in range(1, 1000)])
    with store.read() as c:
        queries: list[str] = []
        sa.event.listen(c, "before_cursor_execute", lambda *args: queries.append(args[2]))
        overview = status.overview(c)
    assert overview.height == 1000
    assert len(queries) == 1
    assert overview["model"].is_sorted()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_sparkline_value_that_is_no_number_is_refused(registered, now, value):
    with pytest.raises(sa.exc.StatementError, match="not JSON compliant"), registered.write() as c:
        status.put(c, ModelStatus("delay-30", "healthy", now, sparkline=(value,)))
