"""A model card as Markdown that GitHub shows well; plots are told in numbers."""

import re
from collections.abc import Iterator, Sequence
from statistics import median
from zoneinfo import ZoneInfo

from core.card import Course, Entered, Facts, Intervals, ModelCard, Point, Section, Table
from core.card.content import AnyBlock
from core.documents.card_text import PROMISE, about, said_by
from core.governed import SignedDocument
from core.numerals import significant

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|$~!&]|:(?=\S)|(?<=www)\.)", re.IGNORECASE)
_BEGINS = re.compile(r"^(?:=+\s*$|[-+](?=[\s-]|$)|\d{1,9}(?=[.)](?:\s|$)))")  # of headings, rules and lists
_BARS = "▁▂▃▄▅▆▇█"
_BUCKETS = 12


def card_markdown(card: ModelCard, signed: SignedDocument | None = None) -> str:
    """Return a card, or what was signed off as one, as Markdown; no stored text acts as Markdown or HTML."""
    lines = [f"# Model card: {escaped(card.title)}", ""]
    lines += [f"- **{name}:** {escaped(value)}" for name, value in about(card, signed)]
    lines += ["", PROMISE, ""]
    for section in (*card.sections, *card.beside):
        lines += [f"## {section.title}", "", *_opening(section)]
        lines += [line for block in section.blocks for line in block_lines(block, card.zone)]
    return "\n".join(lines).rstrip() + "\n"


def block_lines(block: AnyBlock, zone: str, *, heading: str = "### {}") -> Iterator[str]:
    """Yield the lines of one block, its title written as `heading`."""
    lines = list(_lines(block, zone))
    if not lines:
        return
    if block.title:
        yield from (heading.format(escaped(block.title)), "")
    yield from (*lines, "")
    if block.note:
        yield from (f"*{escaped(block.note)}*", "")


def escaped(value: str) -> str:
    r"""Return one line of text with everything escaped that Markdown would act on.

    Examples
    --------
    >>> escaped("- ![x](http://y) <b> at 10:30")
    '\\- \\!\\[x\\](http\\://y) \\<b\\> at 10\\:30'
    """
    inner = _ACTIVE.sub(r"\\\1", value.strip())
    return _BEGINS.sub(lambda m: m[0] + "\\" if m[0].isdigit() else "\\" + m[0], inner)


def _lines(block: AnyBlock, zone: str) -> Iterator[str]:
    match block:
        case Facts():
            yield from (f"- **{escaped(name)}:** {escaped(value)}" for name, value in block.rows)
        case Table():
            yield from table(block.head, block.rows, block.numbers)
        case Intervals() if block.live:  # those of evidence stand in the table above them
            rows = [(row.label, significant(row.value), _between(row.lower, row.upper)) for row in block.rows]
            yield from table(("Group", "Value", "95 % interval"), rows, (1, 2))
        case Course():
            yield from _course(block, zone)


def _opening(section: Section) -> Iterator[str]:
    """Yield what stands first in a section: that it is missing, or what a person entered."""
    if not section.filled:
        yield from (f"> **Missing.** {escaped(section.how)}", "")
    if section.entered is not None:
        yield from (*_entered(section.entered), "")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> Iterator[str]:
    """Yield a table; `numbers` are the positions of columns to set right."""
    yield f"| {' | '.join(map(escaped, head))} |"
    yield f"|{'|'.join('---:' if i in numbers else '---' for i in range(len(head)))}|"
    yield from (f"| {' | '.join(escaped(value) or ' ' for value in row)} |" for row in rows)


def _entered(entered: Entered) -> Iterator[str]:
    yield f"> *{escaped(said_by(entered))}:*"
    yield ">"
    lines = entered.text.split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        both = line.strip() and following.strip()
        yield f"> {escaped(line)}{'  ' if both else ''}".rstrip(" " if not both else "")


def _course(block: Course, zone: str) -> Iterator[str]:
    known = [point for point in block.points if point.value is not None]
    size = max(-(-len(known) // _BUCKETS), 1)
    parts = [known[i : i + size] for i in range(0, len(known), size)]
    middles = [median(_values(part)) for part in parts]
    yield f"{_bars(middles)} (middle values, {significant(min(middles))} to {significant(max(middles))})"
    yield ""
    rows = [
        (
            _day(part[0], zone),
            f"{len(part):,}",
            *map(significant, (middle, min(_values(part)), max(_values(part)))),
        )
        for part, middle in zip(parts, middles, strict=True)
    ]
    yield from table(("From", "Windows", "Middle", "Lowest", "Highest"), rows, (1, 2, 3, 4))


def _values(points: Sequence[Point]) -> list[float]:
    return [point.value for point in points if point.value is not None]


def _bars(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    steps = (high - low) / (len(_BARS) - 1) or 1.0
    return "".join(_BARS[round((value - low) / steps)] for value in values)


def _between(lower: float | None, upper: float | None) -> str:
    return "–" if lower is None or upper is None else f"{significant(lower)} to {significant(upper)}"


def _day(point: Point, zone: str) -> str:
    return point.at.astimezone(ZoneInfo(zone)).strftime("%-d %b %Y")
