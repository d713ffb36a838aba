"""What people do with versions: register them with their past, log runs, attach evidence, archive."""

from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

from core import artifacts
from core.actions.authority import require
from core.entities import Actor
from core.errors import Conflict, InputError
from core.governed import AttachedEvidence, LoggedRun, ModelVersion
from core.records import VALIDATES, Dataset, Evidence, Run, Version
from core.store import Store, audit, evidence, models, versions
from core.store.command_keys import once


def register(
    store: Store, model: str, record: Version, actor: Actor, *, key: str | None = None
) -> ModelVersion:
    """Register a version of a model: from now on its record never changes.

    Parameters
    ----------
    record : what is known of it; the files of its artifact and datasets are hashed here
    key : registering again under the same key returns what the first call registered

    Raises
    ------
    NotAllowed
        If the actor may not register versions of this model.
    InputError
        If there is no such model, run or parent.
    Conflict
        If the model has a version of this name already.
    PathError
        If files are absent, changed or outside the roots.
    """
    record = _with_files(store, record)
    now = store.workspace.now()
    with store.write() as c:
        require(c, actor, "version.register", model=model)
        _known(c, model)
        if number := once(c, actor, f"register {model}", key):
            return found(c, model, int(number))
        number = versions.next_number(c, model)
        name = record.name or str(number)
        if twin := versions.named(c, model, name):
            raise Conflict(
                f"{model} has a version {name!r} already: number {twin.number}, registered by "
                f"{twin.registered_by}; a version never changes, give the new one another name"
            )
        _refuse_unknown(c, model, record)
        made = ModelVersion(
            model, number, name, "registered", artifacts.artifact_digest(record), record, now, actor.id
        )
        versions.add(c, made)
        versions.link(c, _edges(c, made, at=now, by=actor.id))
        told = {"name": name, "digest": made.digest, "artifact": record.artifact, "run": record.run}
        audit.append(c, actor, "version.registered", made.entity, after=told, ts=datetime.now(UTC))
        once(c, actor, f"register {model}", key, outcome=number)
    return made


def log_run(store: Store, model: str, record: Run, actor: Actor, *, key: str | None = None) -> LoggedRun:
    """Log a training or experiment run that versions can point to; otherwise as `register`."""
    if record.dataset:
        record = record.model_copy(update={"dataset": artifacts.with_digest(store.workspace, record.dataset)})
    now = store.workspace.now()
    with store.write() as c:
        require(c, actor, "run.log", model=model)
        _known(c, model)
        if (said := once(c, actor, f"log run {model}", key)) and (run := versions.run(c, int(said))):
            return run
        number = versions.add_run(c, model, record, at=now, by=actor.id)
        if record.dataset:
            versions.add_dataset(c, record.dataset, at=now, by=actor.id)
            versions.link(c, [(f"dataset:{record.dataset.digest}", "used by", f"run:{number}")])
        told = {"model": model, "name": record.name, "metrics": record.metrics}
        audit.append(c, actor, "run.logged", f"run:{number}", after=told, ts=datetime.now(UTC))
        once(c, actor, f"log run {model}", key, outcome=number)
    return LoggedRun(number, model, record, now, actor.id)


def attach(
    store: Store,
    model: str,
    number: int,
    records: Iterable[Evidence],
    actor: Actor,
    *,
    dataset: Dataset | None = None,
) -> list[AttachedEvidence]:
    """Attach evidence to a version, bound to its artifact as it is registered.

    Parameters
    ----------
    dataset : what all of it was measured on; kept, and part of the version's lineage

    Raises
    ------
    NotAllowed
        If the actor may not attach evidence, or not attest what only validators can.
    InputError
        If there is no such version.
    """
    now = store.workspace.now()
    with store.write() as c:
        require(c, actor, "evidence.attach", model=model)
        version = found(c, model, number)
        attached = []
        for record in records:
            if record.kind in VALIDATES:
                require(c, actor, "evidence.validate", model=model)
            attached.append(evidence.add(c, model, number, version.digest, record, at=now, by=actor.id))
        if dataset is not None and attached:
            versions.add_dataset(c, dataset, at=now, by=actor.id)
            versions.link(c, [(f"dataset:{dataset.digest}", "evaluated", version.entity)])
        told = [_told(each.record) for each in attached]
        digests = [e.digest for e in attached]
        if attached:
            audit.append(
                c,
                actor,
                "evidence.attached",
                version.entity,
                after=told,
                evidence_digests=digests,
                ts=datetime.now(UTC),
            )
    return attached


def _told(record: Evidence) -> dict[str, str]:
    """Return what the audit log says of a piece of evidence."""
    told = {"kind": record.kind, "verdict": record.verdict, "report": record.report}
    return {name: value for name, value in (told | {"signed_by": record.signed_by}).items() if value}


def archive(store: Store, model: str, number: int, actor: Actor, *, reason: str) -> ModelVersion:
    """Put a version away that is not live: it stays readable and can never be released again.

    Raises
    ------
    NotAllowed, InputError
        As `register`.
    StateError
        If it is live.
    """
    with store.write() as c:
        require(c, actor, "version.register", model=model)
        version = found(c, model, number)
        if version.state == "archived":
            return version
        moved(c, actor, version, "archived", reason=reason)
        return found(c, model, number)


def moved(
    c: sa.Connection, actor: Actor, version: ModelVersion, state: str, *, reason: str | None = None
) -> ModelVersion:
    """Bring a version into another state, on the record, and return it as it is then."""
    versions.move(c, version, state)
    audit.append(
        c,
        actor,
        f"version.{state}",
        version.entity,
        before={"state": version.state},
        after={"state": state},
        reason=reason,
        ts=datetime.now(UTC),
    )
    return found(c, version.model, version.number)


def found(c: sa.Connection, model: str, number: int) -> ModelVersion:
    """Return a version.

    Raises
    ------
    InputError
        If there is none of this number.
    """
    version = versions.get(c, model, number)
    if version is None:
        _known(c, model)
        raise InputError(f"{model} has no version {number}; see: steward version list {model}")
    return version


def _known(c: sa.Connection, model: str) -> None:
    if models.get(c, model) is None:
        raise InputError(f"no model {model!r} is registered; run: steward status")


def _with_files(store: Store, record: Version) -> Version:
    record = artifacts.with_manifest(store.workspace, record)
    hashed = {
        name: tuple(artifacts.with_digest(store.workspace, dataset) for dataset in getattr(record, name))
        for name in ("training", "evaluation")
    }
    return record.model_copy(update=hashed)


def _refuse_unknown(c: sa.Connection, model: str, record: Version) -> None:
    if record.parent is not None:
        found(c, model, record.parent)
    if record.run is not None:
        run = versions.run(c, record.run)
        if run is None or run.model != model:
            raise InputError(
                f"{model} has no run {record.run}; log it first: steward version log-run {model}"
            )


def _edges(c: sa.Connection, made: ModelVersion, *, at: datetime, by: str) -> Iterable[tuple[str, str, str]]:
    """Keep the datasets of a version and yield what it came from."""
    record = made.record
    every: list[tuple[str, Dataset]] = [("trained", each) for each in record.training]
    every += [("evaluated", each) for each in record.evaluation]
    for relation, dataset in every:
        versions.add_dataset(c, dataset, at=at, by=by)
        yield (f"dataset:{dataset.digest}", relation, made.entity)
    if record.run is not None:
        yield (f"run:{record.run}", "produced", made.entity)
    if record.parent is not None:
        yield (f"version:{made.model}/{record.parent}", "is parent of", made.entity)
