"""How much each input matters to a model, as far as its predictions on the reference tell."""

import numpy as np
import polars as pl

from core.declaration import Declaration
from core.entities import Grid

MOST_ROWS = 50_000


def association(rows: pl.DataFrame, declaration: Declaration, grid: Grid) -> dict[str, float]:
    """Return the share of the predictions' variance that each input explains alone (0–1).

    The correlation ratio of the score (the prediction in regression; the classes' scores or the predicted
    class, one column each, in multiclass) within the bins of the input, corrected for chance (ε²). It sees no
    interaction, and inputs that say the same get the same. Source: Kelley, T. L. (1935), An unbiased
    correlation ratio measure.

    Parameters
    ----------
    rows : of the reference; the first 50,000 count
    grid : the inputs' bins; an input the grid or the rows do not have is left out

    Returns
    -------
    By input; empty where the predictions are unknown or never vary.
    """
    kept = rows.head(MOST_ROWS)
    outputs = _outputs(kept, declaration, grid)
    known = np.isfinite(outputs).all(axis=1)
    outputs = outputs[known]
    if len(outputs) < 2 or not np.ptp(outputs, axis=0).any():
        return {}
    named = {declaration.prediction, declaration.actual, *declaration.predictions.scores}
    inputs = [
        name for name in (*grid.numeric, *grid.categorical) if name in kept.columns and name not in named
    ]
    return {name: _explained(_codes(kept[name], grid)[known], outputs) for name in sorted(inputs)}


def _outputs(rows: pl.DataFrame, declaration: Declaration, grid: Grid) -> np.ndarray:
    """Return what the model said, a column per score or class."""
    columns = [name for name in declaration.predictions.scores if name in rows.columns]
    if columns or declaration.prediction not in rows.columns:
        return rows.select(pl.col(columns).cast(pl.Float64, strict=False)).to_numpy()
    said = rows[declaration.prediction]
    if declaration.task == "regression":
        return said.cast(pl.Float64, strict=False).to_numpy()[:, np.newaxis]
    return np.column_stack([(said == name).fill_null(False).to_numpy() for name in grid.classes]).astype(
        float
    )


def _codes(values: pl.Series, grid: Grid) -> np.ndarray:
    """Return each row's bin or value as a number; what is missing is a value of its own."""
    if values.name in grid.numeric:
        return np.searchsorted(
            grid.numeric[values.name].edges, values.cast(pl.Float64, strict=False).to_numpy()
        )
    return values.rank("dense").fill_null(0).to_numpy()


def _explained(codes: np.ndarray, outputs: np.ndarray) -> float:
    """Return ε², summed over the outputs."""
    _, codes = np.unique(codes, return_inverse=True)
    sizes = np.bincount(codes)
    rows, groups = len(codes), len(sizes)
    centred = outputs - outputs.mean(axis=0)
    sums = np.column_stack([np.bincount(codes, column) for column in centred.T])
    total = float((centred**2).sum())
    within = total - float((sums**2 / sizes[:, np.newaxis]).sum())
    if groups >= rows:
        return 0.0
    return max(0.0, 1.0 - within / (rows - groups) * (rows - 1) / total)
