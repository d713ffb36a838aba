"""The few fields by which a person changes a monitor, and the monitor that they declare."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.catalogue import CATALOGUE
from core.consistency import AUTO_METRIC, AUTOMATIC
from core.monitor_yaml import as_declared
from core.monitors import RULES, Monitor

# How each kind of rule is called, in the order in which they are offered.
KINDS = {
    "above": "is above",
    "below": "is below",
    "outside": "is outside",
    "drop": "drops by",
    "rise": "rises by",
    "threshold": "is not as usual (auto)",
}


@dataclass(frozen=True)
class Fields:
    """A rule as texts: a limit may be a number, for drop and rise ``5%``, for outside ``low to high``.

    An empty level is none; `severity` counts only for the rule ``threshold``, whose limits are not typed.
    """

    rule: str
    warning: str = ""
    critical: str = ""
    persistence: str = ""
    severity: str = "warning"


def fields(monitor: Monitor) -> Fields:
    """Return what the form shows of a monitor."""
    given = as_declared(monitor)
    limit, severity = given[monitor.rule], given.get("severity", "warning")
    persistence = given.get("for", "")
    if monitor.rule == "threshold":
        return Fields(monitor.rule, persistence=persistence, severity=severity)
    levels = limit if isinstance(limit, dict) else {severity: limit}
    shown = {level: _shown(value) for level, value in levels.items()}
    return Fields(monitor.rule, **shown, persistence=persistence, severity=severity)


def monitor(base: Mapping[str, Any], said: Fields) -> dict[str, Any]:
    """Return the mapping that declares what the form says; `base` has what the form does not show.

    Nothing is judged here: what is wrong is for the declaration's own validation to say.

    Examples
    --------
    >>> monitor({"metric": "mae"}, Fields("rise", "10%", "25%", "2 windows"))
    {'metric': 'mae', 'rise': {'warning': '10%', 'critical': '25%'}, 'for': '2 windows'}
    >>> monitor({"metric": "f1", "then": "request_retraining"}, Fields("below", critical="0.5"))
    {'metric': 'f1', 'then': 'request_retraining', 'below': 0.5, 'severity': 'critical'}
    """
    declared = {key: value for key, value in base.items() if key not in (*RULES, "for", "severity")}
    given = {"warning": said.warning.strip(), "critical": said.critical.strip()}
    levels = {level: _read(said.rule, text) for level, text in given.items() if text}
    severity = base.get("severity")
    if said.rule == "threshold":
        declared["threshold"] = "auto"
        worst = said.severity
    else:
        worst = next(iter(levels)) if len(levels) == 1 else ""
        if levels:
            declared[said.rule] = next(iter(levels.values())) if worst else levels
    if said.persistence.strip():
        declared["for"] = said.persistence.strip()
    if worst == "critical" or (worst == "warning" and severity):
        declared["severity"] = worst
    return declared


def kinds(metric: str) -> list[str]:
    """Return the kinds of rule that a metric can have: for drift the automatic one, else limits.

    Those that make sense for the metric come first.
    """
    if metric == AUTO_METRIC:
        return ["threshold"]
    automatic = ["threshold"] if metric in AUTOMATIC else []
    first = {"higher": ["below", "drop"], "lower": ["above", "rise"]}
    info = CATALOGUE.get(metric)
    if metric == "freshness":
        return ["above"]
    sensible = first.get(info.better if info else "none", [])
    return [*automatic, *sensible, *(kind for kind in KINDS if kind not in (*sensible, "threshold"))]


def _read(rule: str, text: str) -> Any:
    if rule != "outside":
        return _number(text)
    return [_number(part) for part in re.split(r"\s+to\s+|\s*[,;…]\s*", text.strip("[] "))]


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _shown(value: object) -> str:
    return " to ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
