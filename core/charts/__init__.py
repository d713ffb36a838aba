"""Figures: each takes rolled-up numbers and returns a plotly figure that reads the same in both themes."""

from core.charts.card import card_plot
from core.charts.episodes import mark_episode, timeline, tint
from core.charts.lineage import lineage
from core.charts.monitored import mark_alerts, monitored
from core.charts.over_time import bars_over_time, heat_over_time, over_time
from core.charts.snapshot import calibration, confusion, distribution, groups, values
from core.charts.style import COLOURS, GREY, HEIGHT, Reading
from core.charts.windows import thinned, with_gaps
from core.usual import Normal

__all__ = [
    "COLOURS",
    "GREY",
    "HEIGHT",
    "Normal",
    "Reading",
    "bars_over_time",
    "calibration",
    "card_plot",
    "confusion",
    "distribution",
    "groups",
    "heat_over_time",
    "lineage",
    "mark_alerts",
    "mark_episode",
    "monitored",
    "over_time",
    "thinned",
    "timeline",
    "tint",
    "values",
    "with_gaps",
]
