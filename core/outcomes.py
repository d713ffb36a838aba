"""From the cells that count predictions against labels to performance and to fairness between groups."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core import fairness as rates
from core.cells import Kinds, column, lengths_of, selected, stacked
from core.declaration import Costs, Declaration, Scalar
from core.entities import Grid, Kind
from core.estimates import Estimate, Numbers
from core.metric_rows import Block
from core.multiclass import confusion, multiclass
from core.performance import binary, calibration_gap
from core.regression import SUMS, error_quantiles, regression
from core.value import cost_table, decision_costs, value

_NOT_OF_CLASS = (
    "accuracy",
    "balanced_accuracy",
    "matthews_correlation",
    "log_loss",
)  # of all classes at once
_TRUE, _FALSE = {"1", "true"}, {"0", "false"}


@dataclass(frozen=True)
class _Layout:
    """Where the groups of one attribute lie in a matrix of slices × groups; `cells` has one of each slice."""

    attribute: str
    cells: pl.Series
    rows: NDArray[np.intp]
    at: NDArray[np.intp]
    group: NDArray[np.intp]
    groups: int

    def of(self, values: Numbers | None, empty: float = np.nan) -> Numbers:
        """Return the values of cells as such a matrix."""
        matrix = np.full((len(self.cells), self.groups), empty)
        if values is not None:
            matrix[self.at, self.group] = values[self.rows]
        return matrix


def performance(kinds: Kinds, grid: Grid, declaration: Declaration) -> Iterator[Block]:
    """Yield the performance of every slice; of a model without labels only what predictions alone show."""
    if (cells := kinds.get(Kind.MULTICLASS)) is not None and declaration.actual:
        sums = stacked(cells["sums"], 3) if declaration.predictions.score else None
        counts = stacked(cells["counts"])
        found = {**multiclass(counts, len(grid.classes), sums)}
        if isinstance(declaration.costs, dict):
            known = confusion(counts, len(grid.classes))[:, :-1, :-2]
            found["value"] = value(known, cost_table(declaration.costs, grid.classes))
        yield Block(cells["row"], found, column="")
    if (cells := kinds.get(Kind.CLASSIFICATION)) is not None:
        lengths = lengths_of(cells["counts"])
        for length in np.unique(lengths):  # a class without score has one bin
            part = selected(cells, pl.Series(lengths == length))
            yield Block(part["row"], _classification(part, grid, declaration))
    if (cells := kinds.get(Kind.REGRESSION)) is not None and declaration.actual:
        yield Block(cells["row"], _regression(cells, grid), column="")


def fairness(kinds: Kinds, grid: Grid, declaration: Declaration) -> Iterator[Block]:
    """Yield the rates of every protected group, then the gaps between the groups of every attribute."""
    if declaration.task == "regression":
        if (cells := kinds.get(Kind.REGRESSION)) is not None and declaration.actual:
            yield from _errors_by_group(cells, grid, declaration)
        return
    kind = Kind.CLASSIFICATION if declaration.task == "binary_classification" else Kind.MULTICLASS
    if (cells := kinds.get(kind)) is not None:
        yield from _decisions_by_group(cells, grid, declaration)


def _classification(cells: pl.DataFrame, grid: Grid, declaration: Declaration) -> Mapping[str, Estimate]:
    counts = stacked(cells["counts"])
    scored = bool(declaration.predictions.score) and counts.shape[1] == 6 * max(len(grid.score_edges) - 1, 1)
    found = binary(counts, stacked(cells["sums"]), grid.score_edges) if scored else binary(counts)
    if not declaration.actual:
        return {"prediction_rate": found["prediction_rate"]}
    if declaration.task == "multiclass_classification":
        return {name: found[name] for name in found if name not in _NOT_OF_CLASS}
    if isinstance(declaration.costs, Costs):
        decided = counts.reshape(len(cells), -1, 2, 3).sum(axis=1)[:, :, :2]
        return {**found, "value": value(decided, decision_costs(declaration.costs))}
    return found


def _regression(cells: pl.DataFrame, grid: Grid) -> Mapping[str, Estimate]:
    found = regression(column(cells, "n"), stacked(cells["sums"], SUMS))
    if not grid.error_edges:
        return found
    low, high = column(cells, "low"), column(cells, "high")
    return {**found, **error_quantiles(stacked(cells["counts"]), grid.error_edges, low, high)}


def _decisions_by_group(cells: pl.DataFrame, grid: Grid, declaration: Declaration) -> Iterator[Block]:
    layouts, minimum = _layouts(cells, grid), declaration.minimum_group_size
    if (table := _favourable(cells, grid, declaration)) is not None:
        chosen, n = rates.selection(table), table.sum(axis=(1, 2))
        yield Block(cells["row"], chosen, _too_small(n, minimum), column="")
        yield from _gaps(layouts, chosen, n, minimum, rates.gaps_of_selection)
    if not declaration.actual:
        return
    found = rates.outcomes(table) if table is not None else {}
    if declaration.task == "binary_classification":
        if declaration.predictions.score:
            counts, sums = stacked(cells["counts"]), stacked(cells["sums"])
            found["calibration_gap"] = calibration_gap(counts, sums, grid.score_edges)
    else:
        found["accuracy"] = multiclass(stacked(cells["counts"]), len(grid.classes))["accuracy"]
    labelled = found["accuracy"].n
    yield Block(cells["row"], found, _too_small(labelled, minimum), column="")
    if table is not None:
        judged = {name: found[name] for name in ("tpr", "fpr", "precision")}
        yield from _gaps(layouts, judged, labelled, minimum, rates.gaps_of_outcomes)


def _errors_by_group(cells: pl.DataFrame, grid: Grid, declaration: Declaration) -> Iterator[Block]:
    every = regression(column(cells, "n"), stacked(cells["sums"], SUMS))
    found = {name: every[name] for name in ("bias", "mae", "rmse")}
    n, minimum = column(cells, "n"), declaration.minimum_group_size
    yield Block(cells["row"], found, _too_small(n, minimum), column="")
    judged = {name: found[name] for name in ("bias", "mae")}
    yield from _gaps(_layouts(cells, grid), judged, n, minimum, rates.gaps_of_errors)


def _layouts(cells: pl.DataFrame, grid: Grid) -> Sequence[_Layout]:
    """Find the place of every cell once; all gaps of an attribute are then laid out alike."""
    starts = cells["window_start"].cast(pl.Int64)  # made into Python numbers, not instants
    slices = list(zip(starts, cells["segment"], cells["version"], cells["variant"], strict=True))
    number = {key: i for i, key in enumerate(dict.fromkeys(slices))}
    slice_of = np.array([number[key] for key in slices])
    groups, layouts = cells["group"].to_list(), []
    for attribute, names in grid.groups.items():
        place = {name: position for position, name in enumerate(names)}
        group_of = np.array([place.get(group, -1) for group in groups])
        rows = np.flatnonzero(group_of >= 0)
        if len(rows):
            _, first, at = np.unique(slice_of[rows], return_index=True, return_inverse=True)
            cells_of = cells["row"][rows[first]]
            layouts.append(_Layout(attribute, cells_of, rows, at, group_of[rows], len(names)))
    return layouts


def _gaps(
    layouts: Iterable[_Layout],
    of_groups: Mapping[str, Estimate],
    n: Numbers,
    minimum: int,
    formula: Callable[..., Mapping[str, Estimate]],
) -> Iterator[Block]:
    """Yield the gaps of every attribute: the rates laid out as slices × groups, judged by the formula."""
    for layout in layouts:
        spreads = {
            name: rates.spread(layout.of(e.value), layout.of(e.sampling_error), layout.of(n, 0.0), minimum)
            for name, e in of_groups.items()
        }
        yield Block(layout.cells, formula(**spreads), column=layout.attribute, group="")


def _favourable(cells: pl.DataFrame, grid: Grid, declaration: Declaration) -> Numbers | None:
    """Return counts of favourable predicted × label (no, yes, unlabelled); None if nothing is favourable."""
    if declaration.task == "binary_classification":
        table = stacked(cells["counts"]).reshape(len(cells), -1, 2, 3).sum(axis=1)
        positive = 1 if declaration.positive is None else declaration.positive
        same = declaration.favourable is None or _same(declaration.favourable, positive)
        return rates.oriented(table, favourable_is_positive=same)
    favourable = declaration.favourable
    place = next(
        (i for i, name in enumerate(grid.classes) if favourable is not None and _same(favourable, name)), None
    )
    if place is None:
        return None
    whole = confusion(stacked(cells["counts"]), len(grid.classes))
    rows = np.stack([whole.sum(axis=1) - whole[:, place], whole[:, place]], axis=1)
    known = rows[:, :, :-1].sum(axis=2) - rows[:, :, place]
    return np.stack([known, rows[:, :, place], rows[:, :, -1]], axis=2)


def _same(declared: Scalar, other: Scalar) -> bool:
    """Say whether two declared values mean one class: true and 1 do, as in the log."""
    pair = {str(value).lower().removesuffix(".0") for value in (declared, other)}
    return len(pair) == 1 or pair <= _TRUE or pair <= _FALSE


def _too_small(n: Numbers, minimum: int) -> NDArray[np.str_]:
    return np.where(n < minimum, f"fewer than {minimum} rows: shown, not judged", "")
