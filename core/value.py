"""What wrong decisions cost: the confusion of predictions and labels, weighed by the declared costs."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from core.declaration import Costs as DecisionCosts
from core.estimates import Estimate, Numbers, measured
from core.performance import NO_LABELS

Costs = Mapping[str, Mapping[str, float]]  # label → prediction → cost of such a row


def value(confusion: ArrayLike, costs: ArrayLike) -> Estimate:
    """Return the summed cost of all labelled rows, in the currency of the costs; 0 is best.

    Its sampling error is that of a sum over so many rows, whose costs vary as theirs do.

    Parameters
    ----------
    confusion : rows by prediction and label, shape (k, predictions, labels)
    costs : of a row in each cell, shape (predictions, labels)

    Examples
    --------
    >>> float(value([[[70, 10], [15, 5]]], [[0, 20], [3, 0]]).value[0])
    245.0
    """
    rows, each = np.asarray(confusion, dtype=np.float64), np.asarray(costs, dtype=np.float64)
    n, total = rows.sum(axis=(1, 2)), (rows * each).sum(axis=(1, 2))
    variance = (rows * each**2).sum(axis=(1, 2)) - np.where(n > 0, total**2 / np.maximum(n, 1), 0.0)
    known = np.where(n > 0, total, np.nan)
    return measured(known, n, NO_LABELS, np.where(n > 0, variance, np.nan), (0, np.inf))


def decision_costs(costs: DecisionCosts) -> Numbers:
    """Return a binary model's costs as a table of prediction × label (no, yes)."""
    return np.array([[0.0, costs.false_negative], [costs.false_positive, 0.0]])


def cost_table(costs: Costs, classes: Sequence[str]) -> Numbers:
    """Return declared costs as a table of prediction × label; pairs nobody names cost nothing.

    Classes are matched as in the grid; a declared class that is none of them costs nothing either.
    """
    table = np.zeros((len(classes), len(classes)))
    place = {name: i for i, name in enumerate(classes)}
    for label, by_prediction in costs.items():
        for predicted, cost in by_prediction.items():
            if label in place and predicted in place:
                table[place[predicted], place[label]] = cost
    return table
