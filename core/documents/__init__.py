"""Documents that leave Steward as one file: they open anywhere, offline, in light and dark."""

from core.documents.comparison import comparison_html, comparison_part

__all__ = ["comparison_html", "comparison_part"]
