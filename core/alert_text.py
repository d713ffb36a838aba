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
        joined = {"fairness": "by", "quality": "in"}.get(info.family if info else "", "of")
        parts.append(f"{joined} {target.column}")
    parts += [f"in {target.segment}"] if target.segment else []
    parts += [f"for {target.group}"] if target.group else []
    parts += [f"of version {target.version}"] if target.version else []
    usual = " its usual" if target.metric == AUTO_METRIC else ""
    value, threshold = (written(target.metric, number) for number in (episode.value, episode.threshold))
    return f"{' '.join(parts)} is {value}, {episode.side}{usual} {threshold}"


def written(metric: str, value: float) -> str:
    """Return a metric's number with four significant digits; shares of rows in percent.

    Examples
    --------
    >>> written("mae", 12345.6), written("f1", 0.123456), written("missing_share", 0.5)
    ('12,346', '0.1235', '50%')
    """
    if metric.endswith("_share"):
        return f"{value * 100:.4g}%"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _span(hours: float) -> str:
    amount, unit = (hours / 24, "day") if hours >= 48 else (hours, "hour")
    return f"{amount:.3g} {unit}{'' if amount == 1 else 's'}"
