"""Which slices of the traffic are counted: all of it, segments, versions, variants and groups of people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from core.declaration import Declaration
from core.engine import dialect
from core.engine.roles import Field, protected_columns
from core.entities import Grid

_SLICE_COLUMNS = ("segment", "version", "variant", "group")


@dataclass(frozen=True)
class Dimension:
    """A column the traffic can be cut by: SQL `expression` over `fields` gives its value as text, never NULL.

    `part` is the CELLS column it fills; `label` the prefix of its values there ("origin" gives "origin=JFK").
    `values` are all it can have; empty where only the rows tell.
    """

    name: str
    part: str
    label: str
    fields: tuple[Field, ...]
    expression: str
    params: Mapping[str, object] = field(default_factory=dict)
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slice:
    """One way to cut: by `dimensions` together; only the cells of `groups` are counted (None = all)."""

    dimensions: tuple[Dimension, ...]
    groups: frozenset[str] | None = None


def dimensions(declaration: Declaration, grid: Grid) -> list[Dimension]:
    """Return the dimensions that cut the whole profile: segments, version, variant."""
    found = segments(declaration, grid)
    for part in ("version", "variant"):
        column = getattr(declaration.predictions, part)
        if column:
            raw = Field(f"{part}_text", column, "text")
            found.append(Dimension(part, part, "", (raw,), f"coalesce({raw.alias}, 'missing')"))
    return found


def segments(declaration: Declaration, grid: Grid | None) -> list[Dimension]:
    """Return the dimensions of the segment columns; without a grid to name the known values, all of them."""
    return [
        _listed(f"segment_{i}", "segment", column, None if grid is None else grid.segments.get(column, ()))
        for i, column in enumerate(declaration.segments)
    ]


def protected(declaration: Declaration, grid: Grid | None) -> list[Dimension]:
    """Return the dimensions of the protected attributes; without a grid to name known values, all of them."""
    found = []
    for i, (column, cuts) in enumerate(protected_columns(declaration)):
        name = f"group_{i}"
        if cuts:
            found.append(_binned(name, column, cuts))
        else:
            known = (
                None
                if grid is None
                else [key.removeprefix(f"{column}=") for key in grid.groups.get(column, ())]
            )
            found.append(_listed(name, "group", column, known))
    return found


def group_slices(attributes: Sequence[Dimension], version: Sequence[Dimension], grid: Grid) -> list[Slice]:
    """Return the fairness slices: each attribute and their intersection, for all versions and for each."""
    versions: list[tuple[Dimension, ...]] = [(), tuple(version)] if version else [()]
    slices = [Slice((each, *extra)) for each in attributes for extra in versions]
    if len(attributes) > 1:
        known = frozenset(grid.groups.get(" & ".join(each.label for each in attributes), ()))
        slices += [Slice((*attributes, *extra), known) for extra in versions]
    return slices


def groups(slices: Sequence[Slice], present: pl.DataFrame) -> pl.DataFrame:
    """Return the cells-to-be: ``slice`` (place in `slices`), ``window_start`` and the dimensions' values.

    `present` has the windows with the values only the rows tell. In each window of a slice whose cells are
    not all counted one group without values takes the others.
    """
    parts = []
    for number, cut in enumerate(slices):
        told = [each.name for each in cut.dimensions if not each.values]
        part = present.select("window_start", *told).unique(maintain_order=True)
        for each in cut.dimensions:
            if each.values:
                part = part.join(pl.DataFrame({each.name: each.values}), how="cross")
        if cut.groups is not None:
            rest = present.select("window_start").unique(maintain_order=True)
            part = part.filter(_label("group", cut).is_in(list(cut.groups)))
            part = pl.concat([part, rest], how="diagonal")
        parts.append(part.with_columns(slice=pl.lit(number)))
    return pl.concat(parts, how="diagonal")


def labels(groups: pl.DataFrame, slices: Sequence[Slice]) -> pl.DataFrame:
    """Return the CELLS keys segment, version, variant and group of `groups`; null: takes the others."""
    return pl.concat(
        groups.filter(slice=number).select(
            "window_start", **{part: _label(part, cut) for part in _SLICE_COLUMNS}
        )
        for number, cut in enumerate(slices)
    )


def _label(part: str, cut: Slice) -> pl.Expr:
    values = [
        pl.concat_str(pl.lit(d.label + "="), d.name) if d.label else pl.col(d.name)
        for d in cut.dimensions
        if d.part == part
    ]
    return pl.concat_str(values, separator=" & ") if values else pl.lit("")


def _listed(name: str, part: str, column: str, values: Sequence[str] | None) -> Dimension:
    raw = Field(f"{name}_text", column, "category")
    if values is None:
        return Dimension(name, part, column, (raw,), f"coalesce({raw.alias}, 'missing')")
    known = f"(SELECT unnest(CAST(${name} AS VARCHAR[])))"
    value = f"CASE WHEN {raw.alias} IN {known} THEN {raw.alias} ELSE 'other' END"
    expression = f"CASE WHEN {raw.alias} IS NULL THEN 'missing' ELSE {value} END"
    every = tuple(dict.fromkeys((*values, "other", "missing")))
    return Dimension(name, part, column, (raw,), expression, {name: list(values)}, every)


def _binned(name: str, column: str, cuts: Sequence[float]) -> Dimension:
    raw = Field(f"{name}_number", column, "number")
    labels = bin_labels(cuts)
    whens = "".join(
        f" WHEN {raw.alias} < {cut!r} THEN {dialect.text_literal(label)}"
        for cut, label in zip(cuts, labels, strict=False)
    )
    missing = f"WHEN coalesce(isnan({raw.alias}), TRUE) THEN 'missing'"
    expression = f"CASE {missing}{whens} ELSE {dialect.text_literal(labels[-1])} END"
    return Dimension(name, "group", column, (raw,), expression, values=(*labels, "missing"))


def bin_labels(cuts: Sequence[float]) -> list[str]:
    """Return the names of the groups [-inf, c1), [c1, c2), …, [cn, inf).

    Examples
    --------
    >>> bin_labels([25, 40.5])
    ['<25', '[25, 40.5)', '≥40.5']
    """
    texts = [f"{cut:.15g}" for cut in cuts]
    between = [f"[{low}, {high})" for low, high in zip(texts, texts[1:], strict=False)]
    return [f"<{texts[0]}", *between, f"≥{texts[-1]}"]
