"""Evaluating a version: frozen rows, the champion's answers to them, evidence that is attached as a whole."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from core import artifacts, comparison, records
from core.actions import versions
from core.actions.authority import require
from core.actions.gating import ENVIRONMENT, policy_of
from core.declaration import Declaration
from core.entities import Actor, LedgerEntry
from core.errors import ComparisonError, InputError, PathError
from core.evaluation import Candidate, Champion, examined
from core.evaluation.answered import Answered
from core.evaluation.champion import same_rows
from core.evaluation.frozen import (
    CHAMPION_SHARE,
    Reader,
    as_dataset,
    located,
    require_rows_of,
    training,
)
from core.evaluation.inputs import answer_columns, read_inputs, with_answers
from core.evaluation.limits import Bar
from core.evaluation.told import Judged
from core.governed import AttachedEvidence, LoggedRun, ModelVersion
from core.records import Dataset, Evidence
from core.scoring import Scorer
from core.settings import Workspace
from core.store import Store, ledger, models, releases
from core.store import versions as stored
from core.strict import nearest

PRODUCED_BY = "steward evaluate"


@dataclass(frozen=True)
class Evaluation:
    """What was attached, how many rows it rests on, and what could not be told and why."""

    attached: list[AttachedEvidence]
    dataset: Dataset
    rows: int
    champion: str | None
    untold: list[str]


@dataclass(frozen=True)
class _Known:
    """What the registry knows when an evaluation begins."""

    declaration: Declaration
    version: ModelVersion
    champion: ModelVersion | None
    run: LoggedRun | None
    entries: list[LedgerEntry]


def evaluate(
    store: Store,
    model: str,
    number: int,
    actor: Actor,
    *,
    predictions: str,
    champion: str | None = None,
    dataset: str | None = None,
) -> Evaluation:
    """Compute the evidence that frozen rows give of a version, and attach all of it or nothing.

    Parameters
    ----------
    predictions : file with the version's answers, or with inputs alone where the model has a scoring command
    champion : file with the champion's answers to the same rows; default: what the prediction log holds of
        it,
        else what the scoring command answers with its artifact
    dataset : evaluation dataset of the version, by name, that the rows are of; default: the file itself

    Raises
    ------
    NotAllowed
        If the actor may not attach evidence.
    InputError
        If there is no such version, a file cannot be read as declared, the champion's file holds other rows,
        or the scoring command does not answer as it should.
    """
    known = _known(store, model, number, actor)
    workspace, declaration = store.workspace, known.declaration
    if declaration.task == "custom":
        raise InputError(f"{model} is custom: without predictions and labels there is nothing to evaluate")
    file, reader = located(workspace, predictions), Reader(workspace, declaration, known.entries)
    scorer = _scorer(workspace, declaration, known.version)
    with tempfile.TemporaryDirectory(prefix="steward-evaluate-") as folder:
        rows = _candidate(reader, file, scorer, known.version, Path(folder))
        bound = _dataset(workspace, known.version, file, rows, dataset)
        against = _champion(reader, rows, known, file, champion, Path(folder))
    about = training(workspace, known.version.record, known.run, declaration)
    candidate = Candidate(rows, file, known.version.record, about, scorer)
    found, untold = examined(candidate, against, Bar(declaration, policy_of(store).rules))
    now = workspace.now()
    evidence = [_dated(each, bound, now) for each in found]
    attached = versions.attach(store, model, number, evidence, actor, dataset=bound)
    compared = against.name if against and against.rows is not None else None
    return Evaluation(
        attached, bound, len(rows), compared, [*_of_others(rows, known.version), *rows.odd, *untold]
    )


def _of_others(rows: Answered, version: ModelVersion) -> list[str]:
    """Return what to say where the rows carry another version's name."""
    column = rows.declaration.predictions.version
    named = rows.frame[column].drop_nulls().unique().sort().to_list() if column else []
    if not named or named == [version.name]:
        return []
    return [f"the rows' column {column} says {', '.join(named[:5])}, the version is called {version.name}"]


def _known(store: Store, model: str, number: int, actor: Actor) -> _Known:
    with store.read() as c:
        require(c, actor, "evidence.attach", model=model)
        version = versions.found(c, model, number)
        registered = models.get(c, model)
        live = releases.champion(c, model, ENVIRONMENT)
        named = live.number if live and live.number != number else None
        champion = versions.found(c, model, named) if named is not None else None
        run = stored.run(c, version.record.run) if version.record.run is not None else None
        entries = [entry for entry in ledger.entries(c, model) if entry.state == "read"]
    assert registered is not None  # a version has a model
    return _Known(registered.declaration, version, champion, run, entries)


def _scorer(workspace: Workspace, declaration: Declaration, version: ModelVersion) -> Scorer | None:
    """Return the scoring command with a version's artifact; None where either is not there.

    Raises
    ------
    InputError
        If steward.yaml does not know the command any more, or the artifact is not the one that was
        registered.
    """
    record = version.record
    if declaration.scoring is None or record.artifact is None or artifacts.is_remote(record.artifact):
        return None
    name, known = declaration.scoring.command, workspace.settings.commands
    if name not in known:
        raise InputError(
            f"scoring.command {name!r} is none of the commands of steward.yaml; {nearest(name, known)}"
        )
    found = tuple(artifacts.files(workspace, record.artifact))
    if records.manifest_digest(found) != version.digest:
        raise PathError(
            f"{record.artifact} is not what {version.title} was registered with; restore it, or register "
            "another version"
        )
    return Scorer(name, known[name], workspace.resolve(record.artifact))


def _candidate(
    reader: Reader, file: Path, scorer: Scorer | None, version: ModelVersion, folder: Path
) -> Answered:
    """Read the version's answers, or let the scoring command give them."""
    columns = answer_columns(reader.declaration)
    if scorer is not None and not set(columns) <= set(comparison.read(file).columns):
        return _scored(reader, file, scorer, version, folder / "candidate.parquet")
    return reader.file(file, name=file.name)


def _scored(
    reader: Reader,
    file: Path,
    scorer: Scorer,
    version: ModelVersion,
    target: Path,
    classes: tuple[str, ...] = (),
) -> Answered:
    inputs = read_inputs(file, reader.declaration, version.record)
    output = scorer(inputs, answer_columns(reader.declaration)).frame
    name = f"commands.{scorer.name} with {version.title}"
    return reader.file(with_answers(file, output, target), name=name, classes=classes)


def _champion(
    reader: Reader, rows: Answered, known: _Known, file: Path, given: str | None, folder: Path
) -> Champion | None:
    live = known.champion
    if given is not None:
        theirs = reader.file(located(reader.workspace, given), name=Path(given).name, classes=rows.classes)
        _require_ids(reader.declaration)
        share = same_rows(rows.ids, theirs.ids)
        if share < CHAMPION_SHARE:
            raise ComparisonError(
                f"{Path(given).name} holds {share:.1%} of the candidate's {len(rows):,} labelled rows; let "
                "both versions predict the same frozen rows (joined by prediction_id)"
            )
        return Champion(live.title if live else Path(given).name, theirs)
    if live is None:
        return None
    if reader.declaration.predictions.prediction_id is None:
        return Champion(live.title, None, "no prediction_id is declared, so rows cannot be joined")
    logged = reader.logged(rows, live.name)
    if logged is not None and same_rows(rows.ids, logged.ids) >= CHAMPION_SHARE:
        return Champion(live.title, logged)
    scorer = _scorer(reader.workspace, reader.declaration, live)
    if scorer is not None:
        return Champion(
            live.title, _scored(reader, file, scorer, live, folder / "champion.parquet", rows.classes)
        )
    share = same_rows(rows.ids, logged.ids) if logged is not None else 0.0
    why = f"the prediction log holds {share:.1%} of these rows with {live.title}"
    return Champion(live.title, None, f"{why}; give its answers: --champion FILE")


def _require_ids(declaration: Declaration) -> None:
    if declaration.predictions.prediction_id is None:
        raise InputError(f"{declaration.model} declares no prediction_id, so rows cannot be joined; name one")


def _dataset(
    workspace: Workspace, version: ModelVersion, file: Path, rows: Answered, name: str | None
) -> Dataset:
    if name is None:
        return as_dataset(workspace, file, name=f"{version.model}-{version.name}-evaluation")
    known = {each.name: each for each in version.record.evaluation}
    if name not in known:
        raise InputError(f"{version.title} has no evaluation dataset {name!r}; {nearest(name, known)}")
    require_rows_of(workspace, known[name], rows)
    return known[name]


def _dated(found: Judged, dataset: Dataset, now: object) -> Evidence:
    return Evidence.model_validate(
        {
            "kind": found.kind,
            "verdict": found.verdict,
            "summary": found.summary,
            "findings": found.findings,
            "dataset": dataset.digest,
            "produced_by": PRODUCED_BY,
            "produced_at": now,
        }
    )
