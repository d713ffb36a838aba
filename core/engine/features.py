"""A model's inputs: declared, or guessed from the reference by the types of its other columns."""

import difflib
from collections.abc import Collection

from core.consistency import cells_too_many
from core.declaration import BinnedAttribute, Declaration, Features
from core.engine import dialect, traffic
from core.engine.roles import Field, categorical_columns, numeric_columns
from core.engine.source import Opened
from core.engine.statement import fetch
from core.entities import Grid
from core.errors import DeclarationError, LogError


def features(source: Opened) -> Features:
    """Return the declared features, or every column of the files that has no other role, by type."""
    declaration = source.declaration
    if declaration.features is not None:
        return declaration.features
    numeric, categorical = [], []
    for name in sorted(source.has_columns - _taken(declaration)):
        types = {table.columns[name] for table in source.predictions if name in table.columns}
        kind = _kind(source, name, types)
        if kind == "numeric":
            numeric.append(name)
        elif kind == "categorical":
            categorical.append(name)
    _require_few(declaration, len(numeric) + len(categorical))
    return Features(numeric=tuple(numeric), categorical=tuple(categorical))


def _require_few(declaration: Declaration, inferred: int) -> None:
    """Refuse what `steward apply` refuses of declared features: windows of too many cells."""
    if too_large := cells_too_many(declaration, inferred):
        raise DeclarationError(
            f"features: {inferred} inferred and {too_large} segments, or the features that matter"
        )


def require_known(source: Opened, grid: Grid, known: Collection[str]) -> None:
    """Refuse a declared column that neither a file of the reference has nor the rest of the log (`known`)."""
    declaration, columns = source.declaration, source.has_columns.union(known)
    derived = {declaration.prediction} if not declaration.predictions.prediction else set()
    labels = (
        {declaration.actual} if source.labels or (declaration.labels and declaration.labels.path) else set()
    )
    custom = {name: metric.column for name, metric in declaration.custom.items()}
    wanted = {custom.get(name, name) for name in (*grid.numeric, *grid.categorical)} - derived - labels
    wanted |= set(declaration.segments) | {
        a.column if isinstance(a, BinnedAttribute) else a for a in declaration.protected
    }
    for name in sorted(wanted - columns) if source.predictions else ():
        near = difflib.get_close_matches(name, columns, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"they have {', '.join(sorted(columns)[:12])}."
        raise LogError(
            f"{source.predictions[0].path}: no file read has the declared column {name!r}; {hint}"
            " Correct the declaration of the model"
        )


def _taken(declaration: Declaration) -> set[str]:
    declared, labels = declaration.predictions, declaration.labels
    names = {
        declared.timestamp,
        declared.prediction_id,
        declared.version,
        declared.variant,
        declaration.actual,
    }
    names |= {
        *numeric_columns(declaration).values(),
        *categorical_columns(declaration).values(),
        *declaration.sensitive,
    }
    names |= {labels.available_at, labels.timestamp, labels.prediction_id} if labels else set()
    names |= {metric.column for metric in declaration.custom.values()} | {declaration.operations.latency_ms}
    return {name for name in names if name}


def _kind(source: Opened, name: str, types: set[str]) -> str | None:
    """Return numeric, categorical, or None for times, lists, ids and free text."""
    if any(dialect.is_number(each) for each in types):
        return "numeric"
    if not all(dialect.is_text(each) or each == "BOOLEAN" for each in types):
        return None
    fields = [Field("value", name, "category"), Field("amount", name, "number")]
    raw = traffic.rows(source.predictions, fields, source.declaration.predictions.timestamp)
    sql = f"SELECT count(value), count(amount), approx_count_distinct(value) FROM ({raw.sql})"
    values, numbers, distinct = fetch(source.connection, sql, raw.params).row(0)
    if values and numbers == values and types != {"BOOLEAN"}:
        return "numeric"
    return "categorical" if distinct <= max(100, values / 2) else None
