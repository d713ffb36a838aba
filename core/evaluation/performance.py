"""Performance of a version on frozen rows: each metric with its interval, held against the model's floors."""

from collections.abc import Mapping

from core.comparison.labels import measured
from core.comparison.results import Measurement
from core.evaluation.answered import Answered
from core.evaluation.limits import Bar, direction
from core.evaluation.resampling import drawn_alike, spans, widened
from core.evaluation.told import Judged, finding, interval, judged, title
from core.records import Finding

_OTHERS = ("expected_calibration_error",)  # judged as calibration; draws of it lie above it


def performance(rows: Answered, bar: Bar) -> Judged:
    """Return the evidence ``performance``.

    A metric with a floor passes if its whole 95 % interval keeps it: the wider one, of single rows or of
    whole windows drawn again. Where the headline metric has no floor it has to be better than guessing.
    """
    found, drawn = measured(rows.answers, rows.classes), spans(*drawn_alike(rows))
    metrics = {
        name: metric if name in _OTHERS else widened(metric, drawn.get(name))
        for name, metric in found.metrics.items()
    }
    headline = bar.headline(frozenset(n for n, m in metrics.items() if m.value is not None))
    findings = [
        _held(name, metric, bar.of(name) if direction(name) and name not in _OTHERS else None)
        for name, metric in metrics.items()
    ]
    for of_class, each in found.one_vs_rest.items():
        findings += [
            finding(name, each[name], about=of_class)
            for name in ("precision", "recall", "roc_auc")
            if name in each
        ]
    if headline is None or bar.of(headline) is None:
        findings.append(_guessing(metrics))
    return judged("performance", _summary(rows, findings, headline), findings)


def _held(name: str, metric: Measurement, limit: float | None) -> Finding:
    if limit is None or metric.value is None:
        return finding(name, metric, threshold=limit, passed=None if limit is None else False)
    return finding(name, metric, threshold=limit, passed=keeps(name, metric, limit))


def keeps(name: str, metric: Measurement, limit: float) -> bool:
    """Tell whether a whole interval keeps a limit."""
    bounds = [metric.value, metric.lower, metric.upper]
    low, high = (pick([b for b in bounds if b is not None], default=float("nan")) for pick in (min, max))
    return low >= limit if direction(name) > 0 else high <= limit


def _guessing(metrics: Mapping[str, Measurement]) -> Finding:
    """Return what guessing would give, beside the first metric that can tell."""
    for name, chance in (("roc_auc", 0.5), ("matthews_correlation", 0.0), ("r2", 0.0)):
        if (metric := metrics.get(name)) is not None and metric.value is not None:
            return finding(
                name, metric, threshold=chance, passed=keeps(name, metric, chance), about="guessing"
            )
    return Finding(name="accuracy", value=None, passed=False, note="nothing tells it from guessing")


def _summary(rows: Answered, findings: list[Finding], headline: str | None) -> str:
    by_name = {each.name: each for each in findings if not each.about}
    said = f"{title(headline)} {interval(by_name[headline])}" if headline else "no headline metric"
    broken = [each for each in findings if each.passed is False]
    against = "; ".join(
        f"{title(e.name)} {interval(e)} does not keep {e.about or 'its floor'} {e.threshold:g}"
        if e.threshold is not None
        else e.note
        for e in broken
    )
    kept = [each for each in findings if each.passed]
    held = ", ".join(f"{title(e.name)} {e.threshold:g}" for e in kept if not e.about)
    ending = against or (f"keeps {held}" if held else "better than guessing, no floor is set")
    return f"{said} on {len(rows):,} labelled rows; {ending}"
