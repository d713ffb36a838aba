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

_DETAILS = ("value", "low", "high", "critical_low", "critical_high", "question")

Cause = tuple[str, Target]  # monitor name and what it looks at: one open alert per model and cause


@dataclass(frozen=True)
class Resolution:
    """A person's word, at a business time, that an alert is over: mute until one quiet window."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class _Window:
    """A window with a verdict; `broken` where too many before it had none."""

    start: datetime
    judged_at: datetime
    level: int
    broken: bool
    place: int
    details: Mapping[str, list[Any]]  # columns where its row is at `place`: few windows are asked for more

    def seen(self) -> dict[str, Any]:
        """Return what a breaching window says: where its value lies, and which limit it crossed."""
        row = {name: column[self.place] for name, column in self.details.items()}
        value: float = row["value"]
        low, high = (row[f"critical_{side}"] if self.level == 2 else row[side] for side in ("low", "high"))
        above = low is None or (high is not None and value > high)
        return {
            "last_window": self.start,
            "judged_at": self.judged_at,
            "value": value,
            "threshold": high if above else low,
            "side": "above" if above else "below",
            "question": row["question"],
        }


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
        for window in _telling(rows, course.needed, begun=course.open is not None):
            course.see(window)
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


def _telling(rows: pl.DataFrame, needed: int, *, begun: bool) -> Iterator[_Window]:
    """Yield the windows that can change anything.

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
    told = judged[kept]
    details = {name: told[name].to_list() for name in _DETAILS}
    columns = (told["window_start"].to_list(), told["judged_at"].to_list(), told["level"].to_list())
    for i, (start, at, height, gap) in enumerate(zip(*columns, broken[kept].tolist(), strict=True)):
        yield _Window(start, at, height, gap, i, details)


class _Course:
    """One cause on its way through the windows."""

    def __init__(self, cause: Cause, needed: int, opened: Episode | None, said: list[Resolution]) -> None:
        self.cause, self.needed, self.open, self.said = cause, needed, opened, said
        self.latest: _Window | None = None  # the last breach, not in `open` yet
        self.past: list[Episode] = []
        self.breaching = self.critical = self.quiet = 0
        self.first_window: datetime | None = None
        self.muted = False

    def see(self, window: _Window) -> None:
        """Take the next window's verdict."""
        while self.said and self.said[0].at < window.judged_at:
            self._resolved_by_hand(self.said.pop(0))
        if window.broken:
            self.breaching = self.critical = self.quiet = 0
        if window.level:
            self._breach(window)
        else:
            self._quiet(window)

    def end(self) -> list[Episode]:
        """Return the episodes, the last one perhaps still open."""
        for resolution in self.said:
            self._resolved_by_hand(resolution)
        return self.past + ([self._so_far(self.open)] if self.open else [])

    def _breach(self, window: _Window) -> None:
        if not self.breaching:
            self.first_window = window.start
        self.breaching, self.quiet = self.breaching + 1, 0
        self.critical = self.critical + 1 if window.level == 2 else 0
        if self.muted or (self.open is None and self.breaching < self.needed):
            return
        severity = Severity.CRITICAL if self.critical >= self.needed else Severity.WARNING
        if self.open is None:
            first = self.first_window or window.start
            self.open = Episode(*self.cause, severity, first, opened_at=window.judged_at, **window.seen())
            return
        self.latest = window
        if severity == Severity.CRITICAL and self.open.severity == Severity.WARNING:
            self.open = replace(self.open, severity=severity, escalated_at=window.judged_at)

    def _quiet(self, window: _Window) -> None:
        self.breaching = self.critical = 0
        self.muted = False
        self.quiet += 1
        if self.open and self.quiet >= self.needed:
            self._close(resolved_at=window.judged_at, resolved_window=window.start, closed_reason=RECOVERED)

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
        return replace(opened, **(self.latest.seen() if self.latest else {}), **end)
