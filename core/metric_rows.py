"""Estimates as rows of the METRICS frame."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.catalogue import CATALOGUE
from core.entities import METRIC_KEYS, METRICS
from core.estimates import Estimate, Numbers

_OF_CELLS = ("segment", "version", "variant", "window_start", "window_end", "reference_id")
_NUMBERS = ("value", "lower", "upper", "sampling_error", "expected", "p_value")
_NEVER = np.datetime64("NaT")
_NEED_LABELS = {name for name, info in CATALOGUE.items() if info.needs_labels}


@dataclass(frozen=True)
class Block:
    """Some metrics of the same k slices and windows.

    `cells` holds the row of the cell that each entry of the estimates belongs to; `column` and `group` stand
    in for the cell's own; `remark` is a reason for rows that do have a value ("" = none).
    """

    cells: pl.Series
    estimates: Mapping[str, Estimate]
    remark: NDArray[np.str_] | None = None
    column: str | None = None
    group: str | None = None


def frame(
    cells: pl.DataFrame, mature_at: NDArray[np.datetime64], label: str | None, blocks: Iterable[Block]
) -> pl.DataFrame:
    """Return blocks as one METRICS frame, sorted by METRIC_KEYS.

    Parameters
    ----------
    cells : CELLS
    mature_at : when the labels of each cell's window are complete
    label : the column whose metrics all need labels
    blocks : metrics of the cells
    """
    blocks = [block for block in blocks if len(block.cells) and block.estimates]
    if not blocks:
        return pl.DataFrame(schema=METRICS)
    names = [name for block in blocks for name in block.estimates]
    estimates = [estimate for block in blocks for estimate in block.estimates.values()]
    sizes = [len(block.cells) for block in blocks for _ in block.estimates]
    rows = np.concatenate([np.tile(block.cells.to_numpy(), len(block.estimates)) for block in blocks])
    column, group = (_standing_in(cells[name], blocks, rows) for name in ("column", "group"))
    waits = np.repeat([name in _NEED_LABELS for name in names], sizes)
    if label:
        waits |= (column == label).to_numpy()
    numbers = _numbers(estimates, sizes)
    columns = [
        pl.Series("metric", names)[np.repeat(np.arange(len(names)), sizes)],
        column,
        group,
        *cells[_OF_CELLS][rows],
        *(pl.Series(name, values, nan_to_null=True) for name, values in zip(_NUMBERS, numbers, strict=True)),
        pl.Series("n", np.concatenate([estimate.n for estimate in estimates]).astype(np.int64)),
        pl.Series("reason", _reasons(blocks, np.isnan(numbers[0])), pl.String),
        pl.Series("mature_at", np.where(waits, mature_at[rows], _NEVER)).cast(METRICS["mature_at"]),
    ]
    # Put together at once: every further step on a frame costs more than the arithmetic of one window.
    placed = {values.name: values for values in columns}
    return pl.DataFrame([placed[name] for name in METRICS]).sort(METRIC_KEYS)


def _standing_in(values: pl.Series, blocks: Sequence[Block], rows: NDArray[np.int64]) -> pl.Series:
    """Return a key of the cells at these rows, or what stands in for it."""
    given = [getattr(block, values.name) for block in blocks]
    place = [-1 if each is None else len(values) + i for i, each in enumerate(given)]
    places = np.repeat(place, [len(block.cells) * len(block.estimates) for block in blocks])
    every = pl.concat([values, pl.Series(values.name, [each or "" for each in given])])
    return every[np.where(places < 0, rows, places)]


def _numbers(estimates: Sequence[Estimate], sizes: Sequence[int]) -> Numbers:
    """Return the numbers of all estimates, one row per name; NaN where one has none."""
    numbers = np.full((len(_NUMBERS), sum(sizes)), np.nan)
    end = 0
    for estimate, size in zip(estimates, sizes, strict=True):
        start, end = end, end + size
        for row, name in zip(numbers, _NUMBERS, strict=True):
            if (values := getattr(estimate, name)) is not None:
                row[start:end] = values
    return numbers


def _reasons(blocks: Sequence[Block], unknown: NDArray[np.bool_]) -> list[str | None]:
    """Return why values are unknown, or the remark on those that are known."""
    reasons = np.full(unknown.shape, None, dtype=object)
    end = 0
    for block in blocks:
        for estimate in block.estimates.values():
            start, end = end, end + len(estimate.value)
            without = unknown[start:end]
            if block.remark is not None:
                remarked = np.flatnonzero(block.remark != "")
                reasons[start + remarked] = block.remark[remarked]
            if without.any():
                reasons[start:end][without] = np.broadcast_to(estimate.reason, without.shape)[without]
    return reasons.tolist()
