"""Where a metric of the whole model lies while nothing changed, as the reference's own windows tell."""

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from core.auto.decision import UNCALIBRATED
from core.auto.model import CALIBRATED_WINDOWS
from core.auto.shares import full, harmonic
from core.estimates import Numbers

RARE = 0.01  # of quiet windows lie outside, below and above together
FEWEST_WINDOWS = 3
SMALLEST_SPREAD = 0.01  # of the value: nobody's windows are more alike than that
NOTHING = 0.01  # an error of a hundredth of a standard deviation is none


def with_range(seen: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """Return rows of one metric with the range that is usual for their segment.

    Parameters
    ----------
    seen, reference : METRICS of the windows to judge, which have a `question`, and of the reference's own

    Returns
    -------
    `seen` with `lowest` and `highest`, null where nobody can say; `question` is "usual range", and says where
    the reference has too few windows to be calibrated.
    """
    usual = {key[0]: part for key, part in reference.group_by("segment")}
    parts = []
    for (segment,), part in seen.group_by("segment", maintain_order=True):
        mine = usual.get(segment, reference.clear()).filter(pl.col("value").is_not_null())
        known = (mine["value"].to_numpy(), mine["n"].to_numpy())
        lowest, highest = usual_range(*known, part["n"].fill_null(0).to_numpy())
        few = UNCALIBRATED if mine.height < CALIBRATED_WINDOWS else ""
        ends = {
            "lowest": pl.Series(lowest, nan_to_null=True),
            "highest": pl.Series(highest, nan_to_null=True),
        }
        parts.append(part.with_columns(**ends, question=pl.lit(f"usual range{few}")))
    none = seen.clear().with_columns(
        lowest=pl.lit(None, pl.Float64), highest=pl.lit(None, pl.Float64), question=pl.lit(None, pl.String)
    )
    return pl.concat([none, *parts])


def usual_range(values: ArrayLike, rows: ArrayLike, monitored: ArrayLike) -> tuple[Numbers, Numbers]:
    """Return the lowest and highest value that one more window is likely to show; NaN where nobody can say.

    It is the prediction interval of Student's t for the logarithm, since values are errors above 0 with now
    and then a large one. How much the reference's windows differ holds chance and wobble together; a window
    of fewer rows than theirs has more chance, so all of it is widened as if it were chance.

    Parameters
    ----------
    values, rows : of the reference's windows, shape (k,); those with less than a tenth of the middle one's
        rows do not count
    monitored : rows of the windows to judge

    Source: Hahn and Meeker (1991), Statistical Intervals, chapter 4.

    Examples
    --------
    >>> low, high = usual_range([1.4, 1.5, 1.6, 1.5, 1.4, 1.6], [500] * 6, [500, 50])
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([1.15, 0.69], [1.95, 3.23])
    """
    given, n = np.asarray(values, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    known = np.isfinite(given) & full(np.where(np.isfinite(given), n, 0.0)[:, None])[:, 0]
    windows, asked = int(known.sum()), np.asarray(monitored, dtype=np.float64)
    if windows < FEWEST_WINDOWS:
        return np.full(asked.shape, np.nan), np.full(asked.shape, np.nan)
    logs = np.log(np.hypot(given[known], NOTHING))
    fewer = np.maximum(harmonic(n[:, None], known[:, None])[0] / np.maximum(asked, 1.0), 1.0)
    variance = logs.var(ddof=1) * (1 / windows + fewer) + SMALLEST_SPREAD**2
    reach = stdtrit(windows - 1, 1 - RARE / 2) * np.sqrt(variance)
    low, high = np.exp(logs.mean() - reach), np.exp(logs.mean() + reach)
    return np.sqrt(np.maximum(low**2 - NOTHING**2, 0.0)), np.sqrt(np.maximum(high**2 - NOTHING**2, 0.0))
