"""Columns that appear, vanish or change their type in a log, whatever parts it comes in."""

from datetime import UTC, datetime, timedelta

import pytest

from core.entities import LedgerEntry, LogFile, SchemaChange
from core.schema_changes import begins, changes, told
from core.windows import Calendar

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
DAILY = Calendar("1d", "UTC")
BOTH = {"a": "BIGINT", "b": "DOUBLE"}


def file(day: float, columns: dict[str, str], name: str = "x", **changed) -> LedgerEntry:
    first = FIRST + timedelta(days=day)
    kind = changed.pop("kind", "predictions")
    return LedgerEntry(
        LogFile(f"{name}{day}", kind, 1, 1), changed.pop("state", "read"), first, first, 10, columns
    )


def found(
    *entries: LedgerEntry, calendar: Calendar = DAILY
) -> list[tuple[float, str, str | None, str | None]]:
    return [
        ((c.at - FIRST) / timedelta(days=1), c.column, c.before, c.after) for c in changes(entries, calendar)
    ]


def test_a_column_appears_vanishes_and_changes_its_type_where_the_first_such_file_begins() -> None:
    log = [file(0, BOTH), file(1.5, BOTH | {"c": "VARCHAR"}), file(2, BOTH | {"c": "VARCHAR"})]
    log += [file(3, {"a": "VARCHAR", "c": "VARCHAR"})]
    assert found(*log) == found(*log[::-1]) == [
        (1.5, "c", None, "VARCHAR"),
        (3, "a", "BIGINT", "VARCHAR"),
        (3, "b", "DOUBLE", None),
    ]  # fmt: skip


def test_parts_of_a_window_that_hold_different_columns_are_one_log() -> None:
    daily = [
        file(day + hour / 24, {name: "BIGINT"}, name) for day in range(4) for hour, name in enumerate("ab")
    ]
    assert found(*daily) == []
    assert found(*daily[:-1]) == [(3, "b", "BIGINT", None)]
    mixed = [file(4, {"a": "BIGINT"}), file(4.5, {"a": "DOUBLE"}), file(4.6, {"b": "BIGINT"})]
    assert found(*daily, *mixed) == [(4, "a", "BIGINT", "BIGINT or DOUBLE")]


def test_labels_unreadable_and_empty_files_say_nothing() -> None:
    log = [file(0, BOTH), file(1, {"z": "BIGINT"}, kind="labels"), file(2, {}, state="bad"), file(3, BOTH)]
    empty = LedgerEntry(LogFile("empty", "predictions", 1, 1), "read", None, None, 0, {"q": "BIGINT"})
    assert found(*log, empty) == []
    assert begins(log) == FIRST and begins([empty]) is None and begins([]) is None


def test_files_that_were_removed_still_tell_what_came_before() -> None:
    assert found(file(0, BOTH, state="gone"), file(1, {"a": "BIGINT"})) == [(1, "b", "DOUBLE", None)]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (["a"], "column a vanished"),
        (["a", "b"], "columns a and b vanished"),
        (["a", "b", "c"], "columns a, b and c vanished"),
        (list("abcdefg"), "columns a, b, c and 4 more vanished"),
    ],
)
def test_many_columns_are_told_in_few_words(columns: list[str], words: str) -> None:
    assert list(told([SchemaChange(FIRST, name, "DOUBLE", None) for name in columns])) == [(FIRST, words)]


def test_many_types_that_changed_are_counted() -> None:
    changed = [SchemaChange(FIRST, name, "BIGINT", "VARCHAR") for name in "abcde"]
    ((_, words),) = told(changed)
    assert words.endswith("column c changed from BIGINT to VARCHAR, 2 more changed their type")
