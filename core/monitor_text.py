"""A monitor as people say it: what it looks at, when it alarms, for how long, and how bad that is."""

from collections.abc import Iterable

from core.alert_text import number
from core.catalogue import CATALOGUE
from core.consistency import AUTO_METRIC, per_column
from core.monitors import Changes, Limits, Monitor, Ranges
from core.verdicts import FRESHNESS, usual_persistence

_VERBS = {"above": "is above", "below": "is below", "drop": "drops by", "rise": "rises by"}


def sentence(monitor: Monitor) -> str:
    """Return what a monitor watches for, without its severity unless it has two levels.

    Examples
    --------
    >>> sentence(Monitor.model_validate({"metric": "mae", "rise": "10%", "for": "2 windows"}))
    'Mean absolute error rises by 10% for 2 windows'
    >>> limits = {"warning": 0.1, "critical": 0.5}
    >>> sentence(Monitor.model_validate({"metric": "missing_share", "columns": ["temp"], "above": limits}))
    'Missing share of temp is above 10% (critical: 50%)'
    """
    spoken = _persistence(monitor)
    if monitor.metric == FRESHNESS:
        return f"No predictions for {_limits(monitor)}"
    about = f"{_name(monitor)}{_places(monitor)}"
    if monitor.rule == "threshold" and monitor.metric != AUTO_METRIC:
        return f"{about} is outside its usual range{spoken}"
    if monitor.rule == "threshold":
        return f"{about} is more than usual{spoken}"
    if monitor.rule == "outside":
        return f"{about} is outside {_limits(monitor)}{spoken}"
    return f"{about} {_VERBS[monitor.rule]} {_limits(monitor)}{spoken}"


def severities(monitor: Monitor) -> tuple[str, ...]:
    """Return how bad its alerts can be: one level, or warning and then critical."""
    if isinstance(_limit(monitor), Limits | Ranges | Changes):
        return ("warning", "critical")
    return (monitor.severity or "warning",)


def _name(monitor: Monitor) -> str:
    if monitor.metric == AUTO_METRIC:
        return "Drift"
    if monitor.metric == "missing_share":
        return "Missing share"
    return CATALOGUE[monitor.metric].title if monitor.metric in CATALOGUE else monitor.metric


def _places(monitor: Monitor) -> str:
    info = CATALOGUE.get(monitor.metric)
    said = ""
    if monitor.protected:
        said += f" by {_either(monitor.protected)}"
    elif info is not None and info.family == "fairness":
        said += " by any protected attribute"
    if monitor.columns not in (None, "all"):
        said += f" of {_either(monitor.columns or ())}"
    elif monitor.metric == AUTO_METRIC or per_column(monitor.metric):
        said += " of any column"
    if monitor.segments == "all":
        said += " in any segment"
    elif monitor.segments:
        said += f" in any {_either(monitor.segments)}"
    return said + (" of any version" if monitor.versions == "each" else "")


def _either(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _limits(monitor: Monitor) -> str:
    limit = _limit(monitor)
    if isinstance(limit, Limits | Ranges | Changes):
        warning, critical = _value(monitor, limit.warning), _value(monitor, limit.critical)
        return f"{warning} (critical: {critical})"
    return _value(monitor, limit)


def _limit(monitor: Monitor) -> object:
    return getattr(monitor, monitor.rule)


def _value(monitor: Monitor, limit: object) -> str:
    if isinstance(limit, tuple):
        low, high = (number(monitor.metric, each) for each in limit)
        return f"{low} to {high}"
    if isinstance(limit, str):
        return limit
    assert isinstance(limit, float | int)
    return number(monitor.metric, float(limit))


def _persistence(monitor: Monitor) -> str:
    said = monitor.persistence or usual_persistence(monitor.rule)
    return "" if said in ("1 window", "1 windows") else f" for {said}"
