"""What Steward would read: workspace, registry and, per declaration, files, columns, roles and problems."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from core import foresight, logs, reference
from core.annotations import Span, left_out
from core.declaration import Declaration
from core.engine import ENGINES, DuckDBEngine
from core.entities import LogFile, Source
from core.errors import DeclarationError, InputError, LogError, StewardError
from core.notify import channels as ways_out
from core.settings import Workspace
from core.store import Store, annotations, migration, references
from core.strict import nearest

LITTLE_DISK_BYTES = 1_000_000_000
WRITTEN = ("statistics", "registry")  # folders that sweeps write into
# What a person should know about rows of which a scan says only why.
EXPLAINED = {
    "timestamp missing": "timestamp missing; they are in no window",
    "timestamp unreadable": "timestamp unreadable, expected ISO 8601 such as 2024-01-31 12:00:00; they are in"
    " no window until the column is written so",
    "ambiguous local time": "ambiguous local time (clocks went back); the first of the two is taken",
    "non-existent local time": "non-existent local time (clocks went forward); moved forward. Many of them"
    " mean that timezone is wrong",
}

HARMLESS = ("ambiguous local time",)  # once a year where clocks go back


@dataclass(frozen=True)
class ModelInspection:
    """What one declaration leads to; `roles` maps columns to what they are declared or inferred to be.

    `problems` need a person; `notes` are good to know and nobody's fault.
    """

    file: str
    model: str | None = None
    files: int = 0
    label_files: int = 0
    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """The workspace as it is, and its declarations; `problems` are those of the workspace itself."""

    workspace: str
    database: str
    schema: str
    clock: str
    now: datetime
    disk_free_bytes: int
    roots: tuple[str, ...]
    channels: Mapping[str, str]
    problems: tuple[str, ...]
    models: tuple[ModelInspection, ...]

    @property
    def all_well(self) -> bool:
        """Whether there is no problem anywhere."""
        return not self.problems and not any(model.problems for model in self.models)


def inspect(
    workspace: Workspace,
    names: Sequence[str] = (),
    *,
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
) -> Inspection:
    """Return what lies in a workspace and what a sweep would read; nothing is changed.

    Parameters
    ----------
    names : look only at the declarations of these models; none means all
    progress : wraps the declarations, as ``tqdm`` does

    Raises
    ------
    InputError
        If a name has no declaration.
    """
    store = Store(workspace)
    free = shutil.disk_usage(workspace.root).free
    channels = {name: ways_out.kind(channel) for name, channel in workspace.settings.channels.items()}
    declared = _declared(workspace, names)
    found = Inspection(
        workspace=str(workspace.root),
        database=store.name,
        schema=migration.newest(),
        clock="real" if workspace.settings.clock == "real" else "fixed",
        now=workspace.now(),
        disk_free_bytes=free,
        roots=tuple(map(str, workspace.roots)),
        channels=channels,
        problems=tuple(_problems(workspace, store, free)),
        models=tuple(inspect_model(workspace, store, file) for file in progress(declared)),
    )
    store.close()
    return found


def _declared(workspace: Workspace, names: Sequence[str]) -> list[Path]:
    files = {file.stem: file for file in sorted((workspace.root / "models").glob("*.y*ml"))}
    for name in names:
        if name not in files:
            raise InputError(f"models/{name}.yaml does not exist; {nearest(name, files)}")
    return [files[name] for name in names or files]


def inspect_model(workspace: Workspace, store: Store, file: Path) -> ModelInspection:
    """Return what one declaration leads to: which files, which columns, and what is wrong with them."""
    try:
        declaration = workspace.declaration(file)
        files = logs.find(workspace, declaration)
    except InputError as error:
        return ModelInspection(str(file), problems=(str(error),))
    with ENGINES["duckdb"]() as engine:
        found, log = _inspected(engine, declaration, file, files)
        try:
            foreseen = list(_foreseen(workspace, store, engine, declaration, log))
        except InputError as error:
            foreseen = [str(error)]
    return replace(found, problems=(*found.problems, *(f"{file}: {problem}" for problem in foreseen)))


def _foreseen(
    workspace: Workspace, store: Store, engine: DuckDBEngine, declaration: Declaration, log: Source
) -> Iterator[str]:
    for amiss in (foresight.scores_amiss, foresight.numbers_amiss, foresight.labels_amiss):
        yield from amiss(engine, declaration, log)
    if not _is_frozen(workspace, store, declaration):
        counted = engine.windows_of(log, declaration)
        yield from foresight.reference_amiss(declaration, counted, workspace.now())


def _is_frozen(workspace: Workspace, store: Store, declaration: Declaration) -> bool:
    """Tell whether the reference is settled, so that its logs may be gone."""
    current, spans = None, list[Span]()
    with contextlib.suppress(StewardError):  # told as a problem of the workspace
        store.require_current()
        with store.read() as c:
            current = references.current(c, declaration.model)
            spans = left_out(annotations.every(c, declaration.model))
    decisive = reference.concerning(spans, declaration, current)
    name = reference.identity(workspace, declaration, decisive)
    return current is not None and current.frozen and current.reference_id == name


def _inspected(
    engine: DuckDBEngine, declaration: Declaration, file: Path, files: list[LogFile]
) -> tuple[ModelInspection, Source]:
    """Return what the files hold, and the log as far as it can be read."""
    columns: dict[str, str] = {}
    rows, times, problems, notes = 0, list[datetime](), list[str](), list[str]()
    readable, labels = list[str](), list[tuple[str, float]]()
    scanned = {
        kind: engine.scan_all([each.path for each in files if each.kind == kind], declaration, kind=kind)
        for kind in ("predictions", "labels")
    }
    for each in files:
        facts = scanned[each.kind][each.path]
        if isinstance(facts, LogError):
            problems.append(str(facts))
            continue
        for reason, n in facts.problems.items():
            told = notes if reason in HARMLESS else problems
            told.append(f"{each.path}: {n:,} row{'s' * (n != 1)}: {EXPLAINED.get(reason, reason)}")
        if each.kind == "labels":
            labels.append((each.path, each.mtime_ns / 1e9))
        else:
            readable.append(each.path)
            columns |= facts.columns
            rows += facts.rows
            times += [time for time in (facts.first, facts.last) if time]
    logs_found = sum(each.kind == "predictions" for each in files)
    if not logs_found:
        problems.append(f"{file}: predictions.path: no file matches {declaration.predictions.path} yet")
    roles = declared_roles(declaration)
    missing = tuple(column for column in roles if columns and column not in columns)
    problems += [f"{file}: no file has the column {column!r}, the {roles[column]}" for column in missing]
    if declaration.features is None and readable and not missing:
        try:
            roles = {**_inferred(engine, declaration, readable[-1]), **roles}
        except DeclarationError as error:
            problems.append(f"{file}: {error}")
    found = ModelInspection(
        file=str(file),
        model=declaration.model,
        files=logs_found,
        label_files=len(files) - logs_found,
        rows=rows,
        first=min(times, default=None),
        last=max(times, default=None),
        columns=columns,
        roles=roles,
        missing=missing,
        problems=tuple(problems),
        notes=tuple(notes),
    )
    return found, Source(tuple(readable), tuple(labels))


def _inferred(engine: DuckDBEngine, declaration: Declaration, file: str) -> dict[str, str]:
    """Return the features a sweep would infer from the newest file."""
    source = Source((file,))
    windows = list(engine.windows_of(source, declaration))
    grid = engine.build_grid(source, declaration, windows, reference_id="check", frozen=False)
    numeric = dict.fromkeys(grid.numeric, "numeric feature (inferred)")
    return numeric | dict.fromkeys(grid.categorical, "categorical feature (inferred)")


def declared_roles(declaration: Declaration) -> dict[str, str]:
    """Return what each column of the prediction log is declared to be; several roles are joined."""
    log, roles = declaration.predictions, list[tuple[str | None, str]]()
    for role in ("timestamp", "prediction_id", "version", "variant", "prediction", "actual"):
        roles.append((getattr(log, role), role))
    scores = log.score if isinstance(log.score, dict) else {"": log.score}
    roles += [(column, f"score {name}".strip()) for name, column in scores.items()]
    if declaration.features:
        roles += [(column, "numeric feature") for column in declaration.features.numeric]
        roles += [(column, "categorical feature") for column in declaration.features.categorical]
    roles += [(column, "segment") for column in declaration.segments]
    roles += [(p if isinstance(p, str) else p.column, "protected") for p in declaration.protected]
    roles += [(column, role) for role, column in declaration.operations.model_dump().items()]
    roles += [(metric.column, f"custom {name}") for name, metric in declaration.custom.items()]
    named: dict[str, str] = {}
    for column, role in roles:
        if column:
            named[column] = f"{named[column]}, {role}" if column in named else role
    return named


def _problems(workspace: Workspace, store: Store, free: int) -> Iterable[str]:
    try:
        store.require_current()
    except StewardError as error:
        yield str(error)
    places = [
        workspace.root,
        *(workspace.root / name for name in WRITTEN),
        *([store.file] if store.file else []),
    ]
    for place in places:
        if place.exists() and not os.access(place, os.W_OK):
            yield f"{place} cannot be written by this user; change its owner or run as that user"
    yield from ways_out.problems(workspace)
    if free < LITTLE_DISK_BYTES:
        yield f"{workspace.root}: only {free / 1e6:,.0f} MB are free on its disk; make room for statistics"
    for root in workspace.roots:
        if not root.is_dir():
            yield f"{root}: is no folder, but one of the roots in steward.yaml; make it, or remove it"
