"""Compare two files of rows, once: which columns drifted, and what that did to performance and fairness.

`compare` tells the story; options.py says what a person asks for, roles.py and kinds.py what the columns
are, columns.py and verdicts.py what drifted, domain_classifier.py whether all columns together did, labels.py
and groups.py what the labels show, schema.py what else differs, report.py how it is told.
"""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from core.comparison.columns import measure
from core.comparison.domain_classifier import domain_classifier_auc
from core.comparison.groups import fairness
from core.comparison.kinds import texts
from core.comparison.labels import performance
from core.comparison.options import Options, read, validate
from core.comparison.report import to_json, to_text
from core.comparison.results import (
    AttributeFairness,
    ColumnComparison,
    Comparison,
    Distribution,
    Schema,
    Sides,
)
from core.comparison.roles import Roles, assign
from core.comparison.schema import notes, schema
from core.comparison.verdicts import overall, verdicts

__all__ = [
    "AttributeFairness",
    "ColumnComparison",
    "Comparison",
    "Distribution",
    "Options",
    "Schema",
    "Sides",
    "compare",
    "read",
    "to_json",
    "to_text",
]

SEGMENTS = 20
_WORST_FIRST = {"drift": 0, "no_drift": 1, "too_few_rows": 2}


def compare(reference: pl.DataFrame, current: pl.DataFrame, options: Options) -> Comparison:
    """Compare the rows of two files.

    Parameters
    ----------
    reference : what is normal
    current : what is to be judged; columns are matched by name
    options : the roles of the columns

    Raises
    ------
    ComparisonError
        If an option names a column of neither file, or the task or positive class cannot be told.
    """
    validate(reference, current, options)
    roles = assign(reference, current, options)
    features = {name: kind for name, kind in roles.kinds.items() if name not in roles.roles}
    together = domain_classifier_auc(reference, current, features)
    whole = replace(_compared(reference, current, options, roles), multivariate=together)
    if (
        options.segment is None
        or options.segment not in reference.columns
        or options.segment not in current.columns
    ):
        return whole
    return _with_segments(whole, reference, current, options, roles)


def _compared(reference: pl.DataFrame, current: pl.DataFrame, options: Options, roles: Roles) -> Comparison:
    rows = Sides(len(reference), len(current))
    columns = _columns(reference, current, roles, rows)
    found = schema(reference, current, roles)
    measured, told = performance(reference, current, options, roles)
    groups, told_groups = fairness(reference, current, options, roles)
    return Comparison(
        rows=rows,
        period=Sides(_period(reference, options.timestamp), _period(current, options.timestamp)),
        roles=roles,
        columns=columns,
        performance=measured,
        fairness=groups,
        schema=found,
        notes=(*notes(found, columns), *told, *told_groups),
        verdict=overall(column.verdict for column in columns.values()),
    )


def _columns(
    reference: pl.DataFrame, current: pl.DataFrame, roles: Roles, rows: Sides[int]
) -> Mapping[str, ColumnComparison]:
    """Return the columns, worst first: drifted before not drifted, larger distances before smaller."""
    measured = {name: measure(kind, reference[name], current[name]) for name, kind in roles.kinds.items()}
    for name in (name for name, role in roles.roles.items() if role == "label" and name in measured):
        # Labels arrive late: that some are missing yet is no drift.
        asked = tuple(question for question in measured[name].questions if question.of_distribution)
        measured[name] = replace(measured[name], questions=asked)
    columns = [
        ColumnComparison(
            name=name,
            kind=roles.kinds[name],
            role=roles.roles.get(name, "feature"),
            drift=measured[name].drift,
            verdict=verdict.verdict,
            p_value=verdict.p_value,
            distance=measured[name].distance,
            reason=verdict.reason,
            quality=measured[name].quality,
            distribution=measured[name].distribution,
        )
        for name, verdict in verdicts(measured, rows).items()
    ]
    return {c.name: c for c in sorted(columns, key=lambda c: (_WORST_FIRST[c.verdict], -(c.distance or 0.0)))}


def _with_segments(
    whole: Comparison, reference: pl.DataFrame, current: pl.DataFrame, options: Options, roles: Roles
) -> Comparison:
    """Add the same comparison for the most frequent values of the segment column."""
    sides = [texts(side[str(options.segment)]) for side in (reference, current)]
    frequent = pl.concat(sides).drop_nulls().value_counts().sort("count", pl.nth(0), descending=[True, False])
    names = frequent.to_series(0).to_list()
    without_groups = replace(options, protected=(), segment=None)
    segments = {
        name: _compared(
            reference.filter(sides[0] == name), current.filter(sides[1] == name), without_groups, roles
        )
        for name in names[:SEGMENTS]
    }
    told = [*whole.notes]
    if len(names) > SEGMENTS:
        told.append(
            f"{options.segment} has {len(names):,} values; the {SEGMENTS} most frequent are shown as segments"
        )
    return replace(whole, segments=segments, notes=tuple(told))


def _period(side: pl.DataFrame, timestamp: str | None) -> tuple[str, str] | None:
    if timestamp is None or timestamp not in side.columns:
        return None
    present = side[timestamp].drop_nulls()
    return (str(present.min()), str(present.max())) if len(present) else None
