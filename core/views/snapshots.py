"""What the charts of one stretch of time read: counts of windows added up, beside those of the reference."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from core.entities import Grid, Kind
from core.estimates import wilson
from core.store import Store, models, references, statistics

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Distribution:
    """A column's counts in the reference and in the selected windows, on the same frozen bins.

    Numeric: `edges` and counts [below, bins …, above]. Categorical: `names` and counts in their order.
    """

    numeric: bool
    edges: tuple[float, ...]
    names: tuple[str, ...]
    reference: np.ndarray
    current: np.ndarray
    rows: int
    missing: int


@dataclass(frozen=True)
class Scores:
    """Scores against labels over the selected mature windows.

    `calibration` has `score`, `rate`, `lower`, `upper`, `n` (None for models without score or classes);
    `confusion` counts label × prediction in the order of `classes`; `labelled` of `rows` have a label.
    """

    calibration: pl.DataFrame | None
    confusion: np.ndarray
    classes: tuple[str, ...]
    labelled: int
    rows: int


def distribution(
    store: Store, slug: str, column: str, start: datetime, end: datetime, segment: str = ""
) -> Distribution | None:
    """Return a column's counts in [start, end) beside the reference's; None when either was not counted."""
    with store.read() as c:
        reference = references.current(c, slug)
    if reference is None or not reference.frozen:
        return None
    grid = references.read_grid(store, slug, reference.reference_id)
    kinds = (Kind.NUMERIC.value, Kind.CATEGORICAL.value)
    mine = (pl.col("column") == column) & pl.col("kind").is_in(kinds)
    cells = _cells(store, slug, column, start, end, segment, reference.reference_id).filter(mine)
    whole = references.read_reference_cells(store, slug, reference.reference_id).filter(
        mine
        & (pl.col("segment") == segment)
        & (pl.col("version") == "")
        & (pl.col("variant") == "")
        & (pl.col("group") == "")
    )
    if not cells.height or not whole.height:
        return None
    vocabulary = grid.categorical.get(column)
    numeric = vocabulary is None
    return Distribution(
        numeric,
        grid.numeric[column].edges if column in grid.numeric else (),
        () if vocabulary is None else (*vocabulary.kept, "other", "unseen"),
        _total(whole),
        _total(cells),
        int(cells["n"].sum()),
        int(cells["missing"].sum()),
    )


def scores(
    store: Store, slug: str, start: datetime | None, end: datetime | None, segment: str = ""
) -> Scores | None:
    """Return calibration and confusion of the windows in [start, end) whose labels are complete."""
    with store.read() as c:
        registered = models.get(c, slug)
        reference = references.current(c, slug)
    if registered is None or reference is None:
        return None
    grid = references.read_grid(store, slug, reference.reference_id)
    cells = _cells(store, slug, "", start, end, segment, reference.reference_id)
    cells = cells.filter(pl.col("window_start").is_in(_mature(store, slug, start, end).implode()))
    if registered.declaration.task == "multiclass_classification":
        return _multiclass(cells.filter(pl.col("kind") == Kind.MULTICLASS.value), grid)
    if registered.declaration.task == "binary_classification":
        positive = registered.declaration.positive
        return _binary(cells.filter(pl.col("kind") == Kind.CLASSIFICATION.value), str(positive))
    return None


def _binary(cells: pl.DataFrame, positive: str) -> Scores | None:
    if not cells.height:
        return None
    counts = _total(cells).reshape(-1, 2, 3)  # score bin × predicted × label (no, yes, unlabelled)
    sums = np.sum(cells["sums"].to_list(), axis=0)[: counts.size].reshape(counts.shape)
    confusion = counts[:, :, :2].sum(axis=0).T
    labelled = counts[:, :, :2].sum(axis=(1, 2))
    curve = None
    if len(counts) > 1 and labelled.sum():
        curve = _calibration(counts[:, :, 1].sum(axis=1), labelled, sums[:, :, :2].sum(axis=(1, 2)))
    return Scores(curve, confusion, ("no", "yes"), int(labelled.sum()), int(counts.sum()))


def _calibration(positives: np.ndarray, labelled: np.ndarray, score_sums: np.ndarray) -> pl.DataFrame:
    # Neighbouring score bins are joined into about ten of equal size: each point rests on enough rows.
    before = np.cumsum(labelled) - labelled / 2
    bin_of = np.minimum((before / labelled.sum() * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    n, hits, total = (
        np.bincount(bin_of, weights=w, minlength=CALIBRATION_BINS) for w in (labelled, positives, score_sums)
    )
    kept = n > 0
    lower, upper = wilson(hits[kept], n[kept])
    return pl.DataFrame(
        {
            "score": total[kept] / n[kept],
            "rate": hits[kept] / n[kept],
            "lower": lower,
            "upper": upper,
            "n": n[kept].astype(int),
        }
    )


def _multiclass(cells: pl.DataFrame, grid: Grid) -> Scores | None:
    k = len(grid.classes)
    if not cells.height or not k:
        return None
    counts = _total(cells).reshape(k + 1, k + 2)  # predicted (…, unknown) × label (…, unknown, unlabelled)
    confusion = counts[:k, :k].T
    return Scores(None, confusion, grid.classes, int(confusion.sum()), int(counts.sum()))


def _mature(store: Store, slug: str, start: datetime | None, end: datetime | None) -> pl.Series:
    """Return the starts of the windows whose labels are complete."""
    whole = {"segment": "", "version": "", "variant": "", "group": ""}
    names = ["labelled_share"]
    shares = statistics.read(store, slug, "metrics", start=start, end=end, metrics=names, **whole)
    return shares.filter(pl.col("mature_at") <= store.workspace.now())["window_start"]


def _cells(
    store: Store,
    slug: str,
    column: str,
    start: datetime | None,
    end: datetime | None,
    segment: str,
    reference_id: str,
) -> pl.DataFrame:
    frame = statistics.read(
        store,
        slug,
        "counts",
        start=start,
        end=end,
        columns=(column,),
        segment=segment,
        version="",
        variant="",
        group="",
    )
    return frame.filter(pl.col("reference_id") == reference_id)


def _total(cells: pl.DataFrame) -> np.ndarray:
    total: np.ndarray = np.sum(cells["counts"].to_list(), axis=0)
    return total
