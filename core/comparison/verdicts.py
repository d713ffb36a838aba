"""From questions to a verdict: many looks, one rate of false alarms, and changes that matter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

from core.comparison.columns import FEW_ROWS, Measured, Question
from core.comparison.results import Sides

DRIFT, NO_DRIFT, TOO_FEW_ROWS = "drift", "no_drift", "too_few_rows"
FALSE_ALARMS = 0.04


@dataclass(frozen=True)
class Verdict:
    """The verdict of one column; `p_value` is the smallest of its questions, adjusted for all questions."""

    verdict: str
    p_value: float | None
    reason: str


def verdicts(measured: Mapping[str, Measured], rows: Sides[int]) -> dict[str, Verdict]:
    """Return the verdict of every column.

    A column drifted if one of its questions (has the distribution moved? has the share of rows without a
    value?) has a p-value of at most 0.04 after the adjustment of Benjamini and Hochberg (1995) over all
    questions of all columns, and the change is at least as large as the question's floor.
    """
    asked = [(name, question) for name, column in measured.items() for question in column.questions]
    adjusted = stats.false_discovery_control([question.p_value for _, question in asked]) if asked else []
    answers: dict[str, list[tuple[float, Question]]] = {name: [] for name in measured}
    for (name, question), p_value in zip(asked, adjusted, strict=True):
        answers[name].append((float(p_value), question))
    return {name: _verdict(column, answers[name], rows) for name, column in measured.items()}


def overall(each: Iterable[str]) -> str:
    """Return the verdict of the whole: drift if any column drifted, too_few_rows if none could be judged."""
    found = set(each)
    return next((verdict for verdict in (DRIFT, NO_DRIFT) if verdict in found), TOO_FEW_ROWS)


def _verdict(column: Measured, answers: Sequence[tuple[float, Question]], rows: Sides[int]) -> Verdict:
    p_value = min((p for p, _ in answers), default=None)
    changed = [question.answer for p, question in answers if p <= FALSE_ALARMS and question.matters]
    if changed:
        return Verdict(DRIFT, p_value, "; ".join(changed))
    if not any(question.of_distribution for _, question in answers):
        return Verdict(TOO_FEW_ROWS, p_value, _too_few(column, rows))
    return Verdict(NO_DRIFT, p_value, column.change)


def _too_few(column: Measured, rows: Sides[int]) -> str:
    for side, n in (("REFERENCE", rows.reference), ("CURRENT", rows.current)):
        if n < FEW_ROWS:
            return f"{side} has {n:,} row{'' if n == 1 else 's'}; a verdict needs {FEW_ROWS}"
    if column.distance is None:
        return column.change
    return f"fewer than {FEW_ROWS} usable values on a side"
