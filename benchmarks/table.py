"""A table of measurements, printed as aligned text."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows of text under a title; `note` says what the numbers are held to."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def show(table: Table) -> None:
    """Print a table, numbers to the right."""
    lines = [table.columns, *table.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.columns))]
    print(f"\n{table.title}")
    for line in lines:
        cells = [text.ljust(widths[0]) if i == 0 else text.rjust(widths[i]) for i, text in enumerate(line)]
        print("  " + "  ".join(cells).rstrip())
    if table.note:
        print(f"  {table.note}")
