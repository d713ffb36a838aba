"""What changed in a column, in words a manager reads."""

import numpy as np

from core.comparison.counting import Counts, Values
from core.comparison.results import Measurement

TELLING = 0.55  # AUC: a shift of one normal feature by 0.18 standard deviations


def number(value: float | None) -> str:
    """Return a number with four digits, or a dash.

    Examples
    --------
    >>> number(1234567.0), number(0.12345), number(None)
    ('1,234,567', '0.1235', '–')
    """
    if value is None:
        return "–"
    if value and (abs(value) >= 1e15 or abs(value) < 1e-4):
        return f"{value:.2e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def percent(share: float | None) -> str:
    """Return a share as percent with one decimal, two below one percent.

    Examples
    --------
    >>> percent(0.25), percent(0.0012), percent(0.0), percent(None)
    ('25.0 %', '0.12 %', '0 %', '–')
    """
    if share is None:
        return "–"
    return "0 %" if share == 0 else f"{100 * share:.{2 if abs(share) < 0.01 else 1}f} %"


def distance(value: float | None) -> str:
    """Return a distance from 0 to 1 with three decimals."""
    return "–" if value is None else f"{value:.3f}"


def p_value(value: float | None) -> str:
    """Return a p-value, the smallest as a bound.

    Examples
    --------
    >>> p_value(0.0), p_value(0.0312)
    ('< 0.001', '0.031')
    """
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def change_of_numbers(a: Values, b: Values) -> str:
    """Return how the middle and the spread of two sorted sides differ."""
    (low, middle, high), (low_b, middle_b, high_b) = (
        [float(side[int(share * (len(side) - 1))]) for share in (0.05, 0.5, 0.95)] for side in (a, b)
    )
    moved = f"median {number(middle)} → {number(middle_b)}"
    spread = f"middle 90 % {number(low)} to {number(high)} → {number(low_b)} to {number(high_b)}"
    return f"{moved}; {spread}"


def change_of_categories(names: list[str], rows: Counts, other: Counts) -> str:
    """Return the value whose share changed most, and the share of values the reference never had."""
    share, share_other = rows / rows.sum(), other / other.sum()
    most = int(np.argmax(np.abs(share_other - share)))
    told = f"{shown(names[most])}: {percent(float(share[most]))} → {percent(float(share_other[most]))}"
    unseen = float(share_other[rows == 0].sum())
    return f"{told}; {percent(unseen)} never seen in the reference" if unseen else told


def change_of_missing(before: float, after: float) -> str:
    """Return how the share of rows without a usable value changed."""
    return f"rows without a usable value {percent(before)} → {percent(after)}"


def multivariate(found: Measurement) -> str:
    """Return how well a classifier tells the two sides apart by all features."""
    if found.value is None:
        return f"no domain classifier: {found.reason}"
    told = f"domain classifier AUC {distance(found.value)} ± {found.sampling_error:.2g}"
    if tells_apart(found):
        return f"{told}; they tell CURRENT from REFERENCE"
    if found.lower is not None and found.lower > 0.5:
        return f"{told}; beyond chance, but too little to matter"
    return f"{told}; as between two files of the same kind (0.5)"


def tells_apart(found: Measurement | None) -> bool:
    """Return whether a domain classifier is better than 0.55 beyond its sampling error."""
    return found is not None and found.lower is not None and found.lower > TELLING


def without_drift(columns: int, together: Measurement | None) -> str:
    """Return the verdict where no column drifted, and what it means if a domain classifier sees more.

    Examples
    --------
    >>> without_drift(2, Measurement(0.51, n=2000, lower=0.49, upper=0.53, sampling_error=0.01))
    'No drift in 2 columns'
    >>> without_drift(2, Measurement(0.84, n=2000, lower=0.82, upper=0.86, sampling_error=0.01))[:62]
    'None of 2 columns drifted by itself, but the domain classifier'
    """
    if together is None or not tells_apart(together):
        return f"No drift in {columns} {'column' if columns == 1 else 'columns'}"
    return (
        f"None of {columns} columns drifted by itself, but the domain classifier (AUC "
        f"{distance(together.value)}) tells CURRENT from REFERENCE by all features together: they go "
        "together differently than they did, or several moved a little each, so the model meets "
        "combinations of values that REFERENCE seldom has"
    )


def shown(name: str) -> str:
    """Return a category name as it can stand in a line: shortened, and visible when empty."""
    flat = " ".join(name.split())
    return (flat if len(flat) <= 40 else flat[:39] + "…") or "(empty)"
