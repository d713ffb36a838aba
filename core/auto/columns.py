"""A model's windows from their cells to p-values: each drift distance gets its p-value and its question."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.auto import decision, model, season
from core.auto.categorical import CategoricalCounts
from core.auto.numeric import NumericCounts
from core.cells import column, stacked
from core.declaration import Declaration
from core.entities import METRIC_KEYS, METRICS, Grid, Kind
from core.estimates import Numbers

DISTANCE = "jensen_shannon"
FEWEST_ROWS = 100
_SLICE = ("segment", "version")
_WITHOUT = ("missing", "nan", "positive_infinity", "negative_infinity", "uncastable")


@dataclass(frozen=True)
class _Layout:
    """Where the counts of each column lie; `grid` says what is asked about."""

    numbers: Sequence[str]
    categories: Sequence[str]
    grid: Grid
    label: str | None  # what lacks a label has not arrived: that is nothing amiss

    @property
    def bins(self) -> int:
        return max([1, *(len(self.grid.numeric[name].edges) - 1 for name in self.numbers)])

    @property
    def places(self) -> int:
        return max([0, *(len(self.grid.categorical[name].kept) for name in self.categories)]) + 1


def judged(
    metrics: pl.DataFrame, cells: pl.DataFrame, reference: pl.DataFrame, grid: Grid, declaration: Declaration
) -> pl.DataFrame:
    """Return metrics whose drift distances have a p-value, and as remark the question it answers.

    Parameters
    ----------
    metrics, cells : METRICS of some windows, and the CELLS they were measured from
    reference : CELLS of the reference's windows, not merged
    grid : what both were counted on

    Notes
    -----
    The remark is one of QUESTIONS of `numeric` and `categorical`, with `decision.SMALL` where a scale is
    below the floor of its own, and with `decision.UNCALIBRATED` where the reference has few windows. A window
    of fewer than 100 rows has no p-value. Traffic of one version is compared with that of all.
    """
    asked = (metrics["metric"] == DISTANCE) & (metrics["variant"] == "") & (metrics["group"] == "")
    if not grid.frozen or not asked.any() or reference.is_empty():
        return metrics
    watched = set(metrics.filter(asked)["column"])
    found = list(_answers(_whole(cells, watched), _whole(reference, watched), grid, declaration))
    if not found:
        return metrics
    answers = pl.concat(found).with_columns(metric=pl.lit(DISTANCE), variant=pl.lit(""), group=pl.lit(""))
    joined = metrics.join(answers, on=METRIC_KEYS, how="left", maintain_order="left")
    return joined.with_columns(
        p_value=pl.coalesce("p", "p_value"), reason=pl.coalesce("reason", "question")
    ).select(pl.col(name).cast(kind) for name, kind in METRICS.items())


def _whole(cells: pl.DataFrame, watched: set[str]) -> pl.DataFrame:
    kinds = pl.col("kind").is_in([Kind.NUMERIC, Kind.CATEGORICAL])
    return cells.filter(
        kinds, pl.col("variant") == "", pl.col("group") == "", pl.col("column").is_in(list(watched))
    )


def _answers(
    cells: pl.DataFrame, reference: pl.DataFrame, grid: Grid, declaration: Declaration
) -> Iterator[pl.DataFrame]:
    usual_of = {key[0]: part for key, part in reference.filter(pl.col("version") == "").group_by("segment")}
    fits: dict[tuple[str, int], model.Fit] = {}
    for (segment, version), current in cells.group_by(_SLICE, maintain_order=True):
        usual = usual_of.get(segment)
        if usual is None:
            continue
        layout = _layout(usual, grid, declaration)
        starts = current["window_start"].unique().sort()
        numbers, categories = _counts(current, starts, layout)
        normal = _reference(usual, layout, declaration)
        rows = _rows(numbers, categories)
        size = model.block_sizes(normal, rows)
        for blocks in np.unique(size[rows >= FEWEST_ROWS]):
            key = (str(segment), int(blocks))
            if key not in fits:
                fits[key] = model.fit(model.in_blocks(normal, int(blocks)))
            these = (size == blocks) & (rows >= FEWEST_ROWS)
            told = _told(fits[key], numbers, categories, starts.filter(pl.Series(these)), these, layout)
            yield told.with_columns(segment=pl.lit(segment), version=pl.lit(version))


def _told(
    fit: model.Fit,
    numbers: NumericCounts,
    categories: CategoricalCounts,
    starts: pl.Series,
    these: NDArray[np.bool_],
    layout: _Layout,
) -> pl.DataFrame:
    answers = model.judge(
        fit,
        NumericCounts(*(each[these] for each in vars(numbers).values())),
        CategoricalCounts(*(each[these] for each in vars(categories).values())),
        season.days(starts.to_list()),
    )
    names = [*layout.numbers, *layout.categories]
    question = answers.question.astype(object)
    small = (answers.question == "scale") & ~answers.matters
    question[small] += decision.SMALL
    if not fit.calibrated:
        question += decision.UNCALIBRATED
    return pl.DataFrame(
        {
            "window_start": starts.gather(np.repeat(np.arange(len(starts)), len(names))),
            "column": names * len(starts),
            "p": answers.p_value.ravel(),
            "question": pl.Series(question.ravel().tolist(), dtype=pl.String),
        }
    )


def _layout(reference: pl.DataFrame, grid: Grid, declaration: Declaration) -> _Layout:
    of = {key[0]: sorted(set(part["column"])) for key, part in reference.group_by("kind")}
    return _Layout(
        [n for n in of.get(Kind.NUMERIC, ()) if n in grid.numeric and grid.numeric[n].edges],
        [n for n in of.get(Kind.CATEGORICAL, ()) if n in grid.categorical],
        grid,
        declaration.actual,
    )


def _reference(cells: pl.DataFrame, layout: _Layout, declaration: Declaration) -> model.Reference:
    starts = cells["window_start"].unique().sort()
    numbers, categories = _counts(cells, starts, layout)
    words = [layout.grid.categorical[name] for name in layout.categories]
    once = [np.nan if each.seen_once is None else float(each.seen_once) for each in words]
    return model.Reference(
        season.days(starts.to_list()), numbers, categories, _chosen(starts, declaration), np.array(once)
    )


def _chosen(starts: pl.Series, declaration: Declaration) -> NDArray[np.bool_]:
    """Return the windows vocabularies were chosen from: every other one of the reference, empty or not."""
    place = np.arange(len(starts))
    if declaration.reference_period is not None:
        begin, _ = declaration.reference_period
        first = declaration.calendar.containing(begin).start
        ordinals = declaration.calendar.ordinals(pl.concat([pl.Series([first], dtype=starts.dtype), starts]))
        if ordinals[1:].is_unique().all():  # windows, not parts of one
            place = ordinals.to_numpy()[1:] - ordinals[0]
    return place % 2 == 0


def _counts(
    cells: pl.DataFrame, starts: pl.Series, layout: _Layout
) -> tuple[NumericCounts, CategoricalCounts]:
    """Return the counts of windows; a window without a cell of a column has no rows there."""
    window = {start: place for place, start in enumerate(starts.to_list())}
    shape = (len(window), len(layout.numbers))
    bins, missing, outside = np.zeros((*shape, layout.bins)), np.zeros(shape), np.zeros(shape)
    part, at, of = _placed(cells, Kind.NUMERIC, layout.numbers, window)
    if len(part):
        counts = stacked(part["counts"], layout.bins + 2).copy()
        above = np.array([len(layout.grid.numeric[name].edges) for name in layout.numbers])[of]
        each = np.arange(len(part))
        below, beyond = counts[:, 0].copy(), counts[each, above]
        counts[each, above] = 0
        counts[:, 1] += below
        counts[each, above - 1] += beyond
        bins[at, of], outside[at, of] = counts[:, 1:-1], below + beyond
        missing[at, of] = _missing(part, layout)
    shape = (len(window), len(layout.categories))
    values, gaps, unseen = np.zeros((*shape, layout.places)), np.zeros(shape), np.zeros(shape)
    part, at, of = _placed(cells, Kind.CATEGORICAL, layout.categories, window)
    if len(part):
        counts = stacked(part["counts"], layout.places + 1).copy()
        kept = np.array([len(layout.grid.categorical[name].kept) for name in layout.categories])[of]
        each = np.arange(len(part))
        other, new = counts[each, kept].copy(), counts[each, kept + 1].copy()
        counts[each, kept] = counts[each, kept + 1] = 0
        counts[:, layout.places - 1] = other + new
        values[at, of], unseen[at, of] = counts[:, :-1], new
        gaps[at, of] = _missing(part, layout)
    return NumericCounts(bins, missing, outside), CategoricalCounts(values, gaps, unseen)


def _placed(
    cells: pl.DataFrame, kind: Kind, names: Sequence[str], window: dict[datetime, int]
) -> tuple[pl.DataFrame, NDArray[np.intp], NDArray[np.intp]]:
    """Return the cells of a kind, and the place of their window and their column."""
    part = cells.filter(pl.col("kind") == kind, pl.col("column").is_in(names))
    place = {name: number for number, name in enumerate(names)}
    at = np.array([window[start] for start in part["window_start"].to_list()], dtype=np.intp)
    of = np.array([place[name] for name in part["column"].to_list()], dtype=np.intp)
    return part, at, of


def _missing(cells: pl.DataFrame, layout: _Layout) -> Numbers:
    without: Numbers = np.sum([column(cells, name) for name in _WITHOUT], axis=0)
    return np.where((cells["column"] == (layout.label or "")).to_numpy(), 0.0, without)


def _rows(numbers: NumericCounts, categories: CategoricalCounts) -> Numbers:
    """Return the rows of each window: those of its fullest column."""
    counted = [
        numbers.bins.sum(axis=-1) + numbers.missing,
        categories.values.sum(axis=-1) + categories.missing,
    ]
    rows: Numbers = np.concatenate(counted, axis=1).max(axis=1, initial=0.0)
    return rows
