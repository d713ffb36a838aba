"""What the Rows tab reads: some rows of one window straight from the log, opened on the record."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from core.actions.authority import require
from core.engine import ENGINES
from core.entities import Actor, LedgerEntry, Source
from core.errors import InputError, LogError
from core.store import Store, audit, ledger, models
from core.windows import Window

LIMIT = 500
TIME_LIMIT_S = 20.0
MASK = "•••"


@dataclass(frozen=True)
class Rows:
    """At most LIMIT rows with the declared columns only; `masked` columns are declared sensitive."""

    frame: pl.DataFrame
    window: Window
    masked: tuple[str, ...]
    files: int


def rows(store: Store, slug: str, instant: datetime, actor: Actor) -> Rows:
    """Return rows of the window that holds `instant`, with sensitive values masked, and record who looked.

    Raises
    ------
    NotAllowed
        If the actor may not open rows of the model.
    InputError
        If no model has this name.
    LogError
        If the window's log files are gone, or reading them takes longer than TIME_LIMIT_S.
    """
    with store.read() as c:
        require(c, actor, "rows.open", model=slug)
        registered = models.get(c, slug)
        entries = ledger.entries(c, slug)
    if registered is None:
        raise InputError(f"no model is called {slug!r}; run steward status for the names")
    declaration = registered.declaration
    window = declaration.calendar.containing(instant)
    source = _source(entries, window, declaration.labels.lookback if declaration.labels else timedelta())
    if not source.files:
        raise LogError(
            f"{slug} has no log file for this window any more; its statistics stay, its rows are gone"
        )
    # One thread and the engine's memory limit: a person who looks must not slow the sweeps down.
    with ENGINES["duckdb"](threads=1) as engine:
        frame = engine.rows(source, declaration, window, limit=LIMIT, seconds=TIME_LIMIT_S)
    masked = tuple(column for column in declaration.sensitive if column in frame.columns)
    with store.write() as c:
        audit.append(
            c,
            actor,
            "rows.opened",
            f"model:{slug}",
            after={"window": window.start.isoformat(), "rows": frame.height, "masked": list(masked)},
            ts=datetime.now(UTC),
        )
    zoned = [
        name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime) and dtype.time_zone
    ]
    local = frame.with_columns(pl.col(name).dt.convert_time_zone(declaration.zone.key) for name in zoned)
    shown = local.with_columns(pl.lit(MASK).alias(column) for column in masked)
    return Rows(shown, window, masked, len(source.files))


def _source(entries: list[LedgerEntry], window: Window, lookback: timedelta) -> Source:
    """Return the log files that overlap the window, and the label files that can hold its labels."""
    ordered = sorted(entries, key=lambda entry: (entry.file.mtime_ns, entry.file.path))
    readable = [entry for entry in ordered if entry.state == "read"]
    files = (e.file.path for e in readable if e.file.kind == "predictions" and _overlaps(e, window))
    late = Window(window.start, window.end + lookback)
    labels = (
        (e.file.path, e.file.mtime_ns / 1e9)
        for e in readable
        if e.file.kind == "labels" and (e.first is None or _overlaps(e, late))
    )
    return Source(tuple(files), tuple(labels))


def _overlaps(entry: LedgerEntry, window: Window) -> bool:
    return (
        entry.first is not None
        and entry.last is not None
        and entry.first < window.end
        and entry.last >= window.start
    )
