"""What a model card holds: sections of facts, tables and plots, and the bytes by which it is signed off.

Whatever becomes part of a card is cleaned of characters that could hide or reorder text. A block is `live` if
its numbers move on without anybody changing a record: those do not count for `records_digest`.
"""

import unicodedata
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from core import records
from core.card.completeness import completeness
from core.strict import Strict

_REORDERS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str) -> str:
    r"""Return text without control characters but the end of a line, and without overrides of its direction.

    Examples
    --------
    >>> clean("one\ttwo\r\nthree\x07\u202e")
    'one two\nthree'
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(
        c
        for c in unified
        if c == "\n" or (unicodedata.category(c) not in ("Cc", "Cs") and c not in _REORDERS)
    )


Said = Annotated[str, AfterValidator(clean)]
Cell = Annotated[str, AfterValidator(lambda text: " ".join(clean(text).split()))]


class Block(Strict):
    """A part of a section; `note` says where it comes from and of when it is."""

    title: Cell = ""
    note: Cell = ""
    live: bool = False


class Facts(Block):
    """Names and what they are."""

    kind: Literal["facts"] = "facts"
    rows: tuple[tuple[Cell, Cell], ...]


class Table(Block):
    """Rows of text; `numbers` are the positions of columns to set right."""

    kind: Literal["table"] = "table"
    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: tuple[int, ...] = ()


class Interval(Strict):
    """One value with its 95 % interval, and the threshold it was held against."""

    label: Cell
    value: float
    lower: float | None = None
    upper: float | None = None
    threshold: float | None = None


class Intervals(Block):
    """A plot: values beneath each other on one scale."""

    kind: Literal["intervals"] = "intervals"
    rows: tuple[Interval, ...]


class Point(Strict):
    """One window's value; None where it has none."""

    at: AwareDatetime
    value: float | None
    lower: float | None = None
    upper: float | None = None


class Course(Block):
    """A plot: one metric window by window; `usual`: low, middle, high of nine in ten reference windows."""

    kind: Literal["course"] = "course"
    points: tuple[Point, ...]
    usual: tuple[float, float, float] | None = None


AnyBlock = Annotated[Facts | Table | Intervals | Course, Field(discriminator="kind")]


class Entered(Strict):
    """What a person wrote."""

    text: Said
    by: Cell
    on: AwareDatetime


class Section(Strict):
    """A section: what records say (`blocks`) and what a person entered; `how` says how it gets filled."""

    name: str
    title: Cell
    filled: bool = True
    how: Cell = ""
    blocks: tuple[AnyBlock, ...] = ()
    entered: Entered | None = None

    def recorded(self) -> dict[str, Any]:
        """Return what records and people say, without live numbers."""
        kept = [block.model_dump(mode="json") for block in self.blocks if not block.live]
        return {"blocks": kept, "entered": self.entered.model_dump(mode="json") if self.entered else None}


class ModelCard(Strict):
    """A whole card of one version (None = of a model without versions), as of business time `as_of`.

    `sections` are those of Mitchell et al. in order, `beside` live health, releases and approvals.
    """

    format: Literal[1] = 1
    model: Cell
    number: int | None
    name: Cell | None = None  # what the prediction log calls the version
    as_of: AwareDatetime
    zone: str
    sections: tuple[Section, ...]
    beside: tuple[Section, ...]

    @property
    def title(self) -> str:
        """How people name it."""
        if self.number is None:
            return self.model
        called = f" ({self.name})" if self.name != str(self.number) else ""
        return f"{self.model}, version {self.number}{called}"

    @property
    def completeness(self) -> float:
        """The share of sections that say something; 1 is a complete card."""
        return completeness([section.name for section in self.sections if section.filled])

    @property
    def missing(self) -> tuple[Section, ...]:
        """The sections that say nothing yet."""
        return tuple(section for section in self.sections if not section.filled)

    @cached_property
    def records_digest(self) -> str:
        """The digest of what records and people say: another one means that the card changed."""
        said = {section.name: section.recorded() for section in self.sections}
        return records.digest({"model": self.model, "number": self.number, "sections": said})

    def canonical(self) -> bytes:
        """Return the card as the bytes that are signed off."""
        return records.canonical(self.model_dump(mode="json"))


def changed(before: ModelCard, after: ModelCard) -> tuple[str, ...]:
    """Return the titles of the sections in which two cards of a version say something else."""
    was = {section.name: section.recorded() for section in before.sections}
    return tuple(each.title for each in after.sections if was.get(each.name) != each.recorded())
