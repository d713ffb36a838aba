"""Small plots as inline SVG: reference against current, in the colours of the page's theme."""

from collections.abc import Sequence

from core.comparison.results import Distribution, Measurement
from core.documents import plots
from core.documents.page import text

WIDTH = 260
_PLOT = 62
_ROW = 17
_LABEL = 98


def distribution(shown: Distribution) -> str:
    """Return the plot of a column: area and line for bins, pairs of bars for values and categories."""
    reference, current = shown.shares.reference, shown.shares.current
    if shown.of == "categories":
        return _categories(shown.labels, reference, current)
    shapes = (
        _histogram(reference, current) if shown.of == "bins" else _values(shown.labels, reference, current)
    )
    first, last = shown.labels[0].split(" to ")[0], shown.labels[-1].split(" to ")[-1]
    axis = f'<line class="axis" x1="0" y1="{_PLOT}" x2="{WIDTH}" y2="{_PLOT}"/>'
    ends = f'<text x="0" y="{_PLOT + 13}">{text(first)}</text>'
    if len(shown.labels) > 1:
        ends += f'<text x="{WIDTH}" y="{_PLOT + 13}" text-anchor="end">{text(last)}</text>'
    return _svg(_PLOT + 17, shapes + axis + ends, "distribution in the reference and in the current file")


def dumbbell(
    before: Measurement | None, after: Measurement | None, low: float = 0.0, high: float = 1.0
) -> str:
    """Return one metric of both sides as two dots with their intervals on a line from `low` to `high`."""
    width, height, pad = 170, 22, 8

    def at(value: float) -> float:
        inside = min(max((value - low) / (high - low or 1.0), 0.0), 1.0)
        return round(pad + inside * (width - 2 * pad), 1)

    middle = height / 2
    shapes = [f'<line class="track" x1="{pad}" y1="{middle}" x2="{width - pad}" y2="{middle}"/>']
    for side, kind, y in ((before, "reference", middle - 3), (after, "current", middle + 3)):
        if side is None or side.value is None:
            continue
        if side.lower is not None and side.upper is not None:
            ends = f'x1="{at(side.lower)}" y1="{y}" x2="{at(side.upper)}" y2="{y}"'
            shapes.append(f'<line class="interval of-{kind}" {ends}/>')
        shapes.append(f'<circle class="{kind}" cx="{at(side.value)}" cy="{y}" r="4"/>')
    return _svg(height, "".join(shapes), "reference and current on a line", width)


def plot(drawn: plots.Drawing) -> str:
    """Return the plot of a model card."""
    shapes = "".join(map(_shape, drawn.shapes))
    return _svg(drawn.height, shapes, text(drawn.told), int(drawn.width), kind="plot")


def _shape(shape: plots.Shape) -> str:
    match shape:
        case plots.Line():
            return f'<polyline class="{shape.role}" points="{_points(shape.points)}"/>'
        case plots.Area():
            return f'<polygon class="{shape.role}" points="{_points(shape.points)}"/>'
        case plots.Dot():
            return f'<circle class="{shape.role}" cx="{shape.x}" cy="{shape.y}" r="{shape.radius}"/>'
        case plots.Label():
            place = f'x="{shape.x}" y="{shape.y}" text-anchor="{shape.anchor}"'
            return f"<text {place}>{text(shape.text)}</text>"


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _histogram(reference: Sequence[float], current: Sequence[float]) -> str:
    top = max(*reference, *current) or 1.0
    step = WIDTH / len(reference)
    outlines = []
    for shares in (reference, current):
        points = [f"0,{_PLOT}"]
        for i, share in enumerate(shares):
            y = round(_PLOT - share / top * (_PLOT - 4), 1)
            points += [f"{round(i * step, 1)},{y}", f"{round((i + 1) * step, 1)},{y}"]
        outlines.append(" ".join([*points, f"{WIDTH},{_PLOT}"]))
    return f'<polygon class="area" points="{outlines[0]}"/><polyline class="line" points="{outlines[1]}"/>'


def _values(labels: Sequence[str], reference: Sequence[float], current: Sequence[float]) -> str:
    top = max(*reference, *current) or 1.0
    step = min(WIDTH / len(labels), 80)
    bars = []
    for i, label in enumerate(labels):
        for side, (kind, share) in enumerate((("reference", reference[i]), ("current", current[i]))):
            height = round(share / top * (_PLOT - 4), 1)
            x = round(i * step + step * (0.1 + 0.4 * side), 1)
            bars.append(
                f'<rect class="{kind}" x="{x}" y="{round(_PLOT - height, 1)}" '
                f'width="{round(0.38 * step, 1)}" height="{height}">'
                f"<title>{text(label)}: {share:.1%} ({kind})</title></rect>"
            )
    return "".join(bars)


def _categories(labels: Sequence[str], reference: Sequence[float], current: Sequence[float]) -> str:
    top = max(*reference, *current) or 1.0
    rows = []
    for i, label in enumerate(labels):
        y = i * _ROW
        short = label if len(label) <= 13 else label[:12] + "…"
        rows.append(
            f'<text x="{_LABEL - 6}" y="{y + 12}" text-anchor="end">{text(short or "(empty)")}</text>'
        )
        for side, (kind, share) in enumerate((("reference", reference[i]), ("current", current[i]))):
            width = round(max(share / top * (WIDTH - _LABEL - 2), 0.5 if share else 0), 1)
            rows.append(
                f'<rect class="{kind}" x="{_LABEL}" y="{y + 2 + 6.5 * side}" width="{width}" height="6">'
                f"<title>{text(label)}: {share:.1%} ({kind})</title></rect>"
            )
    return _svg(len(labels) * _ROW + 2, "".join(rows), "shares of the most frequent values")


def _svg(height: float, shapes: str, label: str, width: int = WIDTH, *, kind: str = "") -> str:
    size = (
        f'class="{kind}" ' if kind else ""
    ) + f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg {size} role="img" aria-label="{label}">{shapes}</svg>'
