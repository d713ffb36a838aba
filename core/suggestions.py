"""Monitors that make sense for a model as it is declared, for a team that has none yet."""

from collections.abc import Iterator
from typing import Any

from core.declaration import Declaration
from core.monitors import Monitor

Suggestion = dict[str, Any]
# Hours of silence that are odd, and that are bad, by window; of longer windows nobody can say.
_SILENT_HOURS = {"1h": (6, 24), "1d": (48, 168), "1w": (336, 672)}


def suggested(declaration: Declaration) -> list[Monitor]:
    """Return monitors worth having, the most telling first, without metrics that are watched already."""
    watched = {monitor.metric for monitor in declaration.monitors}
    found = (*_outcome(declaration), *_inputs(declaration), *_service(declaration))
    return [Monitor.model_validate(each) for each in found if each["metric"] not in watched]


def _outcome(declaration: Declaration) -> Iterator[Suggestion]:
    """Yield whether the model is still right, and right for everybody."""
    ranks = declaration.task == "binary_classification" and declaration.predictions.score
    headlines: dict[str, Suggestion] = {
        "binary_classification": {"metric": "roc_auc" if ranks else "f1", "drop": "10%"},
        "multiclass_classification": {"metric": "accuracy", "drop": "10%"},
        "regression": {"metric": "mae", "rise": {"warning": "25%", "critical": "50%"}},
    }
    if declaration.task in headlines and declaration.actual:
        yield headlines[declaration.task] | {"for": "3 windows"}
    if declaration.protected and declaration.task == "binary_classification":
        yield {"metric": "demographic_parity_difference", "above": {"warning": 0.1, "critical": 0.2}}


def _inputs(declaration: Declaration) -> Iterator[Suggestion]:
    """Yield whether what comes in looks as it did."""
    yield {"metric": "drift", "columns": "all", "threshold": "auto", "for": "2 windows"}
    if declaration.pca:
        yield {"metric": "pca_reconstruction", "threshold": "auto", "for": "2 windows"}
    yield {"metric": "missing_share", "columns": "all", "above": {"warning": 0.1, "critical": 0.5}}


def _service(declaration: Declaration) -> Iterator[Suggestion]:
    """Yield whether predictions arrive, and in time."""
    if declaration.window in _SILENT_HOURS:
        odd, bad = _SILENT_HOURS[declaration.window]
        yield {"metric": "freshness", "above": {"warning": odd, "critical": bad}}
    if declaration.operations.latency_ms:
        yield {"metric": "latency_p95", "rise": "50%", "for": "3 windows"}
