"""The kernel for categories: one pass tallies the values of many columns, a vocabulary codes them."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from core.engine.counts import Counts, blank
from core.engine.roles import Counted
from core.engine.run import Run
from core.entities import Kind, Vocabulary

_COLUMNS_PER_STATEMENT = 24  # GROUPING() answers with one bit per column
_MISSING = -1


def categorical(
    run: Run, columns: Sequence[Counted], vocabularies: Mapping[str, Vocabulary], frozen: bool
) -> list[Counts]:
    """Count categorical columns by their vocabulary; before it is `frozen`, only n and missing."""
    found: list[Counts] = []
    for start in range(0, len(columns), _COLUMNS_PER_STATEMENT):
        part = columns[start : start + _COLUMNS_PER_STATEMENT]
        known = [vocabularies[each.column] if frozen else Vocabulary() for each in part]
        frame = _tally(run, part, known)
        rows = run.rows_of(frame)
        found += [_column(frame, rows, i, run, each, known[i], frozen) for i, each in enumerate(part)]
    return found


def _tally(run: Run, columns: Sequence[Counted], known: Sequence[Vocabulary]) -> pl.DataFrame:
    """Return keys, which column, code (place in kept, then other, then unseen; missing = -1) and rows."""
    keys = ", ".join(run.plan.keys)
    aliases = [each.alias for each in columns]
    sets = ", ".join(f"({keys}, {alias})" for alias in aliases)
    which = " ".join(f"WHEN grouping({alias}) = 0 THEN {i}" for i, alias in enumerate(aliases))
    value = " ".join(f"WHEN grouping({alias}) = 0 THEN {alias}" for alias in aliases)
    run.connection.register("vocabulary", _vocabulary(known))
    widths = " ".join(f"WHEN {i} THEN {len(each.kept) + 1}" for i, each in enumerate(known))
    return run.query(
        f"SELECT {keys}, t.which, CASE WHEN t.value IS NULL THEN {_MISSING}"
        f" ELSE coalesce(v.code, CASE t.which {widths} END) END AS code, CAST(sum(t.n) AS BIGINT) AS n"
        f"\nFROM (SELECT {keys}, CASE {which} END AS which, CASE {value} END AS value, count(*) AS n"
        f"\n FROM ({run.traffic.sql}) GROUP BY GROUPING SETS ({sets})) t"
        f"\nLEFT JOIN vocabulary v ON v.which = t.which AND v.value = t.value\nGROUP BY ALL"
    )


def _vocabulary(known: Sequence[Vocabulary]) -> pl.DataFrame:
    frames = [
        pl.DataFrame(
            {
                "which": pl.repeat(i, len(each.kept) + len(each.rest), dtype=pl.Int32, eager=True),
                "value": pl.Series([*each.kept, *each.rest], dtype=pl.String),
                "code": pl.Series(
                    [*range(len(each.kept)), *[len(each.kept)] * len(each.rest)], dtype=pl.Int32
                ),
            }
        )
        for i, each in enumerate(known)
    ]
    return pl.concat(frames)


def _column(
    frame: pl.DataFrame, rows: np.ndarray, i: int, run: Run, column: Counted, known: Vocabulary, frozen: bool
) -> Counts:
    found = blank(column.column, Kind.CATEGORICAL, run.groups.height, len(known.kept) + 2 if frozen else 0, 0)
    here = frame["which"].to_numpy() == i
    rows, code, n = rows[here], frame["code"].to_numpy()[here], frame["n"].to_numpy()[here]
    present = code != _MISSING
    np.add.at(found.tallies[:, 0], rows[present], n[present])
    np.add.at(found.tallies[:, 1], rows[~present], n[~present])
    if frozen:
        np.add.at(found.counts, (rows[present], code[present]), n[present])
    return found
