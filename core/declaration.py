"""A model declaration: what a team tells Steward about a model and its prediction log, strictly validated."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    model_validator,
)

from core.consistency import problems
from core.errors import DeclarationError
from core.monitors import Monitor
from core.schedule import schedule
from core.strict import Duration, Number, Strict, Text, Whole, nearest, read_yaml, shape, validated
from core.windows import Calendar

SLUG = r"[a-z0-9][a-z0-9_-]{0,62}"
ZONE_EXAMPLES = "expected a name such as America/New_York"


@cache
def _zones() -> frozenset[str]:
    # The standard library walks a folder of hundreds of files each time it is asked.
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"{name!r} is no IANA time zone; {nearest(name, _zones(), ZONE_EXAMPLES)}")
    return name


def _slug(name: str) -> str:
    if not re.fullmatch(SLUG, name):
        raise ValueError(
            f"{name!r} cannot name a model; expected up to 63 of a-z, 0-9, _ and -, first a letter or digit"
        )
    return name


def _file(path: str) -> str:
    if scheme := re.match(r"[a-z][a-z0-9+]+:", path):
        raise ValueError(
            f"{path!r} cannot be read ({scheme[0]}); expected a Parquet or CSV file, folder or glob"
        )
    return path


def _schedule(text: str) -> str:
    schedule(text)
    return text


def _day(value: object) -> object:
    # A text comes back from JSON: ten characters are a day, more are a time.
    if isinstance(value, str):
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    return value


def _increasing(bins: tuple[float, ...]) -> tuple[float, ...]:
    if list(bins) != sorted(set(bins)):
        raise ValueError(f"{list(bins)} do not increase; expected e.g. [25, 40]")
    return bins


# The context in which a declaration is read that was accepted once: rules that came later are for `apply`.
ACCEPTED = {"accepted": True}

Slug = Annotated[str, AfterValidator(_slug)]
Zone = Annotated[str, AfterValidator(_zone)]
DataPath = Annotated[Text, AfterValidator(_file)]
Day = Annotated[date | datetime, BeforeValidator(_day)]
Scalar = bool | int | float | str
Share = Annotated[Number, Field(ge=0, le=1)]
Cost = Annotated[Number, Field(ge=0)]
Importance = Annotated[Number, Field(ge=0)]


_Score = Annotated[
    Annotated[Text, Tag("scalar")] | Annotated[dict[str, Text], Tag("mapping")], Discriminator(shape)
]


class Predictions(Strict):
    """Where the prediction log lies and what its columns mean."""

    path: DataPath
    timestamp: Text
    timezone: Zone = "UTC"
    prediction_id: Text | None = None
    version: Text | None = None
    variant: Text | None = None
    score: _Score | None = None
    prediction: Text | None = None
    actual: Text | None = None

    @property
    def scores(self) -> tuple[str, ...]:
        """The columns with scores: one, one per class, or none."""
        named = self.score.values() if isinstance(self.score, dict) else (self.score,)
        return tuple(name for name in named if name)


class Labels(Strict):
    """Where labels arrive that are not in the prediction log."""

    path: DataPath | None = None
    prediction_id: Text | None = None
    actual: Text | None = None
    available_at: Text | None = None
    timestamp: Text | None = None
    delay: Duration | None = None
    share: Annotated[Number, Field(gt=0, le=1)] | None = None
    lookback: Duration = timedelta(days=35)


class Features(Strict):
    """The model's inputs, by how they are counted."""

    numeric: tuple[Text, ...] = ()
    categorical: tuple[Text, ...] = ()


class BinnedAttribute(Strict):
    """A numeric protected attribute, cut into groups [-inf, b1), [b1, b2), …, [bn, inf)."""

    column: Text
    bins: Annotated[tuple[Number, ...], Field(min_length=1), AfterValidator(_increasing)]


_Attribute = Annotated[
    Annotated[Text, Tag("scalar")] | Annotated[BinnedAttribute, Tag("mapping")], Discriminator(shape)
]


class Operations(Strict):
    """The columns of the serving system."""

    latency_ms: Text | None = None
    status: Text | None = None
    cost_usd: Text | None = None


class CustomMetric(Strict):
    """A column of the log to watch as a rate (share of true) or a number (mean)."""

    column: Text
    kind: Literal["rate", "numeric"]


class Costs(Strict):
    """What a wrong decision costs, in the model's currency."""

    false_positive: Cost
    false_negative: Cost


def _costs_by(value: object) -> str:
    by_class = isinstance(value, dict) and any(isinstance(each, dict) for each in value.values())
    return "classes" if by_class else "decision"


# Of several classes: label → prediction → cost of such a row; pairs that are not named cost nothing.
_Costs = Annotated[
    Annotated[Costs, Tag("decision")] | Annotated[dict[str, dict[str, Cost]], Tag("classes")],
    Discriminator(_costs_by),
]


class Reference(Strict):
    """What is normal: a period of the log [from, to), or a file."""

    period: tuple[Day, Day] | None = None
    path: DataPath | None = None


class Retraining(Strict):
    """When to ask for retraining and which command of steward.yaml does it."""

    every: Duration | None = None
    command: Text | None = None


class Scoring(Strict):
    """The command of steward.yaml that lets a version answer rows: `steward evaluate` asks it."""

    command: Text


class Declaration(Strict):
    """One model, as declared in models/<model>.yaml."""

    model: Slug
    owner: Text
    team: Text | None = None
    task: Literal["binary_classification", "multiclass_classification", "regression", "custom"]
    risk_tier: Annotated[Whole, Field(ge=1, le=4)]
    description: str = ""
    predictions: Predictions
    positive: Scalar | None = None
    threshold: Share = 0.5
    favourable: Scalar | None = None
    labels: Labels | None = None
    features: Features | None = None
    importance: dict[Text, Importance] = Field(default_factory=dict)
    pca: bool = False
    segments: tuple[Text, ...] = ()
    protected: tuple[_Attribute, ...] = ()
    sensitive: tuple[Text, ...] = ()
    operations: Operations = Operations()
    custom: dict[str, CustomMetric] = Field(default_factory=dict)
    costs: _Costs | None = None
    reference: Reference | None = None
    window: Literal["1h", "1d", "1w", "1mo", "1y"] = "1d"
    grace: Duration = timedelta(hours=1)
    schedule: Annotated[str, AfterValidator(_schedule)] = "15m"
    minimum_group_size: Annotated[Whole, Field(ge=1)] = 30
    monitors: tuple[Monitor, ...] = ()
    retraining: Retraining | None = None
    scoring: Scoring | None = None
    notify: tuple[Text, ...] = ()
    use_case: Slug | None = None
    backup_owner: Text | None = None
    origin: Literal["internal", "vendor", "open_source"] = "internal"
    risk_rationale: str = ""
    review_every: Duration | None = None
    tags: tuple[Text, ...] = ()

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
        """How long after the last prediction of a window its labels are complete at the latest.

        Where only a labelled share is declared, that is `lookback`: older labels are not looked for.
        """
        if self.labels is None or (self.labels.delay is None and self.labels.share is None):
            return timedelta()
        return self.labels.lookback if self.labels.delay is None else self.labels.delay

    @property
    def prediction(self) -> str:
        """The prediction's column name; ``prediction`` where it is derived from a score of another name."""
        derived = "predicted_class" if "prediction" in self.predictions.scores else "prediction"
        return self.predictions.prediction or derived

    @property
    def about_predictions(self) -> frozenset[str]:
        """The columns that are no inputs: score, prediction, label, the serving system's, custom metrics."""
        said = (*self.predictions.scores, self.prediction, self.actual)
        served = (*self.operations.model_dump().values(), *self.custom)
        return frozenset(name for name in (*said, *served) if name)

    @property
    def reference_period(self) -> tuple[datetime, datetime] | None:
        """The declared reference period [from, to) as aware UTC; dates without a zone are in the model's."""
        if self.reference is None or self.reference.period is None:
            return None
        start, end = (self.instant(day) for day in self.reference.period)
        return start, end

    def instant(self, day: date | datetime) -> datetime:
        """Return a day's start or a time as aware UTC; without a zone it is in the model's."""
        moment = day if isinstance(day, datetime) else datetime.combine(day, time())
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "Declaration":
        if info.context is not ACCEPTED and (found := problems(self)):
            raise ValueError("\n".join(found))
        return self


def load_declaration(path: str | Path) -> Declaration:
    """Return the declaration a YAML file holds.

    Raises
    ------
    DeclarationError
        If it is empty; one line per mistake: file, dotted key, value, what was expected and the nearest known
        name.
    """
    file = Path(path)
    document = read_yaml(file)
    if not document:
        advice = f"remove it, and let Steward write it: steward declare {file.stem} FILE…"
        raise DeclarationError(f"{file}: is empty; {advice}")
    return validated(Declaration, document, file=str(file))
