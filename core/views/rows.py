"""What the Rows tab reads: some rows of one window straight from the log, opened on the record."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from core.engine import ENGINES
from core.entities import Actor, Source
from core.errors import InputError, LogError
from core.store import Store, audit, ledger, models
from core.windows import Window

LIMIT = 500
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
    InputError
        If no model has this name.
    LogError
        If the window's log files are gone.
    """
    with store.read() as c:
        registered = models.get(c, slug)
        entries = ledger.entries(c, slug)
    if registered is None:
        raise InputError(f"no model is called {slug!r}; run steward status for the names")
    declaration = registered.declaration
    window = declaration.calendar.containing(instant)
    files = tuple(
        entry.file.path
        for entry in sorted(entries, key=lambda e: (e.file.mtime_ns, e.file.path))
        if entry.file.kind == "predictions"
        and entry.state == "read"
        and entry.first is not None
        and entry.last is not None
        and entry.first < window.end
        and entry.last >= window.start
    )
    if not files:
        raise LogError(
            f"{slug} has no log file for this window any more; its statistics stay, its rows are gone"
        )
    frame = ENGINES["duckdb"]().rows(Source(files), declaration, window, limit=LIMIT)
    masked = tuple(column for column in declaration.sensitive if column in frame.columns)
    with store.write() as c:
        audit.append(
            c,
            actor,
            "open_rows",
            f"model:{slug}",
            after={"window": window.start.isoformat(), "rows": frame.height, "masked": list(masked)},
            ts=datetime.now(window.start.tzinfo),
        )
    shown = frame.with_columns(pl.lit(MASK).alias(column) for column in masked)
    return Rows(shown, window, masked, len(files))
