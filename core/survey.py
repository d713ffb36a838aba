"""What a sweep finds on arrival: which files are new, what they hold, and which windows they touch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from core.declaration import Declaration
from core.engine import DuckDBEngine
from core.engine.files import FileFacts
from core.entities import LedgerEntry, LogFile, Source
from core.errors import LogError
from core.logs import Difference
from core.windows import Window, overlapping

_EVER = (datetime(1, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
ARRIVED_LATE = "arrived after the log was removed"
WITHOUT_PREDICTION = "labels without a prediction within the lookback"


@dataclass(frozen=True)
class Survey:
    """The ledger as it will be, and the windows to count again."""

    ledger: Mapping[str, LedgerEntry]  # by path
    changes: tuple[LedgerEntry, ...]  # the entries to record
    touched: tuple[Window, ...]  # in time order, without frozen ones and ones that lie ahead


def survey(
    engine: DuckDBEngine,
    declaration: Declaration,
    difference: Difference,
    known: Mapping[str, LedgerEntry],
    counted: Sequence[Window],
    *,
    now: datetime,
    seen_until: datetime | None,
) -> Survey:
    """Read the new and changed files and find the windows they touch.

    Parameters
    ----------
    known : the ledger, by path
    counted : the windows that have numbers
    seen_until : the business time of the last sweep; rows that lay ahead of it then are taken up now
    """
    read = _read(engine, declaration, (*difference.new, *difference.changed), known)
    gone = [replace(known[path], state="gone") for path in difference.gone]
    ledger = {**known, **{entry.file.path: entry for entry in (*read, *gone)}}
    logs, labels = (
        [e for e in read if e.state == "read" and e.file.kind == k] for k in ("predictions", "labels")
    )
    touched = set(engine.windows_of(Source(tuple(e.file.path for e in logs)), declaration))
    for entry in logs:  # a rewritten file may have lost rows
        before = known.get(entry.file.path)
        if before and before.state != "gone":
            touched.update(window for window in counted if _overlaps(before, window.start, window.end))
    touched.update(_reached(declaration, known.values(), seen_until, now))
    fresh = {entry.file.path for entry in logs}
    if any(
        _readable_log(e) and path not in fresh for path, e in ledger.items()
    ):  # else all is counted anyway
        for entry in labels:
            windows, ledger[entry.file.path] = _labelled(engine, declaration, ledger.values(), entry)
            touched.update(windows)
    frozen = frozen_windows(counted, ledger.values())
    changes = tuple(_late_rows(engine, declaration, ledger[e.file.path], frozen) for e in (*read, *gone))
    ledger |= {entry.file.path: entry for entry in changes}
    touched -= set(overlapping(touched, frozen))
    return Survey(ledger, changes, tuple(sorted(w for w in touched if w.start <= now)))


def source(
    declaration: Declaration, entries: Iterable[LedgerEntry], windows: Sequence[Window] | None
) -> Source:
    """Return the readable log files that overlap the windows, with the label files of their rows.

    None asks for all files.
    """
    if windows is not None and not windows:
        return Source(())
    start = windows[0].start if windows else _EVER[0]
    end = windows[-1].end if windows else _EVER[1]
    ordered = sorted((e for e in entries if e.state == "read"), key=lambda e: (e.file.mtime_ns, e.file.path))
    logs = tuple(e.file.path for e in ordered if e.file.kind == "predictions" and _overlaps(e, start, end))
    # Labels are timed by their prediction where they say it, else by when they came: at any time after it.
    until = end if declaration.labels and declaration.labels.timestamp else _EVER[1]
    labels = tuple(
        (e.file.path, e.file.mtime_ns / 1e9)
        for e in ordered
        if e.file.kind == "labels" and (e.first is None or _overlaps(e, start, until))
    )
    return Source(logs, labels)


def frozen_windows(counted: Iterable[Window], entries: Iterable[LedgerEntry]) -> list[Window]:
    """Return those of the counted windows some of whose log is no longer readable: their numbers stay.

    A window that shares time with one of them cannot be counted either: part of its rows is gone.
    """
    lost = [e for e in entries if e.file.kind == "predictions" and e.state in ("gone", "bad")]
    return [w for w in counted if any(_overlaps(entry, w.start, w.end) for entry in lost)] if lost else []


def _read(
    engine: DuckDBEngine,
    declaration: Declaration,
    files: Sequence[LogFile],
    known: Mapping[str, LedgerEntry],
) -> list[LedgerEntry]:
    entries = []
    for kind in ("predictions", "labels"):
        of_kind = [file for file in files if file.kind == kind]
        facts = engine.scan_all([file.path for file in of_kind], declaration, kind=kind)
        entries += [_entry(file, facts[file.path], known.get(file.path)) for file in of_kind]
    return entries


def _entry(file: LogFile, facts: FileFacts | LogError, before: LedgerEntry | None) -> LedgerEntry:
    if isinstance(facts, LogError):
        # What the file held before is remembered: the windows counted from it are frozen, not lost.
        first, last, rows = (before.first, before.last, before.rows) if before else (None, None, 0)
        return LedgerEntry(file, "bad", first, last, rows, error=str(facts))
    return LedgerEntry(file, "read", facts.first, facts.last, facts.rows, facts.columns, facts.problems)


def _reached(
    declaration: Declaration, entries: Iterable[LedgerEntry], seen_until: datetime | None, now: datetime
) -> Iterator[Window]:
    """Windows that lay ahead at the last sweep and have begun since."""
    for entry in entries:
        if entry.file.kind != "predictions" or entry.state != "read" or seen_until is None:
            continue
        if entry.first and entry.last and entry.last > seen_until:
            yield from _covered(declaration, max(entry.first, seen_until), min(entry.last, now))


def _labelled(
    engine: DuckDBEngine, declaration: Declaration, entries: Iterable[LedgerEntry], labels: LedgerEntry
) -> tuple[list[Window], LedgerEntry]:
    """Return the windows a label file speaks of; its entry counts the labels without a prediction."""
    since = labels.first
    if since is not None and not (declaration.labels and declaration.labels.timestamp):
        since -= _lookback(declaration)  # timed by when they came
    logs = (e for e in entries if _readable_log(e))
    files = tuple(e.file.path for e in logs if since is None or (e.last is not None and e.last >= since))
    source = Source(files, ((labels.file.path, labels.file.mtime_ns / 1e9),))
    windows, without = engine.label_windows(source, declaration)
    if without:
        labels = replace(labels, problems={**labels.problems, WITHOUT_PREDICTION: without})
    return windows, labels


def _readable_log(entry: LedgerEntry) -> bool:
    return entry.file.kind == "predictions" and entry.state == "read"


def _late_rows(
    engine: DuckDBEngine, declaration: Declaration, entry: LedgerEntry, frozen: Sequence[Window]
) -> LedgerEntry:
    if entry.state != "read" or entry.file.kind != "predictions" or not frozen:
        return entry
    if not any(_overlaps(entry, window.start, window.end) for window in frozen):
        return entry
    counted = engine.windows_of(Source((entry.file.path,)), declaration)
    late = sum(counted[window] for window in overlapping(counted, frozen))
    return replace(entry, problems={**entry.problems, ARRIVED_LATE: late}) if late else entry


def _covered(declaration: Declaration, first: datetime | None, last: datetime | None) -> list[Window]:
    return declaration.calendar.covering(first, last) if first and last and first <= last else []


def _overlaps(entry: LedgerEntry, start: datetime, end: datetime) -> bool:
    return entry.first is not None and entry.last is not None and entry.first < end and entry.last >= start


def _lookback(declaration: Declaration) -> timedelta:
    return declaration.labels.lookback if declaration.labels else timedelta()
