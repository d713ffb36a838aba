"""Alerts are a fold: verdicts in time order, and what people did, become episodes of trouble.

The fold knows no clock and keeps no state of its own. Whatever order sweeps, crashes and late data come in,
folding the same windows gives the same episodes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from core.entities import Episode, Severity, Target

MAXIMUM_SKIPPED = 2  # more windows in a row without a verdict, and the count of windows in a row starts anew
RECOVERED = "recovered"
_TARGET = tuple(field.name for field in fields(Target))

_TELLING = (
    "level",
    "window_start",
    "judged_at",
    "value",
    "low",
    "high",
    "critical_low",
    "critical_high",
    "question",
)

Cause = tuple[str, Target]  # monitor name and what it looks at: one open alert per model and cause


@dataclass(frozen=True)
class Resolution:
    """A person's word, at a business time, that an alert is over: mute until one quiet window."""

    at: datetime
    reason: str


def fold(
    verdicts: pl.DataFrame,
    needed: Mapping[str, int],
    *,
    begun: Mapping[Cause, Episode] = {},
    resolutions: Mapping[Cause, Sequence[Resolution]] = {},
) -> dict[Cause, list[Episode]]:
    """Return the episodes of every cause that has verdicts, in time order; most have none.

    Parameters
    ----------
    verdicts : VERDICTS, the windows of a cause in time order
    needed : by monitor name how many breaching windows in a row open, and how many quiet ones resolve
    begun : episodes that were open before the first verdict
    resolutions : what people resolved, in time order

    Notes
    -----
    A window without verdict neither extends nor breaks a row of windows; more than two of them in a row do.
    Severity never falls while an episode lasts.
    """
    episodes: dict[Cause, list[Episode]] = {}
    for cause, rows in _by_cause(verdicts):
        course = _Course(cause, needed[cause[0]], begun.get(cause), list(resolutions.get(cause, ())))
        for row in _telling(rows, course.needed, begun=course.open is not None):
            course.see(row)
        episodes[cause] = course.end()
    return episodes


def _by_cause(verdicts: pl.DataFrame) -> Iterator[tuple[Cause, pl.DataFrame]]:
    if not verdicts.height:
        return
    keys = ("monitor", *_TARGET)
    runs = verdicts.select(pl.struct(keys).rle_id()).to_series().to_numpy()
    starts = np.flatnonzero(np.r_[True, runs[1:] != runs[:-1]])
    names = verdicts.select(keys)[starts].rows()
    bounds = [*starts.tolist(), len(runs)]
    for (monitor, *target), start, end in zip(names, bounds[:-1], bounds[1:], strict=True):
        yield (monitor, Target(*target)), verdicts.slice(start, end - start)


def _telling(rows: pl.DataFrame, needed: int, *, begun: bool) -> Iterator[dict[str, Any]]:
    """Yield the windows that can change anything, with `broken` where too many before were skipped.

    Of a long quiet stretch only the first windows count: those that may end what went before.
    """
    judged = rows.filter(pl.col("level").is_not_null())
    level, ordinal = judged["level"].to_numpy(), judged["ordinal"].to_numpy()
    if not len(level) or not (begun or level.any()):
        return
    broken = np.diff(ordinal, prepend=ordinal[0]) - 1 > MAXIMUM_SKIPPED
    place = np.arange(len(level))
    anchor = (level > 0) | broken | (begun & (place == 0))
    since_anchor = place - np.maximum.accumulate(np.where(anchor, place, -needed - 1))
    kept = np.flatnonzero(since_anchor <= needed)
    told = judged.select(_TELLING).with_columns(broken=pl.Series(broken))
    yield from told[kept].iter_rows(named=True)


class _Course:
    """One cause on its way through the windows."""

    def __init__(self, cause: Cause, needed: int, opened: Episode | None, said: list[Resolution]) -> None:
        self.cause, self.needed, self.open, self.said = cause, needed, opened, said
        self.latest: Mapping[str, Any] | None = None  # the last breach, not in `open` yet
        self.past: list[Episode] = []
        self.breaching = self.critical = self.quiet = 0
        self.first_window: datetime | None = None
        self.muted = False

    def see(self, row: Mapping[str, Any]) -> None:
        """Take the next window's verdict."""
        at = row["judged_at"]
        while self.said and self.said[0].at < at:
            self._resolved_by_hand(self.said.pop(0))
        if row["broken"]:
            self.breaching = self.critical = self.quiet = 0
        if row["level"]:
            self._breach(row)
        else:
            self._quiet(row)

    def end(self) -> list[Episode]:
        """Return the episodes, the last one perhaps still open."""
        for resolution in self.said:
            self._resolved_by_hand(resolution)
        return self.past + ([self._so_far(self.open)] if self.open else [])

    def _breach(self, row: Mapping[str, Any]) -> None:
        start: datetime = row["window_start"]
        if not self.breaching:
            self.first_window = start
        self.breaching, self.quiet = self.breaching + 1, 0
        self.critical = self.critical + 1 if row["level"] == 2 else 0
        if self.muted or (self.open is None and self.breaching < self.needed):
            return
        severity = Severity.CRITICAL if self.critical >= self.needed else Severity.WARNING
        if self.open is None:
            first: datetime = self.first_window or start
            opened_at: datetime = row["judged_at"]
            self.open = Episode(*self.cause, severity, first, opened_at=opened_at, **_seen(row))
            return
        self.latest = row
        if severity == Severity.CRITICAL and self.open.severity == Severity.WARNING:
            self.open = replace(self.open, severity=severity, escalated_at=row["judged_at"])

    def _quiet(self, row: Mapping[str, Any]) -> None:
        self.breaching = self.critical = 0
        self.muted = False
        self.quiet += 1
        if self.open and self.quiet >= self.needed:
            self._close(
                resolved_at=row["judged_at"], resolved_window=row["window_start"], closed_reason=RECOVERED
            )

    def _resolved_by_hand(self, resolution: Resolution) -> None:
        if self.open and self.open.opened_at <= resolution.at:
            self._close(resolved_at=resolution.at, closed_reason=resolution.reason)
            self.muted = True

    def _close(self, **end: Any) -> None:
        if self.open:
            self.past.append(self._so_far(self.open, **end))
        self.open = self.latest = None
        self.quiet = 0

    def _so_far(self, opened: Episode, **end: Any) -> Episode:
        return replace(opened, **(_seen(self.latest) if self.latest else {}), **end)


def _seen(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a breaching window says: where its value lies, and which limit it crossed."""
    value: float = row["value"]
    worst = row["level"] == 2
    low, high = (row[f"critical_{side}"] if worst else row[side] for side in ("low", "high"))
    above = low is None or (high is not None and value > high)
    return {
        "last_window": row["window_start"],
        "judged_at": row["judged_at"],
        "value": value,
        "threshold": high if above else low,
        "side": "above" if above else "below",
        "question": row["question"],
    }
