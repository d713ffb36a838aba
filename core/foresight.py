"""What a sweep of a log would stumble over or wait for in vain, told before it runs."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from statistics import median

from core.declaration import Declaration
from core.engine import DuckDBEngine
from core.engine.roles import binary_classes, canonical
from core.entities import Source
from core.pace import Pace
from core.reference import DEFAULT_MINIMUM_ROWS, DEFAULT_WINDOWS
from core.windows import Window

_ENOUGH_TO_TELL = 3  # closed windows: the first of a log is seldom a whole one


def scores_amiss(engine: DuckDBEngine, declaration: Declaration, log: Source) -> Iterator[str]:
    """Yield the score columns that hold numbers which are no probabilities."""
    keys = declared_scores(declaration)
    for column, found in engine.score_ranges(log, declaration).items():
        if found.outside:
            low, high = (f"{bound:.4g}" for bound in (found.low, found.high))
            span = f"up to {high}" if found.low >= 0 else f"{low} to {high}"
            yield (
                f"{keys[column]}: {found.outside:,} of {found.rows:,} rows of"
                f" {column!r} lie outside 0 to 1 ({span}) and are counted as invalid;"
                " write probabilities, not percent"
            )


def numbers_amiss(engine: DuckDBEngine, declaration: Declaration, log: Source) -> Iterator[str]:
    """Yield the columns declared as numbers that hold other text."""
    features = declaration.features.numeric if declaration.features else ()
    roles = declared_scores(declaration) | {
        declaration.predictions.prediction: "predictions.prediction",
        declaration.actual: "predictions.actual",
    }
    for column, found in sorted(
        engine.unreadable_numbers(log, declaration).items(), key=lambda each: each[0] in features
    ):
        key = "features" if column in features else roles.get(column, "operations")
        otherwise = ", or declare the column categorical" if column in features else ""
        yield (
            f"{key}: {found.n:,} of {found.rows:,} rows of {column!r} are no numbers, such as"
            f" {found.example!r}; write them like 1234.5{otherwise}"
        )


def labels_amiss(engine: DuckDBEngine, declaration: Declaration, log: Source) -> Iterator[str]:
    """Yield that no label is the positive class, or which ones are no class of the scores."""
    labels, scores = engine.label_values(log, declaration), declaration.predictions.score
    if declaration.task == "binary_classification":
        known = binary_classes(declaration, ())
        strange = [label for label in labels if label not in (*known.positive, *known.negative)]
        # Where the negative class has no name, one other label is it.
        if len(strange) > (not known.negative) and not set(labels).intersection(known.positive):
            wanted, seen = " or ".join(map(repr, known.positive)), ", ".join(map(repr, labels))
            yield f"positive: no label is {wanted}, they are {seen}; name the positive class, in quotes"
    elif isinstance(scores, dict):
        classes = {canonical(class_) for class_ in scores}
        if strange := [label for label in labels if label not in classes]:
            yield (
                f"predictions.score: the labels {', '.join(map(repr, strange))} are none of its classes;"
                " name their score, or correct them"
            )


def declared_scores(declaration: Declaration) -> dict[str | None, str]:
    """Return score column → the key of the declaration that names it."""
    declared = declaration.predictions.score
    if isinstance(declared, dict):
        return {column: f"predictions.score.{class_}" for class_, column in declared.items()}
    return {declared: "predictions.score"} if declared else {}


def reference_amiss(declaration: Declaration, counted: Mapping[Window, int], now: datetime) -> Iterator[str]:
    """Yield why the reference will never be complete.

    Parameters
    ----------
    counted : the log's windows, in time order, with their rows
    """
    if not counted or (declaration.reference and declaration.reference.path):
        return
    if declaration.reference_period:
        yield from _without_rows(declaration, counted, *declaration.reference_period, now)
        return
    wait = declaration.grace + declaration.label_delay
    closed = [rows for window, rows in counted.items() if window.end + wait <= now]
    full = sum(rows >= DEFAULT_MINIMUM_ROWS for rows in closed)
    if len(closed) < _ENOUGH_TO_TELL or full >= DEFAULT_WINDOWS or median(closed) >= DEFAULT_MINIMUM_ROWS:
        return
    yield (
        f"reference: the default, {DEFAULT_WINDOWS} windows of at least {DEFAULT_MINIMUM_ROWS:,} rows, is"
        f" out of reach: {full} of {len(closed)} closed windows have as many, the middle one"
        f" {median(closed):,.0f}; declare {_proposal(declaration, counted)}"
    )


def _without_rows(
    declaration: Declaration, counted: Mapping[Window, int], start: datetime, end: datetime, now: datetime
) -> Iterator[str]:
    if now < end or any(start <= window.start and window.end <= end for window in counted):
        return
    windows = list(counted)
    days = (start, end, windows[0].start, windows[-1].end - timedelta(microseconds=1))
    low, high, first, last = (f"{day.astimezone(declaration.zone):%Y-%m-%d}" for day in days)
    yield (
        f"reference.period: no row lies between {low} and {high}; the log reaches from {first} to {last},"
        " choose whole windows of it"
    )


def _proposal(declaration: Declaration, counted: Mapping[Window, int]) -> str:
    windows = list(counted)
    days = max((windows[-1].end - windows[0].start) / timedelta(days=1), 1.0)
    first = windows[0].start.astimezone(declaration.zone).replace(tzinfo=None)
    pace = Pace(first, sum(counted.values()) / days)
    window = pace.window_from(declaration.window)
    start, end = pace.reference_period(window)
    wider = f" and window: {window}" if window != declaration.window else ""
    return f"reference: {{period: [{start}, {end}]}}{wider}"
