"""The data that passes between Steward's rooms: frozen dataclasses, and the columns of its two frames."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import polars as pl

_INSTANT = pl.Datetime("us", "UTC")

# One cell = the counts of one column in one window of one slice of the traffic. Cells with equal keys and
# equal `reference_id` merge by addition (`low` and `high` by min and max), so they can be counted file by
# file.
CELL_KEYS = ("window_start", "segment", "version", "variant", "group", "column", "kind")
CELLS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "window_start": _INSTANT,
    "window_end": _INSTANT,
    "segment": pl.String,  # "origin=JFK"; "" = not sliced this way (so for the next three)
    "version": pl.String,
    "variant": pl.String,
    "group": pl.String,  # "sex=F", intersections "sex=F & age=[25, 40)"
    "column": pl.String,  # the declared name; "" for kinds about the whole model
    "kind": pl.String,  # a Kind
    "n": pl.Int64,  # usable values
    "missing": pl.Int64,
    "nan": pl.Int64,
    "positive_infinity": pl.Int64,
    "negative_infinity": pl.Int64,
    "uncastable": pl.Int64,
    "low": pl.Float64,
    "high": pl.Float64,
    "counts": pl.List(pl.Int64),
    "sums": pl.List(pl.Float64),
    "reference_id": pl.String,
}

# One metric of one window and slice. Sorted by METRIC_KEYS, unique on them.
METRIC_KEYS = ("metric", "column", "segment", "version", "variant", "group", "window_start")
METRICS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "metric": pl.String,
    "column": pl.String,
    "segment": pl.String,
    "version": pl.String,
    "variant": pl.String,
    "group": pl.String,
    "window_start": _INSTANT,
    "window_end": _INSTANT,
    "value": pl.Float64,  # null = could not be computed, see `reason`
    "lower": pl.Float64,  # 95 % interval where the metric has one
    "upper": pl.Float64,
    "sampling_error": pl.Float64,  # one standard error
    "expected": pl.Float64,  # what a distance shows on this many rows when nothing drifted
    "p_value": pl.Float64,
    "n": pl.Int64,  # rows the value rests on
    "reason": pl.String,
    "mature_at": _INSTANT,  # labels are complete from here on; null = needs no labels
    "reference_id": pl.String,
}


class Kind(StrEnum):
    """What a cell counts, and so how its `counts` and `sums` are laid out (`n` and the specials as in CELLS).

    rows
        n = rows after deduplication; missing = rows without a label; counts = [duplicates removed, rows
        with an error status, rows whose label can still come or has come]; low, high = first and last
        timestamp in epoch seconds.
    numeric
        counts = [below, bin 1 … bin m, above] on `NumericGrid.edges` (m + 1 edges, bins (e[i-1], e[i]]);
        sums = [sum of x - centre, sum of (x - centre)²]; low, high = min and max.
    categorical
        counts = [each kept value in `Vocabulary.kept` order …, other, unseen (0 where the vocabulary is not
        complete)].
    classification
        counts = score bin × predicted (no, yes) × label (no, yes, unlabelled), C order, bins on
        `Grid.score_edges` (a model without score has one bin); sums = [sum of scores, same layout …, sum of
        (s - y)², sum of -ln p(label)]. `missing`, `nan` … are of the score; uncastable = score outside [0,
        1] or a label that is neither class. For multiclass models there is one such cell per class (one
        versus rest), `column` = the class.
    multiclass
        counts = predicted (k classes, unknown) × label (k classes, unknown, unlabelled), C order, classes in
        `Grid.classes` order; sums = [sum of -ln p(label), rows in that sum, sum of (ln p(label))²].
    regression
        counts = [below, bins …, above] of e = prediction - label on `Grid.error_edges`; n = rows with both;
        sums = [Σy, Σy², Σŷ, Σŷ², Σe, Σ|e|, Σe², Σ|e/y|, rows with y ≠ 0, Σl², rows with both > -1, Σe⁴,
        Σ(e/y)², Σl⁴, Σe²y, Σe²y², Σy³, Σy⁴] with l = ln(1+ŷ) - ln(1+y), and with y and ŷ minus the label's
        reference mean wherever they stand alone or beside e². The last seven tell how certain the others are.
    leaves
        counts = rows with a finite prediction by leaf of `Grid.loss_tree`; missing = the others.
    moments
        sums = Σ of the products of `Grid.together`, each feature minus its reference mean and divided by its
        scale, as an upper triangle row by row. A value that is no finite number stands at the mean; n = rows
        with a finite value in any of them, missing = the others.
    latency
        counts = log-spaced bins on `LATENCY_EDGES_MS` [below … above]; sums = [sum of ms]; low, high = min
        and max.
    rate
        n = rows with a value; counts = [hits].
    """

    ROWS = "rows"
    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    CLASSIFICATION = "classification"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    LEAVES = "leaves"
    MOMENTS = "moments"
    LATENCY = "latency"
    RATE = "rate"


# 0.1 ms to 1,000 s in steps of 2 %: a quantile read from the middle of its bin is within 1 %.
LATENCY_EDGES_MS: tuple[float, ...] = tuple(0.1 * 1.02**i for i in range(815))


@dataclass(frozen=True)
class NumericGrid:
    """The frozen bins of a numeric column.

    `edges` strictly increase; bin i is (edges[i-1], edges[i]]; edges[0] lies just below the reference
    minimum and edges[-1] is its maximum. Empty while the model is learning or the reference has no finite
    value. `centre` and `scale` are the reference mean and standard deviation (n in the denominator).
    """

    edges: tuple[float, ...] = ()
    centre: float = 0.0
    scale: float = 0.0


@dataclass(frozen=True)
class Vocabulary:
    """The frozen values of a categorical column: `kept` are counted one by one, `rest` together as other.

    A column like an id has more values than anybody wants to keep: its vocabulary is not `complete`, `rest`
    is empty and every value besides the kept ones is other, so nobody knows which are unseen or how many were
    `seen_once`.
    """

    kept: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    seen_once: int | None = 0
    complete: bool = True


@dataclass(frozen=True)
class Split:
    """One question of a loss tree; `left` and `right` are splits, or leaf i written as -1 - i.

    A number goes left up to its `threshold`; a category (`threshold` null) where it is among `words`, if
    `words_left`, else where it is not.
    """

    column: str
    threshold: float | None
    words: tuple[str, ...]
    words_left: bool
    missing_left: bool
    left: int
    right: int


@dataclass(frozen=True)
class LossTree:
    """What a regression's errors were in the reference: `losses` has the sums of Kind.REGRESSION per row.

    A split stands before the splits below it; without splits there is one leaf.
    """

    splits: tuple[Split, ...]
    losses: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Grid:
    """How a model's rows are counted: frozen with its reference, named by `reference_id`.

    A learning model has a grid without edges and values (`frozen` false): rows, shares of missing values,
    operations and performance can be counted, drift cannot.
    """

    reference_id: str
    frozen: bool
    numeric: Mapping[str, NumericGrid] = field(default_factory=dict)
    categorical: Mapping[str, Vocabulary] = field(default_factory=dict)
    score_edges: tuple[float, ...] = ()  # 0 = first, 1 = last; bins (a, b], zero joins the first
    error_edges: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    # column → the values with their own slice; "sex" or "sex & age" → group keys such as "sex=F"
    segments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loss_tree: LossTree | None = None  # of a regression with labels
    together: tuple[str, ...] = ()  # under `pca`: the numeric features that vary in the reference


@dataclass(frozen=True)
class Actor:
    """Who runs a command: `id` is an address, a principal or `single-user`; `source` is cli, ui or jobs.

    A role is held everywhere, or as ``role@team:NAME`` or ``role@model:SLUG`` only there. `credential` is the
    digest of the session or token by which somebody signed in: it is looked up again by every command.
    """

    id: str
    source: str
    roles: frozenset[str] = frozenset({"admin"})
    credential: str | None = None

    @property
    def standing(self) -> str:
        """The roles in words."""
        return ", ".join(sorted(self.roles)) or "without a role"


@dataclass(frozen=True)
class LogFile:
    """One prediction log or label file as it lies there now.

    `kind` is ``predictions`` or ``labels``. Two files are the same when path, size and mtime_ns are.
    """

    path: str
    kind: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class LedgerEntry:
    """What the ledger remembers about a log file: ``read``, ``changed``, ``gone``, or ``bad`` and why.

    `columns` maps each column to its DuckDB type; `problems` counts rows left out by reason.
    """

    file: LogFile
    state: str
    first: datetime | None = None
    last: datetime | None = None
    rows: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class SchemaChange:
    """A column of a prediction log whose type is another from `at` on; null where there is no such column."""

    at: datetime
    column: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Source:
    """The files one profile reads together, oldest first: of equal prediction_ids the last file's wins.

    `labels` pairs each label file with its mtime in epoch seconds, the `available_at` of rows that state
    none.
    """

    files: tuple[str, ...]
    labels: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Lease:
    """The right to write one model's results; the store refuses a token older than the newest."""

    model: str
    holder: str
    token: int


@dataclass(frozen=True)
class ModelStatus:
    """One row of the overview: state is critical, warning, healthy, no_data, learning or paused.

    `headline` names the performance metric that speaks for the model (null until it has one); the sparkline
    holds its last 14 mature window values.
    """

    model: str
    state: str
    since: datetime
    reasons: tuple[str, ...] = ()
    version: str | None = None
    open_alerts: int = 0
    last_window: datetime | None = None
    last_timestamp: datetime | None = None
    rows: int | None = None
    headline: str | None = None
    headline_value: float | None = None
    headline_reference: float | None = None
    sparkline: tuple[float | None, ...] = ()
    drifted_columns: int | None = None
    drift_column: str | None = None
    drift_value: float | None = None
    missing_column: str | None = None
    missing_value: float | None = None
    fairness_attribute: str | None = None
    fairness_value: float | None = None
    updated_at: datetime | None = None
    error: str | None = None
    # Without its alerts: no_data, learning or healthy, since when and why; open alerts stand above it.
    condition: str | None = None
    condition_since: datetime | None = None
    condition_reasons: tuple[str, ...] = ()
    rules: str | None = None  # identity of the monitors that judged it; null = it has none


class Severity(StrEnum):
    """How bad an alert is; a monitor with two levels escalates one alert from the first to the second."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, order=True)
class Target:
    """What a monitor looks at; "" where it does not look that way (see METRICS)."""

    metric: str
    column: str = ""
    segment: str = ""
    version: str = ""
    group: str = ""

    @property
    def key(self) -> str:
        """Canonical JSON of the parts that are set: with model and monitor name it names an alert's cause."""
        said = {name: value for name, value in asdict(self).items() if value}
        return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class Episode:
    """One stretch of trouble as the windows tell it: from the first breaching window until it recovered.

    Windows are named by their start; the other instants are business time. `judged_at` is when the last
    breaching window could be judged. `resolved_at` is null while it lasts.
    """

    monitor: str
    target: Target
    severity: Severity
    first_window: datetime
    last_window: datetime
    opened_at: datetime
    judged_at: datetime
    value: float
    threshold: float
    side: str  # above | below: where the value lies
    escalated_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_window: datetime | None = None  # the quiet window that ended it; null where a person did
    closed_reason: str | None = None
    # What drifted, for the alert's message, which keeps it; the registry's columns do not.
    question: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Alert:
    """An episode that people work on, as the registry keeps it.

    `notified` is the severity of the last message about it, ``resolved`` after the message of its end, None
    before the first. `requested` says that its retraining request was written.
    """

    id: int
    model: str
    episode: Episode
    message: str
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    assigned_to: str | None = None
    snoozed_until: datetime | None = None
    snooze_reason: str | None = None
    notified: str | None = None
    reminded_at: datetime | None = None
    requested: bool = False

    def state(self, now: datetime) -> str:
        """Return ``open``, ``acknowledged``, ``snoozed`` or ``resolved`` as of business time."""
        if self.episode.resolved_at is not None:
            return "resolved"
        if self.snoozed_until is not None and self.snoozed_until > now:
            return "snoozed"
        return "open" if self.acknowledged_at is None else "acknowledged"


@dataclass(frozen=True)
class AlertEvent:
    """One thing that happened to an alert: at which business time, by whom, and what it said."""

    alert: int
    at: datetime
    actor: str
    # opened, escalated, acknowledged, assigned, snoozed, unsnoozed, woken, resolved, corrected, reopened,
    # commented
    event: str
    detail: str | None = None


@dataclass(frozen=True)
class Annotation:
    """What a person says about a stretch [start, end) of business time: of one model, or of all (None).

    Under `mute` its windows get no verdict; with `exclude_from_reference` the reference does without them.
    `made_at` and `ended_at` (null = it stands) are business time, too.
    """

    id: int
    model: str | None
    start: datetime
    end: datetime
    text: str
    mute: bool
    exclude_from_reference: bool
    made_at: datetime
    made_by: str
    ended_at: datetime | None = None
    ended_by: str | None = None


@dataclass(frozen=True)
class Message:
    """One entry of the outbox: what a channel is to be told, and how far that got.

    `kind` is ``alerts`` (what changed in one sweep), ``reminder``, ``digest`` or ``test``; `payload` holds
    the facts, the text is made of them on delivery. `message_id` stays the same over all attempts. Times are
    wall time.
    """

    id: int
    message_id: str
    channel: str
    kind: str
    model: str | None
    payload: Mapping[str, Any]
    state: str  # pending | sent | dead
    attempts: int
    created_at: datetime
    next_attempt_at: datetime
    last_error: str | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True)
class RetrainingRequest:
    """A proposal to train a model again: which rule asked, on what evidence; people decide.

    `reason` is the monitor's name or ``schedule``: a model has one open request per reason.
    """

    id: int
    model: str
    reason: str
    text: str
    evidence: Mapping[str, Any]
    state: str  # proposed (what follows comes with the approval of requests)
    requested_at: datetime  # business time
    alert: int | None = None
