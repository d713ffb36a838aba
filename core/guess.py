"""What the columns of an unknown prediction log probably mean, judged by names, types and some values."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

import polars as pl

# Names as people give them, the most telling first; * stands for anything.
_TIMESTAMP = """
    scored_at predicted_at prediction_time prediction_timestamp timestamp event_time ts datetime time
    created_at *_timestamp *_time *_at date *_date
"""
_ID = "prediction_id request_id event_id transaction_id record_id row_id uuid guid id *_id *_uuid"
_INDEX = "index unnamed:* unnamed:_* row_number __index_level_*"
_SCORE = """
    score probability predicted_probability proba prob y_score y_prob y_proba pred_proba prediction_score p
    *_probability *_proba *_prob *_score probability_* prob_*
"""
_PREDICTION = """
    prediction predicted y_pred yhat y_hat pred predicted_label predicted_value forecast estimate decision
    predicted_* pred_* *_prediction *_predicted *_pred *_forecast estimated_*
"""
_ACTUAL = """
    actual label y_true ground_truth target truth outcome y observed actual_* *_actual true_* *_label
    observed_* default defaulted is_default churned is_churn fraud is_fraud
"""
_VERSION = "model_version version model_id"
_VARIANT = "variant arm"
_LATENCY = "latency_ms latency *_latency_ms response_time_ms duration_ms"
_STATUS = "status status_code http_status"
_COST = "cost_usd *_cost_usd cost"
_PROTECTED = """
    sex gender age race ethnicity colour color religion nationality disability marital_status birth_year
    *_age *_gender *_sex *_race *_ethnicity
"""
_PERSONAL = "name *_name email *_email phone *_phone address *_address ssn iban ip ip_address"
_POSITIVE = "1 true yes y t positive pos fraud churn churned default late bad"
_LABEL_TIME = re.compile(r"label|actual|available|landed|resolved|truth|outcome")
_CLASS_PREFIX = re.compile(r"^(p|prob|proba|probability|score)_(.+)$")
_ISO_TIME = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)"
_OTHER_TIME = r"^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}([T ]|$)"
_OFFSET = r"[T ].*(Z|[+-]\d{2}(:?\d{2})?)$"
_CODE = r"^\s*[+-]?0\d"
_MANY = 20  # more distinct values than this are no classes


@dataclass(frozen=True)
class Guess:
    """The probable role of each column; what is None or empty could not be guessed."""

    task: str
    timestamp: str | None = None
    naive: bool = True
    prediction_id: str | None = None
    version: str | None = None
    variant: str | None = None
    score: str | dict[str, str] | None = None
    prediction: str | None = None
    actual: str | None = None
    positive: object = None
    latency_ms: str | None = None
    status: str | None = None
    cost_usd: str | None = None
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)  # column → why it is no feature
    amiss: dict[str, tuple[str, str]] = field(default_factory=dict)  # role → (column, what keeps it from it)


def guess(sample: pl.DataFrame) -> Guess:
    """Return the probable role of each column of a sample of a prediction log."""
    free = {name: sample[name].drop_nulls() for name in sample.columns}
    timestamp = _timestamp(free)
    naive = _is_naive(free.pop(timestamp)) if timestamp else True
    amiss = {} if timestamp else _almost_timestamp(free)
    roles: dict[str, Any] = {
        "timestamp": timestamp,
        "prediction_id": _take(free, _ID, _is_identifier),
        "version": _take(free, _VERSION, _has_few_values),
        "variant": _take(free, _VARIANT, _has_few_values),
        "latency_ms": _take(free, _LATENCY, _is_number),
        "status": _take(free, _STATUS, _has_few_values),
        "cost_usd": _take(free, _COST, _is_number),
    }
    outcome = _outcome(free)
    numeric, categorical, left_out = _features(free)
    return replace(
        outcome,
        **roles,
        naive=naive,
        numeric=numeric,
        categorical=categorical,
        protected=tuple(name for name in (*numeric, *categorical) if _matches(name, _PROTECTED)),
        sensitive=tuple(name for name in (*categorical, *left_out) if _matches(name, _PERSONAL)),
        left_out={**left_out, **outcome.left_out},
        amiss={**amiss, **outcome.amiss},
    )


def _outcome(free: dict[str, pl.Series]) -> Guess:
    """Take score, prediction and label out of `free` and tell the task from their values."""
    classes = _class_scores(free)
    taken = {column: free.pop(column) for column in (classes or {}).values()}
    score = None if classes else _take(free, _SCORE, _is_share, taken)
    prediction = _take(free, _PREDICTION, _is_outcome, taken)
    actual = _take(free, _ACTUAL, _is_outcome, taken)
    if prediction and not score and _is_share(taken[prediction]) and actual and taken[actual].n_unique() <= 2:
        score, prediction = prediction, None  # a probability under the name of a prediction
    left_out = {}
    while prediction and actual and _speak_of_other_classes(taken[prediction], taken[actual]):
        left_out[prediction] = f"its values are not those of the label {actual}"
        prediction = _take(free, _PREDICTION, _is_outcome, taken)
    amiss = {} if classes or score else _almost_score(free)
    outcomes = [taken[name] for name in (prediction, actual) if name]
    task = "multiclass_classification" if classes else _task(score, prediction, outcomes)
    if task == "custom" and amiss and actual and taken[actual].n_unique() == 2:
        task = "binary_classification"
    positive = _positive(outcomes) if task == "binary_classification" else None
    return Guess(
        task,
        score=classes or score,
        prediction=prediction,
        actual=actual,
        positive=positive,
        left_out=left_out,
        amiss=amiss,
    )


def _take(
    free: dict[str, pl.Series],
    known: str,
    fits: Callable[[pl.Series], bool],
    taken: dict[str, pl.Series] | None = None,
) -> str | None:
    found = _best(known, (name for name, values in free.items() if fits(values)))
    if found:
        values = free.pop(found)
        if taken is not None:
            taken[found] = values
    return found


def _best(known: str, columns: Iterable[str]) -> str | None:
    """Return the column whose name says most clearly what it is."""
    ranked = sorted((rank, column) for column in columns if (rank := _rank(column, known)) is not None)
    return ranked[0][1] if ranked else None


def _rank(column: str, known: str) -> int | None:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s.-]+", "_", column).lower()
    return next((rank for rank, pattern in enumerate(known.split()) if fnmatchcase(name, pattern)), None)


def _matches(column: str, known: str) -> bool:
    return _rank(column, known) is not None


def _timestamp(columns: dict[str, pl.Series]) -> str | None:
    times = [name for name, values in columns.items() if _is_time(values)]
    likely = [name for name in times if not _LABEL_TIME.search(name.lower())]
    named = _best(_TIMESTAMP, likely) or _best(_TIMESTAMP, times)
    return named or next(
        (name for name in (*likely, *times) if name.lower().endswith("_at") or len(times) == 1), None
    )


def _is_time(values: pl.Series) -> bool:
    if values.dtype.is_temporal():
        return values.dtype not in (pl.Time, pl.Duration)
    if values.dtype != pl.String or values.is_empty():
        return False
    return int(values.str.contains(_ISO_TIME).sum()) > 0.95 * len(values)


def _is_naive(values: pl.Series) -> bool:
    if values.dtype == pl.String:
        return not values.str.contains(_OFFSET).all()
    return getattr(values.dtype, "time_zone", None) is None


def _almost_timestamp(free: dict[str, pl.Series]) -> dict[str, tuple[str, str]]:
    """Take the column out of `free` that is a timestamp for people only."""
    column = _take(free, _TIMESTAMP, _is_written_otherwise)
    return {"timestamp": (column, "no ISO 8601; write it like 2024-01-31 12:00:00")} if column else {}


def _is_written_otherwise(values: pl.Series) -> bool:
    return values.dtype == pl.String and len(values) > 0 and bool(values.str.contains(_OTHER_TIME).all())


def _almost_score(free: dict[str, pl.Series]) -> dict[str, tuple[str, str]]:
    """Take the column out of `free` that is called a probability but does not lie between 0 and 1."""
    percent = _best(_SCORE, (name for name, values in free.items() if values.dtype.is_float()))
    if percent is None:
        return {}
    highest = max(free.pop(percent).drop_nans().to_list(), default=0.0)
    return {"score": (percent, f"values up to {highest:g}, a probability is 0 to 1; write it so")}


def _speak_of_other_classes(prediction: pl.Series, actual: pl.Series) -> bool:
    words = [set(series.unique().to_list()) for series in (prediction, actual) if series.dtype == pl.String]
    return len(words) == 2 and max(map(len, words)) <= _MANY and not words[0] & words[1]


def _is_identifier(values: pl.Series) -> bool:
    plain = values.dtype == pl.String or values.dtype.is_integer()
    return plain and len(values) > 0 and values.n_unique() == len(values)


def _nearly_all_differ(values: pl.Series) -> bool:
    return values.n_unique() > max(_MANY, len(values) / 2)


def _was_number(values: pl.Series) -> bool:
    """Tell whether text holds numbers only, and not codes such as 01067 or ids."""
    if values.dtype != pl.String or values.str.contains(_CODE).any():
        return False
    if _nearly_all_differ(values) and not values.str.contains(".", literal=True).any():
        return False
    return values.cast(pl.Float64, strict=False).null_count() == 0


def _counts_upwards(values: pl.Series) -> bool:
    return values.dtype.is_integer() and len(values) > _MANY and bool((values.diff().drop_nulls() > 0).all())


def _is_number(values: pl.Series) -> bool:
    return values.dtype.is_numeric()


def _is_share(values: pl.Series) -> bool:
    if not values.dtype.is_float():
        return False
    finite = values.drop_nans()
    return finite.n_unique() > 2 and bool(finite.is_between(0, 1).all())


def _has_few_values(values: pl.Series) -> bool:
    return not values.dtype.is_nested() and len(values) > 0 and values.n_unique() <= _MANY


def _is_outcome(values: pl.Series) -> bool:
    return len(values) > 0 and not values.dtype.is_nested() and not values.dtype.is_temporal()


def _class_scores(columns: dict[str, pl.Series]) -> dict[str, str] | None:
    """Return class → column where several columns named alike hold shares that add up to one."""
    families: dict[str, dict[str, str]] = {}
    for name, values in columns.items():
        match = _CLASS_PREFIX.match(name)
        if match and _is_share(values):
            families.setdefault(match[1], {})[match[2]] = name
    for classes in families.values():
        parts = [columns[name] for name in classes.values()]
        if len(parts) >= 2 and len({len(part) for part in parts}) == 1:
            total = pl.DataFrame(parts).sum_horizontal()
            if ((total - 1).abs() < 1e-3).all():
                return classes
    return None


def _task(score: str | None, prediction: str | None, outcomes: list[pl.Series]) -> str:
    if score:
        return "binary_classification"
    if prediction is None:
        return "custom"
    if len({str(value) for outcome in outcomes for value in outcome.unique()}) <= 2:
        return "binary_classification"
    return (
        "regression"
        if all(outcome.dtype.is_numeric() for outcome in outcomes)
        else "multiclass_classification"
    )


def _positive(outcomes: list[pl.Series]) -> object:
    """Return the positive class where it is not plainly 1 or true: by name, or the rarer of two."""
    values = outcomes[-1].value_counts(sort=True).to_series(0).to_list() if outcomes else []
    if not values or all(str(value) in ("0", "1", "True", "False", "0.0", "1.0") for value in values):
        return None
    return next((value for value in values if str(value).lower() in _POSITIVE.split()), values[-1])


def _features(columns: dict[str, pl.Series]) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    numeric, categorical, left_out = [], [], {}
    for name, values in columns.items():
        if values.is_empty():
            left_out[name] = "no value in the sample"
        elif values.dtype.is_numeric() or _was_number(values):
            named = _matches(name, _INDEX) or (_matches(name, _ID) and _is_identifier(values))
            if named or _counts_upwards(values):
                left_out[name] = "looks like an identifier"
            else:
                numeric.append(name)
        elif _is_time(values):
            left_out[name] = "a time"
        elif values.dtype.is_nested() or values.dtype == pl.Binary:
            left_out[name] = f"of type {values.dtype}"
        elif _nearly_all_differ(values):
            left_out[name] = "almost every value differs: an identifier or free text"
        else:
            categorical.append(name)
    return tuple(numeric), tuple(categorical), left_out
