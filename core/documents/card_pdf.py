"""A model card as PDF: text that can be searched, tables, and the plots as vectors."""

from collections.abc import Mapping
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, TableCellFillMode
from fpdf.fonts import FontFace, TTFFont

from core.card import Course, Facts, Intervals, ModelCard, Section, Table
from core.card.content import AnyBlock
from core.documents import plots
from core.documents.card_text import PROMISE, about, said_by
from core.governed import SignedDocument

_FONTS = Path(__file__).with_name("fonts")
_FONT = "DejaVu"
_NO_SIGN = "□"  # stands for letters the font lacks
_LONGEST_CELL = 600
_MARGIN = 16.0
_TEXT, _QUIET, _RULE = (27, 33, 40), (91, 101, 112), (214, 219, 225)
_BLUE, _ORANGE = (0, 114, 178), (213, 94, 0)
_COLOURS: Mapping[str, tuple[int, int, int]] = {
    "axis": _RULE,
    "usual": (232, 235, 238),
    "band": (204, 227, 240),
    "course": _BLUE,
    "interval": _BLUE,
    "value": _BLUE,
    "limit": _ORANGE,
}


def card_pdf(card: ModelCard, signed: SignedDocument | None = None) -> bytes:
    """Return a card, or what was signed off as one, as a PDF file."""
    paper = _Paper(card.title)
    paper.heading(f"Model card: {card.title}", 17)
    paper.facts(tuple(about(card, signed)))
    paper.quiet(PROMISE)
    for section in (*card.sections, *card.beside):
        _section(paper, section, card.zone)
    if paper.without_sign:
        paper.quiet(
            f"{paper.without_sign:,} characters of this card are not in the font of this file and stand as "
            f"{_NO_SIGN}; its HTML and Markdown have them."
        )
    return paper.finished()


def _section(paper: "_Paper", section: Section, zone: str) -> None:
    paper.heading(section.title, 13)
    if not section.filled:
        paper.marked("Missing", section.how, _ORANGE)
    if section.entered is not None:
        paper.marked(said_by(section.entered), section.entered.text, _BLUE)
    for block in section.blocks:
        _block(paper, block, zone)


def _block(paper: "_Paper", block: AnyBlock, zone: str) -> None:
    drawing = plots.drawing(block, zone) if isinstance(block, Course | Intervals) else None
    if block.title:
        paper.heading(block.title, 10, before=paper.height(drawing) if drawing else 22)
    match block:
        case Facts():
            paper.facts(block.rows)
        case Table():
            paper.table(block)
    if drawing is not None:
        paper.plot(drawing)
    if block.note:
        paper.quiet(block.note)


class _Sheet(FPDF):
    """Pages with a foot: what the document is about, and the page's number."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self.foot = foot

    def footer(self) -> None:
        """Write the foot; called for each page."""
        self.set_y(-12)
        self.set_font(_FONT, size=7.5)
        self.set_text_color(*_QUIET)
        self.cell(self.epw / 2, 5, self.foot)
        self.cell(self.epw / 2, 5, f"{self.page_no()} / {{nb}}", align="R")


class _Paper:
    """The growing document; `without_sign` counts the letters that its font lacks."""

    def __init__(self, title: str) -> None:
        self.without_sign = 0
        self.pdf = pdf = _Sheet("")
        for style, file in (("", "DejaVuSansCondensed.ttf"), ("B", "DejaVuSansCondensed-Bold.ttf")):
            pdf.add_font(_FONT, style, _FONTS / file)
        pdf.set_font(_FONT)
        fonts = {style: pdf.fonts[f"{_FONT.lower()}{style}"] for style in ("", "B")}
        self._known = {style: set(font.cmap) for style, font in fonts.items() if isinstance(font, TTFFont)}
        pdf.foot = self._shown(f"Model card: {title}", "")[:90]
        pdf.set_title(f"Model card: {title}")
        pdf.set_creator("Steward")
        pdf.set_lang("en")
        pdf.set_margin(_MARGIN)
        pdf.c_margin = 0
        pdf.set_auto_page_break(auto=True, margin=18)
        pdf.add_page()

    def heading(self, text: str, size: float, *, before: float = 22) -> None:
        """Write a heading on a page that has room for it and for `before` (mm) of what follows."""
        pdf = self.pdf
        if pdf.will_page_break(size + before):
            pdf.add_page()
        elif pdf.get_y() > _MARGIN:
            pdf.ln(size / 4)
        self._write(text, size, style="B")
        if size == 13:
            pdf.set_draw_color(*_RULE)
            pdf.line(_MARGIN, pdf.get_y() + 0.5, pdf.w - _MARGIN, pdf.get_y() + 0.5)
        pdf.ln(1.5)

    def quiet(self, text: str) -> None:
        """Write small print."""
        self._write(text, 7.5, colour=_QUIET)
        self.pdf.ln(1)

    def marked(self, head: str, text: str, colour: tuple[int, int, int]) -> None:
        """Write text with a heading of its own and a line beside it on each of its pages."""
        pdf, inset = self.pdf, 4.0
        pdf.set_left_margin(_MARGIN + inset)
        top, page = pdf.get_y(), pdf.page
        self._write(head, 7.5, colour=_QUIET)
        self._write(text, 9)
        pdf.set_left_margin(_MARGIN)
        pdf.set_draw_color(*colour)
        pdf.set_line_width(0.7)
        end, last = pdf.get_y(), pdf.page
        for each in range(page, last + 1):
            pdf.page = each
            foot = end if each == last else pdf.h - 18
            pdf.line(_MARGIN + 1, top if each == page else _MARGIN, _MARGIN + 1, foot)
        pdf.page = last
        pdf.set_xy(_MARGIN, end + 2)
        pdf.set_line_width(0.2)

    def facts(self, rows: tuple[tuple[str, str], ...]) -> None:
        """Write names and what they are."""
        pdf, names = self.pdf, 42.0
        for name, value in rows:
            if pdf.will_page_break(9):
                pdf.add_page()
            top, page = pdf.get_y(), pdf.page
            self._write(name, 8.5, colour=_QUIET, width=names - 2)
            end, last = (pdf.get_y(), pdf.page)
            pdf.page = page
            pdf.set_left_margin(_MARGIN + names)
            pdf.set_xy(_MARGIN + names, top)
            self._write(value, 8.5)
            pdf.set_left_margin(_MARGIN)
            if pdf.page == last:
                pdf.set_y(max(pdf.get_y(), end))
            pdf.set_x(_MARGIN)
        pdf.ln(1.5)

    def table(self, block: Table) -> None:
        """Write a table; its head stands again on each page."""
        pdf = self.pdf
        head = [self._shown(_cut(name), "B") for name in block.head]
        rows = [[self._shown(_cut(value), "") for value in row] for row in block.rows]
        widths = [
            min(max(len(head[i]), *(len(row[i]) for row in rows), 5), 46) for i in range(len(block.head))
        ]
        pdf.set_font(_FONT, size=7.5)
        pdf.set_text_color(*_TEXT)
        pdf.set_draw_color(*_RULE)
        pdf.set_fill_color(255)
        with pdf.table(
            col_widths=tuple(widths),
            text_align=tuple("RIGHT" if i in block.numbers else "LEFT" for i in range(len(head))),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            cell_fill_mode=TableCellFillMode.NONE,
            headings_style=FontFace(emphasis="BOLD", color=_QUIET),
            line_height=3.8,
            padding=(0.9, 1.2),
        ) as table:
            for row in (head, *rows):
                cells = table.row()
                for value in row:
                    cells.cell(value)
        pdf.ln(1)

    def finished(self) -> bytes:
        """Return the file's bytes and let go of the fonts; nothing can be written any more."""
        content = bytes(self.pdf.output())
        for font in self.pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.close()
        return content

    def height(self, drawing: plots.Drawing) -> float:
        """Return how high a plot over the width of the page is, in mm."""
        return drawing.height * self.pdf.epw / drawing.width

    def plot(self, drawing: plots.Drawing) -> None:
        """Draw a plot over the width of the page."""
        pdf = self.pdf
        scale = pdf.epw / drawing.width
        if pdf.will_page_break(self.height(drawing)):
            pdf.add_page()
        top = pdf.get_y()
        for shape in drawing.shapes:
            self._shape(shape, scale, top)
        pdf.set_line_width(0.2)
        pdf.set_xy(_MARGIN, top + self.height(drawing) + 1)

    def _shape(self, shape: plots.Shape, scale: float, top: float) -> None:
        pdf = self.pdf

        def at(x: float, y: float) -> tuple[float, float]:
            return _MARGIN + x * scale, top + y * scale

        if isinstance(shape, plots.Label):
            pdf.set_font(_FONT, size=7)
            pdf.set_text_color(*_QUIET)
            text = self._shown(shape.text, "")
            back = {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor] * pdf.get_string_width(text)
            x, y = at(shape.x, shape.y)
            pdf.text(x - back, y, text)
            return
        colour = _COLOURS[shape.role]
        pdf.set_draw_color(*colour)
        pdf.set_fill_color(*colour)
        match shape:
            case plots.Line():
                pdf.set_line_width(0.2 if shape.role == "axis" else 0.35)
                pdf.polyline([at(*point) for point in shape.points])
            case plots.Area():
                pdf.polygon([at(*point) for point in shape.points], style="F")
            case plots.Dot():
                pdf.circle(*at(shape.x, shape.y), shape.radius * scale, style="F")

    def _write(
        self,
        text: str,
        size: float,
        *,
        style: str = "",
        colour: tuple[int, int, int] = _TEXT,
        width: float = 0,
    ) -> None:
        self.pdf.set_font(_FONT, style, size)
        self.pdf.set_text_color(*colour)
        self.pdf.multi_cell(
            width, size * 0.5, self._shown(text, style), align="L", new_x="LMARGIN", new_y="NEXT"
        )

    def _shown(self, text: str, style: str) -> str:
        """Return text in letters that the font has."""
        known = self._known[style]
        lacking = sum(ord(letter) not in known and letter != "\n" for letter in text)
        self.without_sign += lacking
        if not lacking:
            return text
        return "".join(c if ord(c) in known or c == "\n" else _NO_SIGN for c in text)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
