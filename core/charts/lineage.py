"""A picture of what came from what: boxes from left to right, sources first."""

from collections.abc import Mapping, Sequence
from html import escape

import plotly.graph_objects as go

from core.charts.style import GREY

ROW_PX = 56


def lineage(
    edges: Sequence[tuple[str, str, str]], entity: str, titles: Mapping[str, str] | None = None
) -> go.Figure:
    """Return a figure of the edges (source, relation, target) that lead to `entity`, which stands rightmost.

    Parameters
    ----------
    titles : how people call entities; by default as the edges do
    """
    places = _places(edges, entity)
    names = titles or {}
    figure = go.Figure()
    for source, relation, target in edges:
        (x0, y0), (x1, y1) = places[source], places[target]
        figure.add_annotation(
            **{"x": x1, "y": y1, "ax": x0, "ay": y0, "axref": "x", "ayref": "y"},
            **{"showarrow": True, "arrowhead": 2, "arrowwidth": 1.2, "arrowcolor": GREY},
            **{"standoff": 46, "startstandoff": 46},
        )
        near = {"x": x0 + 0.4 * (x1 - x0), "y": y0 + 0.4 * (y1 - y0), "showarrow": False, "yshift": 9}
        figure.add_annotation(text=escape(relation), font={"size": 11, "color": GREY}, **near)
    for name, (x, y) in places.items():
        figure.add_annotation(
            **{"x": x, "y": y, "text": escape(names.get(name, name)), "showarrow": False, "borderpad": 6},
            **{"bordercolor": GREY, "borderwidth": 2 if name == entity else 1},
        )
    depth = max((x for x, _ in places.values()), default=0)
    rows = max((y for _, y in places.values()), default=0)
    hidden = {"visible": False, "fixedrange": True}
    figure.update_layout(
        height=int(ROW_PX * (rows + 1.4) + 20),
        margin={"l": 0, "r": 0, "t": 10, "b": 10},
        xaxis=hidden | {"range": [-0.5, depth + 0.5]},
        yaxis=hidden | {"range": [rows + 0.5, -0.9]},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def _places(edges: Sequence[tuple[str, str, str]], entity: str) -> dict[str, tuple[float, float]]:
    """Return x (the longest way from a source) and y (centred in the column) of each entity.

    What stands between is half a row higher, so that straight ways pass it by.
    """
    sources: dict[str, list[str]] = {entity: []}
    for source, _, target in edges:
        sources.setdefault(target, []).append(source)
        sources.setdefault(source, [])
    depth: dict[str, int] = {}

    def column(name: str, path: frozenset[str]) -> int:
        if name not in depth:
            above = [column(each, path | {name}) for each in sources[name] if each not in path]
            depth[name] = max(above, default=-1) + 1
        return depth[name]

    columns: dict[int, list[str]] = {}
    for name in sources:
        columns.setdefault(column(name, frozenset()), []).append(name)
    tallest = max(len(names) for names in columns.values())
    return {
        name: (float(x), i + (tallest - len(names)) / 2 - (0.5 if 0 < x < depth[entity] else 0.0))
        for x, names in columns.items()
        for i, name in enumerate(names)
    }
