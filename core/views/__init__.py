"""What each page reads: one function per page, frozen results, numbers that the sweeps rolled up before."""

from core.views.alert import AlertPage, alert_page
from core.views.alerts import AlertsPage, alerts_page, annotated, open_requests
from core.views.audit import AuditPage, audit_page
from core.views.card import CardPage, card_page, cards
from core.views.estimates import EstimateError, estimate_error
from core.views.fairness import FairnessPage, fairness
from core.views.history import History, history
from core.views.model import ModelPage, model_page, reference_series, series, with_labelled
from core.views.monitors import MonitorsPage, measured, monitors_page, of_target, rehearsed, targets
from core.views.overview import Overview, VitalSigns, overview, vital_signs
from core.views.people import People, people
from core.views.registry import (
    Approvals,
    Comparison,
    Inventory,
    Request,
    VersionsPage,
    approvals,
    compare_versions,
    inventory,
    request,
    versions_page,
)
from core.views.rows import Rows, rows
from core.views.snapshots import Distribution, Scores, distribution, scores
from core.views.system import SystemPage, system
from core.views.together import usual_together
from core.views.verdict import shown_state, verdict
from core.views.why import WhyPage, reasons, why_page

__all__ = [
    "AlertPage",
    "AlertsPage",
    "AuditPage",
    "Approvals",
    "CardPage",
    "Comparison",
    "Distribution",
    "EstimateError",
    "FairnessPage",
    "History",
    "Inventory",
    "ModelPage",
    "MonitorsPage",
    "Overview",
    "People",
    "Request",
    "Rows",
    "Scores",
    "SystemPage",
    "VersionsPage",
    "VitalSigns",
    "WhyPage",
    "alert_page",
    "alerts_page",
    "annotated",
    "approvals",
    "audit_page",
    "card_page",
    "cards",
    "compare_versions",
    "distribution",
    "estimate_error",
    "fairness",
    "history",
    "inventory",
    "measured",
    "model_page",
    "monitors_page",
    "of_target",
    "open_requests",
    "overview",
    "people",
    "reasons",
    "reference_series",
    "request",
    "rehearsed",
    "rows",
    "scores",
    "series",
    "shown_state",
    "system",
    "targets",
    "usual_together",
    "verdict",
    "versions_page",
    "vital_signs",
    "why_page",
    "with_labelled",
]
