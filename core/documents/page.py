"""One self-contained HTML page: every text escaped, the style inside, nothing loaded from anywhere."""

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

_STYLE = Path(__file__).with_name("page.css")
# A browser that honours this refuses any request and any script, whatever a stored text tried to smuggle in.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def text(value: object) -> str:
    """Return a value as text that is safe in HTML, in content and in attributes.

    Examples
    --------
    >>> text('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(str(value), quote=True)


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole page; `title` is escaped here, `body` is HTML already."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{text(title)}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def card(heading: str, body: Iterable[str], note: str = "") -> str:
    """Return a section with a heading; nothing if its body is empty."""
    inner = "\n".join(body)
    if not inner:
        return ""
    told = f'<p class="quiet">{text(note)}</p>\n' if note else ""
    return f'<section class="card">\n<h2>{text(heading)}</h2>\n{told}{inner}\n</section>'


def table(head: Sequence[str], rows: Iterable[str], *, kind: str = "") -> str:
    """Return a table that scrolls sideways where too wide; heads starting with ``#`` are of numbers."""
    cells = "".join(
        f'<th scope="col" class="number">{text(name[1:])}</th>'
        if name.startswith("#")
        else f'<th scope="col">{text(name)}</th>'
        for name in head
    )
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="{kind}">\n<thead><tr>{cells}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def cell(content: str, kind: str = "") -> str:
    """Return a table cell; `content` is HTML already."""
    return f'<td class="{kind}">{content}</td>' if kind else f"<td>{content}</td>"
