"""What chance does to a metric: the rows drawn again and again, whole windows at a time.

Rows of one day share their weather, their prices, their campaign: drawn one by one they would promise
intervals that are too narrow. The same draws serve both sides of a comparison, so what the versions have in
common cancels out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.comparison.answers import Binary, Multiclass, Regression
from core.comparison.results import Measurement
from core.declaration import Costs, Declaration
from core.estimates import Numbers, ratio
from core.evaluation.answered import Answered
from core.multiclass import multiclass
from core.performance import Confusion, decisions
from core.regression import SUMS, error_sums, regression
from core.score_curves import expected_calibration_error
from core.value import cost_table, decision_costs

FEWEST_BLOCKS, MOST_BLOCKS = 20, 400
REPLICATES = 1_000
_SEED = 20_130_101
_BINS = 20  # of expected_calibration_error
_LEAST = 1e-15

Blocks = NDArray[np.intp]


@dataclass(frozen=True)
class Interval:
    """A number with its bootstrap standard error and 95 % percentile interval; NaN where unknown."""

    value: float
    error: float
    lower: float
    upper: float


def blocks(times: pl.Series, declaration: Declaration) -> Blocks:
    """Return the block each row is drawn with: its window; neighbours share one where there are very many.

    With fewer than FEWEST_BLOCKS windows rows are dealt into MOST_BLOCKS blocks by chance: their spread is
    then that of single rows.
    """
    local = times.dt.convert_time_zone(declaration.predictions.timezone).dt.replace_time_zone(None)
    window = local.dt.truncate(declaration.window).rank("dense").cast(pl.Int64) - 1
    codes: Blocks = window.to_numpy().astype(np.intp)
    count = int(codes.max()) + 1 if len(codes) else 0
    if count < FEWEST_BLOCKS:
        return np.random.default_rng(_SEED).permutation(np.arange(len(codes)) % MOST_BLOCKS)
    return codes * min(MOST_BLOCKS, count) // count


def drawn_alike(*sides: Answered) -> list["Resampled"]:
    """Return sides of the same rows, drawn by the windows of the first."""
    block = blocks(sides[0].times, sides[0].declaration)
    return [Resampled(side, block) for side in sides]


def of_values(rows: Answered) -> dict[str, float]:
    """Return the metrics of the rows as they are."""
    whole = Resampled(rows, np.zeros(len(rows), dtype=np.intp))
    return {name: float(values[0]) for name, values in whole.metrics(np.ones((1, 1))).items()}


def spans(rows: "Resampled", *, only: str | None = None, replicates: int = REPLICATES) -> dict[str, Interval]:
    """Return each metric with the interval of its own draws; arguments as for `differences`."""
    return {n: _interval(v) for n, v in rows.metrics(_weights(rows.blocks, replicates), only).items()}


def widened(of: Measurement, by: Interval | None) -> Measurement:
    """Return a measurement with the wider interval: of single rows, or of whole windows drawn again."""
    if by is None or not np.isfinite(by.error) or of.value is None:
        return of
    lower = by.lower if of.lower is None else min(by.lower, of.lower)
    upper = by.upper if of.upper is None else max(by.upper, of.upper)
    return replace(of, lower=lower, upper=upper, sampling_error=max(by.error, of.sampling_error or 0.0))


def differences(
    candidate: "Resampled", champion: "Resampled", *, only: str | None = None, replicates: int = REPLICATES
) -> dict[str, Interval]:
    """Return candidate minus champion of each metric, both drawn by the same blocks.

    Parameters
    ----------
    candidate, champion : the same rows in the same order and the same blocks
    only : this metric alone

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap; blocks after Künsch (1989).
    """
    weights = _weights(candidate.blocks, replicates)
    ours, theirs = (side.metrics(weights, only) for side in (candidate, champion))
    return {name: _interval(ours[name] - theirs[name]) for name in ours}


def _weights(count: int, replicates: int) -> Numbers:
    """Return how often each block is drawn, shape (1 + replicates, count); the first row is what was seen."""
    drawn = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), size=replicates)
    return np.concatenate([np.ones((1, count)), drawn])


def _interval(values: Numbers) -> Interval:
    value, drawn = float(values[0]), values[1:]
    known = drawn[np.isfinite(drawn)]
    if len(known) < len(drawn) / 2 or not np.isfinite(value):
        return Interval(value, np.nan, np.nan, np.nan)
    lower, upper = np.quantile(known, [0.025, 0.975])
    return Interval(value, float(known.std(ddof=1)), float(lower), float(upper))


@dataclass(frozen=True)
class Resampled:
    """Rows whose metrics can be told for any weights of their blocks; `block` is that of each row."""

    rows: Answered
    block: Blocks

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return int(self.block.max()) + 1

    def metrics(self, weights: Numbers, only: str | None = None) -> Mapping[str, Numbers]:
        """Return each metric for each row of weights, shape (draws, blocks)."""
        answers = self.rows.answers
        ranks = isinstance(answers, Binary) and answers.score is not None
        if only == "roc_auc" and ranks:
            return {only: self._roc_auc(weights)}
        added = weights @ self._sums
        match answers:
            case Binary():
                found = _of_decisions(added, scored=ranks)
                found |= {"roc_auc": self._roc_auc(weights)} if ranks else {}
            case Multiclass():
                k = len(self.rows.classes)
                cells = (k + 1) * (k + 2)
                sums = None if answers.scores is None else added[:, cells:]
                found = {n: e.value for n, e in multiclass(added[:, :cells], k, sums).items()}
            case Regression():
                found = {n: e.value for n, e in regression(added[:, 0], added[:, 1:]).items()}
        if (costs := self._costs) is not None:
            found["value"] = (added[:, : costs.size] * costs).sum(axis=1)
        return found if only is None else {only: found[only]}

    @property
    def _costs(self) -> Numbers | None:
        """Return what a row costs, laid out as the counts in the sums; None where no costs are declared."""
        declared, answers = self.rows.declaration.costs, self.rows.answers
        if isinstance(answers, Binary) and isinstance(declared, Costs):
            return decision_costs(declared).ravel()
        if isinstance(answers, Multiclass) and isinstance(declared, dict):
            table = np.zeros((len(self.rows.classes) + 1, len(self.rows.classes) + 2))
            table[:-1, :-2] = cost_table(declared, self.rows.classes)
            return table.ravel()
        return None

    @cached_property
    def _sums(self) -> Numbers:
        """Return what adds up, by block; shape (blocks, sums)."""
        answers, k = self.rows.answers, len(self.rows.classes)
        match answers:
            case Binary():
                return np.column_stack(_of_binary(answers, self.block, self.blocks))
            case Multiclass():
                cell = answers.predicted * (k + 2) + answers.label
                return np.column_stack(_of_classes(answers, cell, (k + 1) * (k + 2), self.block, self.blocks))
            case Regression():
                rows, sums = error_sums(answers.predicted, answers.label, self.block, self.blocks)
                assert sums.shape[1] == SUMS
                return np.column_stack([rows, sums])

    def _roc_auc(self, weights: Numbers) -> Numbers:
        """Return ROC AUC: the pairs won between blocks, weighed by both of their weights."""
        won, positives, negatives = self._pairs
        return ratio(
            np.einsum("rb,rb->r", weights @ won, weights), (weights @ positives) * (weights @ negatives)
        )

    @cached_property
    def _pairs(self) -> tuple[Numbers, Numbers, Numbers]:
        """Return pairs won (positive above negative, ties half) by their blocks, and rows of each label."""
        answers, blocks = self.rows.answers, self.blocks
        assert isinstance(answers, Binary) and answers.score is not None
        order = np.argsort(answers.score, kind="stable")
        score, block, positive = answers.score[order], self.block[order], answers.label[order] == 1
        above, of_above = score[positive], block[positive]
        won = np.zeros((blocks, blocks))
        held = np.argsort(block[~positive], kind="stable")  # in each block still in order of score
        ends = np.cumsum(np.bincount(block[~positive], minlength=blocks))
        for i, below in enumerate(np.split(score[~positive][held], ends[:-1])):
            beaten = (np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")) / 2
            won[:, i] = np.bincount(of_above, weights=beaten, minlength=blocks)
        counts = [np.bincount(block[side], minlength=blocks).astype(float) for side in (positive, ~positive)]
        return won, counts[0], counts[1]


def _counted(cell: NDArray[np.int64], cells: int, block: Blocks, blocks: int) -> Numbers:
    return (
        np.bincount(block * cells + cell, minlength=blocks * cells).reshape(blocks, cells).astype(np.float64)
    )


def _of_binary(answers: Binary, block: Blocks, blocks: int) -> list[Numbers]:
    label = answers.label
    columns: list[Numbers] = [_counted(answers.predicted * 2 + label, 4, block, blocks)]
    if answers.score is None:
        return columns
    score, of_label = answers.score, np.where(label == 1, answers.score, 1 - answers.score)
    losses = -np.log(np.clip(of_label, _LEAST, 1.0))
    place = np.clip(np.ceil(score * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    cell, cells = block * _BINS + place, blocks * _BINS
    for weight in (np.ones_like(score), label, score):
        columns.append(
            np.bincount(cell, weights=weight, minlength=cells).reshape(blocks, _BINS).astype(np.float64)
        )
    columns += [
        np.bincount(block, w, blocks)[:, None].astype(np.float64) for w in ((score - label) ** 2, losses)
    ]
    return columns


def _of_decisions(added: Numbers, *, scored: bool) -> dict[str, Numbers]:
    c = Confusion(tp=added[:, 3], fp=added[:, 2], fn=added[:, 1], tn=added[:, 0])
    found = {name: e.value for name, e in decisions(c).items() if name != "label_rate"}
    if scored:
        rows, positives, scores = (added[:, 4 + i * _BINS : 4 + (i + 1) * _BINS] for i in range(3))
        found["brier"], found["log_loss"] = ratio(added[:, -2], c.n), ratio(added[:, -1], c.n)
        found["calibration_gap"] = ratio(scores.sum(axis=1) - positives.sum(axis=1), c.n)
        found["expected_calibration_error"] = expected_calibration_error(rows, positives, scores)
    return found


def _of_classes(
    answers: Multiclass, cell: NDArray[np.int64], cells: int, block: Blocks, blocks: int
) -> list[Numbers]:
    columns = [_counted(cell, cells, block, blocks)]
    if answers.scores is not None:
        known = answers.label < answers.scores.shape[1]
        place = np.where(known, answers.label, 0)
        of_label = np.clip(answers.scores[np.arange(len(place)), place], _LEAST, 1.0)
        losses = np.where(known, -np.log(of_label), 0.0)
        columns += [
            np.bincount(block, w, blocks)[:, None].astype(np.float64) for w in (losses, known, losses**2)
        ]
    return columns
