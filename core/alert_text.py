"""An alert in words: what it is about, how much that is, and against which limit."""

from dataclasses import replace

from core.catalogue import CATALOGUE
from core.consistency import AUTO_METRIC
from core.entities import Episode, Target
from core.reconciliation import TITLES
from core.verdicts import FRESHNESS, shown_metric

_NAMES = {AUTO_METRIC: "Drift", "missing_share": "Missing share", "volume": "Volume", **TITLES}
_QUESTIONS = {
    "rest": "the shape",
    "missing": "missing values",
    "out of range": "rows out of range",
    "one value": "one value",
    "mix": "the mix",
    "unseen": "unseen values",
}
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
    >>> at, said = (Severity.WARNING, day, day, day, day), "usual range, not calibrated"
    >>> sentence(Episode("pca", Target("pca_reconstruction"), *at, 4.19, 3.65, "above", question=said))
    'PCA reconstruction error is 4.19, above its usual 3.65 (not calibrated: few reference windows)'
    """
    target = episode.target
    if target.metric == FRESHNESS:
        silent, allowed = (number(FRESHNESS, hours) for hours in (episode.value, episode.threshold))
        return f"No predictions for {silent}, {allowed} are allowed"
    metric = shown_metric(target.metric)
    value, threshold = (number(metric, each) for each in (episode.value, episode.threshold))
    if target.metric == AUTO_METRIC:
        return _drift(episode, value, threshold)
    about = subject(target)
    comma = "," if "," in about else ""
    if episode.question is None:
        return f"{about}{comma} is {value}, {episode.side} {threshold}"
    return f"{about}{comma} is {value}, {episode.side} its usual {threshold}{_doubt(episode.question)}"


def _drift(episode: Episode, value: str, threshold: str) -> str:
    """Return what drifted, and the distance where it tells anything.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from core.entities import Severity
    >>> day, temp = datetime(2013, 8, 1, tzinfo=UTC), Target("drift", "temp")
    >>> at = (Severity.WARNING, day, day, day, day)
    >>> sentence(Episode("drift", temp, *at, 0.312, 0.094, "above", question="location"))
    'Drift in location of temp: 0.312, above its usual 0.094'
    >>> sentence(Episode("drift", temp, *at, 0.02, 0.094, "above", question="missing, not calibrated"))
    'Drift in missing values of temp (not calibrated: few reference windows)'
    """
    question = (episode.question or "").partition(", ")[0]
    target = episode.target
    asked = f"Drift in {_QUESTIONS.get(question, question)} of {target.column}" if question else ""
    about = (
        ", ".join([asked, *subject(replace(target, column="")).split(", ")[1:]]) if asked else subject(target)
    )
    if episode.value > episode.threshold:
        about += f": {value}, {episode.side} its usual {threshold}"
    return f"{about}{_doubt(episode.question or '')}"


def _doubt(question: str) -> str:
    return " (not calibrated: few reference windows)" if question.endswith("not calibrated") else ""


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
    if metric in TITLES:
        return f"{value:.0f} days" if value else "–"
    if metric == FRESHNESS and value >= 48:
        return f"{value / 24:.3g} days"
    info = CATALOGUE.get(metric)
    unit = info.unit if info and info.unit not in _BARE_UNITS else ""
    whole = unit == "rows" or abs(value) >= 1000
    return (f"{value:,.0f} {unit}" if whole else f"{value:.3g} {unit}").rstrip()
