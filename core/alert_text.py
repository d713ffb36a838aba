"""An alert in words: what it is about, how much that is, and against which limit."""

from core.catalogue import CATALOGUE
from core.consistency import AUTO_METRIC
from core.entities import Episode, Target
from core.verdicts import FRESHNESS, shown_metric

_NAMES = {AUTO_METRIC: "Drift", "missing_share": "Missing share", "volume": "Volume"}
_BARE_UNITS = ("label", "column", "nats")


def sentence(episode: Episode) -> str:
    """Return what an episode says, with its last value.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from core.entities import Severity
    >>> day = datetime(2013, 8, 1, tzinfo=UTC)
    >>> target = Target("mae", segment="origin=JFK")
    >>> sentence(Episode("mae", target, Severity.WARNING, day, day, day, day, 13.91, 9.75, "above"))
    'Mean absolute error, origin=JFK, is 13.9, above 9.75'
    """
    target = episode.target
    if target.metric == FRESHNESS:
        silent, allowed = (number(FRESHNESS, hours) for hours in (episode.value, episode.threshold))
        return f"No predictions for {silent}, {allowed} are allowed"
    metric = shown_metric(target.metric)
    value, threshold = (number(metric, each) for each in (episode.value, episode.threshold))
    usual = "its usual " if target.metric == AUTO_METRIC else ""
    about = subject(target)
    comma = "," if "," in about else ""
    return f"{about}{comma} is {value}, {episode.side} {usual}{threshold}"


def subject(target: Target) -> str:
    """Return what an alert is about, in words.

    Examples
    --------
    >>> subject(Target("missing_share", "wind", segment="origin=JFK"))
    'Missing share of wind, origin=JFK'
    """
    info = CATALOGUE.get(target.metric)
    name = _NAMES.get(target.metric) or (info.title if info else target.metric)
    joined = "by" if info and info.family == "fairness" else "of"
    version = f"version {target.version}" if target.version else ""
    parts = [f"{name} {joined} {target.column}" if target.column else name]
    return ", ".join(part for part in (*parts, target.segment, target.group, version) if part)


def number(metric: str, value: float) -> str:
    """Return a metric's value as people read it: shares in percent, the rest with three digits and its unit.

    Examples
    --------
    >>> number("missing_share", 0.998), number("roc_auc", 0.68217), number("latency_p50", 21)
    ('99.8%', '0.682', '21 ms')
    >>> number("freshness", 1627)
    '67.8 days'
    """
    if metric.endswith(("_share", "_rate")):
        return f"{value * 100:.3g}%"
    if metric == FRESHNESS and value >= 48:
        return f"{value / 24:.3g} days"
    info = CATALOGUE.get(metric)
    unit = info.unit if info and info.unit not in _BARE_UNITS else ""
    whole = unit == "rows" or abs(value) >= 1000
    return (f"{value:,.0f} {unit}" if whole else f"{value:.3g} {unit}").rstrip()
