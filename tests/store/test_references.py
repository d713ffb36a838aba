"""References: the frozen grid and its counts come back bit by bit."""

import math
from datetime import timedelta

import pytest

from core.entities import Grid, NumericGrid, Vocabulary
from core.errors import StoreError
from core.store import references
from core.store.references import Reference

GRID = Grid(
    "r1",
    True,
    numeric={
        "temp": NumericGrid((math.nextafter(0.1, -math.inf), 0.1 + 0.2, 1e300), 1 / 3, 2.5),
        "empty": NumericGrid(),
    },
    categorical={"origin": Vocabulary(("JFK", "é\u2028'\""), ("LGA",), 3)},
    score_edges=(0.0, 0.5, 1.0),
    error_edges=(-1.5, 2.5),
    classes=("early", "late"),
    segments={"origin": ("JFK", "other")},
    groups={"sex & age": ("sex=F & age=[25, 40)",)},
)


def test_a_grid_comes_back_equal(sqlite_store):
    references.write_grid(sqlite_store, "delay-30", GRID)
    assert references.read_grid(sqlite_store, "delay-30", "r1") == GRID


def test_reference_counts_come_back_equal(sqlite_store, cells):
    references.write_reference_cells(sqlite_store, "delay-30", "r1", cells)
    found = references.read_reference_cells(sqlite_store, "delay-30", "r1")
    assert found.sort("column").equals(cells.sort("column"))


@pytest.mark.parametrize("content", [None, b"", b'{"reference_id": "r1"', b'{"reference_id": "r1"}', b"PAR1"])
@pytest.mark.parametrize(
    "ending, read",
    [("grid.json", references.read_grid), ("counts.parquet", references.read_reference_cells)],
)
def test_a_damaged_reference_is_named_with_the_command_that_makes_it_again(
    sqlite_store, ending, read, content
):
    folder = sqlite_store.root / "reference" / "delay-30"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / f"r1.{ending}").write_bytes(content)
    with pytest.raises(StoreError, match=rf"r1.{ending} cannot be read.*run: steward rebuild delay-30"):
        read(sqlite_store, "delay-30", "r1")


def test_the_reference_put_last_is_the_current_one(registered, now):
    learning = Reference("delay-30", "r1", False, now, None, 10, now)
    other = Reference("delay-30", "r2", True, now, now + timedelta(days=89), 90_000, now)
    with registered.write() as c:
        assert references.current(c, "delay-30") is None
        references.put(c, learning)
        references.put(c, other)
        assert references.current(c, "delay-30") == other
        frozen = Reference("delay-30", "r1", True, now, now, 20, now)
        references.put(c, frozen)
        assert references.current(c, "delay-30") == frozen
        assert references.current(c, "eta") is None
