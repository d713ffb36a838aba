"""What each page reads: one function per page, frozen results, numbers that the sweeps rolled up before."""

from core.views.fairness import FairnessPage, fairness
from core.views.model import ModelPage, model_page, reference_series, series
from core.views.overview import Overview, VitalSigns, overview, vital_signs
from core.views.rows import Rows, rows
from core.views.snapshots import Distribution, Scores, distribution, scores
from core.views.system import SystemPage, system
from core.views.verdict import verdict

__all__ = [
    "Distribution",
    "FairnessPage",
    "ModelPage",
    "Overview",
    "Rows",
    "Scores",
    "SystemPage",
    "VitalSigns",
    "distribution",
    "fairness",
    "model_page",
    "overview",
    "reference_series",
    "rows",
    "scores",
    "series",
    "system",
    "verdict",
    "vital_signs",
]
