"""A comparison as JSON and as text."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.catalogue import CATALOGUE
from core.comparison import wording
from core.comparison.results import (
    AttributeFairness,
    ColumnComparison,
    Comparison,
    Measurement,
    Performance,
    Sides,
)

HEADLINES = ("roc_auc", "f1", "accuracy", "mae")
_COLUMNS = ("column", "kind", "verdict", "p", "distance", "missing", "what changed")


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as `steward compare --json` prints it.

    Returns
    -------
    ``rows``, ``columns``, ``performance``, ``fairness``, ``quality``, ``verdict`` as the README documents,
    ``multivariate`` (not in segments), and ``segments`` when asked for. A number that cannot be given is
    None. The groups and differences of fairness are those of CURRENT; those of REFERENCE stand beside them
    under ``reference``. ``p_value`` is adjusted for all columns.
    """
    document = {
        "rows": _pair(comparison.rows),
        "columns": {name: _column(column) for name, column in comparison.columns.items()},
        "performance": {
            "reference": _performance_values(comparison.performance.reference),
            "current": _performance_values(comparison.performance.current),
        },
        "fairness": {name: _attribute(sides) for name, sides in comparison.fairness.items()},
        "quality": _quality(comparison),
        "verdict": comparison.verdict,
    }
    if comparison.multivariate is not None:
        document["multivariate"] = _multivariate(comparison.multivariate)
    if comparison.segments:
        document["segments"] = {name: to_json(part) for name, part in comparison.segments.items()}
    finite: dict[str, Any] = _finite(document)
    return finite


def headline(comparison: Comparison) -> str:
    """Return the verdict in one sentence."""
    judged = [c for c in comparison.columns.values() if c.verdict != "too_few_rows"]
    drifted = comparison.drifted
    if not comparison.columns:
        sentence = "There is no column to compare"
    elif not judged:
        sentence = "Too few rows for a verdict"
    elif not drifted:
        features = sum(column.role == "feature" for column in comparison.columns.values())
        together = comparison.multivariate if features > 1 else None
        sentence = wording.without_drift(len(judged), together)
    else:
        names = ", ".join(wording.shown(name) for name in drifted[:4])
        more = f" and {len(drifted) - 4} more" if len(drifted) > 4 else ""
        sentence = f"{len(drifted)} of {len(judged)} columns drifted: {names}{more}"
    return ". ".join(part for part in (sentence, performance_sentence(comparison)) if part) + "."


def performance_sentence(comparison: Comparison) -> str:
    """Return how the metric that speaks for the model changed, or nothing where one side has none."""
    before, after = (
        _values(side.metrics) for side in (comparison.performance.reference, comparison.performance.current)
    )
    for metric in HEADLINES:
        if before.get(metric) is not None and after.get(metric) is not None:
            title = CATALOGUE[metric].title
            return f"{title} {wording.number(before[metric])} → {wording.number(after[metric])}"
    return ""


def to_text(comparison: Comparison) -> str:
    """Return a comparison as the table the terminal shows."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield headline(comparison)
    rows, period = comparison.rows, comparison.period
    for side, n, span in (
        ("REFERENCE", rows.reference, period.reference),
        ("CURRENT", rows.current, period.current),
    ):
        yield f"{side}: {n:,} rows" + (f", {span[0]} to {span[1]}" if span else "")
    yield from comparison.roles.told
    yield ""
    yield from _table(_COLUMNS, [_row(column) for column in comparison.columns.values()])
    if comparison.multivariate is not None:
        yield ""
        yield f"all features together: {wording.multivariate(comparison.multivariate)}"
    if comparison.roles.skipped:
        yield ""
        yield from (f"not compared: {wording.shown(n)}: {why}" for n, why in comparison.roles.skipped.items())
    yield from _performance(comparison.performance)
    for name, sides in comparison.fairness.items():
        yield from _fairness(name, sides)
    if comparison.notes:
        yield ""
        yield from (f"note: {note}" for note in comparison.notes)
    for name, part in comparison.segments.items():
        yield ""
        rows = part.rows
        yield f"== {wording.shown(name)}: {headline(part)} ({rows.reference:,} and {rows.current:,} rows)"
        yield from _table(_COLUMNS, [_row(column) for column in part.columns.values()])


def _row(column: ColumnComparison) -> list[str]:
    missing = column.missing_share
    return [
        wording.shown(column.name),
        column.kind,
        column.verdict,
        wording.p_value(column.p_value),
        wording.distance(column.distance),
        f"{wording.percent(missing.reference)} → {wording.percent(missing.current)}",
        column.reason,
    ]


def _performance(sides: Sides[Performance]) -> Iterator[str]:
    before, after = sides.reference.metrics, sides.current.metrics
    if before or after:
        yield ""
        yield from _table(
            ("performance ± standard error", "reference", "current"),
            [[n, _with_error(before.get(n)), _with_error(after.get(n))] for n in {**before, **after}],
        )


def _with_error(found: Measurement | None) -> str:
    if found is None or found.value is None or found.sampling_error is None:
        return wording.number(found.value if found else None)
    return f"{wording.number(found.value)} ± {found.sampling_error:.2g}"


def _fairness(attribute: str, sides: Sides[AttributeFairness | None]) -> Iterator[str]:
    for side, found in (("reference", sides.reference), ("current", sides.current)):
        if found is None:
            continue
        metrics = list(dict.fromkeys(metric for group in found.groups.values() for metric in group))
        yield ""
        yield from _table(
            (f"{attribute} ({side})", "n", *metrics),
            [_group(name, found, metrics) for name in found.groups],
        )
        yield from (f"{name} = {wording.number(m.value)}" for name, m in found.differences.items())


def _group(name: str, found: AttributeFairness, metrics: Sequence[str]) -> list[str]:
    shown = wording.shown(name) if name in found.judged else f"{wording.shown(name)} (too few to judge)"
    values = _values(found.groups[name])
    return [shown, f"{found.rows[name]:,}", *(wording.number(values.get(metric)) for metric in metrics)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _column(column: ColumnComparison) -> dict[str, Any]:
    return {
        "kind": column.kind,
        "missing_share": _pair(column.missing_share),
        "drift": column.drift,
        "verdict": column.verdict,
        "p_value": column.p_value,
    }


def _performance_values(found: Performance) -> dict[str, Any]:
    values: dict[str, Any] = dict(_values(found.metrics))
    if found.metrics:
        errors = {name: m.sampling_error for name, m in found.metrics.items() if m.sampling_error is not None}
        values |= {"sampling_errors": errors, "intervals": _intervals(found.metrics)}
    if found.one_vs_rest:
        values["one_vs_rest"] = {name: _values(metrics) for name, metrics in found.one_vs_rest.items()}
    return values


def _multivariate(found: Measurement) -> dict[str, Any]:
    name = "domain_classifier_auc"
    document: dict[str, Any] = {name: found.value, "n": found.n}
    if found.value is None:
        return document | {"reasons": {name: found.reason}}
    errors = {"sampling_errors": {name: found.sampling_error}, "intervals": _intervals({name: found})}
    return document | errors


def _attribute(sides: Sides[AttributeFairness | None]) -> dict[str, Any]:
    reference, current = (_side_of_attribute(side) for side in (sides.reference, sides.current))
    return {**current, "reference": reference}


def _side_of_attribute(found: AttributeFairness | None) -> dict[str, Any]:
    if found is None:
        return {"groups": {}, "differences": {}}
    groups = {
        name: {
            "n": found.rows[name],
            "judged": name in found.judged,
            **_values(metrics),
            "intervals": _intervals(metrics),
        }
        for name, metrics in found.groups.items()
    }
    return {"groups": groups, "differences": _values(found.differences)}


def _intervals(metrics: Mapping[str, Measurement]) -> dict[str, Any]:
    return {name: [m.lower, m.upper] for name, m in metrics.items() if m.lower is not None}


def _values(metrics: Mapping[str, Measurement]) -> dict[str, float | None]:
    return {name: measurement.value for name, measurement in metrics.items()}


def _quality(comparison: Comparison) -> dict[str, Any]:
    found = comparison.schema
    return {
        "columns_added": list(found.added),
        "columns_removed": list(found.removed),
        "types_changed": {name: _pair(types) for name, types in found.retyped.items()},
        "not_compared": dict(comparison.roles.skipped),
        "columns": {
            name: {metric: _pair(shares) for metric, shares in column.quality.items()}
            for name, column in comparison.columns.items()
        },
        "roles": list(comparison.roles.told),
        "notes": list(comparison.notes),
    }


def _pair(sides: Sides[Any]) -> dict[str, Any]:
    return {"reference": sides.reference, "current": sides.current}


def _finite(value: Any) -> Any:
    """Return a document without NaN and infinity, which are no JSON."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
