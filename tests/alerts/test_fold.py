"""The fold: windows in a row open and end an episode, silence does neither, people's words count."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.entities import Episode, Severity, Target
from core.fold import RECOVERED, Resolution, fold
from core.verdicts import VERDICTS

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TARGET = Target("mae")
CAUSE = ("mae", TARGET)


def verdicts(
    levels: list[int | None], *, days: list[int] | None = None, target: Target = TARGET
) -> pl.DataFrame:
    """One monitor's verdicts by day: 0, 1, 2, or None; warning above 10, critical above 20."""
    places = days or list(range(len(levels)))
    rows = [
        {
            "monitor": "mae",
            "metric": target.metric,
            "segment": target.segment,
            **dict.fromkeys(("column", "version", "group"), ""),
            "window_start": FIRST + place * DAY,
            "window_end": FIRST + (place + 1) * DAY,
            "ordinal": place,
            "judged_at": FIRST + (place + 1) * DAY + timedelta(hours=1),
            "level": level,
            "value": None if level is None else 10.0 * level + 5,
            "high": 10.0,
            "critical_high": 20.0,
        }
        for place, level in zip(places, levels, strict=True)
    ]
    return pl.DataFrame(rows, schema=VERDICTS)


def told(levels: list[int | None], needed: int = 1, **options) -> list[tuple[int, int, str, int | None]]:
    """Return episodes as (first day, last day, severity, day of the quiet window that ended it)."""
    days = options.pop("days", None)
    found = fold(verdicts(levels, days=days), {"mae": needed}, **options).get(CAUSE, [])
    return [
        (_day(e.first_window), _day(e.last_window), e.severity.value, _day(e.resolved_window)) for e in found
    ]


def _day(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - FIRST) // DAY


@pytest.mark.parametrize(
    ("levels", "needed", "episodes"),
    [
        ([0, 0, 0], 1, []),
        ([0, 1, 0], 1, [(1, 1, "warning", 2)]),
        ([0, 1, 1], 1, [(1, 2, "warning", None)]),
        ([1, 0, 1, 0], 2, []),
        ([1, 1, 0, 0], 2, [(0, 1, "warning", 3)]),
        ([1, 1, 0, 1, 0, 0], 2, [(0, 3, "warning", 5)]),
        ([1, 2, 1], 1, [(0, 2, "critical", None)]),
        ([1, 2, 1, 2, 2], 2, [(0, 4, "critical", None)]),
        ([1, 2, 1, 2], 2, [(0, 3, "warning", None)]),
        ([2, 2], 2, [(0, 1, "critical", None)]),
        ([1, None, 1], 2, [(0, 2, "warning", None)]),
        ([1, None, None, 1], 2, [(0, 3, "warning", None)]),
        ([1, None, None, None, 1], 2, []),
        ([1, 1, None, None, None, None, 0, 0], 2, [(0, 1, "warning", 7)]),
        ([1, 1, 0, None, None, None, 0, 0], 2, [(0, 1, "warning", 7)]),
        ([1, 0, 1, 0, 1], 1, [(0, 0, "warning", 1), (2, 2, "warning", 3), (4, 4, "warning", None)]),
    ],
)
def test_windows_in_a_row_open_and_end_an_episode(levels, needed, episodes) -> None:
    assert told(levels, needed) == episodes


def test_windows_that_are_not_there_count_as_skipped() -> None:
    assert told([1, 1], 2, days=[0, 3]) == [(0, 3, "warning", None)]
    assert told([1, 1], 2, days=[0, 4]) == []


def test_an_episode_says_when_it_could_be_known_and_what_it_crossed() -> None:
    (episode,) = fold(verdicts([1, 2, 0]), {"mae": 1})[CAUSE]
    close = timedelta(hours=25)
    assert episode.opened_at == FIRST + close
    assert episode.escalated_at == episode.judged_at == FIRST + DAY + close
    assert episode.resolved_at == FIRST + 2 * DAY + close
    assert (episode.value, episode.threshold, episode.side) == (25.0, 20.0, "above")
    assert episode.closed_reason == RECOVERED


def test_what_a_person_resolved_stays_mute_until_one_quiet_window() -> None:
    said = {CAUSE: [Resolution(FIRST + 2 * DAY, "resolved by ann: known")]}
    found = fold(verdicts([1, 1, 1, 0, 1]), {"mae": 1}, resolutions=said)[CAUSE]
    assert [(_day(e.first_window), _day(e.last_window)) for e in found] == [(0, 0), (4, 4)]
    assert found[0].closed_reason == "resolved by ann: known"
    assert found[0].resolved_window is None


def test_a_word_after_the_last_window_ends_the_episode() -> None:
    said = {CAUSE: [Resolution(FIRST + 9 * DAY, "done")]}
    (episode,) = fold(verdicts([1, 1]), {"mae": 1}, resolutions=said)[CAUSE]
    assert episode.resolved_at == FIRST + 9 * DAY


def test_an_episode_that_began_before_goes_on_and_ends() -> None:
    before = Episode("mae", TARGET, Severity.WARNING, FIRST - DAY, FIRST - DAY, FIRST, FIRST, 15, 10, "above")
    assert told([1, 0, 0], 2, begun={CAUSE: before}) == [(-1, 0, "warning", 2)]
    assert told([0, 0], 2, begun={CAUSE: before}) == [(-1, -1, "warning", 1)]


def test_targets_do_not_mix() -> None:
    other = Target("mae", segment="origin=JFK")
    both = pl.concat([verdicts([1, 0]), verdicts([0, 1], target=other)])
    found = fold(both, {"mae": 1})
    assert [_day(e.first_window) for e in found[CAUSE]] == [0]
    assert [_day(e.first_window) for e in found["mae", other]] == [1]


LEVELS = st.lists(st.sampled_from([0, 0, 0, 1, 2, None]), max_size=40)


def plainly(levels: list[int | None], needed: int) -> list[tuple[int, int, bool]]:
    """The same rules once more, as plainly as they can be written: (first, last, ended)."""
    episodes, first, run, quiet, skipped, open_ = [], 0, 0, 0, 0, None
    for day, level in enumerate(levels):
        if level is None:
            skipped += 1
            continue
        if skipped > 2:
            run = quiet = 0
        skipped = 0
        if level:
            first = day if run == 0 else first
            run, quiet = run + 1, 0
            if open_:
                open_[1] = day
            elif run >= needed:
                open_ = [first, day]
        else:
            run, quiet = 0, quiet + 1
            if open_ and quiet >= needed:
                episodes.append((*open_, True))
                open_, quiet = None, 0
    return episodes + ([(*open_, False)] if open_ else [])


@settings(max_examples=300, deadline=None)
@given(levels=LEVELS, needed=st.integers(1, 4))
def test_the_fold_equals_the_rules_written_plainly(levels, needed) -> None:
    found = fold(verdicts(levels), {"mae": needed}).get(CAUSE, [])
    assert [(_day(e.first_window), _day(e.last_window), e.resolved_at is not None) for e in found] == plainly(
        levels, needed
    )
