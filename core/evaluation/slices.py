"""Performance slice by slice: declared segments and quarters of each number, none of them left behind."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr

from core.comparison.labels import measured
from core.comparison.results import Measurement
from core.evaluation.answered import Answered
from core.evaluation.limits import Bar, direction
from core.evaluation.multiplicity import holm
from core.evaluation.resampling import Interval, differences, drawn_alike, spans, widened
from core.evaluation.told import Judged, finding, interval, judged, shown, title
from core.records import Finding

REPLICATES = 200
VALUES = 50  # most frequent values of a segment
SURE = 0.05
_GUESSING = {"roc_auc": 0.5}


@dataclass(frozen=True)
class _Slice:
    """One slice: its metric, and its distance to the champion's where that answered the same rows."""

    name: str
    metric: Measurement
    against: Interval | None


def slice_performance(rows: Answered, champion: Answered | None, bar: Bar) -> Judged:
    """Return the evidence ``slice_performance``, by the headline metric.

    A slice fails if it is surely below its floor (``slice_<metric>`` of the policy's floors, else guessing:
    within
    a quarter of an input less is left to be told apart than in all rows), or surely worse than the champion
    by more than the tier's margin: both tested one-sided, all slices and both questions together by
    Holm at 5 %. Slices with fewer rows than `minimum_group_size` are shown and not judged.

    Parameters
    ----------
    champion : the same rows in the same order
    """
    whole = measured(rows.answers, rows.classes).metrics
    metric = bar.headline(frozenset(n for n, m in whole.items() if m.value is not None))
    if metric is None:
        return judged("slice_performance", "no headline metric can be told", [])
    floor = bar.of(f"slice_{metric}")
    floor = _GUESSING.get(metric) if floor is None else floor
    margin = bar.tier.margin * (
        1.0 if metric in ("roc_auc", "f1", "accuracy") else shown_value(whole[metric])
    )
    found = [_slice(name, rows, champion, mask, metric) for name, mask in cuts(rows)]
    enough = [each for each in found if each.metric.n >= rows.declaration.minimum_group_size]
    asked = [(each, "floor", _below(each.metric, floor, metric)) for each in enough]
    asked += [(each, "champion", _worse(each.against, margin, metric)) for each in enough if each.against]
    chances = holm([p for _, _, p in asked])
    broken = {
        (each.name, question): p for (each, question, _), p in zip(asked, chances, strict=True) if p < SURE
    }
    findings = [_finding(each, each in enough, metric, floor, broken) for each in found]
    return judged("slice_performance", _summary(findings, metric, floor), findings)


def cuts(rows: Answered) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the slices: values of declared segments, quarters of declared numbers, rows without a number."""
    declared, frame = rows.declaration, rows.frame
    for column in declared.segments:
        if column in frame.columns:
            counted = frame[column].drop_nulls().value_counts(name="rows", sort=True)
            for value in counted[column].head(VALUES):
                yield f"{column}={value}", (frame[column] == value).fill_null(False).to_numpy()
    for column in declared.features.numeric if declared.features else ():
        if column in frame.columns:
            yield from _quarters(frame[column].cast(pl.Float64, strict=False).fill_nan(None))


def _quarters(column: pl.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    known = column.drop_nulls().to_numpy()
    if not len(known):
        return
    edges = np.unique(np.quantile(known, [0, 0.25, 0.5, 0.75, 1]))
    for i, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        inside = (column <= high) & ((column >= low) if i == 0 else (column > low))
        yield f"{column.name} {'[' if i == 0 else '('}{low:g}, {high:g}]", inside.fill_null(False).to_numpy()
    if column.null_count():
        yield f"{column.name} missing", column.is_null().to_numpy()


def _slice(
    name: str, rows: Answered, champion: Answered | None, mask: NDArray[np.bool_], metric: str
) -> _Slice:
    ours = rows.take(mask)
    of = measured(ours.answers, ours.classes).metrics[metric]
    if of.value is None:
        return _Slice(name, of, None)
    mine, *theirs = drawn_alike(ours, *(() if champion is None else (champion.take(mask),)))
    of = widened(of, spans(mine, only=metric, replicates=REPLICATES)[metric])
    against = [differences(mine, each, only=metric, replicates=REPLICATES)[metric] for each in theirs]
    return _Slice(name, of, against[0] if against else None)


def _below(of: Measurement, floor: float | None, metric: str) -> float:
    """Return how probable so bad a value is where the floor is kept."""
    if floor is None or of.value is None or not of.sampling_error:
        return 1.0
    return float(ndtr(direction(metric) * (of.value - floor) / of.sampling_error))


def _worse(of: Interval | None, margin: float, metric: str) -> float:
    if of is None or not np.isfinite(of.error) or of.error == 0:
        return 1.0
    return float(ndtr((direction(metric) * of.value + margin) / of.error))


def _finding(
    each: _Slice, enough: bool, metric: str, floor: float | None, broken: dict[tuple[str, str], float]
) -> Finding:
    notes = []
    if each.against is not None and np.isfinite(each.against.value):
        notes.append(
            f"champion {each.against.value:+.4f} [{each.against.lower:+.4f}, {each.against.upper:+.4f}]"
        )
        notes[0] = notes[0].replace("champion", "difference to the champion")
    for question in ("floor", "champion"):
        if (each.name, question) in broken:
            what = f"below {shown(floor)}" if question == "floor" else "worse than the champion"
            notes.append(f"surely {what} (p {broken[each.name, question]:.2g} after Holm)")
    if not enough:
        notes.append("too few rows to judge")
    judged_ = None if not enough else not any((each.name, q) in broken for q in ("floor", "champion"))
    return finding(
        metric, each.metric, threshold=floor, passed=judged_, about=each.name, note="; ".join(notes)
    )


def _summary(findings: list[Finding], metric: str, floor: float | None) -> str:
    judged_ = [each for each in findings if each.passed is not None and each.value is not None]
    if not judged_:
        return "no slice has enough rows: declare segments or numeric features"
    worst = min(judged_, key=lambda each: direction(metric) * (each.value or 0.0))
    failed = [each for each in judged_ if not each.passed]
    text = f"{len(judged_)} slices; lowest {title(metric)} {interval(worst)} in {worst.about}"
    if direction(metric) < 0:
        text = text.replace("lowest", "highest")
    if failed:
        return text + "; left behind: " + ", ".join(each.about for each in failed[:5])
    return text + (f"; none surely below {shown(floor)}" if floor is not None else "; none surely worse")


def shown_value(of: Measurement) -> float:
    """Return a value that is known to be there."""
    return abs(of.value or 0.0)
