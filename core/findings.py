"""What stands out in a model's newest windows, in words and since when; monitors judge, this only points."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from core.catalogue import CATALOGUE
from core.numerals import significant
from core.usual import Normal

LOOK_BACK_WINDOWS = 60
NOTABLE_EXCESS = 0.05  # of the Jensen–Shannon distance above its usual
NOTABLE_SHARE = 0.01  # of the rows, above what is usually missing
NOTABLE_GAP = 0.1  # between groups, in shares


@dataclass(frozen=True)
class Finding:
    """One thing that stands out, and the start of the unbroken run of windows in which it does."""

    text: str
    since: datetime


def performance(name: str, series: pl.DataFrame, normal: Normal | None, zone: ZoneInfo) -> Iterator[Finding]:
    """Yield a headline metric that is worse than in nineteen of twenty reference windows."""
    if normal is None or normal.low is None or normal.high is None or not series.height:
        return
    better = CATALOGUE[name].better
    worse = pl.col("value") < normal.low if better == "higher" else pl.col("value") > normal.high
    if start := run_start(series, worse):
        value = series.sort("window_start")["value"][-1]
        text = (
            f"{CATALOGUE[name].title} {significant(value)} "
            f"(usually {significant(normal.low)} to {significant(normal.high)})"
        )
        yield _finding(text, start, series, zone)


def missing(shares: pl.DataFrame, zone: ZoneInfo) -> Iterator[Finding]:
    """Yield the column that misses most above its usual; `shares` has `excess` (see usual.with_usual)."""
    notable = pl.col("excess") >= NOTABLE_SHARE
    newest = _newest(shares).filter(notable).sort("excess", "column", descending=[True, False])
    if newest.height:
        column, share = newest["column"][0], newest["value"][0]
        mine = shares.filter(pl.col("column") == column)
        text = f"{share * 100:.3g}% of {column}{_and_more(newest.height)} missing"
        # A gap of a few rows the day before an outage is not its beginning.
        alike = pl.col("excess") >= newest["excess"][0] / 2
        yield _finding(text, run_start(mine, alike), mine, zone)


def drift(distances: pl.DataFrame, zone: ZoneInfo) -> Iterator[Finding]:
    """Yield the column that exceeds its usual distance most; `distances` has `usual` and `excess`."""
    notable = pl.col("excess") >= NOTABLE_EXCESS
    newest = _newest(distances).filter(notable).sort("excess", "column", descending=[True, False])
    if newest.height:
        column, value, usual = (newest[name][0] for name in ("column", "value", "usual"))
        mine = distances.filter(pl.col("column") == column)
        text = f"drift of {column} {value:.2f} (usually up to {usual:.2f}){_and_more(newest.height)}"
        yield _finding(text, run_start(mine, notable), mine, zone)


def gaps(series: pl.DataFrame, zone: ZoneInfo) -> Iterator[Finding]:
    """Yield the protected attribute with the widest gap between its groups."""
    notable = pl.col("value").abs() >= NOTABLE_GAP
    newest = _newest(series).filter(notable).sort(pl.col("value").abs(), descending=True)
    if newest.height:
        attribute, gap = newest["column"][0], abs(newest["value"][0])
        mine = series.filter(pl.col("column") == attribute)
        yield _finding(f"gap {gap:.2f} by {attribute}", run_start(mine, notable), mine, zone)


def run_start(windows: pl.DataFrame, holds: pl.Expr) -> datetime | None:
    """Return the start of the unbroken run of windows, up to the newest, in which `holds` is true."""
    ordered = windows.sort("window_start").select("window_start", holds=holds.fill_null(False))
    broken = ordered.filter(~pl.col("holds"))["window_start"].max()
    run = ordered if broken is None else ordered.filter(pl.col("window_start") > broken)
    start: datetime | None = run["window_start"].min()  # type: ignore[assignment]
    return start


def _newest(windows: pl.DataFrame) -> pl.DataFrame:
    return windows.filter(pl.col("window_start") == pl.col("window_start").max())


def _finding(text: str, start: datetime | None, windows: pl.DataFrame, zone: ZoneInfo) -> Finding:
    first: datetime = windows["window_start"].min()  # type: ignore[assignment]
    start = start or first
    # A run as long as the look-back may have begun earlier.
    earlier = " or before" if start == first and windows.height >= LOOK_BACK_WINDOWS else ""
    return Finding(f"{text} since {start.astimezone(zone):%-d %b %Y}{earlier}", start)


def _and_more(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""
