"""Data quality of a window: what is missing, unreadable, out of range, new, constant or doubled."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.estimates import Estimate, Numbers, measured, proportion

_NO_ROWS = "no rows in this window"
_NO_VALUES = "no usable values in this window"
_TOO_MANY_VALUES = "the reference has too many different values to know a new one"


def of_any(n: Numbers, missing: Numbers, non_finite: Numbers, uncastable: Numbers) -> Mapping[str, Estimate]:
    """Return the shares that every column has, of all its rows.

    Parameters
    ----------
    n, missing, non_finite, uncastable : rows with a usable value, without one, with NaN or ±inf, with a value
        of another type; shape (k,)
    """
    rows = n + missing + non_finite + uncastable
    return {
        "missing_share": proportion(missing, rows, _NO_ROWS),
        "non_finite_share": proportion(non_finite, rows, _NO_ROWS),
        "type_mismatch": proportion(uncastable, rows, _NO_ROWS),
    }


def out_of_range(n: Numbers, outside: Numbers) -> Mapping[str, Estimate]:
    """Return the share of usable numbers below the smallest or above the largest of the reference."""
    return {"out_of_range_share": proportion(outside, n, _NO_VALUES)}


def unseen(n: Numbers, new: Numbers, complete: NDArray[np.bool_] | bool = True) -> Mapping[str, Estimate]:
    """Return the share of usable values that the reference never had.

    Parameters
    ----------
    n, new, complete : usable values, those of them that are new, whether all values of the reference are
        known (where they are not, nor is the share); shape (k,)
    """
    share = proportion(new, np.where(complete, n, 0.0), np.where(complete, _NO_VALUES, _TOO_MANY_VALUES))
    return {"unseen_share": replace(share, n=n)}


def constant_number(n: Numbers, low: Numbers, high: Numbers) -> Mapping[str, Estimate]:
    """Return 1 where all numbers of a window are equal, 0 where they differ; one alone says nothing."""
    return _constant(np.where(n > 1, (low == high).astype(np.float64), np.nan), n)


def constant_category(n: Numbers, largest: Numbers, together: Numbers) -> Mapping[str, Estimate]:
    """Return 1 where all rows of a window hold one value, 0 where they differ.

    Parameters
    ----------
    n, largest, together : usable values, rows of the most frequent kept value, rows whose values are only
        counted together (other or unseen; where they are all rows, nobody knows); shape (k,)
    """
    known = (n > 1) & (together < n)
    return _constant(np.where(known, (largest == n).astype(np.float64), np.nan), n)


def of_rows(n: Numbers, duplicates: Numbers) -> Mapping[str, Estimate]:
    """Return the volume and the share of rows removed because a later row has the same prediction_id."""
    return {
        "volume": measured(n, n, _NO_ROWS),
        "duplicate_share": proportion(duplicates, n + duplicates, _NO_ROWS),
    }


def freshness(hours: Numbers, n: Numbers) -> Mapping[str, Estimate]:
    """Return how long before the end of its window the newest row came, in hours."""
    return {"freshness": measured(hours, n, _NO_ROWS)}


def labelled(labelled_rows: Numbers, labellable: Numbers) -> Mapping[str, Estimate]:
    """Return the share of rows with a label among those whose label can still come or has come."""
    return {"labelled_share": proportion(labelled_rows, labellable, "no row of this window can get a label")}


def invalid_outcomes(invalid: Numbers, rows: Numbers) -> Mapping[str, Estimate]:
    """Return the share of rows whose score, prediction or label is not one the model can have."""
    return {"invalid_outcome_share": proportion(invalid, rows, _NO_ROWS)}


def _constant(value: Numbers, n: Numbers) -> Mapping[str, Estimate]:
    return {"constant": measured(value, n, "fewer than two values that could be told apart")}
