"""What serving systems and label feeds leave behind: one file a day, named as a team would name it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

import numpy as np
import polars as pl

from core.demo.sources import NEW_YORK

END_OF_YEAR = datetime(2014, 1, 1)  # New York; what happens later is not written yet
Files = Iterable[tuple[str, pl.DataFrame]]


@dataclass(frozen=True)
class Recording:
    """The files of one model, as (name, rows): its prediction logs and, if they come apart, its labels."""

    model: str
    predictions: Files
    labels: Files = ()


def serving(
    log: pl.DataFrame, *, seed: int, answer: list[str], median_ms: float, cost_usd: float = 0.0
) -> pl.DataFrame:
    """Add simulated `latency_ms` and `status` (and `cost_usd`, if it costs anything), and 1 timeout in 1,000.

    A timeout takes two seconds and leaves the columns of the answer empty.
    """
    random = np.random.default_rng(seed)
    late = pl.Series(random.random(log.height) < 0.001)
    latency = pl.Series(random.lognormal(np.log(median_ms), 0.35, log.height)).round(1)
    price = pl.Series(random.normal(1.0, 0.05, log.height)).clip(0.8, 1.2) * cost_usd
    log = log.with_columns(
        pl.when(~late).then(pl.col(answer)),
        latency_ms=pl.when(late).then(2000.0).otherwise(latency),
        status=pl.when(late).then(pl.lit("timeout")).otherwise(pl.lit("ok")),
    )
    return log.with_columns(cost_usd=price.round(7)) if cost_usd else log


def daily_logs(log: pl.DataFrame, timestamp: str) -> Files:
    """Return a log as one file per New York day: ``2013/01/2013-01-31.parquet``."""
    stamp = pl.col(timestamp)
    if log.schema[timestamp] != pl.Datetime("us"):
        stamp = stamp.dt.convert_time_zone(NEW_YORK)
    return _by_day(log.sort(timestamp), stamp.dt.date(), "%Y/%m/%Y-%m-%d.parquet")


def daily_feed(labels: pl.DataFrame, known_at: str) -> Files:
    """Return labels as the feed of six in the morning after the day their outcome was known.

    Adds `published_at`, drops `known_at`. Feeds of 2014 are not written yet.
    """
    morning = pl.col(known_at).dt.convert_time_zone(NEW_YORK).dt.date().dt.offset_by("1d").dt.combine(time(6))
    published = labels.with_columns(published_at=morning).filter(pl.col("published_at") < END_OF_YEAR)
    published = published.with_columns(
        pl.col("published_at").dt.replace_time_zone(NEW_YORK).dt.convert_time_zone("UTC")
    )
    return _by_day(published.drop(known_at), pl.col("published_at").dt.date(), "%Y-%m-%d.parquet")


def _by_day(rows: pl.DataFrame, day: pl.Expr, name: str) -> Files:
    files = rows.with_columns(_file=day.dt.to_string(name)).partition_by(
        "_file", include_key=False, as_dict=True
    )
    return [(str(key[0]), part) for key, part in files.items()]
