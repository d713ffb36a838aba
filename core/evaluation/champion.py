"""The candidate against the champion on the same rows: how much better, how surely, and in which months."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy.special import ndtr

from core.evaluation.answered import Answered
from core.evaluation.limits import Bar, direction
from core.evaluation.multiplicity import holm
from core.evaluation.resampling import Interval, differences, drawn_alike, of_values
from core.evaluation.told import Judged, judged, number, shown, title
from core.records import Finding

PIECES = range(2, 25)  # calendar months of an evaluation that are told one by one
FEW = 200  # rows a month needs
REPLICATES = 400  # for each month
SURE = 0.05


def champion_comparison(candidate: Answered, champion: Answered, bar: Bar, *, name: str) -> Judged:
    """Return the evidence ``champion_comparison``.

    Not inferior: the whole 95 % interval of the difference lies above minus the tier's margin. Shares are
    compared as they are; numbers in the label's unit (mae, rmse) in shares of the champion's. The headline
    metric decides, and every metric for which the policy names a floor of this model.

    Parameters
    ----------
    candidate, champion : the same rows in the same order
    name : what the champion is called
    """
    found = differences(*drawn_alike(candidate, champion))
    ours, theirs = of_values(candidate), of_values(champion)
    headline = bar.headline(frozenset(m for m, i in found.items() if np.isfinite(i.value)))
    deciding = {headline, *bar.rules.floors.get(bar.declaration.model, {})}
    findings = [
        _finding(metric, of, ours, theirs, _margin(metric, theirs, bar) if metric in deciding else None)
        for metric, of in found.items()
        if direction(metric)
    ]
    if headline is not None:
        findings += _by_month(candidate, champion, headline)
    return judged("champion_comparison", _summary(findings, found, headline, name, len(candidate)), findings)


def _margin(metric: str, champion: Mapping[str, float], bar: Bar) -> float:
    """Return how much worse still counts as not inferior, in the metric's unit."""
    of_unit = abs(champion[metric]) if metric in ("mae", "rmse", "mape", "rmsle", "log_loss") else 1.0
    return bar.tier.margin * of_unit


def _finding(
    metric: str, of: Interval, ours: Mapping[str, float], theirs: Mapping[str, float], margin: float | None
) -> Finding:
    passed, threshold = None, None
    if margin is not None:
        better = direction(metric)
        threshold = -better * margin
        passed = bool(of.lower >= threshold if better > 0 else of.upper <= threshold)
    return Finding(
        name=f"{metric}_difference",
        value=number(of.value),
        lower=number(of.lower),
        upper=number(of.upper),
        threshold=threshold,
        passed=passed,
        note=f"{_word(metric, of)}: candidate {shown(ours[metric])}, champion {shown(theirs[metric])}",
    )


def _word(metric: str, of: Interval) -> str:
    """Return whether the whole interval lies on one side."""
    if not (of.lower > 0 or of.upper < 0):
        return "not told apart"
    return "better" if direction(metric) * of.value > 0 else "worse"


def _by_month(candidate: Answered, champion: Answered, metric: str) -> list[Finding]:
    zone = candidate.declaration.predictions.timezone
    month = candidate.times.dt.convert_time_zone(zone).dt.strftime("%Y-%m")
    names = month.unique().sort().to_list()
    if len(names) not in PIECES:
        return []
    pieces = {name: np.flatnonzero((month == name).to_numpy()) for name in names}
    found: dict[str, Interval] = {}
    for name, rows in pieces.items():
        if len(rows) < FEW:
            continue
        sides = drawn_alike(candidate.take(rows), champion.take(rows))
        found[name] = differences(*sides, only=metric, replicates=REPLICATES)[metric]
    chance = holm([_two_sided(of) for of in found.values()])
    told = []
    for (name, of), p in zip(found.items(), chance, strict=True):
        better = direction(metric) * of.value
        word = ("better" if better > 0 else "worse") if p < SURE else "not told apart"
        told.append(
            Finding(
                name=f"{metric}_difference",
                value=number(of.value),
                lower=number(of.lower),
                upper=number(of.upper),
                n=len(pieces[name]),
                about=name,
                note=f"{word} (p {p:.2g} after Holm)",
            )
        )
    return told


def _is_worse(each: Finding) -> bool:
    return not each.about and each.note.startswith("worse")


def _two_sided(of: Interval) -> float:
    if not np.isfinite(of.error) or of.error == 0:
        return 1.0
    return float(2 * ndtr(-abs(of.value) / of.error))


def _summary(
    findings: list[Finding], found: Mapping[str, Interval], headline: str | None, champion: str, n: int
) -> str:
    if headline is None:
        return f"no metric can be compared with {champion} on {n:,} rows"
    of = found[headline]
    months = [each for each in findings if each.about]
    better = [each.about for each in months if each.note.startswith("better")]
    worse = [each.about for each in months if each.note.startswith("worse")]
    text = (
        f"{title(headline)} {of.value:+.4f} [{of.lower:+.4f}, {of.upper:+.4f}] against {champion} "
        f"on the same {n:,} rows"
    )
    if months:
        text += f"; surely better in {', '.join(better) or 'no month'}"
        text += f", surely worse in {', '.join(worse)}" if worse else ""
    if costs := [title(e.name.removesuffix("_difference")) for e in findings if _is_worse(e)]:
        text += f"; worse by {', '.join(costs)}"
    failed = [each.name.removesuffix("_difference") for each in findings if each.passed is False]
    return text + (f"; not shown to be non-inferior in {', '.join(map(title, failed))}" if failed else "")


def same_rows(candidate: pl.Series, champion: pl.Series) -> float:
    """Return which share of the candidate's rows the champion answered too."""
    return float(candidate.is_in(champion.implode()).mean() or 0.0)  # type: ignore[arg-type]
