"""What people do with models: declare them, and have their statistics counted again."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.actions import use_cases
from core.actions.alerts import said_text
from core.actions.authority import require
from core.declaration import Declaration
from core.entities import Actor, LedgerEntry
from core.errors import DeclarationError, InputError, StateError
from core.settings import Workspace
from core.store import Store, audit, due, ledger, models, statistics
from core.windows import Window


@dataclass(frozen=True)
class Change:
    """What applying did to a model (``registered``, ``changed``, ``unchanged``, ``paused``) and its keys.

    `kind` is ``model`` or, where `model` names a use case, ``use_case``.
    """

    model: str
    what: str
    before: dict[str, Any]
    after: dict[str, Any]
    kind: str = "model"


def apply(
    store: Store,
    files: Sequence[Path],
    actor: Actor,
    *,
    prune: bool = False,
    force: bool = False,
    dry_run: bool = False,
) -> list[Change]:
    """Register the models and use cases that the files declare, all or none; twice changes nothing.

    Parameters
    ----------
    files : declarations; none means all of the workspace's ``models/*.yaml`` and ``use_cases/*.yaml``
    prune : also pause registered models that no file declares (only without `files`)
    force : replace a declaration that was changed in the dashboard

    Raises
    ------
    DeclarationError, PathError
        If any file cannot be accepted; then none is applied.
    NotAllowed
        If the actor may not configure models, or not put one into a lower risk tier.
    """
    if prune and files:
        raise InputError(
            "--prune pauses models without a file, so it looks at all of models/; leave the file names out"
        )
    root = store.workspace.root
    found = sorted(files or [*(root / "models").glob("*.y*ml"), *(root / "use_cases").glob("*.y*ml")])
    declaring, describing = use_cases.parted(found)
    declared, described = _declared(store.workspace, declaring), use_cases.load(describing)
    now = store.workspace.now()
    with store.write() as c:
        if declared or not described:
            require(c, actor, "model.declare")
        told = use_cases.put(c, described, actor, now, dry_run=dry_run)
        use_cases.refuse_unknown(c, declared.values(), [each.use_case for each in described])
        known = {model.declaration.model: model for model in models.every(c)}
        changes = [
            _change(known.get(slug), declaration, file, force=force)
            for slug, (declaration, file) in declared.items()
        ]
        if prune:
            changes += [
                Change(slug, "paused", {}, {})
                for slug in known
                if slug not in declared and not known[slug].paused
            ]
        if not dry_run:
            for change in changes:
                _carry_out(c, change, declared, actor, now)
    return [*(Change(*each, kind="use_case") for each in told), *changes]


def rebuild(store: Store, slug: str, actor: Actor, *, start: datetime | None, end: datetime | None) -> int:
    """Mark the log files that hold rows in [start, end) to be read again by the next sweep; return how many.

    Windows whose log is gone keep their numbers. Only where other files now hold the same windows (the log
    was compacted, say) the removed files are forgotten, and the windows are counted from what lies there.

    Raises
    ------
    InputError
        If no such model is registered.
    """
    counted = statistics.windows(store, slug)
    with store.write() as c:
        require(c, actor, "model.rebuild", model=slug)
        model = models.get(c, slug)
        if model is None:
            raise InputError(f"no model {slug!r} is registered; run: steward status")
        # Label files that could be read need no mark: counting a window joins all labels it can have.
        entries = [
            e
            for e in ledger.entries(c, slug)
            if (e.state == "bad" or e.file.kind == "predictions") and _within(e, start, end)
        ]
        present = [e for e in entries if e.state != "gone"]
        ledger.record(c, slug, [replace(entry, state="changed") for entry in present])
        ledger.forget(c, slug, [e.file.path for e in _replaced(counted, entries)])
        period = {"from": start.isoformat() if start else None, "to": end.isoformat() if end else None}
        audit.append(c, actor, "model.rebuild", f"model:{slug}", after=period, ts=datetime.now(UTC))
    return len(present)


def pause(store: Store, slug: str, actor: Actor, *, reason: str) -> None:
    """Stop the sweeps of a model until somebody resumes them; its numbers and alerts stay.

    Raises
    ------
    NotAllowed
        If the actor may not pause models.
    InputError
        If no such model is registered, or no reason is given.
    StateError
        If it is paused already.
    """
    _pause(store, slug, actor, True, said_text(reason, "why"))


def resume(store: Store, slug: str, actor: Actor, *, reason: str) -> None:
    """Let a paused model be swept again, at once; otherwise as `pause`.

    Raises
    ------
    StateError
        If it is not paused, or was removed.
    """
    _pause(store, slug, actor, False, said_text(reason, "why"))


def _pause(store: Store, slug: str, actor: Actor, paused: bool, reason: str) -> None:
    with store.write() as c:
        require(c, actor, "model.pause", model=slug)
        model = models.get(c, slug)
        if model is None:
            raise InputError(f"no model {slug!r} is registered; run: steward status")
        if model.lifecycle == "archived":
            raise StateError(f"{slug} was removed; what is in the archive is swept no more")
        if model.paused == paused:
            raise StateError(
                f"{slug} is {f'paused by {model.paused_by}' if paused else 'not paused'} already"
            )
        models.pause(c, slug, actor.id if paused else None)
        if not paused:
            due.schedule(c, slug, datetime.now(UTC))
        done = "paused" if paused else "resumed"
        audit.append(c, actor, f"model.{done}", f"model:{slug}", reason=reason, ts=datetime.now(UTC))


def _declared(workspace: Workspace, files: Iterable[Path]) -> dict[str, tuple[Declaration, Path]]:
    declared: dict[str, tuple[Declaration, Path]] = {}
    for file in files:
        declaration = workspace.declaration(file)
        if declaration.model in declared:
            raise DeclarationError(
                f"{file}: model: {declaration.model!r} is declared in {declared[declaration.model][1]} too; "
                "give each model one file"
            )
        declared[declaration.model] = (declaration, file)
    return declared


def _change(
    known: models.RegisteredModel | None, declaration: Declaration, file: Path, *, force: bool
) -> Change:
    after = declaration.model_dump(mode="json", exclude_unset=True)
    if known is None:
        return Change(declaration.model, "registered", {}, after)
    before = known.declaration.model_dump(mode="json", exclude_unset=True)
    keys = [key for key in before | after if before.get(key) != after.get(key)]
    if known.lifecycle == "archived":
        raise DeclarationError(
            f"{file}: {declaration.model} was removed and stays in the archive; declare it under a new name"
        )
    if not keys and known.paused_by != models.PRUNED:
        return Change(declaration.model, "unchanged", {}, {})
    if keys and known.managed == "ui" and not force:
        diff = "\n".join(
            difflib.unified_diff(
                known.text.splitlines(), file.read_text().splitlines(), "dashboard", str(file)
            )
        )
        raise DeclarationError(
            f"{file}: {declaration.model} was changed in the dashboard since; take the change over, or apply "
            f"with --force\n{diff}"
        )
    return Change(
        declaration.model,
        "changed",
        {key: before.get(key) for key in keys},
        {key: after.get(key) for key in keys},
    )


def _carry_out(
    c: sa.Connection,
    change: Change,
    declared: dict[str, tuple[Declaration, Path]],
    actor: Actor,
    now: datetime,
) -> None:
    if change.what == "unchanged":
        return
    if change.what == "paused":
        models.pause(c, change.model, models.PRUNED)
    else:
        declaration, file = declared[change.model]
        if declaration.risk_tier > change.before.get("risk_tier", declaration.risk_tier):
            require(c, actor, "model.lower_risk", model=change.model)
        models.put(c, declaration, text=file.read_text(encoding="utf-8"), now=now)
        models.unprune(c, change.model)
    audit.append(
        c,
        actor,
        f"model.{change.what}",
        f"model:{change.model}",
        before=change.before,
        after=change.after,
        ts=datetime.now(UTC),
    )


def _within(entry: LedgerEntry, start: datetime | None, end: datetime | None) -> bool:
    if entry.first is None or entry.last is None:
        return True
    return (end is None or entry.first < end) and (start is None or entry.last >= start)


def _replaced(counted: Sequence[Window], entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Return the removed log files all of whose counted windows other files hold now."""
    logs = [e for e in entries if e.file.kind == "predictions" and e.first and e.last]

    def of(entry: LedgerEntry) -> set[Window]:
        return {w for w in counted if _within(entry, w.start, w.end)}

    held = set[Window]().union(*(of(entry) for entry in logs if entry.state == "read"))
    return [entry for entry in logs if entry.state == "gone" and of(entry) <= held]
