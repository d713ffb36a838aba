"""The model card (Mitchell et al. 2019): its content from live records, and how complete it is."""

from core.card.completeness import HOW, SECTIONS, TITLES, Told, completeness, filled, filled_by
from core.card.content import (
    Course,
    Entered,
    Facts,
    Interval,
    Intervals,
    ModelCard,
    Point,
    Section,
    Table,
    changed,
)
from core.card.model_card import Known, model_card

__all__ = [
    "HOW",
    "SECTIONS",
    "TITLES",
    "Course",
    "Entered",
    "Facts",
    "Interval",
    "Intervals",
    "Known",
    "ModelCard",
    "Point",
    "Section",
    "Table",
    "Told",
    "changed",
    "completeness",
    "filled",
    "filled_by",
    "model_card",
]
