"""Which columns of stored windows drifted: their p-values against each other, and by enough to matter."""

from datetime import datetime

import numpy as np
import polars as pl

from core.auto import decision
from core.auto.columns import DISTANCE, FEWEST_ROWS

_WINDOW = ("window_start", "segment", "version")


def marked(metrics: pl.DataFrame, reference: pl.DataFrame, *, now: datetime) -> pl.DataFrame:
    """Return METRICS with `drifted`, `usual` and `question`; null where the verdict on drift says nothing.

    Every column of a window, segment and version counts among its many looks, except labels that still
    arrive. What matters is the distance beyond chance and beyond what the reference's own windows usually
    show. A column that is missing altogether has no row in common with the reference: its distance is 1.

    Returns
    -------
    METRICS with `drifted` (Boolean, null = cannot be judged), `usual` (the distance from which on it
    matters) and `question` (what answered, in words).
    """
    ready = pl.col("mature_at").is_null() | (pl.col("mature_at") <= now)
    of = (pl.col("metric") == DISTANCE) & (pl.col("variant") == "") & (pl.col("group") == "")
    asked = metrics.filter(of & ready & pl.col("p_value").is_not_null()).sort(*_WINDOW, "column")
    gone = pl.col("value").is_null()
    asked = asked.select(
        *_WINDOW, "column", "metric", "variant", "group", "p_value",
        value=pl.col("value").fill_null(1.0),
        expected=pl.col("expected").fill_null(0.0).cast(pl.Float64),
        question=pl.when(gone).then(pl.lit("missing")).otherwise(pl.col("reason").fill_null("")),
    )  # fmt: skip
    wobble = _wobble(reference)
    asked = asked.join(wobble, on=["column", "segment"], how="left", maintain_order="left").with_columns(
        expected=(pl.col("expected") ** 2 + pl.col("wobble").fill_null(0.0)).sqrt()
    )
    told = asked.drop("wobble").with_columns(
        drifted=pl.Series(_drifted(asked), dtype=pl.Boolean),
        usual=(pl.col("expected") ** 2 + decision.FLOOR**2).sqrt(),
    )
    told = told.drop("p_value", "expected").rename({"value": "distance"})
    joined = metrics.join(
        told, on=[*_WINDOW, "column", "metric", "variant", "group"], how="left", maintain_order="left"
    )
    return joined.with_columns(value=pl.coalesce("value", "distance")).drop("distance")


def _wobble(reference: pl.DataFrame) -> pl.DataFrame:
    """Return by column and segment the mean distance² − expected² of the reference, at least 0."""
    of = pl.col("metric") == DISTANCE
    whole = reference.filter(of, *(pl.col(name) == "" for name in ("version", "variant", "group")))
    beyond = (_number("value") ** 2 - _number("expected") ** 2).mean().clip(0.0)
    return whole.group_by("column", "segment").agg(wobble=beyond)


def _number(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64)  # a frame of nulls alone has no type of its own


def unjudged() -> pl.Expr:
    """Return why a distance without p-value cannot be judged."""
    few = pl.when(pl.col("n") < FEWEST_ROWS).then(pl.lit(f"fewer than {FEWEST_ROWS} rows"))
    without = few.otherwise(pl.lit("nothing to compare with"))
    unclear = pl.when(pl.col("usual").is_not_null()).then(pl.lit("near the limit")).otherwise(without)
    return pl.when(pl.col("drifted").is_null()).then(unclear)


def _drifted(asked: pl.DataFrame) -> list[bool | None]:
    """Return the decision window by window, None where it is unclear; rows are sorted by window."""
    if asked.is_empty():
        return []
    runs = asked.select(pl.struct(_WINDOW).rle_id()).to_series().to_numpy()
    place = np.arange(len(runs)) - np.searchsorted(runs, runs)
    shape = (int(runs[-1]) + 1, int(place.max()) + 1)
    question = asked["question"]
    own = question.str.contains("^(" + "|".join((*decision.FLOORED, "scale")) + ")")
    matters = (own & ~question.str.contains(decision.SMALL, literal=True)).to_numpy()
    p_value, distance, expected = (np.full(shape, np.nan) for _ in range(3))
    told = {"p_value": p_value, "value": distance, "expected": expected}
    for name, matrix in told.items():
        matrix[runs, place] = asked[name].to_numpy()
    enough = np.zeros(shape, dtype=np.bool_)
    enough[runs, place] = matters
    given = (p_value, distance, expected, enough)
    found, near = (each(*given)[runs, place] for each in (decision.drifted, decision.unclear))
    return [None if open_ else said for said, open_ in zip(found.tolist(), near.tolist(), strict=True)]
