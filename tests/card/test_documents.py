"""A card as Markdown, HTML and PDF: they say what the card says, and no stored text acts in any of them."""

import io
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pypdf import PdfReader

from core import card as cards
from core import documenting
from core.actions import cards as actions
from core.card import Course, Entered, Facts, Interval, Intervals, ModelCard, Point, Section, Table
from core.documents import plots
from core.documents.card_html import card_html
from core.documents.card_markdown import card_markdown
from core.documents.card_pdf import card_pdf
from core.documents.card_text import file_name
from core.store import Store
from tests.card.conftest import HOSTILE
from tests.pages import portfolio
from tests.release.conftest import APU

# As GitHub reads it: tables, bare addresses become links, HTML is HTML.
GITHUB = MarkdownIt("commonmark", {"linkify": True, "html": True}).enable(
    ["table", "strikethrough", "linkify"]
)


def filled_with(text: str) -> ModelCard:
    """A card in which every text that can come from outside is `text`."""
    at = portfolio.NOW
    points = (Point(at=at, value=0.5, lower=0.4, upper=0.6), Point(at=at + timedelta(days=1), value=0.6))
    blocks = (
        Facts(title=text, note=text, rows=((text, text),)),
        Table(title=text, note=text, head=(text, text), rows=((text, text),), numbers=(1,)),
        Intervals(title=text, rows=(Interval(label=text, value=0.5, lower=0.4, upper=0.6),), live=True),
        Course(title=text, points=points),
    )
    section = Section(
        name="caveats", title="Caveats", how=text, filled=False, blocks=blocks,
        entered=Entered(text=text, by=text, on=at),
    )  # fmt: skip
    return ModelCard(
        model=text, number=1, name=text, as_of=at, zone="UTC", sections=(section,), beside=(section,)
    )


class Tags(HTMLParser):
    """The elements and attributes of a page, and its visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def markdown_acts(text: str) -> set[str]:
    """Return what the Markdown of a card has that only its texts could have brought in."""
    found = {each.type for token in GITHUB.parse(text) for each in [token, *(token.children or ())]}
    return found & {
        *("html_block", "html_inline", "link_open", "image", "code_block", "code_inline", "fence"),
        *("hr", "ordered_list_open", "s_open"),
    }


def test_every_form_tells_the_same_card(documented: Store):
    card = documenting.card_of(documented, "delay-30")
    assert card is not None
    page, note, pdf = card_html(card), card_markdown(card), pdf_text(card_pdf(card))
    shown = " ".join(" ".join(Tags(page).words).split())
    flat = " ".join(pdf.split())
    for section in (*card.sections, *card.beside):
        assert section.title in shown and f"## {section.title}\n" in note and section.title in flat
    for said in ("customer-comms@example.com", card.records_digest, "Warnings worry people."):
        assert said in shown and said in note and said in flat
    assert "0.7 to 0.72" in shown and "0.7 to 0.72" in note and "0.7 to 0.72" in flat
    assert "Entered by dora@example.com on 1 Jan 2014" in shown
    assert "Entered by dora@example.com on 1 Jan 2014" in flat
    assert page.count("<svg") == 4


def test_a_bare_card_says_what_is_missing_and_how_to_fill_it(documented: Store):
    card = documenting.card_of(documented, "never-swept")
    assert card is not None
    told = [
        " ".join(Tags(card_html(card)).words),
        card_markdown(card).replace("\\", ""),
        pdf_text(card_pdf(card)),
    ]
    for text in told:
        flat = " ".join(text.split())
        assert flat.count("Missing") == len(cards.SECTIONS)
        assert "Attach evidence of performance with steward evaluate." in flat


@pytest.mark.parametrize(
    "text", [HOSTILE, *HOSTILE.splitlines(), "-->", "]]>", "' onload='x", "a\n\n    b", "~~x~~"]
)
def test_no_text_acts_in_html(text: str):
    plain, hostile = Tags(card_html(filled_with("x"))), Tags(card_html(filled_with(text)))
    assert hostile.names == plain.names and hostile.attributes == plain.attributes
    assert not hostile.attributes & {"src", "href", "action", "background"}
    assert "default-src 'none'" in card_html(filled_with(text))


@pytest.mark.parametrize(
    "text", [HOSTILE, *HOSTILE.splitlines(), "~~x~~", "***", "- - -", "---", "<!--", "&copy;", "1) x"]
)
def test_no_text_acts_in_markdown(text: str):
    assert markdown_acts(card_markdown(filled_with(text))) == set()
    tokens = GITHUB.parse(card_markdown(filled_with(text)))
    plain = GITHUB.parse(card_markdown(filled_with("x")))
    for kind in ("heading_open", "table_open", "td_open", "bullet_list_open", "blockquote_open"):
        assert [t.type for t in tokens].count(kind) == [t.type for t in plain].count(kind)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.sampled_from("ab1 \n\\`*_{}[]()<>#|$~!&:;.+-=\"'/@w"), min_size=1, max_size=40))
def test_no_mixture_of_marks_acts_in_markdown_or_html(text: str):
    card = filled_with(text + "x")  # a blank title has no heading
    note = GITHUB.parse(card_markdown(card))
    links = [
        each.attrs.get("href", "")
        for token in note
        for each in token.children or ()
        if each.type == "link_open"
    ]
    assert [link for link in links if not str(link).startswith("mailto:")] == []
    assert markdown_acts(card_markdown(card)) <= {"link_open"}  # of a mail address, which everybody may have
    assert Tags(card_html(card)).names == Tags(card_html(filled_with("x"))).names


def test_entered_lines_stay_lines_in_markdown():
    note = card_markdown(filled_with("one\ntwo\n\nthree"))
    assert "> one  \n> two\n>\n> three\n" in note


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "größe ✓ Ελλάδα Привет",
        "身長 and 🛩",
        "العربية",
        "x" * 5000,
        "long words " * 900,
        "\n" * 300 + "x",
    ],
)
def test_a_pdf_opens_whatever_its_texts_hold(text: str):
    content = card_pdf(filled_with(text))
    reader = PdfReader(io.BytesIO(content), strict=True)
    assert reader.metadata is not None and reader.metadata.title.startswith("Model card: ")
    assert len(reader.pages) >= 1
    names = {key for page in reader.pages for key in page}
    assert "/Annots" not in names and "/AA" not in names  # no links, nothing that acts


def test_letters_the_font_of_the_pdf_lacks_are_counted_and_said():
    told = pdf_text(card_pdf(filled_with("größe ✓ Ελλάδα")))
    assert "größe ✓ Ελλάδα" in told and "not in the font" not in told
    lacking = pdf_text(card_pdf(filled_with("身長")))
    assert "□□" in lacking and "characters of this card are not in the font of this file" in lacking


def test_the_pdf_of_a_long_text_keeps_all_of_it(documented: Store):
    card = filled_with("line\n" * 400 + "the end")
    assert pdf_text(card_pdf(card)).count("line") >= 800
    assert "the end" in pdf_text(card_pdf(card))


def test_what_was_signed_says_by_whom_in_every_form(documented: Store):
    made = actions.sign_off(documented, "delay-30", 1, APU)
    card = actions.signed_card(documented, made)
    for told in (
        " ".join(Tags(card_html(card, made)).words),
        card_markdown(card, made),
        pdf_text(card_pdf(card, made)),
    ):
        assert "1 Jan 2014 by apu@example.com (approver)" in " ".join(told.split())
        assert made.digest in told.replace("\n", "")
    assert file_name(card, "html", made) == "model-card-delay-30-v1-2014-01-01-signed-1.html"


def test_a_file_is_named_by_slug_version_and_day_alone():
    assert re.fullmatch(r"[a-z0-9._-]+", file_name(filled_with("x"), "md"))


@pytest.mark.parametrize(
    "values",
    [[0.5], [0.5, 0.5], [0.0, 0.0, 0.0], [None, 0.5], [-1e9, 1e9], [1e-9, 2e-9], [0.5, None, None, 0.6]],
)
def test_plots_of_few_equal_or_extreme_values_lie_inside_their_frame(values: list[float | None]):
    points = tuple(Point(at=portfolio.NOW + timedelta(days=i), value=v) for i, v in enumerate(values))
    drawn = plots.drawing(Course(points=points), "UTC")
    for shape in drawn.shapes:
        ends = shape.points if isinstance(shape, plots.Line | plots.Area) else [(shape.x, shape.y)]
        assert all(0 <= x <= drawn.width and 0 <= y <= drawn.height for x, y in ends)
    assert any(getattr(shape, "role", "") == "course" for shape in drawn.shapes)


def test_a_gap_in_time_breaks_the_line():
    days = [0, 1, 2, 9, 10]
    points = tuple(Point(at=portfolio.NOW + timedelta(days=d), value=0.5 + d / 100) for d in days)
    lines = [
        s for s in plots.drawing(Course(points=points), "UTC").shapes if getattr(s, "role", "") == "course"
    ]
    assert [len(line.points) for line in lines if isinstance(line, plots.Line)] == [3, 2]
