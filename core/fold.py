"""Alerts are a fold: verdicts in time order, and what people did, become episodes of trouble.

The fold knows no clock and keeps no state of its own. Whatever order sweeps, crashes and late data come in,
folding the same windows gives the same episodes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.entities import Episode, Severity, Target

MAXIMUM_SKIPPED = 2  # more windows in a row without a verdict, and the count of windows in a row starts anew
RECOVERED = "recovered"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TARGET = tuple(field.name for field in fields(Target))

_DETAILS = ("value", "low", "high", "critical_low", "critical_high", "question")

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
        times, opened = needed[cause[0]], begun.get(cause)
        windows = _telling(rows, times, begun=opened is not None)
        course = _Course(cause, times, opened, list(resolutions.get(cause, ())), windows)
        for i, (level, broken) in enumerate(zip(windows.level, windows.broken, strict=True)):
            course.see(i, level, broken)
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


class _Windows:
    """The windows of a cause that can change anything, as lists.

    Most are only looked at for `level` and `broken` (too many before had no verdict). The rest becomes
    Python's objects one by one, where something opens or ends.
    """

    def __init__(self, judged: pl.DataFrame, broken: NDArray[np.bool_]) -> None:
        self.level: list[int] = judged["level"].to_list()
        self.broken: list[bool] = broken.tolist()
        self._start, self._judged_at = (
            judged[name].cast(pl.Datetime("us", "UTC")).to_physical().to_list()
            for name in ("window_start", "judged_at")
        )
        self._details = {name: judged[name].to_list() for name in _DETAILS}

    def start(self, i: int) -> datetime:
        return _EPOCH + timedelta(microseconds=self._start[i])

    def judged_at(self, i: int) -> datetime:
        return _EPOCH + timedelta(microseconds=self._judged_at[i])

    def seen(self, i: int) -> dict[str, Any]:
        """Return what a breaching window says: where its value lies, and which limit it crossed."""
        told, worst = self._details, self.level[i] == 2
        value: float = told["value"][i]
        low, high = (told[f"critical_{side}" if worst else side][i] for side in ("low", "high"))
        above = low is None or (high is not None and value > high)
        return {
            "last_window": self.start(i),
            "judged_at": self.judged_at(i),
            "value": value,
            "threshold": high if above else low,
            "side": "above" if above else "below",
            "question": told["question"][i],
        }


def _telling(rows: pl.DataFrame, needed: int, *, begun: bool) -> _Windows:
    """Return the windows that can change anything.

    Of a long quiet stretch only the first windows count: those that may end what went before.
    """
    judged = rows.filter(pl.col("level").is_not_null())
    level, ordinal = judged["level"].to_numpy(), judged["ordinal"].to_numpy()
    if not len(level) or not (begun or level.any()):
        return _Windows(judged.clear(), np.zeros(0, dtype=np.bool_))
    broken = np.diff(ordinal, prepend=ordinal[0]) - 1 > MAXIMUM_SKIPPED
    place = np.arange(len(level))
    anchor = (level > 0) | broken | (begun & (place == 0))
    since_anchor = place - np.maximum.accumulate(np.where(anchor, place, -needed - 1))
    kept = np.flatnonzero(since_anchor <= needed)
    return _Windows(judged[kept], broken[kept])


class _Course:
    """One cause on its way through the windows."""

    def __init__(
        self, cause: Cause, needed: int, opened: Episode | None, said: list[Resolution], windows: _Windows
    ) -> None:
        self.cause, self.needed, self.open, self.said, self.windows = cause, needed, opened, said, windows
        self.latest: int | None = None  # the last breach, not in `open` yet
        self.past: list[Episode] = []
        self.breaching = self.critical = self.quiet = self.first = 0
        self.muted = False

    def see(self, i: int, level: int, broken: bool) -> None:
        """Take the next window's verdict."""
        while self.said and self.said[0].at < self.windows.judged_at(i):
            self._resolved_by_hand(self.said.pop(0))
        if broken:
            self.breaching = self.critical = self.quiet = 0
        if level:
            self._breach(i, level)
        else:
            self._quiet(i)

    def end(self) -> list[Episode]:
        """Return the episodes, the last one perhaps still open."""
        for resolution in self.said:
            self._resolved_by_hand(resolution)
        return self.past + ([self._so_far(self.open)] if self.open else [])

    def _breach(self, i: int, level: int) -> None:
        if not self.breaching:
            self.first = i
        self.breaching, self.quiet = self.breaching + 1, 0
        self.critical = self.critical + 1 if level == 2 else 0
        if self.muted or (self.open is None and self.breaching < self.needed):
            return
        severity = Severity.CRITICAL if self.critical >= self.needed else Severity.WARNING
        if self.open is None:
            first, seen = self.windows.start(self.first), self.windows.seen(i)
            self.open = Episode(*self.cause, severity, first, opened_at=seen["judged_at"], **seen)
            return
        self.latest = i
        if severity == Severity.CRITICAL and self.open.severity == Severity.WARNING:
            self.open = replace(self.open, severity=severity, escalated_at=self.windows.judged_at(i))

    def _quiet(self, i: int) -> None:
        self.breaching = self.critical = 0
        self.muted = False
        self.quiet += 1
        if self.open and self.quiet >= self.needed:
            at, start = self.windows.judged_at(i), self.windows.start(i)
            self._close(resolved_at=at, resolved_window=start, closed_reason=RECOVERED)

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
        seen = {} if self.latest is None else self.windows.seen(self.latest)
        return Episode(**(vars(opened) | seen | end))  # as dataclasses.replace, in half its time
