"""Labels of one class come sooner than those of the other: what "as of today" says, and what Steward says.

The law is that of re-arrest or default: a positive is known when it happens, after an exponential time, a
negative only when the time in which it could have happened is over.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.entities import Alert
from core.monitoring import SweepResult
from core.store import alerts, statistics
from tests.sweep.conftest import COLUMNS, FIRST, Model, rows

DAYS, ROWS, PREVALENCE = 16, 300, 0.4
POSITIVE_MEAN, NEGATIVE, DELAY = 2.0, 8, 14  # days; one positive in a thousand takes longer than the delay
NIGHT = 1 + 2 / 24  # of a day: the day is over, and so is its grace
REFERENCE = ["2024-01-01", "2024-01-09"]
LABELS = {
    "path": "labels/loans",
    "prediction_id": "id",
    "actual": "actual",
    "available_at": "landed_at",
    "timestamp": "at",
}


def outcomes() -> pl.DataFrame:
    """Every prediction with its label, and on which day that lands."""
    rng = np.random.default_rng(2024)
    every = pl.concat([rows(day, ROWS, actual=False) for day in range(DAYS)])
    positive = rng.random(len(every)) < PREVALENCE
    waited = np.where(positive, rng.exponential(POSITIVE_MEAN, len(every)), NEGATIVE)
    landed_at = pl.col("at") + pl.duration(microseconds=pl.Series((waited * 86_400e6).astype(int)))
    every = every.with_columns(actual=pl.Series(positive).cast(pl.Int64), landed_at=landed_at)
    return every.with_columns(
        day=(pl.col("at") - FIRST).dt.total_days(), lands=(pl.col("landed_at") - FIRST).dt.total_days()
    )


def rates(model: Model, now: float) -> dict[int, tuple[float, bool]]:
    """By day the prevalence of the labels that have come, and whether Steward calls it mature."""
    whole = {"segment": "", "version": "", "variant": "", "group": "", "columns": [""]}
    found = statistics.read(model.store, model.name, "metrics", metrics=["label_rate"], **whole)
    known = found.filter(pl.col("value").is_not_null()).select("window_start", "value", "mature_at")
    instant = FIRST + timedelta(days=now)
    return {(start - FIRST).days: (value, ripe <= instant) for start, value, ripe in known.iter_rows()}


def alerts_of(model: Model) -> list[Alert]:
    with model.store.read() as c:
        return alerts.of_model(c, model.name)


@pytest.fixture
def lending(model: Model) -> Callable[..., Model]:
    """The model without a log yet, to be lived through day by day, and a monitor on its prevalence."""
    for file in model.folder.iterdir():
        file.unlink()

    def declare(**labels: Any) -> Model:
        model.declare(
            predictions={"path": "predictions/loans", **COLUMNS},
            labels={**LABELS, **labels},
            reference={"period": REFERENCE},
            monitors=[{"metric": "label_rate", "above": 0.7}],
        )
        return model

    return declare


def live(model: Model, every: pl.DataFrame, days: int) -> Iterator[tuple[int, SweepResult, int]]:
    """Write what each day brings and sweep an hour after it; yield the windows its rows speak of, too."""
    for day in range(days):
        predicted = every.filter(pl.col("day") == day)
        landed = every.filter(pl.col("lands") == day).select("id", "at", "actual", "landed_at", "day")
        if predicted.height:
            model.write(predicted.drop("actual", "landed_at", "lands", "day"), f"{day:03}.parquet")
        if landed.height:
            model.write(landed.drop("day"), f"{day:03}.parquet", folder="labels/loans")
        yield day, model.sweep(day + NIGHT), pl.concat([predicted["day"], landed["day"]]).n_unique()


def test_mature_windows_are_unbiased_where_the_labels_of_today_are_not(lending: Callable[..., Model]) -> None:
    every, model = outcomes(), lending(delay=f"{DELAY}d")
    naive, mature = dict[int, float](), dict[int, float]()
    for day, _, _ in live(model, every, DAYS + DELAY + 1):
        for window, (value, ripe) in rates(model, day + NIGHT).items():
            if ripe:
                mature.setdefault(window, value)
            elif day - window < NEGATIVE - 1:
                naive[window] = value
    assert len(naive) == DAYS and set(naive.values()) == {1.0}
    assert set(mature) == set(range(DAYS))
    error = np.sqrt(PREVALENCE * (1 - PREVALENCE) / (ROWS * DAYS))
    assert abs(np.mean(list(mature.values())) - PREVALENCE) < 3 * error
    truth = every.group_by("day").agg(pl.col("actual").mean())
    assert mature == pytest.approx(dict(truth.iter_rows()), abs=0.01)  # what came after the delay
    assert alerts_of(model) == []  # nobody judged a prevalence of 1.0


def stored(model: Model) -> pl.DataFrame:
    return statistics.read(model.store, model.name, "metrics")


def differing(before: pl.DataFrame, after: pl.DataFrame) -> set[int]:
    """Return the days of which any stored number is another one, new or gone."""
    columns = before.columns
    changed = [after.join(before, on=columns, how="anti", nulls_equal=True),
               before.join(after, on=columns, how="anti", nulls_equal=True)]  # fmt: skip
    return {(start - FIRST).days for start in pl.concat(changed)["window_start"].unique()}


def test_each_day_counts_exactly_the_windows_that_its_rows_and_labels_speak_of(
    lending: Callable[..., Model],
) -> None:
    model, every, before = lending(delay=f"{DELAY}d"), outcomes(), None
    for day, result, _ in live(model, every, 7 + DELAY):  # up to the day before the reference is frozen
        spoken_of = set(every.filter((pl.col("day") == day) | (pl.col("lands") == day))["day"])
        assert result.windows == len(spoken_of)
        after = stored(model)
        if before is not None:
            assert differing(before, after) == spoken_of
        before = after


def test_a_row_that_failed_is_not_waited_for(lending: Callable[..., Model]) -> None:
    model = lending(delay="30d", share=1.0)
    model.declare(
        predictions={"path": "predictions/loans", **COLUMNS},
        labels={**LABELS, "delay": "30d", "share": 1.0},
        operations={"status": "status"},
    )
    day = rows(0, 100).with_columns(status=pl.when(pl.int_range(pl.len()) < 20).then(pl.lit("timeout")))
    model.write(day.drop("actual"), "000.parquet")
    landed = day.filter(pl.col("status").is_null()).select("id", "at", "actual", landed_at="at")
    model.write(landed, "000.parquet", folder="labels/loans")
    model.sweep(NIGHT)
    assert model.values("labelled_share") == {0: 1.0}
    assert [ripe for _, ripe in rates(model, NIGHT).values()] == [True]


def test_a_declared_share_matures_windows_before_the_delay_has_passed(lending: Callable[..., Model]) -> None:
    model = lending(delay="30d", share=0.95)
    first = dict[int, int]()
    for day, _, _ in live(model, outcomes(), DAYS):
        for window, (value, ripe) in rates(model, day + NIGHT).items():
            if ripe and window not in first:
                first[window] = day
                assert value == pytest.approx(PREVALENCE, abs=0.1)
    assert first == {window: window + NEGATIVE for window in range(DAYS - NEGATIVE)}


def test_a_share_alone_lets_the_bias_back_in(lending: Callable[..., Model]) -> None:
    model = lending(share=0.3)  # fewer than are positive
    for _ in live(model, outcomes(), 7):
        pass
    ripe = [value for value, ripe in rates(model, 6 + NIGHT).values() if ripe]
    assert len(ripe) > 2 and set(ripe) == {1.0}
    assert alerts_of(model) != []  # a false one
