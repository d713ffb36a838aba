"""How a column is counted: as numbers, as categories or not at all, and its values made ready for that."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

NUMERIC, CATEGORICAL = "numeric", "categorical"
# Below this many values nobody can tell an identifier from a category.
IDENTIFIER_ROWS = 20
IDENTIFIER_SHARE = 0.98


@dataclass(frozen=True)
class Numbers:
    """The finite values of one side of a numeric column in rising order, and how many rows hold none."""

    values: NDArray[np.float64]
    missing: int
    nan: int
    infinite: int
    uncastable: int


@dataclass(frozen=True)
class Kind:
    """How a column is counted; `name` is None for a column left out, `reason` says why."""

    name: str | None
    reason: str = ""


def kind_of(reference: pl.Series, current: pl.Series, *, named: bool = False) -> Kind:
    """Guess how a column that both sides have is counted.

    The reference decides; the current side is read as the reference is, and what cannot be is counted as a
    type mismatch.

    Parameters
    ----------
    named : the column was asked for by name, so that it is compared even if it looks like an identifier
    """
    dtype = current.dtype if reference.null_count() == len(reference) else reference.dtype
    other = reference.dtype if dtype is current.dtype else current.dtype
    if all(side.null_count() == len(side) for side in (reference, current)) and len(reference) + len(current):
        return Kind(None, "holds no value on either side")
    if odd := next((d for d in (reference.dtype, current.dtype) if not is_plain(d)), None):
        return Kind(None, f"holds {odd}, which has no distribution to compare")
    if dtype.is_temporal():
        return Kind(None, "a date or time: it moves on by itself")
    if dtype.is_numeric() or (dtype == pl.Boolean and other.is_numeric()):
        rows_are_numbered = all(_counts_up(side) for side in (reference, current))
        return Kind(None, _numbered) if rows_are_numbered and not named else Kind(NUMERIC)
    if other.is_numeric() and _mostly_numbers(reference):
        return Kind(NUMERIC)
    identifier = all(_nearly_all_distinct(side) for side in (reference, current))
    return Kind(None, _distinct) if identifier and not named else Kind(CATEGORICAL)


def is_plain(dtype: pl.DataType) -> bool:
    """Return whether a type holds single values: numbers, texts, flags or times."""
    return not dtype.is_nested() and dtype not in (pl.Binary, pl.Object)


def numbers(column: pl.Series) -> Numbers:
    """Return the finite values of a column, sorted, and the counts of what is none."""
    cast = column.cast(pl.Float64, strict=False)
    missing = column.null_count()
    present = cast.drop_nulls()
    finite = present.filter(present.is_finite()).to_numpy()
    nan = int(present.is_nan().sum())
    return Numbers(
        values=np.sort(finite),
        missing=missing,
        nan=nan,
        infinite=len(present) - nan - len(finite),
        uncastable=cast.null_count() - missing,
    )


def texts(column: pl.Series) -> pl.Series:
    """Return values as category names; whole numbers lose their ``.0``, NaN counts as missing."""
    if column.dtype.is_float():
        column = column.fill_nan(None)
        whole = column.drop_nulls().is_finite().all() and (column.drop_nulls() % 1 == 0).all()
        column = column.cast(pl.Int64, strict=False) if whole else column
    return column.cast(pl.String, strict=False)


_distinct = "identifier: (nearly) every value occurs once; name it in --columns to compare it all the same"
_numbered = (
    "identifier: whole numbers that only count upwards; name it in --columns to compare it all the same"
)


def _counts_up(column: pl.Series) -> bool:
    if not column.dtype.is_integer() or len(column) < IDENTIFIER_ROWS or column.null_count():
        return False
    values = column.to_numpy()
    return bool((values[1:] > values[:-1]).all())


def _mostly_numbers(column: pl.Series) -> bool:
    present = column.drop_nulls()
    return len(present) > 0 and present.cast(pl.Float64, strict=False).null_count() * 2 <= len(present)


def _nearly_all_distinct(column: pl.Series) -> bool:
    present = column.drop_nulls()
    if len(present) < IDENTIFIER_ROWS or present.dtype != pl.String:
        return False
    return present.n_unique() >= IDENTIFIER_SHARE * len(present)
