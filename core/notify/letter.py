"""A letter: what a message says, without markup, and how it looks as plain text and as one HTML page.

Stored text becomes harmless on the way out: HTML is escaped, and neither form keeps control characters, line
breaks, endless length or a call to everyone in a chat.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

NAME, SENTENCE, SUBJECT, LINE = 80, 400, 160, 1000  # the longest text of each sort, in characters
_COLOURS = {"critical": "#B3261E", "warning": "#B35C00", "resolved": "#0B5CAD", "info": "#5B6570"}
_PAGE = "font:15px/1.5 system-ui,sans-serif;color:#1b1f23;max-width:44em;margin:0 auto;padding:1em"
_EVERYONE = re.compile(r"@(?=(?:everyone|here|channel|all)\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One thing to know: a title, lines of detail, and where to look."""

    title: str
    lines: tuple[str, ...] = ()
    link: str | None = None
    tone: str = "info"


@dataclass(frozen=True)
class Section:
    """Entries under a heading, and what stands below them (such as how many more there are)."""

    heading: str
    entries: tuple[Entry, ...]
    below: str = ""


@dataclass(frozen=True)
class Letter:
    """What a message says; `tone` is critical, warning, resolved or info, `links` pairs words with URLs."""

    subject: str
    intro: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    footer: str = ""
    tone: str = "info"


def plain(text: object, limit: int = NAME) -> str:
    r"""Return text as one line of printable characters, cut to `limit`.

    Examples
    --------
    >>> plain("two\r\nBcc: lines")
    'two Bcc: lines'
    """
    shown = str(text)[: 4 * limit]
    line = " ".join("".join(char if char.isprintable() else " " for char in shown).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def as_text(letter: Letter) -> str:
    """Return a letter as plain text."""
    lines = (f"{line[: len(line) - len(line.lstrip())]}{plain(line, LINE)}" for line in _text_lines(letter))
    return calling_nobody("\n".join(lines).strip())


def calling_nobody(text: str) -> str:
    """Return text in which a chat finds no call to everyone in a room."""
    return _EVERYONE.sub("@\u200b", text)


def as_html(letter: Letter) -> str:
    """Return a letter as one HTML page with all its text escaped."""
    colour = _COLOURS[letter.tone]
    subject = _safe(letter.subject)
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{subject}</title></head>',
            f'<body style="{_PAGE}"><h2 style="font-size:1.15em;color:{colour}">{subject}</h2>',
            *(f"<p>{_safe(line)}</p>" for line in letter.intro),
            *(part for section in letter.sections for part in _html_section(section)),
            *(f"<p>{_safe(words)}: {_link(url)}</p>" for words, url in letter.links),
            f'<p style="color:#5B6570;font-size:.85em">{_safe(letter.footer)}</p>',
            "</body></html>",
        )
    )


def _text_lines(letter: Letter) -> Iterator[str]:
    yield from letter.intro
    for section in letter.sections:
        if section.heading:
            yield from ("", section.heading)
        for entry in section.entries:
            yield from ("", entry.title)
            yield from (f"  {line}" for line in entry.lines)
            if entry.link:
                yield f"  {entry.link}"
        if section.below:
            yield from ("", section.below)
    yield ""
    yield from (f"{words}: {url}" for words, url in letter.links)
    yield letter.footer


def _html_section(section: Section) -> Iterator[str]:
    if section.heading:
        yield f'<h3 style="font-size:1em;margin:1.5em 0 0">{_safe(section.heading)}</h3>'
    for entry in section.entries:
        lines = [_safe(line) for line in entry.lines] + ([_link(entry.link)] if entry.link else [])
        title = f'<b style="color:{_COLOURS[entry.tone]}">{_safe(entry.title)}</b>'
        yield f"<p>{'<br>'.join((title, *lines))}</p>"
    if section.below:
        yield f"<p>{_safe(section.below)}</p>"


def _link(url: str) -> str:
    # The words of the link are its address: mail programs that show the text alone still have it.
    return f'<a href="{_safe(url)}">{_safe(url)}</a>'


def _safe(text: str) -> str:
    return html.escape(plain(text, LINE), quote=True)
