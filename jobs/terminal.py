"""What commands print: aligned tables, JSON, and progress bars that only a terminal shows."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def print_json(value: object) -> None:
    """Print a value as JSON; times are ISO 8601."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as aligned columns under their names, numbers to the right."""
    texts = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(columns, *texts, strict=True)]
    numeric = [bool(rows) and all(_is_number(row.get(column)) for row in rows) for column in columns]
    for line in ([*columns], *texts):
        cells = zip(line, widths, numeric, strict=True)
        print(
            "  ".join(
                text.rjust(width) if right else text.ljust(width) for text, width, right in cells
            ).rstrip()
        )


def alike(messages: Iterable[str]) -> Iterator[str]:
    """Return messages that begin with a path and a colon, each once: where only paths differ, they count."""
    by_text: dict[str, list[str]] = {}
    for message in messages:
        by_text.setdefault(message.replace(message.partition(": ")[0], ""), []).append(message)
    for several in by_text.values():
        more = f" (and {len(several) - 1:,} more files alike)" if len(several) > 1 else ""
        yield several[0] + more


def progress(items: Iterable[T], *, what: str, total: int | None = None) -> Iterable[T]:
    """Return the items, with a progress bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        return items
    from tqdm import tqdm  # only long work pays for the import

    return tqdm(items, desc=what, total=total, leave=False)


def _plain(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return "; ".join(map(str, value)) or "–"
    return str(value)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
