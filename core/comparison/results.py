"""What a comparison found: frozen dataclasses between the counting and the three ways of showing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from core.comparison.roles import Roles

T = TypeVar("T")


@dataclass(frozen=True)
class Sides(Generic[T]):
    """One thing said of both files."""

    reference: T
    current: T


@dataclass(frozen=True)
class Measurement:
    """One metric on one side; None where it cannot be given, `reason` says why; the interval is of 95 %."""

    value: float | None
    n: int = 0
    lower: float | None = None
    upper: float | None = None
    sampling_error: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Distribution:
    """What the small plot of a column shows: shares of ``bins``, ``values`` or ``categories``, in order."""

    of: Literal["bins", "values", "categories"]
    labels: Sequence[str]
    shares: Sides[Sequence[float]]


@dataclass(frozen=True)
class ColumnComparison:
    """One column on both sides.

    `drift` maps a metric's name to its value, None where it cannot be computed (`reason` says why).
    `p_value` is the smallest of the column's tests, adjusted for all tests of all columns; `distance` is
    the jensen_shannon distance without its sampling part, the one the effect floor looks at. `reason` says
    what changed.
    """

    name: str
    kind: str
    role: str
    drift: Mapping[str, Any]
    verdict: str
    p_value: float | None
    distance: float | None
    reason: str
    quality: Mapping[str, Sides[float | None]]
    distribution: Distribution | None

    @property
    def missing_share(self) -> Sides[float | None]:
        """The share of rows without a value."""
        return self.quality["missing_share"]


@dataclass(frozen=True)
class Performance:
    """The metrics of one side; `one_vs_rest` are those of each class of a model with several."""

    metrics: Mapping[str, Measurement] = field(default_factory=dict)
    one_vs_rest: Mapping[str, Mapping[str, Measurement]] = field(default_factory=dict)


@dataclass(frozen=True)
class AttributeFairness:
    """The groups of one protected attribute on one side.

    `rows` is the size of each group, `groups` its metrics, `judged` the groups large enough to be compared;
    `differences` rest on those alone.
    """

    rows: Mapping[str, int]
    groups: Mapping[str, Mapping[str, Measurement]]
    judged: tuple[str, ...]
    differences: Mapping[str, Measurement]


@dataclass(frozen=True)
class Schema:
    """How the columns of the two files differ: `added` only in CURRENT, `removed` only in REFERENCE."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    retyped: Mapping[str, Sides[str]]


@dataclass(frozen=True)
class Comparison:
    """Everything `compare` found.

    `columns` are sorted worst first; `performance` is empty without a task; `fairness` is by protected
    attribute, None on a side that lacks it; `notes` are sentences about what is odd or could not be done;
    `multivariate` is domain_classifier_auc of all features together, None within a segment; `segments` are
    by value.
    """

    rows: Sides[int]
    period: Sides[tuple[str, str] | None]
    roles: Roles
    columns: Mapping[str, ColumnComparison]
    performance: Sides[Performance]
    fairness: Mapping[str, Sides[AttributeFairness | None]]
    schema: Schema
    notes: tuple[str, ...]
    verdict: str
    multivariate: Measurement | None = None
    segments: Mapping[str, "Comparison"] = field(default_factory=dict)

    @property
    def drifted(self) -> list[str]:
        """The columns that drifted, worst first."""
        return [name for name, column in self.columns.items() if column.verdict == "drift"]
