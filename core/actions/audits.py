"""Taking the audit log out of Steward: as the lines that were hashed, or as a table for a spreadsheet."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from core.actions.authority import require
from core.entities import Actor
from core.store import Store, audit
from core.store.audit import AuditEntry

Format = Literal["jsonl", "csv"]
_COLUMNS = ("seq", "ts", "actor", "source", "action", "entity", "before", "after", "reason", "hash")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet begins to calculate


def export(store: Store, actor: Actor, form: Format, /, **wanted: Any) -> bytes:
    """Return entries, the oldest first, and note in the log that they were taken out.

    Parameters
    ----------
    form : ``jsonl`` gives each body byte for byte, so that SHA-256 of a line is the hash in the next line;
        ``csv`` gives columns, in which no cell is a formula
    wanted : as `audit.entries`

    Raises
    ------
    NotAllowed
        If the actor may not take the log out.
    """
    with store.write() as c:
        require(c, actor, "audit.export")
        found = audit.entries(c, **{"limit": None} | wanted)[::-1]
        told = {"format": form, "entries": len(found)} | {name: v for name, v in wanted.items() if v}
        audit.append(c, actor, "audit.exported", "audit", after=told, ts=datetime.now(UTC))
    return b"".join(each.body + b"\n" for each in found) if form == "jsonl" else as_csv(found)


def as_csv(found: Sequence[AuditEntry]) -> bytes:
    """Return entries as CSV; what could begin a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([_cell(getattr(each, name)) for name in _COLUMNS] for each in found)
    return out.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text
