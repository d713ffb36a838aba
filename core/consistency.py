"""What must hold between the keys of a declaration: one line per problem, led by the key to change."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from core.catalogue import CATALOGUE
from core.monitors import Monitor
from core.reconstruction import FEWEST, MOST, RECONSTRUCTION
from core.strict import nearest

if TYPE_CHECKING:
    from core.declaration import Declaration

CELLS_PER_WINDOW = 20_000
SEGMENT_SLICES = 51  # the 50 most frequent reference values + other
PROTECTED_GROUPS = 50
YEARS = range(1900, 2201)  # of a reference: beyond them a zone may lead out of the calendar
LONGEST_REFERENCE = timedelta(days=3_653)  # ten years

AUTO_METRIC = "drift"  # the automatic verdict over a column's questions, shown as jensen_shannon
AUTOMATIC = (AUTO_METRIC, RECONSTRUCTION)  # what threshold: auto is for
# The metrics of drift and quality that are not of a column.
_WHOLE_MODEL = (RECONSTRUCTION, "duplicate_share", "labelled_share", "invalid_outcome_share")
_GETS_BETTER = {"higher": ("above", "rise"), "lower": ("below", "drop")}


def problems(declaration: "Declaration") -> list[str]:
    """Return everything that does not fit together in a declaration; empty when all does."""
    checks = (_task, _costs, _labels, _columns, _together, _slices, _reference, _size, _monitors)
    return [problem for check in checks for problem in check(declaration)]


def cells_per_window(declaration: "Declaration", features: int) -> int:
    """Return the most cells one window can have: slices of the traffic × columns.

    Parameters
    ----------
    features : how many features are counted, declared or inferred
    """
    scores = declaration.predictions.score
    columns = features + len(scores if isinstance(scores, dict) else [scores] if scores else [])
    columns += bool(declaration.predictions.prediction) + bool(declaration.actual) + len(declaration.custom)
    columns += sum(1 for column in declaration.operations.model_dump().values() if column)
    slices = 1 + SEGMENT_SLICES * len(declaration.segments)
    attributes = len(declaration.protected)
    groups = PROTECTED_GROUPS * (attributes + (attributes > 1))  # each attribute, and all of them crossed
    return slices * (columns + 1) + groups


def per_column(metric: str) -> bool:
    """Return whether a metric is measured of each column, and so monitored of columns."""
    info = CATALOGUE.get(metric)
    if info is None:
        return metric == AUTO_METRIC
    return info.family in ("drift", "quality") and metric not in _WHOLE_MODEL


def counted_columns(declaration: "Declaration") -> list[str]:
    """Return the columns whose distribution is counted, as far as they are declared."""
    log, features = declaration.predictions, declaration.features
    outcome = [column for column in (*log.scores, log.prediction, declaration.actual) if column]
    return [*features.numeric, *features.categorical, *outcome] if features else outcome


def cells_too_many(declaration: "Declaration", features: int) -> str | None:
    """Return what to say where so many features and the segments make a window too large, else None."""
    cells, segments = cells_per_window(declaration, features), len(declaration.segments)
    if cells <= CELLS_PER_WINDOW:
        return None
    return (
        f"{segments} segment{'s' * (segments != 1)} make about {cells:,} cells per window,"
        f" at most {CELLS_PER_WINDOW:,} are kept; declare fewer"
    )


def _task(declaration: "Declaration") -> Iterator[str]:
    task, log = declaration.task, declaration.predictions
    if task == "binary_classification" and not (log.score or log.prediction):
        yield "predictions.score: a binary classification needs score or prediction; name the column"
    if task == "multiclass_classification" and not (log.score or log.prediction):
        yield "predictions.prediction: a multiclass classification needs prediction, or a score per class"
    if task == "regression" and not log.prediction:
        yield "predictions.prediction: a regression needs prediction; name the column"
    if isinstance(log.score, dict) and task != "multiclass_classification":
        yield f"predictions.score: one column per class is for multiclass_classification, the task is {task}"
    if isinstance(log.score, str) and task == "multiclass_classification":
        yield f"predictions.score: {log.score!r} is one column; expected one per class: {{class: column, …}}"
    if isinstance(log.score, dict) and len(log.score) < 2:
        yield f"predictions.score: {len(log.score)} class; expected at least two"
    if isinstance(log.score, str) and task == "regression":
        yield "predictions.score: a regression has no score; name its output as prediction"
    if declaration.positive is not None and task != "binary_classification":
        yield f"positive: is for binary_classification, the task is {task}; remove it"
    if declaration.favourable is not None and not task.endswith("classification"):
        yield f"favourable: is for classification, the task is {task}; remove it"


def _costs(declaration: "Declaration") -> Iterator[str]:
    task, costs = declaration.task, declaration.costs
    if costs is None:
        return
    if not task.endswith("classification"):
        yield f"costs: is for classification, the task is {task}; remove it"
    elif isinstance(costs, dict) == (task == "binary_classification"):
        binary, several = "{false_positive: 3, false_negative: 20}", "{label: {prediction: 20}}"
        yield f"costs: expected {several if task.startswith('multi') else binary} for {task}"
    elif isinstance(costs, dict):
        score = declaration.predictions.score
        for label, by_prediction in costs.items():
            if label in by_prediction:
                yield f"costs.{label}.{label}: a right decision costs nothing; remove it"
            if isinstance(score, dict):
                yield from _unknown("costs", [label], score, "class of predictions.score")
                yield from _unknown(f"costs.{label}", by_prediction, score, "class of predictions.score")


def _labels(declaration: "Declaration") -> Iterator[str]:
    log, labels = declaration.predictions, declaration.labels
    if labels is None:
        return
    if labels.path is None:
        for key in ("prediction_id", "actual", "available_at", "timestamp"):
            if getattr(labels, key):
                yield f"labels.{key}: says how to read label files, but labels.path is missing"
    else:
        if not log.prediction_id:
            yield "predictions.prediction_id: labels from files are joined by it; name the column"
        for key in ("prediction_id", "actual"):
            if not getattr(labels, key):
                yield f"labels.{key}: labels from files need it; name the column of the label file"
        if log.actual:
            yield "predictions.actual: labels come from labels.path; keep one of the two"
    if labels.path and labels.delay and labels.lookback < labels.delay:
        yield "labels.lookback: is shorter than labels.delay, so no label would ever be found; make it longer"


def _columns(declaration: "Declaration") -> Iterator[str]:
    """Each column of the log has one role: cells and metrics are told apart by column name."""
    log = declaration.predictions
    roles = [
        (f"predictions.{key}", getattr(log, key))
        for key in ("timestamp", "prediction_id", "version", "variant")
    ]
    scores = log.score if isinstance(log.score, dict) else {"": log.score}
    roles += [(f"predictions.score.{name}".rstrip("."), column) for name, column in scores.items()]
    roles += [("predictions.prediction", declaration.prediction if log.prediction or log.score else None)]
    roles += [
        (
            "labels.actual" if declaration.labels and declaration.labels.path else "predictions.actual",
            declaration.actual,
        )
    ]
    if declaration.features:
        roles += [("features.numeric", column) for column in declaration.features.numeric]
        roles += [("features.categorical", column) for column in declaration.features.categorical]
    taken: dict[str, str] = {}
    for key, column in roles:
        if column and column in taken:
            yield f"{key}: the column {column!r} is already {taken[column]}; a column has one role"
        elif column:
            taken[column] = key
    if declaration.importance and not sum(declaration.importance.values()):
        yield "importance: is 0 for every column; say which matter, or remove it"
    if declaration.importance and declaration.features:
        known = {*declaration.features.numeric, *declaration.features.categorical}
        for name in declaration.importance:
            if name not in known:
                yield f"importance.{name}: is no feature; {nearest(name, known, 'expected one of features')}"
    for name in declaration.custom:
        if name in taken:
            yield f"custom.{name}: {name!r} is already the column of {taken[name]}; choose another name"


def _together(declaration: "Declaration") -> Iterator[str]:
    if declaration.pca and declaration.features:  # inferred ones are told by the metric itself
        numeric = len(declaration.features.numeric)
        if not FEWEST <= numeric <= MOST:
            yield f"pca: needs {FEWEST} to {MOST} numeric features, {numeric} declared; remove pca"


def _slices(declaration: "Declaration") -> Iterator[str]:
    log = declaration.predictions
    protected = [p if isinstance(p, str) else p.column for p in declaration.protected]
    for key, columns in (
        ("segments", declaration.segments),
        ("protected", protected),
        ("sensitive", declaration.sensitive),
    ):
        yield from (f"{key}: {column!r} stands twice; keep one" for column in _repeated(columns))
    for key, columns in (("segments", declaration.segments), ("protected", protected)):
        for column in columns:
            if column in (log.timestamp, log.prediction_id):
                yield f"{key}: {column!r} is different in every row; choose a column with few values"


def _reference(declaration: "Declaration") -> Iterator[str]:
    reference = declaration.reference
    if reference is None:
        return
    if (reference.period is None) == (reference.path is None):
        yield "reference: expected either period: [from, to] or path: a file"
    beyond = [str(day) for day in reference.period or () if day.year not in YEARS]
    yield from (f"reference.period: {day} lies outside the years 1900 to 2200; correct it" for day in beyond)
    if declaration.reference_period is not None and not beyond:
        start, end = declaration.reference_period
        if start >= end:
            yield f"reference.period: {start:%Y-%m-%d} is not before {end:%Y-%m-%d}; expected [from, to)"
        elif end - start > LONGEST_REFERENCE:
            low, high = reference.period or (start, end)
            yield f"reference.period: {low} to {high} is longer than ten years; choose what is normal today"
        elif declaration.calendar.first_within(start, end) is None:
            low, high = reference.period or (start, end)
            whole = f"holds no whole window of {declaration.window}"
            yield f"reference.period: {low} to {high} {whole}; widen it, or declare a smaller window"


def _size(declaration: "Declaration") -> Iterator[str]:
    if declaration.features is None:  # inferred: the first sweep counts them
        return
    features = len(declaration.features.numeric) + len(declaration.features.categorical)
    if too_large := cells_too_many(declaration, features):
        yield f"segments: {features} features and {too_large} of them"


def _monitors(declaration: "Declaration") -> Iterator[str]:
    names = Counter(monitor.name for monitor in declaration.monitors)
    for index, monitor in enumerate(declaration.monitors):
        if names[monitor.name] > 1:
            yield f"monitors.{index}: {names[monitor.name]} monitors are named {monitor.name!r}; rename one"
        for problem in (*_metric(monitor, declaration), *_places(monitor, declaration)):
            yield f"monitors.{index}.{problem}"


def _metric(monitor: Monitor, declaration: "Declaration") -> Iterator[str]:
    metric, rule = monitor.metric, monitor.rule
    known = [*CATALOGUE, AUTO_METRIC, *declaration.custom]
    if metric not in known:
        yield f"metric: {metric!r} is no metric; {nearest(metric, known, 'docs/metrics.md lists them')}"
    elif rule == "threshold" and metric not in AUTOMATIC:
        yield f"threshold: auto is for the metrics {' and '.join(AUTOMATIC)}; give {metric} a limit"
    elif metric == AUTO_METRIC and rule != "threshold":
        distances = "a limit of your own needs a distance, e.g. jensen_shannon"
        yield f"{rule}: {AUTO_METRIC} has threshold: auto and no other; {distances}"
    elif metric in CATALOGUE:
        info = CATALOGUE[metric]
        if rule in _GETS_BETTER.get(info.better, ()):
            other = _GETS_BETTER["lower" if info.better == "higher" else "higher"]
            better = f"{info.better} is better for {metric}"
            yield f"{rule}: {better}, so this would alarm on good news; use {' or '.join(other)}"
        if metric == "freshness" and rule != "above":
            yield f"{rule}: freshness is judged by the clock; use above, in hours"
        if info.needs_labels and declaration.actual is None:
            yield f"metric: {metric} needs labels; declare predictions.actual or labels"
        if metric.startswith("estimated_") and declaration.actual is None:
            yield f"metric: {metric} needs labels in the reference; declare predictions.actual or labels"
        if metric == RECONSTRUCTION and not declaration.pca:
            yield f"metric: {metric} is of all numeric features together; declare pca: true"
        if metric.removeprefix("estimated_") == "value" and declaration.costs is None:
            yield f"metric: {metric} is what wrong decisions cost; declare costs"


def _places(monitor: Monitor, declaration: "Declaration") -> Iterator[str]:
    """Yield what is wrong with the columns, segments and protected attributes of a monitor."""
    info = CATALOGUE.get(monitor.metric)
    family = info.family if info else AUTO_METRIC if monitor.metric == AUTO_METRIC else "custom"
    if monitor.columns and not per_column(monitor.metric):
        yield f"columns: {monitor.metric} is not measured per column; remove columns"
    elif monitor.columns not in (None, "all") and declaration.features:
        yield from _unknown("columns", monitor.columns or (), counted_columns(declaration), "declared column")
    if monitor.segments and monitor.segments != "all":
        yield from _unknown("segments", monitor.segments, declaration.segments, "declared segment")
    if monitor.segments == "all" and not declaration.segments:
        yield "segments: all of none; declare segments first"
    if monitor.protected and family != "fairness":
        yield f"protected: {monitor.metric} is no fairness metric; remove protected"
    elif family == "fairness":
        attributes = [p if isinstance(p, str) else p.column for p in declaration.protected]
        crossed = [" & ".join(attributes)] if len(attributes) > 1 else []
        yield from _unknown(
            "protected", monitor.protected or (), [*attributes, *crossed], "protected attribute"
        )
        if not attributes:
            yield f"metric: {monitor.metric} compares groups; declare protected first"


def _unknown(key: str, names: Iterable[str], known: Iterable[str], what: str) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f"{key}: {name!r} is no {what}; {nearest(name, known)}"


def _repeated(columns: Iterable[str]) -> list[str]:
    return [column for column, times in Counter(columns).items() if times > 1]
