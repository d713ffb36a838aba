"""A model declaration: what a team tells Steward about a model and its prediction log, strictly validated."""

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from core.strict import Duration, Strict
from core.windows import Calendar

SLUG = r"[a-z0-9][a-z0-9_-]{0,62}"


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; expected an IANA name such as America/New_York")
    return name


def _slug(name: str) -> str:
    if not re.fullmatch(SLUG, name):
        raise ValueError(
            f"{name!r} cannot name a model; expected up to 63 of a-z, 0-9, _ and -, first a letter or digit"
        )
    return name


Slug = Annotated[str, AfterValidator(_slug)]
Zone = Annotated[str, AfterValidator(_zone)]
Scalar = bool | int | float | str


class Predictions(Strict):
    """Where the prediction log lies and what its columns mean."""

    path: str
    timestamp: str
    timezone: Zone = "UTC"
    prediction_id: str | None = None
    version: str | None = None
    variant: str | None = None
    score: str | dict[str, str] | None = None
    prediction: str | None = None
    actual: str | None = None


class Labels(Strict):
    """Where labels arrive that are not in the prediction log."""

    path: str | None = None
    prediction_id: str | None = None
    actual: str | None = None
    available_at: str | None = None
    timestamp: str | None = None
    delay: Duration = timedelta()
    lookback: Duration = timedelta(days=35)


class Features(Strict):
    """The model's inputs, by how they are counted."""

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()


class BinnedAttribute(Strict):
    """A numeric protected attribute, cut into groups [-inf, b1), [b1, b2), …, [bn, inf)."""

    column: str
    bins: tuple[float, ...] = Field(min_length=1)


class Operations(Strict):
    """The columns of the serving system."""

    latency_ms: str | None = None
    status: str | None = None
    cost_usd: str | None = None


class CustomMetric(Strict):
    """A column of the log to watch as a rate (share of true) or a number (mean)."""

    column: str
    kind: Literal["rate", "numeric"]


class Costs(Strict):
    """What a wrong decision costs, in the model's currency."""

    false_positive: float = Field(ge=0)
    false_negative: float = Field(ge=0)


class Reference(Strict):
    """What is normal: a period of the log [from, to), or a file."""

    period: tuple[date | datetime, date | datetime] | None = None
    path: str | None = None


class Retraining(Strict):
    """When to ask for retraining and which command of steward.yaml does it."""

    every: Duration | None = None
    command: str | None = None


class Declaration(Strict):
    """One model, as declared in models/<model>.yaml."""

    model: Slug
    owner: str
    team: str | None = None
    task: Literal["binary_classification", "multiclass_classification", "regression", "custom"]
    risk_tier: int = Field(ge=1, le=4)
    description: str = ""
    predictions: Predictions
    positive: Scalar | None = None
    threshold: float = Field(default=0.5, ge=0, le=1)
    favourable: Scalar | None = None
    labels: Labels | None = None
    features: Features | None = None
    segments: tuple[str, ...] = ()
    protected: tuple[str | BinnedAttribute, ...] = ()
    sensitive: tuple[str, ...] = ()
    operations: Operations = Operations()
    custom: dict[str, CustomMetric] = Field(default_factory=dict)
    costs: Costs | None = None
    reference: Reference | None = None
    window: Literal["1h", "1d", "1w", "1mo", "1y"] = "1d"
    grace: Duration = timedelta(hours=1)
    schedule: str = "15m"
    minimum_group_size: int = Field(default=30, ge=1)
    monitors: tuple[dict[str, Any], ...] = ()
    retraining: Retraining | None = None
    notify: tuple[str, ...] = ()

    @property
    def calendar(self) -> Calendar:
        """The model's windows."""
        return Calendar(self.window, self.predictions.timezone)

    @property
    def zone(self) -> ZoneInfo:
        """The model's time zone."""
        return ZoneInfo(self.predictions.timezone)

    @property
    def actual(self) -> str | None:
        """The label's column name, in the log or in the label files."""
        return (self.labels.actual if self.labels and self.labels.path else None) or self.predictions.actual

    @property
    def label_delay(self) -> timedelta:
        """How long after the last prediction of a window its labels are complete."""
        return self.labels.delay if self.labels else timedelta()

    @property
    def prediction(self) -> str:
        """The prediction's column name; ``prediction`` where it is derived from the score."""
        return self.predictions.prediction or "prediction"

    @model_validator(mode="after")
    def _consistent(self) -> "Declaration":
        return self
