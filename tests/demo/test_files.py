"""The files lie as serving systems leave them, and the declarations fit them."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from core.declaration import load_declaration
from core.demo import MODELS
from core.settings import Workspace


def logs(demo, model):
    return pl.scan_parquet(demo / "predictions" / model / "**/*.parquet")


def test_the_clock_stands_at_the_end_of_2013(demo):
    assert Workspace.open(demo).now() == datetime(2014, 1, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("model", MODELS)
def test_every_declared_column_is_in_the_files(demo, model):
    declaration = load_declaration(demo / "models" / f"{model}.yaml")
    log, labels = declaration.predictions, declaration.labels
    scores = list(log.score.values()) if isinstance(log.score, dict) else [log.score]
    roles = [log.timestamp, log.prediction_id, log.version, log.variant, *scores, log.prediction, log.actual]
    features = declaration.features
    used = [*features.numeric, *features.categorical] if features else []
    protected = [p if isinstance(p, str) else p.column for p in declaration.protected]
    operations = declaration.operations.model_dump().values()
    columns = {*roles, *used, *protected, *operations, *declaration.segments, *declaration.sensitive} - {None}
    assert columns <= set(logs(demo, model).collect_schema().names())
    if labels:
        stated = {labels.prediction_id, labels.actual, labels.available_at, labels.timestamp} - {None}
        feed = pl.scan_parquet(demo / "labels" / model / "*.parquet")
        assert stated <= set(feed.collect_schema().names())


def test_there_is_one_log_a_day_and_it_holds_that_day(demo):
    files = sorted((demo / "predictions" / "delay-30").glob("*/*/*.parquet"))
    assert len(files) == 365
    assert files[30].relative_to(demo / "predictions" / "delay-30").as_posix() == "2013/01/2013-01-31.parquet"
    local = pl.col("scored_at").dt.convert_time_zone("America/New_York").dt.date()
    assert pl.read_parquet(files[30]).select(local).unique().item() == date(2013, 1, 31)


def test_timestamps_are_utc_here_and_local_there(demo):
    schemas = {model: logs(demo, model).collect_schema() for model in MODELS}
    assert schemas["eta-air-time"]["scored_at"] == pl.Datetime("us", "UTC")
    assert schemas["pushback-late15"]["pushed_back_at"] == pl.Datetime("us")


@pytest.mark.parametrize("model", MODELS)
def test_prediction_ids_are_unique_and_nothing_lies_in_the_future(demo, model):
    log = load_declaration(demo / "models" / f"{model}.yaml").predictions
    rows = logs(demo, model).select(log.prediction_id, log.timestamp).collect()
    assert rows[log.prediction_id].is_unique().all()
    last = rows[log.timestamp].max()
    end = datetime(2014, 1, 1, 5, tzinfo=UTC) if last.tzinfo else datetime(2014, 1, 1)
    assert last < end


def test_labels_come_the_morning_after_and_none_from_the_future(demo):
    feed = pl.read_parquet(demo / "labels" / "eta-air-time" / "*.parquet")
    wait = (feed["published_at"] - feed["scored_at"]).dt.total_hours()
    assert wait.min() > 0
    assert (wait < 48).mean() > 0.999
    assert feed["published_at"].max() == datetime(2013, 12, 31, 11, tzinfo=UTC)


def test_a_flight_that_never_lands_gets_a_label_row_without_air_time(demo):
    feed = pl.read_parquet(demo / "labels" / "eta-air-time" / "*.parquet")
    never = feed.filter(pl.col("air_time").is_null())
    assert 9_400 < never.height <= 9_430
    assert set(never["outcome"]) == {"cancelled", "diverted"}
    assert feed.filter(pl.col("outcome") == "landed")["air_time"].null_count() == 0


def test_a_timeout_gives_no_answer_and_everything_else_does(demo):
    rows = logs(demo, "arrival-status").select("status", "p_late", "status_predicted").collect()
    timeouts = rows.filter(pl.col("status") == "timeout")
    assert 0.0005 < timeouts.height / rows.height < 0.002
    assert timeouts["p_late"].is_null().all() and timeouts["status_predicted"].is_null().all()
    assert rows.filter(pl.col("status") == "ok")["p_late"].is_not_null().all()
