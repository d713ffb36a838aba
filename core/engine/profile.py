"""The profile: every count of STATISTICS.md for the windows of a source, on a frozen grid."""

from collections.abc import Iterator, Sequence

import polars as pl

from core.declaration import Declaration
from core.engine import outcomes, traffic
from core.engine.categories import categorical
from core.engine.chunks import Chunk, chunks
from core.engine.counts import Counts, cells
from core.engine.files import reading
from core.engine.numbers import latency, numeric, rate
from core.engine.quarters import rows_per_window
from core.engine.roles import Counted, Field, label_field, measured, scores
from core.engine.run import Run
from core.engine.slices import Dimension, Pass, Summary, dimensions, group_slices, passes, protected, summary
from core.engine.source import Opened
from core.engine.statement import fetch
from core.entities import CELLS, LATENCY_EDGES_MS, Grid
from core.windows import Window

_HISTOGRAM_BYTES = 100_000_000
_ROWS_PER_GROUP = 300  # below it a crossed pass spends more on its groups than on its rows


def profile(source: Opened, grid: Grid, windows: Sequence[Window]) -> pl.DataFrame:
    """Count the windows; see `DuckDBEngine.profile`."""
    if not windows or not source.predictions:
        return pl.DataFrame(schema=dict(CELLS))
    declaration = source.declaration
    cuts, attributes = dimensions(declaration, grid), protected(declaration, grid)
    plans, windows_at_once = _plan(source, grid, windows, cuts, attributes)
    fields, numbers, categories = measured(declaration, grid)
    fields += _operation_fields(declaration)
    found = []
    for chunk in chunks(source, grid, windows, fields, [*cuts, *attributes], windows_at_once=windows_at_once):
        with reading(source.connection, source.paths):
            pieces = [
                piece for plan in plans for piece in _pass(source, grid, chunk, plan, numbers, categories)
            ]
        ends = {window.start: window.end for window in chunk.windows}
        found.append(cells(pieces, ends, grid.reference_id))
    return pl.concat(found).sort("window_start", maintain_order=True)


def _plan(
    source: Opened,
    grid: Grid,
    windows: Sequence[Window],
    cuts: Sequence[Dimension],
    attributes: Sequence[Dimension],
) -> tuple[list[Pass], int]:
    """Return the passes over the rows, and how many windows can be held in memory at once."""
    sizes = {cut.name: len(grid.segments.get(cut.label, ())) + 2 for cut in cuts if cut.part == "segment"}
    sizes |= _distinct(source, [cut for cut in cuts if cut.part != "segment"])
    rows = sum(rows_per_window(source, windows)) / len(windows) if len(cuts) > 1 else 0
    plans = passes(cuts, sizes, max(16, int(rows / _ROWS_PER_GROUP)))
    if attributes:
        version = [cut for cut in cuts if cut.part == "version"]
        slices = group_slices(attributes, version, grid)
        plans.append(Pass((*attributes, *version), tuple(slices), everything=False))
    bins = sum(len(each.edges) + 1 for each in grid.numeric.values()) + len(LATENCY_EDGES_MS) + 1
    groups = 1
    for plan in plans:
        product = 1
        for cut in plan.dimensions:
            product *= sizes.get(cut.name, 1)
        groups = max(groups, product)
    return plans, max(1, _HISTOGRAM_BYTES // (bins * 16 * groups))


def _distinct(source: Opened, cuts: Sequence[Dimension]) -> dict[str, int]:
    if not cuts:
        return {}
    raw = traffic.rows(
        source.predictions, [f for cut in cuts for f in cut.fields], source.declaration.predictions.timestamp
    )
    counted = ", ".join(f"count(DISTINCT {cut.fields[0].alias}) + 1" for cut in cuts)
    found = fetch(source.connection, f"SELECT {counted} FROM ({raw.sql})", raw.params).row(0)
    return {cut.name: int(size) for cut, size in zip(cuts, found, strict=True)}


def _operation_fields(declaration: Declaration) -> list[Field]:
    fields = [
        Field(f"flag_{i}", metric.column, "flag")
        for i, metric in enumerate(declaration.custom.values())
        if metric.kind == "rate"
    ]
    if declaration.operations.latency_ms:
        fields.append(Field("latency", declaration.operations.latency_ms, "number"))
    return fields


def _pass(
    source: Opened,
    grid: Grid,
    chunk: Chunk,
    plan: Pass,
    numbers: Sequence[Counted],
    categories: Sequence[Counted],
) -> Iterator[tuple[Summary, list[Counts]]]:
    run = Run(source.connection, chunk.traffic, plan)
    duplicates = None
    if chunk.duplicates:
        duplicates = Run(source.connection, chunk.duplicates, plan).aggregate(["count(*) AS n"])
    run, counted = _outcomes(run, source.declaration, grid, duplicates)
    if run.groups.is_empty():
        return
    if plan.everything:
        if numbers:
            counted += numeric(run, numbers, grid.numeric)
        if categories:
            counted += categorical(run, categories, grid.categorical, grid.frozen)
        counted += _operations(run, source.declaration)
    for cut in plan.slices:
        yield summary(run.groups, cut), counted


def _outcomes(
    run: Run, declaration: Declaration, grid: Grid, duplicates: pl.DataFrame | None
) -> tuple[Run, list[Counts]]:
    """Count rows and performance; the run comes back knowing its groups."""
    field = label_field(declaration)
    label = field.alias if field else None
    scored = bool(scores(declaration))
    predicts = scored or declaration.predictions.prediction is not None
    task = declaration.task if predicts else "custom"
    if task == "regression" and (label is None or declaration.predictions.prediction is None):
        task = "custom"
    match task:
        case "binary_classification":
            tallied = outcomes.binary_tally(run, declaration, grid, label)
        case "multiclass_classification":
            tallied = outcomes.multiclass_tally(run, declaration, grid, label)
        case "regression":
            centre = (
                grid.numeric[declaration.actual or ""].centre if declaration.actual in grid.numeric else 0.0
            )
            tallied = outcomes.regression_tally(run, grid, centre)
        case _:
            tallied = run.aggregate(outcomes.row_tallies(label))
    run = run.over(tallied, *([duplicates] if duplicates is not None else []))
    counted = [outcomes.rows(run, tallied, duplicates)]
    if run.groups.is_empty():
        return run, counted
    match task:
        case "binary_classification":
            counted.append(outcomes.classification(run, tallied, grid, scored))
        case "multiclass_classification":
            counted.append(outcomes.multiclass(run, tallied, grid))
            per_class = isinstance(declaration.predictions.score, dict)
            for class_ in grid.classes:
                one = outcomes.class_tally(run, declaration, grid, label, class_)
                counted.append(outcomes.classification(run, one, grid, per_class, class_))
        case "regression":
            counted.append(outcomes.regression(run, tallied, grid))
    return run, counted


def _operations(run: Run, declaration: Declaration) -> list[Counts]:
    rates = [name for name, metric in declaration.custom.items()]
    counted = [
        rate(run, Counted(name, f"flag_{i}"))
        for i, name in enumerate(rates)
        if declaration.custom[name].kind == "rate"
    ]
    if declaration.operations.latency_ms:
        counted.append(latency(run, Counted(declaration.operations.latency_ms, "latency")))
    return counted
