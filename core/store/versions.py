"""Model versions, the datasets and runs they came from, and what came from what."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core import lifecycle
from core.governed import LoggedRun, ModelVersion, RegisteredDataset
from core.records import Dataset, Run, Version
from core.store.governance_schema import datasets, lineage, runs, versions
from core.store.upsert import upsert


def add(c: sa.Connection, version: ModelVersion) -> None:
    """Keep a new version; its number must be `next_number`."""
    c.execute(
        sa.insert(versions).values(
            model=version.model,
            number=version.number,
            name=version.name,
            state=version.state,
            digest=version.digest,
            content=version.record.model_dump(mode="json", exclude_unset=True),
            registered_at=version.registered_at,
            registered_by=version.registered_by,
        )
    )


def next_number(c: sa.Connection, model: str) -> int:
    """Return the number a new version of the model gets; none is used twice."""
    highest = c.execute(
        sa.select(sa.func.max(versions.c.number)).where(versions.c.model == model)
    ).scalar_one()
    return int(highest or 0) + 1


def get(c: sa.Connection, model: str, number: int) -> ModelVersion | None:
    """Return a version, or None if the model has none of this number."""
    found = sa.select(versions).where(versions.c.model == model, versions.c.number == number)
    row = c.execute(found).one_or_none()
    return None if row is None else _version(row)


def named(c: sa.Connection, model: str, name: str) -> ModelVersion | None:
    """Return the version that the prediction log calls `name`."""
    row = c.execute(
        sa.select(versions).where(versions.c.model == model, versions.c.name == name)
    ).one_or_none()
    return None if row is None else _version(row)


def every(c: sa.Connection, model: str | None = None) -> list[ModelVersion]:
    """Return versions, of one model or of all, the newest of each model first."""
    found = sa.select(versions).order_by(versions.c.model, versions.c.number.desc())
    if model is not None:
        found = found.where(versions.c.model == model)
    return [_version(row) for row in c.execute(found)]


def move(c: sa.Connection, version: ModelVersion, state: str) -> None:
    """Bring a version into another state, if the table of `core.lifecycle` lists the step.

    Raises
    ------
    StateError
        If it does not.
    """
    lifecycle.check(lifecycle.VERSION, version.title, version.state, state)
    key = (versions.c.model == version.model, versions.c.number == version.number)
    c.execute(sa.update(versions).where(*key).values(state=state))


def add_run(c: sa.Connection, model: str, run: Run, *, at: datetime, by: str) -> int:
    """Keep a run and return its number."""
    row = {"model": model, "name": run.name, "content": run.model_dump(mode="json", exclude_unset=True)}
    made = sa.insert(runs).values(**row, logged_at=at, logged_by=by).returning(runs.c.id)
    return int(c.execute(made).scalar_one())


def run(c: sa.Connection, identifier: int) -> LoggedRun | None:
    """Return a run, or None if there is none of this number."""
    row = c.execute(sa.select(runs).where(runs.c.id == identifier)).one_or_none()
    return None if row is None else _run(row)


def runs_of(c: sa.Connection, model: str) -> list[LoggedRun]:
    """Return a model's runs, the newest first."""
    found = sa.select(runs).where(runs.c.model == model).order_by(runs.c.id.desc())
    return [_run(row) for row in c.execute(found)]


def add_dataset(c: sa.Connection, dataset: Dataset, *, at: datetime, by: str) -> None:
    """Keep a dataset version under its digest; one that is known stays as it was registered."""
    row = {
        "digest": dataset.digest,
        "name": dataset.name,
        "content": dataset.model_dump(mode="json", exclude_unset=True),
        "registered_at": at,
        "registered_by": by,
    }
    if c.execute(sa.select(datasets.c.digest).where(datasets.c.digest == dataset.digest)).first() is None:
        c.execute(sa.insert(datasets).values(row))


def dataset(c: sa.Connection, digest: str) -> RegisteredDataset | None:
    """Return the dataset version of a digest, or None."""
    row = c.execute(sa.select(datasets).where(datasets.c.digest == digest)).one_or_none()
    if row is None:
        return None
    return RegisteredDataset(
        row.digest, Dataset.model_validate(row.content), row.registered_at, row.registered_by
    )


def link(c: sa.Connection, edges: Iterable[tuple[str, str, str]]) -> None:
    """Write down what came from what: (source, relation, target), e.g. (dataset:…, trained, version:…)."""
    rows = [{"source": a, "relation": relation, "target": b} for a, relation, b in edges]
    if rows:
        upsert(c, lineage, rows)


def ancestry(c: sa.Connection, entity: str) -> list[tuple[str, str, str]]:
    """Return all edges (source, relation, target) that lead to an entity, the nearest first."""
    found: dict[tuple[str, str, str], None] = {}
    frontier = [entity]
    while frontier:
        rows = c.execute(
            sa.select(lineage.c.source, lineage.c.relation, lineage.c.target)
            .where(lineage.c.target.in_(frontier))
            .order_by(lineage.c.target, lineage.c.source)
        )
        new = [edge for row in rows if (edge := (row.source, row.relation, row.target)) not in found]
        found |= dict.fromkeys(new)
        frontier = [source for source, _, _ in new]
    return list(found)


def _version(row: sa.Row[Any]) -> ModelVersion:
    return ModelVersion(
        model=row.model,
        number=row.number,
        name=row.name,
        state=row.state,
        digest=row.digest,
        record=Version.model_validate(row.content),
        registered_at=row.registered_at,
        registered_by=row.registered_by,
    )


def _run(row: sa.Row[Any]) -> LoggedRun:
    return LoggedRun(row.id, row.model, Run.model_validate(row.content), row.logged_at, row.logged_by)
