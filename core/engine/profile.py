"""The profile: every count of the windows of a source, on a frozen grid."""

from collections.abc import Sequence

import polars as pl

from core.declaration import Declaration
from core.engine import dialect, outcomes
from core.engine.categories import categorical, category_bins
from core.engine.chunks import Chunk, chunks
from core.engine.counts import Counts, cells
from core.engine.files import reading
from core.engine.histograms import Binned, histograms
from core.engine.numbers import latency, latency_bins, numeric, numeric_bins, rate
from core.engine.roles import Counted, Field, label_field, measured, numeric_columns, scores
from core.engine.run import Run
from core.engine.slices import Slice, dimensions, group_slices, labels, protected
from core.engine.source import Opened
from core.entities import CELLS, Grid
from core.windows import Window


def profile(source: Opened, grid: Grid, windows: Sequence[Window]) -> pl.DataFrame:
    """Count the windows; see `DuckDBEngine.profile`."""
    if not windows or not source.predictions:
        return pl.DataFrame(schema=dict(CELLS))
    declaration = source.declaration
    cuts, attributes = dimensions(declaration, grid), protected(declaration, grid)
    plain = (Slice(()), *(Slice((cut,)) for cut in cuts))
    version = [cut for cut in cuts if cut.part == "version"]
    slices = (*plain, *group_slices(attributes, version, grid))
    fields, numbers, categories = measured(declaration, grid)
    fields += _operation_fields(declaration)
    found = []
    in_order = sorted(windows, key=lambda window: window.start)
    for chunk in chunks(source, in_order, fields, [*cuts, *attributes]):
        with reading(source.connection, source.paths):
            run, counted = _rows(source, chunk, grid, slices)
            if not run.groups.is_empty():
                counted += _columns(source, run, len(plain), grid, numbers, categories)
        ends = {window.start: window.end for window in chunk.windows}
        found.append(cells(labels(run.groups, slices), counted, ends, grid.reference_id))
    return pl.concat(found)


def _columns(
    source: Opened,
    run: Run,
    plain: int,
    grid: Grid,
    numbers: Sequence[Counted],
    categories: Sequence[Counted],
) -> list[Counts]:
    """Count scores with their outcomes, and in the first `plain` slices what fairness groups do without."""
    declaration, latency_ms = source.declaration, source.declaration.operations.latency_ms
    doubtful = [each.alias for each in numbers if _doubtful(source, each)]
    bins = numeric_bins(numbers, grid.numeric, doubtful) | (latency_bins("latency") if latency_ms else {})
    bins |= category_bins(run, categories, grid.categorical, grid.frozen)
    classes = _classes(declaration, grid)
    bins |= {f"outcome_{i}": each for i, each in enumerate(classes.values())}
    found = histograms(run, bins, plain)
    counted = [outcomes.classification(name, found[f"outcome_{i}"]) for i, name in enumerate(classes)]
    counted += numeric(numbers, grid.numeric, found) + categorical(categories, found, grid.frozen)
    if latency_ms:
        counted.append(latency(Counted(latency_ms, "latency"), found["latency"]))
    return counted + [
        rate(run.first(plain), Counted(name, alias)) for name, alias in _rates(declaration).items()
    ]


def _classes(declaration: Declaration, grid: Grid) -> dict[str, Binned]:
    """Return how outcomes are binned, by the name of the class; a binary model's has none."""
    label = _label(declaration)
    match _task(declaration):
        case "binary_classification":
            return {"": outcomes.binary(declaration, grid, label)}
        case "multiclass_classification":
            return outcomes.one_versus_rest(declaration, grid, label)
    return {}


def _doubtful(source: Opened, column: Counted) -> bool:
    """Say whether some file may hold values of a numeric column that are no numbers."""
    if column.alias == "label_number":
        return True
    name = numeric_columns(source.declaration).get(column.column, column.column)
    types = {table.columns[name] for table in source.predictions if name in table.columns}
    return not all(dialect.is_number(type_) or type_ == "BOOLEAN" for type_ in types)


def _rates(declaration: Declaration) -> dict[str, str]:
    """Return name → alias of the custom rates."""
    names = [name for name, metric in declaration.custom.items() if metric.kind == "rate"]
    return {name: f"flag_{i}" for i, name in enumerate(names)}


def _operation_fields(declaration: Declaration) -> list[Field]:
    rates = _rates(declaration).items()
    fields = [Field(alias, declaration.custom[name].column, "flag") for name, alias in rates]
    if declaration.operations.latency_ms:
        fields.append(Field("latency", declaration.operations.latency_ms, "number"))
    return fields


def _rows(source: Opened, chunk: Chunk, grid: Grid, slices: tuple[Slice, ...]) -> tuple[Run, list[Counts]]:
    """Count rows, and performance where their statement can; the run comes back knowing its groups."""
    run, declaration = Run(source.connection, chunk.traffic, slices), source.declaration
    duplicates = None
    if chunk.duplicates:
        duplicates = Run(source.connection, chunk.duplicates, slices).aggregate(["count(*) AS n"])
    label, task = _label(declaration), _task(declaration)
    match task:
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
    if task == "multiclass_classification":
        counted.append(outcomes.multiclass(run, tallied, grid))
    elif task == "regression":
        counted.append(outcomes.regression(run, tallied, grid))
    return run, counted


def _label(declaration: Declaration) -> str | None:
    field = label_field(declaration)
    return field.alias if field else None


def _task(declaration: Declaration) -> str:
    """Return the task whose performance can be counted; ``custom``: none."""
    prediction = declaration.predictions.prediction
    if declaration.task == "regression":
        return "regression" if _label(declaration) and prediction else "custom"
    return declaration.task if prediction or scores(declaration) else "custom"
