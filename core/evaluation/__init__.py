"""Evidence about a version from frozen rows: what its answers, beside labels and the champion's, can prove.

`examined` tells the story; frozen.py reads the rows, answered.py lays them out, resampling.py says what
chance
does, limits.py what is asked for; each kind of evidence has a file of its name; inputs.py and robustness.py
ask the administrator's scoring command.
"""

from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.evaluation.answered import Answered, paired
from core.evaluation.calibration import calibration
from core.evaluation.champion import champion_comparison
from core.evaluation.fairness import fairness
from core.evaluation.inputs import of_rows, read_inputs
from core.evaluation.latency import latencies, latency, latency_of_batch
from core.evaluation.leakage import Training, leakage
from core.evaluation.limits import Bar
from core.evaluation.performance import performance
from core.evaluation.robustness import require_own_answers, robustness, sampled
from core.evaluation.slices import slice_performance
from core.evaluation.told import Judged
from core.records import Version
from core.scoring import Scorer

__all__ = ["Candidate", "Champion", "examined"]


@dataclass(frozen=True)
class Candidate:
    """The version under examination: its rows, their file, and its scoring command if there is one."""

    rows: Answered
    file: Path
    version: Version
    training: Training
    scorer: Scorer | None


@dataclass(frozen=True)
class Champion:
    """The champion's answers to the same rows, and what it is called; without rows `absent` says why."""

    name: str
    rows: Answered | None
    absent: str = ""


def examined(candidate: Candidate, champion: Champion | None, bar: Bar) -> tuple[list[Judged], list[str]]:
    """Return all evidence that can be had, and a sentence for each kind that cannot.

    Raises
    ------
    InputError
        If the scoring command gives other answers than the file holds.
    """
    rows, told = candidate.rows, []
    ours, theirs = rows, None
    if champion is not None and champion.rows is not None:
        ours, theirs = paired(rows, champion.rows)
    found: list[Judged | None] = [performance(rows, bar)]
    if theirs is not None and champion is not None:
        found.append(champion_comparison(ours, theirs, bar, name=champion.name))
    else:
        told.append(f"champion_comparison: {champion.absent if champion else 'there is no champion'}")
    found += [slice_performance(ours, theirs, bar), fairness(rows, bar), calibration(rows, bar)]
    found.append(leakage(rows, candidate.training, bar))
    known = latencies(rows.frame, bar.declaration)
    if known is not None:
        found.append(latency(known, bar, measured="as logged beside the predictions"))
    if candidate.scorer is not None:
        found += _asked(candidate, candidate.scorer, bar, timed=known is None)
    told += _untold(bar, scorer=candidate.scorer is not None, timed=known is not None)
    return [each for each in found if each is not None], told


def _asked(candidate: Candidate, scorer: Scorer, bar: Bar, *, timed: bool) -> list[Judged]:
    """Return what only the scoring command can tell."""
    inputs = of_rows(read_inputs(candidate.file, bar.declaration, candidate.version), candidate.rows)
    if inputs is None:
        raise InputError(
            f"{bar.declaration.model} declares no prediction_id, so rows and inputs cannot be joined; name "
            "one, or take `scoring` out of its declaration"
        )
    asked = sampled(candidate.rows, inputs, scorer)
    first, every = scorer(asked.inputs[:1], asked.columns), scorer(asked.inputs, asked.columns)
    require_own_answers(asked, every.frame, file=candidate.file.name)
    found = [robustness(asked, bar)]
    if timed:
        found.append(latency_of_batch(first.seconds, every.seconds, asked.inputs.height, bar))
    return found


def _untold(bar: Bar, *, scorer: bool, timed: bool) -> list[str]:
    declared, told = bar.declaration, []
    if not declared.protected:
        told.append("fairness: the declaration names no protected attribute")
    elif declared.task == "multiclass_classification" and declared.favourable is None:
        told.append("fairness: the declaration does not say which class is favourable")
    if declared.task.endswith("classification") and not declared.predictions.score:
        told.append("calibration: the model gives no scores")
    if not scorer:
        how = "name a scoring command in steward.yaml (commands) and the declaration (scoring: {command: …})"
        told.append(f"robustness: {how}")
        if not timed:
            told.append(f"latency: no column operations.latency_ms, or {how}")
    return told
