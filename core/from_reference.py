"""What the reference's labels say about windows: whether scores still mean the same, and what to expect."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from core import estimation
from core.calibration_shift import calibration_shift
from core.cells import lengths_of, selected, stacked
from core.declaration import Costs, Declaration
from core.entities import Grid
from core.estimates import Estimate, Numbers
from core.metric_rows import Block
from core.value import decision_costs

_SLICE = ("window_start", "segment", "version", "variant")
_OF_CLASS = (  # what one class against the rest has of a binary model's estimates
    *("precision", "recall", "specificity", "f1", "label_rate", "roc_auc", "average_precision", "brier"),
    "calibration_gap",
)


def from_reference(
    cells: pl.DataFrame, reference: pl.DataFrame, grid: Grid, declaration: Declaration
) -> Iterator[Block]:
    """Yield the calibration shift and the estimated performance of every slice of a model with scores.

    Parameters
    ----------
    cells : CELLS of kind classification, of any number of columns, windows and slices
    reference : CELLS of kind classification, one row per column and segment
    """
    cells, reference = (_scored(frame, grid) for frame in (cells, reference))
    if not (declaration.actual and declaration.predictions.score and len(cells) and len(reference)):
        return
    yield Block(cells["row"], {"calibration_shift": _shift(cells, reference)})
    whole = selected(reference, reference["segment"] == "")
    found = {
        name: estimation.calibrate(*each)
        for name, *each in zip(whole["column"], *_of_labelled(whole), strict=True)
    }
    calibrations = {name: each for name, each in found.items() if each is not None}
    for name, calibration in calibrations.items():
        mine = selected(cells, cells["column"] == name)
        if len(mine):
            yield Block(mine["row"], _of_column(mine, calibration, declaration))
    if declaration.task == "multiclass_classification" and set(grid.classes) <= set(calibrations):
        yield from _of_all(cells, grid, calibrations)


def expected_errors(cells: pl.DataFrame, grid: Grid) -> Iterator[Block]:
    """Yield the estimated errors of every slice of a regression, from CELLS of kind leaves."""
    if grid.loss_tree is not None:
        counts = stacked(cells["counts"], len(grid.loss_tree.losses))
        yield Block(cells["row"], estimation.regression(counts, grid.loss_tree.losses), column="")


def _scored(cells: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """Return the cells that were binned by score: a class without score has one bin."""
    width = 6 * (len(grid.score_edges) - 1)
    return selected(cells, pl.Series(lengths_of(cells["counts"]) == width)) if width > 6 else cells.clear()


def _of_labelled(cells: pl.DataFrame) -> tuple[Numbers, Numbers]:
    """Return labelled rows and their summed scores by bin and label, shape (k, bins, 2)."""
    counts, sums = stacked(cells["counts"]), stacked(cells["sums"])[:, :-2]
    rows, scores = (each.reshape(len(cells), -1, 2, 3)[..., :2].sum(axis=2) for each in (counts, sums))
    return rows, scores


def _of_all_rows(cells: pl.DataFrame) -> tuple[Numbers, Numbers]:
    """Return all rows and their summed scores by bin and prediction, shape (k, bins, 2)."""
    counts, sums = stacked(cells["counts"]), stacked(cells["sums"])[:, :-2]
    rows, scores = (each.reshape(len(cells), -1, 2, 3).sum(axis=3) for each in (counts, sums))
    return rows, scores


def _shift(cells: pl.DataFrame, reference: pl.DataFrame) -> Estimate:
    """Compare each cell with its column's and segment's reference."""
    rows, _ = _of_labelled(cells)
    past, _ = _of_labelled(reference)
    place = {key: i for i, key in enumerate(zip(reference["column"], reference["segment"], strict=True))}
    keys = zip(cells["column"], cells["segment"], strict=True)
    at = np.array([place.get(key, len(reference)) for key in keys], dtype=np.intp)
    return calibration_shift(np.concatenate([past, np.zeros((1, *past.shape[1:]))])[at], rows)


def _of_column(
    cells: pl.DataFrame, calibration: estimation.Calibration, declaration: Declaration
) -> Mapping[str, Estimate]:
    costs = decision_costs(declaration.costs) if isinstance(declaration.costs, Costs) else None
    found = estimation.binary(*_of_all_rows(cells), calibration, costs)
    if declaration.task == "multiclass_classification":
        return {f"estimated_{name}": found[f"estimated_{name}"] for name in _OF_CLASS}
    return found


def _of_all(
    cells: pl.DataFrame, grid: Grid, calibrations: Mapping[str, estimation.Calibration]
) -> Iterator[Block]:
    """Yield the estimates over all classes, of the slices that have a cell of each."""
    keys = list(zip(*(cells[name] for name in _SLICE), strict=True))
    number = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    at = np.full((len(number), len(grid.classes)), -1)
    place = {name: i for i, name in enumerate(grid.classes)}
    for row, (key, name) in enumerate(zip(keys, cells["column"], strict=True)):
        if name in place:
            at[number[key], place[name]] = row
    at = at[(at >= 0).all(axis=1)]
    if len(at):
        rows, scores = _of_all_rows(cells)
        of = {i: calibrations[name] for name, i in place.items()}
        yield Block(cells["row"][at[:, 0]], estimation.several(rows[at], scores[at], of), column="")
