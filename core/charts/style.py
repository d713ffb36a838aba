"""How every figure looks: colours that hold on light and dark ground, sizes, and how numbers are written."""

from collections.abc import Mapping
from dataclasses import dataclass

import plotly.graph_objects as go

from core.numerals import significant

# Okabe and Ito (2008), in the order that keeps contrast on both grounds.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#7A8794"
MAX_POINTS = 500
HEIGHT = 250


@dataclass(frozen=True)
class Reading:
    """How numbers are written: a d3 format, the unit after it, and whether the axis starts at zero."""

    format: str = ",.3~r"
    unit: str = ""
    zero: bool = False

    @property
    def suffix(self) -> str:
        """The unit as it follows a number."""
        return f" {self.unit}" if self.unit else ""

    def text(self, value: float) -> str:
        """Return a number as the axis writes it, without the unit."""
        if self.format.endswith("r"):
            return significant(value)
        return f"{value:{self.format.replace('~', '')}}"


def empty(xaxis: Mapping[str, object], yaxis: Mapping[str, object], **layout: object) -> go.Figure:
    """Return a figure without traces, its layout given in one piece.

    Plotly takes ten times as long to update a layout as to be given it.
    """
    fixed = {"automargin": True, "fixedrange": True, "zeroline": False}
    whole = {
        "height": HEIGHT,
        "margin": {"l": 4, "r": 4, "t": 22, "b": 4},
        "dragmode": False,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": None},
        "xaxis": fixed | dict(xaxis),
        "yaxis": fixed | dict(yaxis),
    }
    return go.Figure(layout=whole | layout)


def transparent(colour: str, share: float) -> str:
    """Return a hexadecimal colour with an opacity.

    Examples
    --------
    >>> transparent("#0072B2", 0.5)
    'rgba(0, 114, 178, 0.5)'
    """
    return f"rgba({int(colour[1:3], 16)}, {int(colour[3:5], 16)}, {int(colour[5:7], 16)}, {share})"
