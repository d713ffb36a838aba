"""Every metric Steward knows: its name, meaning, better direction and the source of its formula."""

from collections.abc import Mapping

from core.catalogue.drift import DRIFT
from core.catalogue.fairness import FAIRNESS
from core.catalogue.info import MetricInfo
from core.catalogue.operations import OPERATIONS
from core.catalogue.performance import CLASSIFICATION, REGRESSION, averages, estimated
from core.catalogue.quality import QUALITY, VOLUME

__all__ = ["CATALOGUE", "MetricInfo"]

CATALOGUE: Mapping[str, MetricInfo] = {
    info.name: info
    for family in (
        *(DRIFT, QUALITY, VOLUME, CLASSIFICATION, averages(), REGRESSION, estimated()),
        *(FAIRNESS, OPERATIONS),
    )
    for info in family
}
