"""Use cases as `apply` puts them into force: read from their files, compared, written on the record."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.actions.authority import require
from core.declaration import Declaration
from core.entities import Actor
from core.errors import DeclarationError
from core.records import UseCase
from core.store import audit, use_cases
from core.strict import nearest, read_yaml, validated


def parted(files: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Return the files that declare models, and those that describe use cases."""
    models, described = list[Path](), list[Path]()
    for file in files:
        document = read_yaml(file)
        (described if "use_case" in document and "model" not in document else models).append(file)
    return models, described


def load(files: Iterable[Path]) -> list[UseCase]:
    """Return the use cases that files describe.

    Raises
    ------
    DeclarationError
        If a file holds what Steward does not accept, or two describe the same.
    """
    found: dict[str, UseCase] = {}
    for file in files:
        each = validated(UseCase, read_yaml(file), file=str(file))
        if each.use_case in found:
            raise DeclarationError(
                f"{file}: use_case: {each.use_case!r} is described twice; give each one file"
            )
        found[each.use_case] = each
    return list(found.values())


def put(
    c: sa.Connection, described: Iterable[UseCase], actor: Actor, now: datetime, *, dry_run: bool
) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Write what is new or changed; return each one's name, what it is (``registered`` …), before, after."""
    changes = []
    for each in described:
        require(c, actor, "use_case.describe")
        known = use_cases.get(c, each.use_case)
        before = known.model_dump(mode="json") if known else {}
        after = each.model_dump(mode="json")
        keys = [key for key in after if before.get(key) != after[key]]
        what = "registered" if known is None else "changed" if keys else "unchanged"
        was, is_now = ({key: side[key] for key in keys if key in side} for side in (before, after))
        changes.append((each.use_case, what, was, is_now))
        if what != "unchanged" and not dry_run:
            use_cases.put(c, each, at=now, by=actor.id)
            entity, wall = f"use_case:{each.use_case}", datetime.now(UTC)
            audit.append(c, actor, f"use_case.{what}", entity, before=was, after=is_now, ts=wall)
    return changes


def refuse_unknown(
    c: sa.Connection, declared: Iterable[tuple[Declaration, Path]], described: Iterable[str]
) -> None:
    """Refuse a declaration that names a use case nobody described."""
    known = {*(each.use_case for each in use_cases.every(c)), *described}
    for declaration, file in declared:
        if declaration.use_case and declaration.use_case not in known:
            raise DeclarationError(
                f"{file}: use_case: {declaration.use_case!r} is described nowhere; "
                + nearest(declaration.use_case, known, "describe it in use_cases/*.yaml")
            )
