"""A sweep writes down which columns of a log changed, and tells it with the alert that began then."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl

from core import views
from core.entities import SchemaChange
from core.store import Store, schema_changes
from tests.sweep.conftest import FIRST, Model, rows
from tests.sweep.test_alerts import kept, queued, write


def known(model: Model) -> list[tuple[int, str, str | None, str | None]]:
    with model.store.read() as c:
        found = schema_changes.every(c, model.name)
    return [((c.at - FIRST).days, c.column, c.before, c.after) for c in found]


def test_a_change_is_kept_once_and_shown_in_the_history(store: Store, make_model) -> None:
    model = make_model(store)
    model.days(*range(12))
    model.sweep(12.1)
    assert known(model) == []
    model.write(rows(12).with_columns(channel=pl.lit("web")), "012.parquet")
    model.sweep(13.1)
    model.write(rows(13).with_columns(channel=pl.lit(1)), "013.parquet")
    model.sweep(14.1)
    model.sweep(14.2)
    assert known(model) == [(12, "channel", None, "VARCHAR"), (13, "channel", "VARCHAR", "INTEGER")]
    events = views.history(store, model.name).events.filter(pl.col("kind") == "schema")
    assert events["what"].to_list() == [
        "In the log column channel changed from VARCHAR to INTEGER",
        "In the log column channel appeared",
    ]


def test_a_file_written_anew_takes_its_change_back(sqlite_store: Store, make_model) -> None:
    model = make_model(sqlite_store)
    model.days(*range(12))
    model.write(rows(12).with_columns(channel=pl.lit("web")), "012.parquet")
    model.sweep(13.1)
    assert len(known(model)) == 1
    model.write(rows(12, n=201), "012.parquet")
    model.sweep(13.2)
    assert known(model) == []


def test_what_the_ledger_has_forgotten_stays_known(store: Store, make_model) -> None:
    model = make_model(store)
    early = SchemaChange(FIRST, "old", None, "DOUBLE")
    late = SchemaChange(FIRST + timedelta(days=5), "new", None, "DOUBLE")
    with store.write() as c:
        schema_changes.put(c, model.name, [early], since=FIRST - timedelta(days=1))
        schema_changes.put(c, model.name, [late], since=FIRST)
        schema_changes.put(c, model.name, [late], since=FIRST)
        assert schema_changes.every(c, model.name) == [early, late]
        schema_changes.put(c, model.name, [], since=FIRST)
        assert schema_changes.every(c, model.name) == [early]


def test_the_message_of_an_alert_says_that_a_column_vanished_then(
    sqlite_store: Store, make_watched: Callable[..., Model]
) -> None:
    model = make_watched(sqlite_store)
    model.declare(
        monitors=[{"metric": "missing_share", "columns": ["amount"], "above": 0.1}],
        notify=["ops"],
    )
    for day in range(13):
        write(model, day)
    model.write(rows(13).with_columns(amount=pl.lit(None, pl.Float64)).drop("city"), "013.parquet")
    model.sweep(14.1)
    (message,) = queued(model)
    (event,) = message.payload["events"]
    assert "column city vanished on 14 January 2024" in event["why"]
    page = views.why_page(sqlite_store, kept(model)[0].id)
    assert page is not None and "column city vanished on 14 January 2024" in page.explanation.verdict
