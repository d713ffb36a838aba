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
    frames = [_rows(block) for block in blocks if len(block.keys) and block.estimates]
    if not frames:
        return pl.DataFrame(schema=METRICS)
    return pl.concat(frames).select(METRICS.keys()).sort(METRIC_KEYS)


def _rows(block: Block) -> pl.DataFrame:
    size, estimates = len(block.keys), list(block.estimates.values())
    keys = block.keys.select(_KEYS)
    repeated = keys if len(estimates) == 1 else keys[np.tile(np.arange(size), len(estimates))]
    reason = np.concatenate([_reasons(estimate, block.remark) for estimate in estimates])
    return repeated.with_columns(
        pl.Series("metric", list(block.estimates), dtype=pl.String).gather(
            np.repeat(np.arange(len(estimates)), size)
        ),
        *(_numbers(name, estimates) for name in _NUMBERS),
        pl.Series("n", np.concatenate([estimate.n for estimate in estimates])).cast(pl.Int64),
        pl.Series("reason", reason, dtype=pl.String),
        pl.lit(None, dtype=METRICS["mature_at"]).alias("mature_at"),
    )


def _numbers(name: str, estimates: list[Estimate]) -> pl.Series:
    given = [getattr(estimate, name) for estimate in estimates]
    arrays = [
        np.full_like(estimate.value, np.nan) if array is None else array
        for array, estimate in zip(given, estimates, strict=True)
    ]
    return pl.Series(name, np.concatenate(arrays), dtype=pl.Float64, nan_to_null=True)


def _reasons(estimate: Estimate, remark: NDArray[np.str_] | None) -> NDArray[np.object_]:
    reasons = np.full(estimate.value.shape, None, dtype=object)
    if remark is not None:
        reasons[remark != ""] = remark[remark != ""]
    unknown = np.isnan(estimate.value)
    reasons[unknown] = np.broadcast_to(estimate.reason, unknown.shape)[unknown]
    return reasons
