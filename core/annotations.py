"""Stretches of time that people explained: what nobody judges there, and what the reference leaves out."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import polars as pl

from core.entities import Annotation
from core.windows import Calendar, Window, overlapping

Span = tuple[datetime, datetime]  # [from, to), aware


def muted(standing: Iterable[Annotation]) -> list[Span]:
    """Return when nothing is judged, in time order and apart from each other."""
    return merged((each.start, each.end) for each in standing if each.mute)


def left_out(standing: Iterable[Annotation]) -> list[Span]:
    """Return what the reference does without, in time order and apart from each other."""
    return merged((each.start, each.end) for each in standing if each.exclude_from_reference)


def identity(standing: Iterable[Annotation]) -> list[str]:
    """Return what names the mutes: other ones, and windows are judged another way."""
    return sorted(f"mute {each.id}" for each in standing if each.mute)


def without_muted(verdicts: pl.DataFrame, standing: Iterable[Annotation], calendar: Calendar) -> pl.DataFrame:
    """Return verdicts without those on windows that a mute overlaps.

    Such windows neither extend nor break a row of windows: the ordinals close up, so that the window before
    a mute and the one after it are next to each other.

    Parameters
    ----------
    verdicts : VERDICTS, of windows of `calendar`
    """
    known = [each for each in standing if each.mute]
    if not known or not verdicts.height:
        return verdicts
    text = pl.lit(None, pl.String)
    for each in known:
        overlaps = (pl.col("window_start") < each.end) & (pl.col("window_end") > each.start)
        text = pl.when(overlaps).then(pl.lit(f"muted: {each.text}")).otherwise(text)
    whole = whole_windows(muted(known), calendar)
    firsts, afters = (calendar.ordinals(pl.Series([span[end] for span in whole])) for end in (0, 1))
    passed = [(pl.col("ordinal") - a).clip(0, b - a) for a, b in zip(firsts, afters, strict=True)]
    found = verdicts.with_columns(_muted=text)
    return found.with_columns(
        ordinal=pl.col("ordinal") - pl.sum_horizontal(passed),
        level=pl.when(pl.col("_muted").is_null()).then("level"),
        reason=pl.coalesce("_muted", "reason"),
    ).drop("_muted")


def whole_windows(spans: Iterable[Span], calendar: Calendar) -> list[Span]:
    """Return the spans, widened to the windows they overlap, in time order and apart from each other."""
    return merged(
        (calendar.containing(start).start, calendar.containing(end - timedelta(microseconds=1)).end)
        for start, end in spans
    )


def without(windows: Sequence[Window], spans: Sequence[Span]) -> list[Window]:
    """Return the windows that share no time with the spans, which are in time order and apart."""
    taken = set(overlapping(windows, [Window(start, end) for start, end in spans]))
    return [window for window in windows if window not in taken]


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the same stretches of time, in order, and those that touch or overlap as one.

    Examples
    --------
    >>> day = [datetime(2013, 11, d) for d in (1, 2, 3, 4)]
    >>> [(a.day, b.day) for a, b in merged([(day[2], day[3]), (day[0], day[1]), (day[0], day[1])])]
    [(1, 2), (3, 4)]
    """
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
