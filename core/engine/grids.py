"""Building the grid: the bins, vocabularies, slices and classes the reference rows call for."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from core.declaration import Declaration
from core.engine.chunks import chunks
from core.engine.features import features, require_known
from core.engine.quarters import rows_per_window
from core.engine.reference import (
    KNOWN_VALUES,
    Numbers,
    add_numbers,
    combinations,
    merged,
    one_in,
    value_counts,
)
from core.engine.roles import (
    CLASSIFICATION,
    Counted,
    binary_classes,
    canonical,
    categorical_columns,
    label_field,
    measured,
    numeric_columns,
    scores,
)
from core.engine.slices import Dimension, protected, segments
from core.engine.source import Opened
from core.entities import Grid, NumericGrid, Vocabulary
from core.windows import Window

BINS = 100
KEPT_VALUES = 100
SEGMENT_VALUES = 50
GROUPS = 50
CLASSES = 100
_EQUAL_WIDTH = np.linspace(0.0, 1.0, 21)  # quantile edges alone would put the rare high scores into one bin
_ERROR = Counted("", "(prediction_number - label_number)")


@dataclass
class Reference:
    """What was read of the reference rows."""

    numbers: dict[str, Numbers] = field(default_factory=dict)
    errors: dict[str, Numbers] = field(default_factory=dict)
    values: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    combinations: list[pl.DataFrame] = field(default_factory=list)


def build_grid(
    source: Opened,
    windows: Sequence[Window],
    *,
    reference_id: str,
    frozen: bool,
    known: Collection[str] = (),
) -> Grid:
    """Build the grid of the windows' rows; see `DuckDBEngine.build_grid`."""
    declaration = source.declaration
    inputs = features(source)
    numeric = dict.fromkeys((*inputs.numeric, *numeric_columns(declaration)), NumericGrid())
    categorical = dict.fromkeys((*inputs.categorical, *categorical_columns(declaration)), Vocabulary())
    blank = Grid(reference_id, frozen, numeric, categorical, tuple(_EQUAL_WIDTH.tolist()))
    require_known(source, blank, known)
    if not source.predictions or not windows:
        return blank
    cuts, attributes = segments(declaration, None), protected(declaration, None)
    fields, numbers, categories = measured(declaration, blank)
    found = Reference()
    share = one_in(sum(rows_per_window(source, windows)))
    for chunk in chunks(source, windows, fields, [*cuts, *attributes]):
        if frozen:
            add_numbers(source, chunk, numbers, found.numbers, share)
            if (
                declaration.task == "regression"
                and label_field(declaration)
                and declaration.predictions.prediction
            ):
                add_numbers(source, chunk, [_ERROR], found.errors, share)
        wanted = (
            [each.alias for each in categories if frozen]
            + [cut.name for cut in cuts]
            + _class_aliases(declaration)
        )
        for alias in dict.fromkeys(wanted):
            found.values[alias].append(value_counts(source, chunk, alias, windows[::2]))
        if attributes:
            found.combinations.append(combinations(source, chunk, attributes))
    grid = _grid(blank, found, declaration, numbers, categories, cuts, attributes)
    if not (frozen and declaration.pca):
        return grid
    return replace(grid, together=tuple(name for name in inputs.numeric if grid.numeric[name].scale > 0))


def _grid(
    blank: Grid,
    found: Reference,
    declaration: Declaration,
    numbers: Sequence[Counted],
    categories: Sequence[Counted],
    cuts: Sequence[Dimension],
    attributes: Sequence[Dimension],
) -> Grid:
    frozen = blank.frozen
    errors = found.errors.get(_ERROR.column)
    return Grid(
        blank.reference_id,
        frozen,
        {each.column: numeric_grid(found.numbers[each.column]) for each in numbers}
        if frozen
        else blank.numeric,
        {each.column: vocabulary(merged(found.values[each.alias])) for each in categories}
        if frozen
        else blank.categorical,
        _score_edges(found, declaration) if frozen and scores(declaration) else blank.score_edges,
        numeric_grid(errors).edges if errors else (),
        _classes(found, declaration),
        {cut.label: tuple(_known(merged(found.values[cut.name]))[:SEGMENT_VALUES]) for cut in cuts},
        _groups(found, attributes),
    )


def numeric_grid(numbers: Numbers) -> NumericGrid:
    """Return the bins of a column: its distinct percentiles, from just below the minimum to the maximum."""
    if not numbers.n:
        return NumericGrid()
    values = np.sort(np.concatenate(numbers.values))
    places = np.ceil(np.arange(1, BINS) * values.size / BINS).astype(np.int64) - 1
    inner = values[np.maximum(places, 0)] if values.size else values
    edges = np.unique(np.concatenate([[np.nextafter(numbers.low, -np.inf)], inner, [numbers.high]]))
    centre, scale = numbers.mean, float(np.sqrt(numbers.squares / numbers.n))
    if not np.isfinite([centre, scale]).all():  # numbers whose squares are too large for a float
        centre = scale = 0.0
    return NumericGrid(tuple((edges + 0.0).tolist()), float(centre), scale)


def vocabulary(counted: pl.DataFrame) -> Vocabulary:
    """Return the vocabulary of ``value``, ``n`` and ``chosen``.

    The values kept are the most frequent of every other window; their shares are measured on the others too:
    chosen and measured on the same rows, a long tail would be a list of lucky winners. Of more values than
    are known only those are kept.
    """
    ranked = counted.sort("chosen", "n", "value", descending=[True, True, False])
    if ranked.height > KNOWN_VALUES:
        return Vocabulary(tuple(ranked["value"][:KEPT_VALUES]), seen_once=None, complete=False)
    values = ranked["value"].to_list()
    once = int((counted["n"] == 1).sum())
    return Vocabulary(tuple(values[:KEPT_VALUES]), tuple(sorted(values[KEPT_VALUES:])), once)


def _score_edges(found: Reference, declaration: Declaration) -> tuple[float, ...]:
    values = [part for column in scores(declaration).values() for part in found.numbers[column].values]
    joined = np.sort(np.concatenate([*values, np.zeros(0)]))
    joined = joined[(joined >= 0) & (joined <= 1)]
    places = np.ceil(np.arange(1, BINS) * joined.size / BINS).astype(np.int64) - 1
    quantiles = joined[np.maximum(places, 0)] if joined.size else joined
    edges = np.unique(np.concatenate([_EQUAL_WIDTH, quantiles])) + 0.0
    return tuple(edges.tolist())


def _class_aliases(declaration: Declaration) -> list[str]:
    if declaration.task not in CLASSIFICATION:
        return []
    label = label_field(declaration)
    predicts = declaration.predictions.prediction or scores(declaration)
    return (["prediction"] if predicts else []) + ([label.alias] if label else [])


def _classes(found: Reference, declaration: Declaration) -> tuple[str, ...]:
    """Return the classes: (negative, positive), or every declared or seen one."""
    aliases = [alias for alias in reversed(_class_aliases(declaration)) if alias in found.values]
    seen = (
        merged([frame for alias in aliases for frame in found.values[alias]])["value"].to_list()
        if aliases
        else []
    )
    if declaration.task == "binary_classification":
        known = binary_classes(declaration, ())
        others = [value for value in seen if value not in known.positive and not value.startswith("not ")]
        usual = [value for value in others if value in known.negative]
        negative = (usual or others)[:1]
        positive = [value for value in seen if value in known.positive][:1] or [known.positive[0]]
        return (*negative, *positive) if negative else ()
    declared = declaration.predictions.score
    if isinstance(declared, dict):
        return tuple(canonical(class_) for class_ in declared)
    return tuple(sorted(seen[:CLASSES])) if declaration.task in CLASSIFICATION else ()


def _known(counted: pl.DataFrame) -> list[str]:
    return [value for value in counted["value"].to_list() if value not in ("missing", "other")]


def _groups(found: Reference, attributes: Sequence[Dimension]) -> dict[str, tuple[str, ...]]:
    """Return the group keys of each attribute and of their full intersection, most frequent first."""
    if not found.combinations:
        return {}
    counted = merged(found.combinations)

    def keys(parts: Sequence[Dimension]) -> tuple[str, ...]:
        names = [part.name for part in parts]
        ranked = merged([counted.select(*names, "n")]).head(GROUPS)
        return tuple(
            " & ".join(f"{p.label}={row[p.name]}" for p in parts) for row in ranked.iter_rows(named=True)
        )

    groups = {each.label: keys([each]) for each in attributes}
    if len(attributes) > 1:
        groups[" & ".join(each.label for each in attributes)] = keys(attributes)
    return groups
