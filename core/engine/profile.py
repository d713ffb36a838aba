"""The profile: every count of the windows of a source, on a frozen grid."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from core.declaration import Declaration
from core.engine import dialect, outcomes
from core.engine.categories import categorical, category_bins
from core.engine.chunks import Chunk, chunks
from core.engine.counts import Counts, cells
from core.engine.files import reading
from core.engine.histograms import Binned, histograms
from core.engine.instants import microseconds
from core.engine.leaves import leaves
from core.engine.moments import Moments
from core.engine.numbers import latency, latency_bins, numeric, numeric_bins, rate
from core.engine.roles import Counted, Field, label_field, measured, numeric_columns, scores
from core.engine.run import Run
from core.engine.slices import Dimension, Slice, dimensions, group_slices, groups, labels, protected
from core.engine.source import Opened
from core.engine.statement import fetch
from core.entities import CELLS, Grid, NumericGrid
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
            run = Run(source.connection, chunk.traffic, slices, groups(slices, _present(source, chunk, cuts)))
            counted = _columns(source, chunk, run, len(plain), grid, numbers, categories)
            counted += _outcomes(run, declaration, grid)
        ends = {window.start: window.end for window in chunk.windows}
        found.append(cells(labels(run.groups, slices), counted, ends, grid.reference_id))
    return pl.concat(found)


def _present(source: Opened, chunk: Chunk, cuts: Sequence[Dimension]) -> pl.DataFrame:
    """Return the windows, each with the versions and variants it has: only the rows tell those."""
    told = [cut.name for cut in cuts if not cut.values]
    if not told:
        return pl.DataFrame({"window_start": [microseconds(window.start) for window in chunk.windows]})
    names = ", ".join(["window_start", *told])
    relations = [chunk.traffic, *([chunk.duplicates] if chunk.duplicates else [])]
    sql = "\nUNION ".join(f"SELECT DISTINCT {names} FROM ({each.sql})" for each in relations)
    return fetch(source.connection, sql, {k: v for each in relations for k, v in each.params.items()})


def _columns(
    source: Opened,
    chunk: Chunk,
    run: Run,
    plain: int,
    grid: Grid,
    numbers: Sequence[Counted],
    categories: Sequence[Counted],
) -> list[Counts]:
    """Count rows, scores with their outcomes, and in the first `plain` slices what groups do without."""
    declaration, latency_ms = source.declaration, source.declaration.operations.latency_ms
    doubtful = [each.alias for each in numbers if _doubtful(source, each)]
    bins = outcomes.row_bins(_label(declaration)) | numeric_bins(numbers, grid.numeric, doubtful)
    bins |= latency_bins("latency") if latency_ms else {}
    bins |= category_bins(run, categories, grid.categorical, grid.frozen)
    classes = _classes(declaration, grid)
    bins |= {f"outcome_{i}": each for i, each in enumerate(classes.values())}
    together = Moments.of(numbers, grid, run.first(plain).groups.height)
    found = histograms(run, bins, plain, together)
    duplicates = None
    if chunk.duplicates:
        duplicates = replace(run, traffic=chunk.duplicates).aggregate(["count(*) AS n"])
    counted = [outcomes.rows(found, run, duplicates)]
    counted += [outcomes.classification(name, found[f"outcome_{i}"]) for i, name in enumerate(classes)]
    counted += numeric(numbers, grid.numeric, found) + categorical(categories, found, grid.frozen)
    if together:
        counted.append(together.found)
    if grid.loss_tree is not None:
        counted.append(leaves(run.first(plain), grid.loss_tree, (*numbers, *categories)))
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


def _outcomes(run: Run, declaration: Declaration, grid: Grid) -> list[Counts]:
    """Count the performance that does not come as a histogram of a score."""
    match _task(declaration):
        case "multiclass_classification":
            tallied = outcomes.multiclass_tally(run, declaration, grid, _label(declaration))
            return [outcomes.multiclass(run, tallied, grid)]
        case "regression":
            label = grid.numeric.get(declaration.actual or "", NumericGrid())
            return [outcomes.regression(run, outcomes.regression_tally(run, grid, label.centre), grid)]
    return []


def _label(declaration: Declaration) -> str | None:
    field = label_field(declaration)
    return field.alias if field else None


def _task(declaration: Declaration) -> str:
    """Return the task whose performance can be counted; ``custom``: none."""
    prediction = declaration.predictions.prediction
    if declaration.task == "regression":
        return "regression" if _label(declaration) and prediction else "custom"
    return declaration.task if prediction or scores(declaration) else "custom"
