"""What is usual of all features together, as the reference's own windows tell."""

from dataclasses import replace

import numpy as np
import polars as pl

from core import normal
from core.auto.usual_range import usual_range
from core.reconstruction import RECONSTRUCTION
from core.store import Store, models
from core.usual import Normal

_SLICES = ("version", "variant", "group")


def usual_together(store: Store, slug: str, segment: str = "") -> Normal | None:
    """Return the middle of the reference's windows, and the range that `threshold: auto` takes for usual.

    It is that of a window with as many rows as theirs; without ends where there are fewer than three. None
    without a reference, and of a model that does not declare `pca`.
    """
    with store.read() as c:
        registered = models.get(c, slug)
    if registered is None or not registered.declaration.pca:
        return None
    mine = [pl.col("metric") == RECONSTRUCTION, pl.col("segment") == segment]
    mine += [pl.col("column") == ""] + [pl.col(name) == "" for name in _SLICES]
    windows = normal.stored(store, registered.declaration, [RECONSTRUCTION]).filter(
        *mine, pl.col("value").is_not_null()
    )
    if (found := Normal.of(windows)) is None:
        return None
    rows = windows["n"].to_numpy()
    low, high = usual_range(windows["value"].to_numpy(), rows, rows.max(keepdims=True))
    known = bool(np.isfinite(high[0]))
    return replace(found, low=float(low[0]) if known else None, high=float(high[0]) if known else None)
