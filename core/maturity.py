"""When a window's labels are complete: their delay has passed, or the declared share of them has come."""

from datetime import datetime

import polars as pl

from core.declaration import Declaration
from core.entities import METRICS

LABELLED_SHARE = "labelled_share"
_WINDOW = ("window_start", "window_end")
_WHOLE = tuple(pl.col(name) == "" for name in ("segment", "version", "variant", "group"))


def ripened(
    metrics: pl.DataFrame, before: pl.DataFrame, declaration: Declaration, *, now: datetime
) -> pl.DataFrame:
    """Return METRICS with the windows mature whose declared share of labels has come.

    A window matures at the earlier of two instants: when the label delay has passed for its newest row, which
    `mature_at` says already, and when its labels reached `labels.share`, counting only rows that can get one.
    The second is the business time of the sweep that first counted them, but never before the window closes:
    rows that still come need labels too.

    Parameters
    ----------
    metrics : METRICS of windows counted just now
    before : METRICS of the same windows as they were, `labelled_share` at least: what was mature then stays
        mature since then
    now : business time
    """
    share = declaration.labels.share if declaration.labels else None
    if share is None:
        return metrics
    closed = pl.col("window_end") + declaration.grace
    seen = _reached(before, share).select(*_WINDOW, seen="mature_at")
    reached = _reached(metrics, share).join(seen, on=_WINDOW, how="left")
    since = pl.min_horizontal("seen", pl.max_horizontal(pl.lit(now, METRICS["mature_at"]), closed))
    reached = reached.select(*_WINDOW, reached_at=since)
    earlier = pl.when(pl.col("mature_at").is_not_null()).then(pl.min_horizontal("mature_at", "reached_at"))
    together = metrics.join(reached, on=_WINDOW, how="left", maintain_order="left")
    return together.with_columns(mature_at=earlier).drop("reached_at")


def _reached(metrics: pl.DataFrame, share: float) -> pl.DataFrame:
    return metrics.filter(pl.col("metric") == LABELLED_SHARE, pl.col("value") >= share, *_WHOLE)
