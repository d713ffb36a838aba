"""What a version does with inputs that are off: shifted, missing, or of a category nobody has seen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.comparison.answers import Binary, Multiclass, Regression
from core.errors import LogError, ScoringError
from core.evaluation.answered import Answered, answered, paired
from core.evaluation.inputs import answer_columns
from core.evaluation.limits import Bar, direction
from core.evaluation.resampling import Interval, differences, drawn_alike, of_values
from core.evaluation.told import Judged, judged, number, title
from core.records import Finding
from core.scoring import Scorer

ROWS = 2_000
SHIFT = 1.0  # standard deviations
UNSEEN, NOTHING_KNOWN = "(never seen)", "all numbers missing"
REPLICATES = 200
_RELATIVE = ("mae", "rmse", "log_loss")
_DIFFERENT = 0.01  # of an answer: more than rounding in a file explains


@dataclass(frozen=True)
class Asked:
    """Rows, what the scoring command is given of them in the same order, and the command."""

    rows: Answered
    inputs: pl.DataFrame
    scorer: Scorer

    @property
    def columns(self) -> tuple[str, ...]:
        """What the command has to answer."""
        return answer_columns(self.rows.declaration)

    def answered(self, output: pl.DataFrame) -> Answered:
        """Return the rows with the command's output as answers; those without a usable one are left out."""
        declared = self.rows.declaration
        texts = declared.task != "regression"
        columns = [
            pl.Series(
                name,
                _text(output[name])
                if texts and name == declared.predictions.prediction
                else output[name].cast(pl.Float64, strict=False),
            )
            for name in self.columns
        ]
        frame = self.rows.frame.with_columns(columns)
        return answered(frame, declared, name=f"commands.{self.scorer.name}", classes=self.rows.classes)


def sampled(rows: Answered, inputs: pl.DataFrame, scorer: Scorer) -> Asked:
    """Return at most ROWS rows, evenly over time, to ask the command about."""
    places = np.unique(np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).astype(np.intp))
    return Asked(rows.take(places), inputs[places], scorer)


def require_own_answers(asked: Asked, output: pl.DataFrame, *, file: str) -> None:
    """Refuse a prediction file whose answers are not those of the artifact.

    Raises
    ------
    ScoringError
        If more than one row in a hundred has another answer.
    """
    try:
        now = asked.answered(output)
    except LogError as error:
        raise ScoringError(
            f"commands.{asked.scorer.name} gives no usable answer to any of its rows"
        ) from error
    ours, theirs = paired(asked.rows, now)
    off = _moved(ours, theirs) > _DIFFERENT
    if off.sum() > len(asked.rows) / 100 or len(ours) < 0.99 * len(asked.rows):
        raise ScoringError(
            f"{file} holds other answers than the artifact gives: {int(off.sum()):,} of {len(ours):,} rows "
            "differ; predict again with the artifact that is registered"
        )


def robustness(asked: Asked, bar: Bar) -> Judged:
    """Return the evidence ``robustness``.

    Every number is moved by one standard deviation up and down, every input is taken away, every category is
    replaced by one never seen, and all numbers are taken away at once. A disturbance fails if the command
    fails, leaves a row without answer, or the headline metric falls by more than the limit; with no number
    left the command only has to answer.
    """
    base = asked.rows
    values = of_values(base)
    headline = bar.headline(frozenset(name for name, value in values.items() if np.isfinite(value)))
    limit = bar.of("robustness_drop")
    frames = dict(disturbed(asked.inputs, base))
    findings = []
    for name, output in _outputs(asked, frames).items():
        findings.append(
            Finding(name="robustness_drop", value=None, passed=False, about=name, note=output)
            if isinstance(output, str)
            else _finding(name, base, asked, output, headline, limit)
        )
    return judged("robustness", _summary(findings, headline, len(base)), findings)


def disturbed(inputs: pl.DataFrame, rows: Answered) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield each disturbance with the inputs as it makes them; types stay as they are."""
    numeric, categorical = _kinds(inputs, rows)
    for name in numeric:
        column = inputs[name].cast(pl.Float64, strict=False)
        spread = column.std()
        if isinstance(spread, float) and np.isfinite(spread) and spread > 0:
            for sign, word in ((1, "+"), (-1, "−")):
                moved = column + sign * SHIFT * spread
                moved = moved.round() if inputs[name].dtype.is_integer() else moved
                yield f"{name} {word} 1 sd", inputs.with_columns(moved.cast(inputs[name].dtype, strict=False))
    for name in (*numeric, *categorical):
        yield f"{name} missing", inputs.with_columns(pl.lit(None, inputs[name].dtype).alias(name))
    for name in categorical:
        if inputs[name].dtype == pl.String:
            yield f"{name} never seen", inputs.with_columns(pl.lit(UNSEEN).alias(name))
    if len(numeric) > 1:
        yield (
            NOTHING_KNOWN,
            inputs.with_columns(pl.lit(None, inputs[n].dtype).alias(n) for n in numeric),
        )


def _kinds(inputs: pl.DataFrame, rows: Answered) -> tuple[list[str], list[str]]:
    """Return the numbers and the categories among the inputs; keys are neither."""
    declared, log = rows.declaration.features, rows.declaration.predictions
    free = [name for name in inputs.columns if name not in (log.prediction_id, log.timestamp)]
    said = (
        {}
        if declared is None
        else dict.fromkeys(declared.numeric, True) | dict.fromkeys(declared.categorical, False)
    )
    is_number = {name: said.get(name, inputs[name].dtype.is_numeric()) for name in free}
    return [n for n in free if is_number[n]], [n for n in free if not is_number[n]]


def _outputs(asked: Asked, frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame | str]:
    """Return what the command answers to each disturbance: asked all at once, one by one if that fails."""
    size = asked.inputs.height
    try:
        every = asked.scorer(pl.concat(list(frames.values())), asked.columns).frame
    except ScoringError:
        found: dict[str, pl.DataFrame | str] = {}
        for name, frame in frames.items():
            try:
                found[name] = asked.scorer(frame, asked.columns).frame
            except ScoringError as error:
                found[name] = str(error)
        return found
    return {name: every[i * size : (i + 1) * size] for i, name in enumerate(frames)}


def _finding(
    name: str, base: Answered, asked: Asked, output: pl.DataFrame, headline: str | None, limit: float | None
) -> Finding:
    try:
        now = asked.answered(output)
    except LogError:
        return Finding(name="robustness_drop", value=None, passed=False, about=name, note="no usable answer")
    ours, theirs = paired(base, now)
    silent = len(base) - len(ours)
    moved = f"answers move by {_moved(ours, theirs).mean():.3g} on average"
    if not isinstance(base.answers, Regression):
        flipped = float((ours.answers.predicted != theirs.answers.predicted).mean())
        moved = f"{flipped:.1%} of decisions change, {moved}"
    note = f"{silent:,} of {len(base):,} rows get no usable answer; {moved}" if silent else moved
    drop = _drop(ours, theirs, headline) if headline else Interval(np.nan, np.nan, np.nan, np.nan)
    limit = None if name == NOTHING_KNOWN else limit
    small = limit is None or not np.isfinite(drop.value) or drop.value <= limit
    return Finding(
        name="robustness_drop",
        value=number(drop.value),
        lower=number(drop.lower),
        upper=number(drop.upper),
        n=len(ours),
        threshold=limit,
        passed=small and not silent,
        about=name,
        note=note,
    )


def _drop(ours: Answered, theirs: Answered, metric: str) -> Interval:
    """Return how much worse the metric is than undisturbed; of errors in the label's unit as a share."""
    found = differences(*drawn_alike(ours, theirs), only=metric, replicates=REPLICATES)[metric]
    sign = direction(metric)
    unit = of_values(ours)[metric] if metric in _RELATIVE else 1.0
    bounds = sorted(sign * bound / unit for bound in (found.lower, found.upper))
    return Interval(sign * found.value / unit, found.error / abs(unit), bounds[0], bounds[1])


def _moved(ours: Answered, theirs: Answered) -> np.ndarray:
    """Return how far each answer lies from another: scores as they are, numbers in standard deviations."""
    match ours.answers, theirs.answers:
        case (Binary(score=a), Binary(score=b)) if a is not None and b is not None:
            return np.abs(a - b)
        case (Multiclass(scores=a), Multiclass(scores=b)) if a is not None and b is not None:
            return np.abs(a - b).max(axis=1)
        case (Regression(), Regression()):
            spread = ours.answers.predicted.std() or 1.0
            return np.abs(ours.answers.predicted - theirs.answers.predicted) / spread
    return (ours.answers.predicted != theirs.answers.predicted).astype(np.float64)


def _text(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column.cast(pl.Int8).cast(pl.String)
    if column.dtype.is_float():
        column = column.cast(pl.Int64, strict=False)
    return column.cast(pl.String)


def _summary(findings: list[Finding], headline: str | None, rows: int) -> str:
    known = [each for each in findings if each.value is not None and each.about != NOTHING_KNOWN]
    broken = [each for each in findings if not each.passed]
    text = f"{len(findings)} disturbances of {rows:,} rows"
    if known and headline:
        worst = max(known, key=lambda each: each.value or 0.0)
        text += f"; {title(headline)} falls most, by {worst.value:.3f}, with {worst.about}"
    return text + (f"; does not bear {', '.join(each.about for each in broken[:5])}" if broken else "")
