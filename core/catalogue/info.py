"""What is said about a metric."""

from dataclasses import dataclass
from typing import Literal

Family = Literal["drift", "quality", "performance", "fairness", "operations", "volume"]
Better = Literal["higher", "lower", "none"]
Range = tuple[float | None, float | None]

SHARE: Range = (0.0, 1.0)
POSITIVE: Range = (0.0, None)
ANY: Range = (None, None)


@dataclass(frozen=True)
class MetricInfo:
    """What a page, a monitor or a reader must know about a metric.

    `better` is ``none`` where neither direction is good in itself (bias is best at 0); `unit` is "" for
    shares and other pure numbers, ``column`` or ``label`` for the unit of that; `range` bounds the value
    (None = unbounded); `needs_labels` means it waits until labels are mature.
    """

    name: str
    title: str
    family: Family
    better: Better
    unit: str
    range: Range
    needs_labels: bool
    definition: str
    source: str
