"""The row view reads one window of the log, masks what is sensitive and leaves a record."""

from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest

from core import views
from core.engine.deadline import deadline
from core.entities import Actor, LedgerEntry, LogFile
from core.errors import InputError, LogError
from core.store import Store, audit, ledger
from tests.pages import portfolio

ACTOR = Actor("single-user", "ui")
DAY = datetime(2013, 6, 1, 4, tzinfo=UTC)  # midnight in New York


@pytest.fixture
def logged(sqlite_store: Store) -> Store:
    """A model whose log holds 600 rows on 1 June and one on 2 June 2013."""
    portfolio.register(
        sqlite_store, "logged", sensitive=["passenger"], features={"categorical": ["passenger"]}
    )
    path = sqlite_store.root / "predictions" / "logged" / "june.parquet"
    path.parent.mkdir(parents=True)
    instants = [DAY + timedelta(minutes=i) for i in range(600)] + [DAY + timedelta(days=1)]
    pl.DataFrame(
        {
            "scored_at": instants,
            "probability": [0.25] * 601,
            "predicted": [0] * 601,
            "actual": [1] * 601,
            "passenger": ["Ann Example"] * 601,
            "latency_ms": [12.0] * 601,
            "undeclared": ["secret"] * 601,
        }
    ).write_parquet(path)
    file = LogFile(str(path), "predictions", path.stat().st_size, path.stat().st_mtime_ns)
    with sqlite_store.write() as c:
        ledger.record(c, "logged", [LedgerEntry(file, "read", instants[0], instants[-1], 601)])
    return sqlite_store


def test_rows_are_of_one_window_and_of_declared_columns_only(logged: Store) -> None:
    found = views.rows(logged, "logged", DAY + timedelta(hours=3), ACTOR)
    assert found.frame.height == 500
    assert "undeclared" not in found.frame.columns
    assert found.frame["scored_at"].dt.date().unique().to_list() == [DAY.date()]
    next_day = views.rows(logged, "logged", DAY + timedelta(days=1), ACTOR)
    assert next_day.frame.height == 1


def test_sensitive_values_are_masked(logged: Store) -> None:
    found = views.rows(logged, "logged", DAY, ACTOR)
    assert found.masked == ("passenger",)
    assert found.frame["passenger"].unique().to_list() == ["•••"]


def test_opening_rows_is_recorded_without_what_they_hold(logged: Store) -> None:
    views.rows(logged, "logged", DAY, ACTOR)
    with logged.read() as c:
        entry = audit.entries(c, entity="model:logged")[0]
    assert (entry.actor, entry.action) == ("single-user", "rows.opened")
    assert entry.after == {"window": DAY.isoformat(), "rows": 500, "masked": ["passenger"]}


def test_a_window_without_log_files_says_so_and_leaves_no_record(logged: Store) -> None:
    with pytest.raises(LogError, match="its rows are gone"):
        views.rows(logged, "logged", DAY - timedelta(days=30), ACTOR)
    with logged.read() as c:
        assert not audit.entries(c, entity="model:logged")


def test_rows_of_an_unknown_model_are_refused(logged: Store) -> None:
    with pytest.raises(InputError, match="no model is called"):
        views.rows(logged, "../logged", DAY, ACTOR)


def test_a_read_that_takes_too_long_is_stopped_and_says_what_to_do() -> None:
    with duckdb.connect() as connection:
        with (
            pytest.raises(LogError, match=r"longer than 0\.05 s and was stopped; split the files"),
            deadline(connection, 0.05, "split the files"),
        ):
            connection.execute("SELECT count(*) FROM range(1_000_000_000_000)").fetchall()
        with deadline(connection, 60, "wait"):
            assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_an_error_in_time_is_the_readers_own() -> None:
    with (
        duckdb.connect() as connection,
        pytest.raises(duckdb.CatalogException),
        deadline(connection, 60, "wait"),
    ):
        connection.execute("SELECT * FROM nowhere")
