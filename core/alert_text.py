"""An alert in one sentence: what, where, how much, and against which limit."""

from core.catalogue import CATALOGUE
from core.consistency import AUTO_METRIC
from core.entities import Episode
from core.verdicts import FRESHNESS


def sentence(episode: Episode) -> str:
    """Return what an episode says, with its last value.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from core.entities import Severity, Target
    >>> day = datetime(2013, 8, 1, tzinfo=UTC)
    >>> target = Target("mae", segment="origin=JFK")
    >>> sentence(Episode("mae", target, Severity.WARNING, day, day, day, day, 13.91, 9.75, "above"))
    'Mean absolute error in origin=JFK is 13.91, above 9.75'
    """
    target = episode.target
    if target.metric == FRESHNESS:
        return f"No predictions for {_span(episode.value)}, more than {_span(episode.threshold)}"
    info = CATALOGUE.get(target.metric)
    name = "Drift" if target.metric == AUTO_METRIC else info.title if info else target.metric
    parts = [name]
    if target.column:
        parts.append(f"by {target.column}" if info and info.family == "fairness" else f"of {target.column}")
    parts += [f"in {target.segment}"] if target.segment else []
    parts += [f"for {target.group}"] if target.group else []
    parts += [f"of version {target.version}"] if target.version else []
    usual = " its usual" if target.metric == AUTO_METRIC else ""
    return f"{' '.join(parts)} is {number(episode.value)}, {episode.side}{usual} {number(episode.threshold)}"


def number(value: float) -> str:
    """Return a number with four significant digits.

    Examples
    --------
    >>> [number(value) for value in (0.123456, 12345.6, 2.0)]
    ['0.1235', '12,346', '2']
    """
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _span(hours: float) -> str:
    amount, unit = (hours / 24, "day") if hours >= 48 else (hours, "hour")
    return f"{amount:.3g} {unit}{'' if amount == 1 else 's'}"
