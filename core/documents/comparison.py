"""The report of a comparison, read in a minute: verdict, columns, performance, fairness, data quality."""

from collections.abc import Iterator, Mapping

from core.catalogue import CATALOGUE
from core.comparison import wording
from core.comparison.report import HEADLINES, headline
from core.comparison.results import (
    AttributeFairness,
    ColumnComparison,
    Comparison,
    Measurement,
    Performance,
    Sides,
)
from core.documents import svg
from core.documents.page import card, cell, page, part, table, text

_CHIPS = {"drift": "◆ drift", "no_drift": "✓ no drift", "too_few_rows": "– too few rows"}
_HOW = (
    "A column drifted if a change this large would be rare by chance (Kolmogorov–Smirnov for numbers, χ² for "
    "categories, and the share of rows without a value; p of at most 0.04 after Benjamini–Hochberg over all "
    "columns) and large enough to matter: a distance of at least 0.05, or one point of missing values. "
    "Distance is the Jensen–Shannon distance from 0 to 1, less what so few rows show by chance alone."
)
_TOGETHER = (
    "A classifier tries to tell rows of CURRENT from rows of REFERENCE it has not seen: 0.5 is guessing, 1 "
    "is always right. It also sees columns that only go together differently. It is no part of the verdict."
)


def comparison_html(comparison: Comparison, *, title: str = "Comparison of two files") -> str:
    """Return the report of a comparison as one HTML file that needs nothing else."""
    return page(title, _report(comparison, title))


def comparison_part(comparison: Comparison, *, title: str) -> str:
    """Return the report of a comparison as it stands inside another page, such as a notebook."""
    return part(_report(comparison, title))


def _report(comparison: Comparison, title: str) -> list[str]:
    return [
        _verdict(comparison, title),
        card("Columns", _columns(comparison.columns), "Worst first."),
        card("All features together", _multivariate(comparison.multivariate), _TOGETHER),
        card("Performance", _performance(comparison.performance), "Bars are 95 % intervals."),
        card(
            "Fairness",
            _fairness(comparison.fairness),
            "Reference above current. Gaps leave out groups of fewer than 30 rows.",
        ),
        card("Segments", _segments(comparison.segments)),
        card("Data quality", _notes(comparison)),
        f"<footer>{text(_HOW)}</footer>",
    ]


def _verdict(comparison: Comparison, title: str) -> str:
    facts = []
    for side, rows, period in (
        ("reference", comparison.rows.reference, comparison.period.reference),
        ("current", comparison.rows.current, comparison.period.current),
    ):
        span = f", {text(period[0])} to {text(period[1])}" if period else ""
        facts.append(
            f'<div><dt><span class="key {side}"></span>{side}</dt><dd>{rows:,} rows{span}</dd></div>'
        )
    roles = " · ".join(text(sentence) for sentence in comparison.roles.told)
    return (
        f'<header class="card verdict {comparison.verdict}">\n'
        f'<p class="eyebrow">{text(title)} · {_chip(comparison.verdict)}</p>\n'
        f"<h1>{text(headline(comparison))}</h1>\n"
        f'<dl class="facts">{"".join(facts)}</dl>\n<p class="quiet">{roles}</p>\n</header>'
    )


def _chip(verdict: str) -> str:
    return f'<span class="chip {verdict}">{_CHIPS[verdict]}</span>'


def _columns(columns: Mapping[str, ColumnComparison]) -> Iterator[str]:
    if columns:
        head = ("Column", "Distribution", "What changed", "#Distance", "#p", "Verdict")
        yield table(head, (_column(column) for column in columns.values()), kind="columns")


def _column(column: ColumnComparison) -> str:
    role = column.kind if column.role == "feature" else f"{column.kind} {column.role}"
    plot = svg.distribution(column.distribution) if column.distribution else ""
    details = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in _details(column))
    name = f"<bdi>{text(wording.shown(column.name))}</bdi>"
    return (
        f'<th scope="row">{name}<div class="quiet">{text(role)}</div></th>'
        + cell(plot, "plot")
        + cell(
            f"{text(column.reason)}<details><summary>all distances</summary>"
            f'<dl class="metrics">{details}</dl></details>',
            "change",
        )
        + cell(wording.distance(column.distance), "number")
        + cell(text(wording.p_value(column.p_value)), "number")
        + cell(_chip(column.verdict), "verdict")
    )


def _details(column: ColumnComparison) -> Iterator[tuple[str, str]]:
    for name, value in column.drift.items():
        if isinstance(value, dict):
            yield from ((f"{name} {part}", wording.number(number)) for part, number in value.items())
        else:
            yield name, wording.number(value)
    for name, shares in column.quality.items():
        yield name, f"{wording.percent(shares.reference)} → {wording.percent(shares.current)}"


def _multivariate(found: Measurement | None) -> Iterator[str]:
    if found is not None:
        told = text(wording.multivariate(found))
        yield table(
            ("Metric", "", "#AUC"),
            [
                f'<th scope="row">Domain classifier<div class="quiet">{told}</div></th>'
                + cell(svg.dumbbell(None, found, 0.0, 1.0), "plot")
                + cell(wording.distance(found.value), "number")
            ],
            kind="metrics",
        )


def _performance(sides: Sides[Performance]) -> Iterator[str]:
    before, after = sides.reference.metrics, sides.current.metrics
    if before or after:
        every = {**before, **after}
        names = [
            *(name for name in HEADLINES if name in every),
            *(name for name in every if name not in HEADLINES),
        ]
        yield table(
            ("Metric", "", "#Reference", "#Current", "#Change"),
            (_metric(name, before.get(name), after.get(name)) for name in names),
            kind="metrics",
        )
    for name in {**sides.reference.one_vs_rest, **sides.current.one_vs_rest}:
        pair = (side.one_vs_rest.get(name, {}) for side in (sides.reference, sides.current))
        yield f"<h3><bdi>{text(wording.shown(name))}</bdi> against the rest</h3>"
        yield from _performance(Sides(*(Performance(metrics) for metrics in pair)))


def _metric(name: str, before: Measurement | None, after: Measurement | None) -> str:
    info = CATALOGUE[name]
    low, high = info.range
    told_as = wording.distance if low is not None and high is not None else wording.number
    plot = svg.dumbbell(before, after, low, high) if low is not None and high is not None else ""
    told = next((m.reason for m in (after, before) if m is not None and m.reason), "")
    why = f'<div class="quiet">{text(told)}</div>' if told else ""
    change, kind = _change(info.better, before, after)
    return (
        f'<th scope="row" title="{text(info.definition)}">{text(info.title)}{why}</th>'
        + cell(plot, "plot")
        + cell(told_as(before.value if before else None), "number")
        + cell(told_as(after.value if after else None), "number")
        + cell(f'<span class="{kind}">{text(change)}</span>', "number")
    )


def _change(better: str, before: Measurement | None, after: Measurement | None) -> tuple[str, str]:
    """Return the change in words and its colour, which only a change beyond the sampling error has."""
    if before is None or after is None or before.value is None or after.value is None:
        return "–", "quiet"
    change = after.value - before.value
    told = f"{change:+.3g}"
    if better == "none" or before.sampling_error is None or after.sampling_error is None:
        return told, ""
    if abs(change) <= 1.96 * (before.sampling_error**2 + after.sampling_error**2) ** 0.5:
        return f"{told} within chance", "quiet"
    return (
        (f"▲ {told} better", "better")
        if (change > 0) == (better == "higher")
        else (f"▼ {told} worse", "worse")
    )


def _fairness(fairness: Mapping[str, Sides[AttributeFairness | None]]) -> Iterator[str]:
    for name, sides in fairness.items():
        yield f"<h3><bdi>{text(wording.shown(name))}</bdi></h3>"
        empty = AttributeFairness({}, {}, (), {})
        before, after = sides.reference or empty, sides.current or empty
        if before.groups or after.groups:
            yield _groups(before, after)
        gaps = {**before.differences, **after.differences}
        if gaps:
            yield table(
                ("Between groups", "", "#Reference", "#Current", "#Change"),
                (_metric(gap, before.differences.get(gap), after.differences.get(gap)) for gap in gaps),
                kind="metrics",
            )


def _metrics_of(before: AttributeFairness, after: AttributeFairness) -> list[str]:
    groups = [*before.groups.values(), *after.groups.values()]
    return list(dict.fromkeys(metric for group in groups for metric in group))


def _groups(before: AttributeFairness, after: AttributeFairness) -> str:
    """Return the table of groups: the first metric drawn with intervals, each as reference above current."""
    metrics = _metrics_of(before, after)
    bounds = _bounds(metrics[0], before, after)
    titles = [CATALOGUE[metric].title for metric in metrics]
    head = ("Group", "#Rows", titles[0], *(f"#{title}" for title in titles))
    rows = []
    for name in {**before.groups, **after.groups}:
        first, second = before.groups.get(name, {}), after.groups.get(name, {})
        judged = name in after.judged or (not after.groups and name in before.judged)
        few = "" if judged else '<div class="quiet">too few rows to judge</div>'
        rows.append(
            f'<th scope="row"><bdi>{text(wording.shown(name))}</bdi>{few}</th>'
            + cell(_stacked(f"{before.rows.get(name, 0):,}", f"{after.rows.get(name, 0):,}"), "number")
            + cell(svg.dumbbell(first.get(metrics[0]), second.get(metrics[0]), *bounds), "plot")
            + "".join(cell(_stacked(_told(m, first), _told(m, second)), "number") for m in metrics)
        )
    return table(head, rows, kind="groups")


def _stacked(reference: str, current: str) -> str:
    return f'<span class="of-reference">{reference}</span><br><span class="of-current">{current}</span>'


def _told(metric: str, group: Mapping[str, Measurement]) -> str:
    value = group[metric].value if metric in group else None
    return wording.percent(value) if CATALOGUE[metric].range == (0.0, 1.0) else wording.number(value)


def _bounds(metric: str, before: AttributeFairness, after: AttributeFairness) -> tuple[float, float]:
    low, high = CATALOGUE[metric].range
    if low is not None and high is not None:
        return low, high
    found = [group[metric] for side in (before, after) for group in side.groups.values() if metric in group]
    ends = [end for m in found for end in (m.value, m.lower, m.upper) if end is not None]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _segments(segments: Mapping[str, Comparison]) -> Iterator[str]:
    if segments:
        yield table(
            ("Segment", "#Reference rows", "#Current rows", "In one sentence", "Verdict"),
            map(_segment, segments.items()),
        )


def _segment(named: tuple[str, Comparison]) -> str:
    name, found = named
    return (
        f'<th scope="row"><bdi>{text(wording.shown(name))}</bdi></th>'
        + cell(f"{found.rows.reference:,}", "number")
        + cell(f"{found.rows.current:,}", "number")
        + cell(text(headline(found)), "sentence")
        + cell(_chip(found.verdict))
    )


def _notes(comparison: Comparison) -> Iterator[str]:
    skipped = [
        f"{wording.shown(name)} was not compared: {why}" for name, why in comparison.roles.skipped.items()
    ]
    items = [f"<li>{text(note)}</li>" for note in (*comparison.notes, *skipped)]
    yield f"<ul>{''.join(items)}</ul>" if items else "<p>Nothing odd about the columns and their values.</p>"
