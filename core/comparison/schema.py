"""How the columns of two files differ, and what is odd about the values, in sentences."""

from collections.abc import Iterator, Mapping

import polars as pl

from core.comparison import wording
from core.comparison.results import ColumnComparison, Schema, Sides
from core.comparison.roles import Roles

_NOTABLE = 0.01
_SENTENCES = {
    "type_mismatch": ("cannot be read as a number", 0.0),
    "non_finite_share": ("are NaN or infinite", 0.0),
    "out_of_range_share": ("lie outside the reference's range", _NOTABLE),
    "unseen_share": ("were never seen in the reference", _NOTABLE),
}


def schema(reference: pl.DataFrame, current: pl.DataFrame, roles: Roles) -> Schema:
    """Return which columns came, went, or changed the family of their type (number, text, flag, time …).

    The label is not missed in a file without labels.
    """
    unlabelled = {name for name, role in roles.roles.items() if role == "label"}
    families = Sides(_families(reference), _families(current))
    return Schema(
        added=tuple(name for name in current.columns if name not in families.reference),
        removed=tuple(n for n in reference.columns if n not in families.current and n not in unlabelled),
        retyped={
            name: Sides(str(reference.schema[name]), str(current.schema[name]))
            for name, family in families.reference.items()
            if family and families.current.get(name) and family != families.current[name]
        },
    )


def notes(found: Schema, columns: Mapping[str, ColumnComparison]) -> list[str]:
    """Return what a reader should know about the data, one sentence each."""
    told = [f"only in CURRENT: {', '.join(found.added)}"] if found.added else []
    told += [f"only in REFERENCE: {', '.join(found.removed)}"] if found.removed else []
    told += [f"{name} changed its type: {t.reference} → {t.current}" for name, t in found.retyped.items()]
    return told + [sentence for column in columns.values() for sentence in _notes_of(column)]


def _notes_of(column: ColumnComparison) -> Iterator[str]:
    for metric, (sentence, floor) in _SENTENCES.items():
        shares = column.quality.get(metric)
        worst = (
            max((share for share in (shares.reference, shares.current) if share), default=0.0)
            if shares
            else 0.0
        )
        if shares and worst > floor:
            of = f"{wording.percent(shares.reference)} of REFERENCE and " if shares.reference else ""
            yield f"{column.name}: {of}{wording.percent(shares.current)} of CURRENT {sentence}"
    constant = column.quality["constant"]
    if constant.current == 1.0 and constant.reference != 1.0:
        yield f"{column.name}: constant in CURRENT"


def _families(side: pl.DataFrame) -> dict[str, str]:
    return {name: _family(dtype) for name, dtype in side.schema.items()}


def _family(dtype: pl.DataType) -> str:
    if dtype == pl.Null:
        return ""  # no value, no type
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    return "number" if dtype.is_numeric() else "time" if dtype.is_temporal() else str(dtype)
