"""Local time to UTC without a time zone extension: small tables of quarter hours, made with zoneinfo."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from core.windows import QUARTER_HOUR_US, Window, quarter_hours

PLAIN, AMBIGUOUS, NON_EXISTENT = 0, 1, 2
_PER_DAY = 96
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class LocalQuarters:
    """For local quarter hours: what to subtract to get UTC, and PLAIN, AMBIGUOUS or NON_EXISTENT."""

    offset_us: np.ndarray
    state: np.ndarray


def local_quarters(quarters: np.ndarray, zone: str) -> LocalQuarters:
    """Look up local quarter hours (microseconds // 900,000,000); of twice-told times the first, as fold=0."""
    days, position = np.unique(quarters // _PER_DAY, return_inverse=True)
    table = np.array([_day(int(day), zone) for day in days], dtype=np.int64).reshape(-1, _PER_DAY, 2)
    found = table[position, quarters % _PER_DAY]
    return LocalQuarters(found[:, 0], found[:, 1])


def join_table(windows: Sequence[Window], zone: str) -> pl.DataFrame:
    """Return the table that maps quarter hours, UTC and local, to windows.

    Returns
    -------
    Columns ``local_time`` (Boolean), ``quarter_hour``, ``window_start`` and ``offset_us`` (Int64): a row at
    that quarter hour lies in `window_start`, and its UTC instant is its time minus `offset_us`.
    """
    utc = quarter_hours(windows).with_columns(local_time=pl.lit(False), offset_us=pl.lit(0, dtype=pl.Int64))
    starts = dict(zip(utc["quarter_hour"].to_list(), utc["window_start"].to_list(), strict=True))
    candidates = np.unique(
        np.concatenate([np.array(list(starts), dtype=np.int64) + step for step in _reach(zone, windows)])
    )
    looked_up = local_quarters(candidates, zone)
    instants = candidates - looked_up.offset_us // QUARTER_HOUR_US
    local = pl.DataFrame(
        {
            "quarter_hour": candidates,
            "window_start": pl.Series([starts.get(q) for q in instants.tolist()], dtype=pl.Int64),
            "local_time": np.full(candidates.size, True),
            "offset_us": looked_up.offset_us,
        }
    ).drop_nulls()
    return pl.concat([utc.select(local.columns), local])


def instant(microseconds: int) -> datetime:
    """Return microseconds since 1970 as an aware UTC time."""
    return _EPOCH.replace(tzinfo=UTC) + timedelta(microseconds=microseconds)


def microseconds(time: datetime) -> int:
    """Return an aware time as microseconds since 1970."""
    return (time - _EPOCH.replace(tzinfo=UTC)) // timedelta(microseconds=1)


def _reach(zone: str, windows: Sequence[Window]) -> list[int]:
    """Return the zone's offsets around the windows, in quarter hours."""
    starts = np.array([microseconds(w.start) // QUARTER_HOUR_US for w in windows], dtype=np.int64)
    ends = np.array([microseconds(w.end) // QUARTER_HOUR_US for w in windows], dtype=np.int64)
    around = np.concatenate([starts + step for step in (-_PER_DAY, 0, _PER_DAY)] + [ends + _PER_DAY])
    offsets = (
        np.unique(local_quarters(around, zone).offset_us // QUARTER_HOUR_US) if around.size else np.array([0])
    )
    return [int(offset) for offset in offsets]


@lru_cache(maxsize=20_000)
def _day(day: int, zone: str) -> tuple[tuple[int, int], ...]:
    """Return (offset, state) of a local day's 96 quarter hours."""
    midnight = _EPOCH + timedelta(days=day)
    info = ZoneInfo(zone)
    first, last = _offset(midnight - timedelta(hours=3), info), _offset(midnight + timedelta(hours=27), info)
    if first == last:
        return ((first, PLAIN),) * _PER_DAY
    return tuple(_quarter(midnight + timedelta(minutes=15 * i), info) for i in range(_PER_DAY))


def _quarter(local: datetime, zone: ZoneInfo) -> tuple[int, int]:
    first, second = _offset(local, zone), _offset(local.replace(fold=1), zone)
    if first == second:
        return first, PLAIN
    return first, AMBIGUOUS if first > second else NON_EXISTENT


def _offset(local: datetime, zone: ZoneInfo) -> int:
    offset = local.replace(tzinfo=zone).utcoffset() or timedelta()
    return offset // timedelta(microseconds=1)
