"""Registered models: what is declared comes back as it was declared."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.store import models, schema

DECLARED = {
    "task": "binary_classification",
    "labels": {"path": "labels/*.parquet", "prediction_id": "id", "actual": "late", "delay": "2d"},
    "features": {"numeric": ["temp", "distance"], "categorical": ["origin"]},
    "protected": ["sex", {"column": "age", "bins": [25, 40]}],
    "predictions": {"path": "p", "timestamp": "at", "prediction_id": "id", "score": "p"},
    "reference": {"period": [date(2013, 1, 1), datetime(2013, 4, 1, tzinfo=UTC)]},
    "monitors": [{"metric": "psi", "above": 0.2, "for": "48h"}],
    "window": "1w",
    "grace": "90m",
}


def test_a_declaration_comes_back_equal(store, declared, now):
    declaration = declared(**DECLARED)
    with store.write() as c:
        models.put(c, declaration, text="model: delay-30  # as written\n", now=now)
    with store.read() as c:
        model = models.get(c, "delay-30")
    assert model.declaration == declaration
    assert model.declaration.reference.period == declaration.reference.period
    assert model.text == "model: delay-30  # as written\n"
    assert (model.managed, model.paused, model.created_at) == ("file", False, now)


def test_replacing_a_declaration_keeps_when_it_was_registered_and_that_it_is_paused(
    registered, declared, now
):
    later = now + timedelta(days=1)
    with registered.write() as c:
        models.pause(c, "delay-30", "ops@example.com")
        models.put(c, declared(risk_tier=1), text="new", managed="ui", now=later)
    with registered.read() as c:
        model = models.get(c, "delay-30")
    assert (model.declaration.risk_tier, model.text, model.managed) == (1, "new", "ui")
    assert (model.created_at, model.updated_at, model.paused) == (now, later, True)


def test_models_come_by_name_and_an_unknown_one_is_none(registered, declared, now):
    with registered.write() as c:
        models.put(c, declared("arrival-status"), text="", now=now)
    with registered.read() as c:
        assert [model.declaration.model for model in models.every(c)] == ["arrival-status", "delay-30"]
        assert models.get(c, "nobody") is None


@pytest.mark.parametrize("end", [date(2013, 4, 1), datetime(2013, 4, 1), datetime(2013, 4, 1, tzinfo=UTC)])
def test_a_period_s_end_stays_the_day_or_the_instant_it_was(store, declared, now, end):
    declaration = declared(reference={"period": [date(2013, 1, 1), end]})
    with store.write() as c:
        models.put(c, declaration, text="", now=now)
    with store.read() as c:
        assert models.get(c, "delay-30").declaration.reference.period == declaration.reference.period


def test_what_was_accepted_stays_in_force_when_later_rules_would_refuse_it(registered):
    with registered.write() as c:
        text = json.loads(c.execute(sa.select(schema.models.c.declaration)).scalar_one())
        text["reference"] = {"period": ["1000-01-01", "2900-01-01"]}  # today longer than may be
        c.execute(sa.update(schema.models).values(declaration=json.dumps(text)))
    with registered.read() as c:
        (model,) = models.every(c)
    assert model.declaration.reference.period == (date(1000, 1, 1), date(2900, 1, 1))
