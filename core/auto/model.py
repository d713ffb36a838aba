"""All columns of a model together: learning what is normal, and answering for windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.auto import categorical, decision, numeric
from core.auto.categorical import CategoricalCounts
from core.auto.numeric import NumericCounts
from core.estimates import Numbers, ratio

CALIBRATED_WINDOWS = 8  # with fewer the wobble is hardly known
LARGEST_RATIO = 10.0  # of a window's rows to a reference window's
FEWEST_BLOCKS = 3
C = TypeVar("C", NumericCounts, CategoricalCounts)
_BATCH = 4_000  # windows × columns judged at once: bounds memory


@dataclass(frozen=True)
class Reference:
    """The counts of a model's reference windows, in time order.

    `at` is when each began, in days; `chosen` the windows from which vocabularies were chosen; `seen_once`
    how many values each categorical column showed once.
    """

    at: Numbers
    numeric: NumericCounts
    categorical: CategoricalCounts
    chosen: NDArray[np.bool_]
    seen_once: Numbers


@dataclass(frozen=True)
class Fit:
    """What is normal for a model: learned once, asked for every window."""

    numeric: numeric.NumericFit
    categorical: categorical.CategoricalFit
    windows: int

    @property
    def calibrated(self) -> bool:
        """Whether there were enough reference windows to know the wobble."""
        return self.windows >= CALIBRATED_WINDOWS


@dataclass(frozen=True)
class Answers:
    """One verdict per window and column, numeric columns first, then categorical ones.

    The `question` is the one that answered with the smallest weighted p-value, see `decision.named`.
    `matters` says that its answer is beyond the floor of its own; where not, or where it has none, the
    distance must tell.
    """

    p_value: Numbers
    question: NDArray[np.str_]
    matters: NDArray[np.bool_]


def fit(reference: Reference) -> Fit:
    """Learn what is normal from the reference windows."""
    return Fit(
        numeric.fit(reference.numeric, reference.at),
        categorical.fit(reference.categorical, reference.seen_once, reference.chosen),
        len(reference.at),
    )


def judge(fit: Fit, numbers: NumericCounts, categories: CategoricalCounts, at: Numbers) -> Answers:
    """Answer for windows that began `at` these days."""
    columns = numbers.bins.shape[1] + categories.values.shape[1]
    step = max(_BATCH // max(columns, 1), 1)
    parts = [
        _judge(fit, _slice(numbers, i, i + step), _slice(categories, i, i + step), at[i : i + step])
        for i in range(0, max(len(at), 1), step)
    ]
    return Answers(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def block_sizes(reference: Reference, rows: Numbers) -> NDArray[np.intp]:
    """Return how many reference windows must become one block, to compare windows of so many rows with.

    A window of ten times the rows of a reference window differs by wobbles nobody has seen; as powers of two,
    so that few sizes serve all windows.
    """
    number, category = reference.numeric, reference.categorical
    counted = [number.bins.sum(axis=-1) + number.missing, category.values.sum(axis=-1) + category.missing]
    usual = float(np.median(np.concatenate(counted, axis=1).max(axis=1, initial=0.0)))
    needed = np.maximum(rows / (LARGEST_RATIO * usual), 1.0) if usual else np.ones(len(rows))
    most = max(len(reference.at) // FEWEST_BLOCKS, 1)
    return np.minimum(2 ** np.ceil(np.log2(needed)), most).astype(np.intp)


def in_blocks(reference: Reference, size: int) -> Reference:
    """Return the reference in blocks of this many neighbouring windows."""
    if size <= 1:
        return reference
    starts = np.arange(0, len(reference.at) - size + 1, size)
    number, category = reference.numeric, reference.categorical
    return Reference(
        reference.at[starts],
        NumericCounts(*(_added(each, starts) for each in vars(number).values())),
        CategoricalCounts(*(_added(each, starts) for each in vars(category).values())),
        np.zeros(len(starts), dtype=np.bool_),
        reference.seen_once,
    )


def _added(counts: Numbers, starts: NDArray[np.intp]) -> Numbers:
    return np.add.reduceat(counts, starts, axis=0)


def _slice(counts: C, start: int, end: int) -> C:
    kind = type(counts)
    return kind(*(each[start:end] for each in vars(counts).values()))


def _judge(
    fit: Fit, numbers: NumericCounts, categories: CategoricalCounts, at: Numbers
) -> tuple[Numbers, NDArray[np.str_], NDArray[np.bool_]]:
    p, moves = numeric.judge(fit.numeric, numbers, at)
    usual = fit.numeric.missing
    moved = _share_moves(usual.hits, usual.rows, numbers.missing, numbers.bins)
    outside = np.nan_to_num(ratio(numbers.outside, numbers.bins.sum(axis=-1)))
    floored = _floored(p, numeric.QUESTIONS, {"missing": moved, "out of range": outside})
    first, question = decision.column_p_values(floored, numeric.WEIGHTS)
    asked = np.array(numeric.QUESTIONS)[decision.named(floored, numeric.WEIGHTS, question)]
    scaled = (asked == "scale") & (moves[..., 1] >= decision.SCALE_FLOOR)
    p = categorical.judge(fit.categorical, categories)
    usual = fit.categorical.missing
    moved = _share_moves(usual.hits, usual.rows, categories.missing, categories.values)
    unseen = np.nan_to_num(ratio(categories.unseen, categories.values.sum(axis=-1)))
    once = np.nan_to_num(ratio(fit.categorical.seen_once, fit.categorical.rows))
    floored = _floored(p, categorical.QUESTIONS, {"missing": moved, "unseen": unseen - once})
    second, question = decision.column_p_values(floored, categorical.WEIGHTS)
    of = np.array(categorical.QUESTIONS)[question]
    questions = np.concatenate([asked, of], axis=1)
    matters = np.isin(questions, decision.FLOORED)
    matters[:, : asked.shape[1]] |= scaled
    return np.concatenate([first, second], axis=1), questions, matters


def _floored(p: Numbers, questions: Sequence[str], moves: Mapping[str, Numbers]) -> Numbers:
    """Return p-values where a share that moved too little to matter has not moved at all."""
    result = p.copy()
    for name, moved in moves.items():
        at = questions.index(name)
        result[..., at] = np.where(moved >= decision.SHARE_FLOOR, p[..., at], 1.0)
    return result


def _share_moves(usual_hits: Numbers, usual_rows: Numbers, hits: Numbers, counts: Numbers) -> Numbers:
    rows = counts.sum(axis=-1) + hits
    return np.abs(np.nan_to_num(ratio(hits, rows)) - np.nan_to_num(ratio(usual_hits, usual_rows)))
