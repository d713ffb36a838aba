"""Estimates as rows of the METRICS frame."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.entities import METRIC_KEYS, METRICS
from core.estimates import Estimate

_KEYS = ("column", "segment", "version", "variant", "group", "window_start", "window_end", "reference_id")
_NUMBERS = ("value", "lower", "upper", "sampling_error", "expected", "p_value")


@dataclass(frozen=True)
class Block:
    """Some metrics of the same k slices and windows.

    `keys` holds column, segment, version, variant, group, window_start, window_end and reference_id, one row
    per entry of the estimates; `remark` a reason for rows that do have a value ("" = none).
    """

    keys: pl.DataFrame
    estimates: Mapping[str, Estimate]
    remark: NDArray[np.str_] | None = None


def frame(blocks: Iterable[Block]) -> pl.DataFrame:
    """Return blocks as one METRICS frame, sorted by METRIC_KEYS, `mature_at` still null."""
    blocks = [block for block in blocks if len(block.keys) and block.estimates]
    if not blocks:
        return pl.DataFrame(schema=METRICS)
    estimates = [(estimate, block.remark) for block in blocks for estimate in block.estimates.values()]
    sizes = [len(block.keys) for block in blocks]
    starts = np.cumsum([0, *sizes[:-1]])
    places = [
        start + np.tile(np.arange(size), len(block.estimates))
        for start, size, block in zip(starts, sizes, blocks, strict=True)
    ]
    series = [{values.name: values for values in block.keys} for block in blocks]
    keys = pl.concat([pl.DataFrame([values[name] for name in _KEYS]) for values in series])
    names = [(name, size) for block, size in zip(blocks, sizes, strict=True) for name in block.estimates]
    metric = np.repeat([name for name, _ in names], [size for _, size in names])
    columns = [
        *keys[np.concatenate(places)],
        pl.Series("metric", metric, dtype=pl.String),
        *(_numbers(name, [estimate for estimate, _ in estimates]) for name in _NUMBERS),
        pl.Series("n", np.concatenate([estimate.n for estimate, _ in estimates]).astype(np.int64)),
        pl.Series("reason", np.concatenate([_reasons(*pair) for pair in estimates]).tolist(), pl.String),
        pl.Series("mature_at", [], METRICS["mature_at"]).extend_constant(None, len(metric)),
    ]
    # Put together at once: every further step on a frame costs more than the arithmetic of one window.
    placed = {values.name: values for values in columns}
    return pl.DataFrame([placed[name] for name in METRICS]).sort(METRIC_KEYS)


def _numbers(name: str, estimates: list[Estimate]) -> pl.Series:
    given = [(estimate, getattr(estimate, name)) for estimate in estimates]
    arrays = [np.full(estimate.value.shape, np.nan) if array is None else array for estimate, array in given]
    return pl.Series(name, np.concatenate(arrays), dtype=pl.Float64, nan_to_null=True)


def _reasons(estimate: Estimate, remark: NDArray[np.str_] | None) -> NDArray[np.object_]:
    reasons = np.full(estimate.value.shape, None, dtype=object)
    if remark is not None:
        reasons[remark != ""] = remark[remark != ""]
    unknown = np.isnan(estimate.value)
    if unknown.any():
        reasons[unknown] = np.broadcast_to(estimate.reason, unknown.shape)[unknown]
    return reasons
