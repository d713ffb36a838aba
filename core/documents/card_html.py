"""A model card as one HTML file that needs nothing else."""

from collections.abc import Iterator

from core.card import Course, Entered, Facts, Intervals, ModelCard, Section, Table
from core.card.content import AnyBlock
from core.documents import plots, svg
from core.documents.card_text import PROMISE, about, said_by
from core.documents.page import cell, page, table, text
from core.governed import SignedDocument


def card_html(card: ModelCard, signed: SignedDocument | None = None) -> str:
    """Return a card, or what was signed off as one, as a page; all text is escaped."""
    return page(f"Model card: {card.title}", _whole(card, signed))


def _whole(card: ModelCard, signed: SignedDocument | None) -> Iterator[str]:
    state = "no_drift" if not card.missing else "drift"
    facts = "".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in about(card, signed)
    )
    yield (
        f'<header class="card verdict {state}">\n<p class="eyebrow">Model card</p>\n'
        f'<h1><bdi>{text(card.title)}</bdi></h1>\n<dl class="facts">{facts}</dl>\n'
        f'<p class="quiet">{text(PROMISE)}</p>\n</header>'
    )
    for section in (*card.sections, *card.beside):
        yield f'<section class="card" id="{text(section.name)}">\n<h2>{text(section.title)}</h2>\n'
        yield from _section(section, card.zone)
        yield "</section>"


def _section(section: Section, zone: str) -> Iterator[str]:
    if not section.filled:
        yield f'<div class="missing"><p><strong>Missing.</strong> {text(section.how)}</p></div>'
    if section.entered is not None:
        yield _entered(section.entered)
    for block in section.blocks:
        if block.title:
            yield f"<h3><bdi>{text(block.title)}</bdi></h3>"
        yield _block(block, zone)
        if block.note:
            yield f'<p class="quiet">{text(block.note)}</p>'


def _entered(entered: Entered) -> str:
    said = f'<p class="quiet"><bdi>{text(said_by(entered))}</bdi></p>'
    return f'<div class="entered">{said}<p><bdi>{text(entered.text)}</bdi></p></div>'


def _block(block: AnyBlock, zone: str) -> str:
    match block:
        case Facts():
            rows = (
                f'<th scope="row"><bdi>{text(name)}</bdi></th>' + cell(f"<bdi>{text(value)}</bdi>")
                for name, value in block.rows
            )
            body = "".join(f"<tr>{row}</tr>" for row in rows)
            return f'<div class="scroll"><table class="told"><tbody>{body}</tbody></table></div>'
        case Table():
            head = [f"#{name}" if i in block.numbers else name for i, name in enumerate(block.head)]
            return table(head, (_row(row, block.numbers) for row in block.rows))
        case Course() | Intervals():
            return svg.plot(plots.drawing(block, zone))


def _row(row: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    return "".join(
        cell(f"<bdi>{text(value)}</bdi>", "number" if i in numbers else "") for i, value in enumerate(row)
    )
