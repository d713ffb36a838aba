"""How findings become evidence: numbers that JSON can hold, sentences people can read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.catalogue import CATALOGUE
from core.comparison.results import Measurement
from core.records import EvidenceKind, Finding


@dataclass(frozen=True)
class Judged:
    """Evidence of one kind before it is dated and bound: a verdict, a sentence and its numbers."""

    kind: EvidenceKind
    verdict: str  # passed | failed | noted
    summary: str
    findings: tuple[Finding, ...]


def judged(kind: EvidenceKind, summary: str, findings: Sequence[Finding]) -> Judged:
    """Return evidence that passed unless one of its findings did not; noted if none of them was judged."""
    asked = [each.passed for each in findings if each.passed is not None]
    verdict = "noted" if not asked else "passed" if all(asked) else "failed"
    return Judged(kind, verdict, summary, tuple(findings))


def finding(
    name: str,
    of: Measurement,
    *,
    threshold: float | None = None,
    passed: bool | None = None,
    about: str = "",
    note: str = "",
) -> Finding:
    """Return a measurement as a finding."""
    return Finding(
        name=name,
        value=number(of.value),
        lower=number(of.lower),
        upper=number(of.upper),
        n=of.n,
        threshold=threshold,
        passed=passed,
        about=about,
        note=note or of.reason,
    )


def number(value: float | None) -> float | None:
    """Return a number that JSON can hold, null where there is none."""
    return None if value is None or not np.isfinite(value) else float(value)


def shown(value: float | None) -> str:
    """Return a number for a sentence."""
    return "unknown" if value is None or not np.isfinite(value) else f"{value:.4g}"


def interval(of: Measurement | Finding) -> str:
    """Return a value with its interval for a sentence."""
    if of.lower is None or of.upper is None:
        return shown(of.value)
    return f"{shown(of.value)} [{shown(of.lower)}, {shown(of.upper)}]"


def title(metric: str) -> str:
    """Return what people call a metric."""
    info = CATALOGUE.get(metric)
    return info.title if info else metric.replace("_", " ")
