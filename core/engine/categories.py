"""The kernel for categories: a vocabulary joined to the rows gives each value a code, its bin."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from core.engine.counts import Counts, blank
from core.engine.histograms import Binned, Histogram
from core.engine.roles import Counted
from core.engine.run import Run
from core.entities import Kind, Vocabulary


def category_bins(
    run: Run, columns: Sequence[Counted], vocabularies: Mapping[str, Vocabulary], frozen: bool
) -> dict[str, Binned]:
    """Return by alias how categorical columns are binned; before a grid is `frozen` all values are unseen."""
    known = [vocabularies[each.column] if frozen else Vocabulary() for each in columns]
    run.connection.register("vocabulary", _vocabulary(known))
    return {each.alias: _binned(i, each.alias, known[i]) for i, each in enumerate(columns)}


def categorical(
    columns: Sequence[Counted], histograms: Mapping[str, Histogram], frozen: bool
) -> list[Counts]:
    """Count categorical columns, given their histograms; before a grid is `frozen`, only n and missing."""
    return [_counts(each.column, histograms[each.alias].bins, frozen) for each in columns]


def _binned(i: int, alias: str, known: Vocabulary) -> Binned:
    """Return the column's code: place among the kept values, then other, unseen, missing."""
    other = len(known.kept)
    unknown = other + 1 if known.complete else other
    value = f"CASE WHEN t.{alias} IS NULL THEN {other + 2} ELSE coalesce(v_{i}.code, {unknown}) END"
    join = f"LEFT JOIN vocabulary v_{i} ON v_{i}.which = {i} AND v_{i}.value = t.{alias}"
    return Binned(value, other + 3, join=join)


def _vocabulary(known: Sequence[Vocabulary]) -> pl.DataFrame:
    """Return the codes of every value: its place among those kept; the rest share the one after them."""
    values = [[*each.kept, *each.rest] for each in known]
    codes = [min(place, len(each.kept)) for each in known for place in range(len(each.kept + each.rest))]
    return pl.DataFrame(
        {
            "which": np.repeat(np.arange(len(known), dtype=np.int32), [len(each) for each in values]),
            "value": pl.Series([value for each in values for value in each], dtype=pl.String),
            "code": pl.Series(codes, dtype=pl.Int32),
        }
    )


def _counts(column: str, matrix: np.ndarray, frozen: bool) -> Counts:
    values, missing = matrix[:, :-1], matrix[:, -1]
    found = blank(column, Kind.CATEGORICAL, matrix.shape[0], values.shape[1] if frozen else 0, 0)
    found.tallies[:, 0], found.tallies[:, 1] = values.sum(axis=1), missing
    if frozen:
        found.counts[:] = values
    return found
