"""Self-contained HTML, a page or a part of one: every text escaped, the style inside, nothing loaded."""

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

_STYLE = Path(__file__).with_name("page.css")
_PART = "steward-report"
# What notebooks say of every table inside their outputs, unsaid.
_UNSAY = (
    "table { table-layout: auto; margin: 0; font-size: inherit; color: inherit; border: 0; }"
    " tr, tr:hover { background: none; } th, td { max-width: none; white-space: normal; font-size: inherit;"
    " line-height: inherit; border-width: 0 0 1px; } .quiet, details { line-height: 1.5; }"
)
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


def part(body: Iterable[str]) -> str:
    """Return a part of somebody else's page, such as the output of a notebook's cell.

    The style speaks of nothing outside the part. Where a viewer strips styles, plain headings and
    tables are left.
    """
    style = _STYLE.read_text(encoding="utf-8")
    nested = re.sub(r"(^|[\s{}])(?::root|body)(?= *\{)", r"\1&", style)
    scope = f".{_PART}" * 3  # outdoes the rules of notebooks, which name two classes at most
    return (
        f'<div class="{_PART}">\n<style>\n{scope} {{ {_UNSAY}\n{nested}}}\n</style>\n<main>\n'
        + "\n".join(body)
        + "\n</main>\n</div>\n"
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
