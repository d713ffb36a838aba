"""The pictures of docs/right-alarms.md, drawn from what the benchmark measured: small SVG, no library."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from benchmarks.alarm_streams import HARD, STREAMS

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 300, 56, 44
_COLOURS = ("#0b6e99", "#c2571a", "#5b8c2a")
_SHIFTS = (0.05, 0.1, 0.2, 0.3, 0.5)


def draw(cache: Path, folder: Path) -> None:
    """Write the pictures that the measurements in the cache allow."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {}
    for law in STREAMS:
        if found := _measured(cache, law, 200):
            kinds = [f"mean + {shift:g} sd" for shift in _SHIFTS]
            lines[law] = [float(np.mean([np.mean(f["drifts"][kind][1]) for f in found])) for kind in kinds]
    (folder / "alarms-power.svg").write_text(
        _chart("Share of windows found, 200 rows, by shift of the mean (sd)", _SHIFTS, lines)
    )
    levels = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1)
    lines = {}
    for law in (*STREAMS, *HARD):
        if found := _measured(cache, law, 200):
            smallest = np.concatenate([f["quiet"] for f in found])
            lines[law] = [float(np.mean(smallest <= level)) for level in levels]
    (folder / "alarms-quiet.svg").write_text(
        _chart("Quiet windows with any alarm, 200 rows, by q", levels, lines, top=0.4)
    )


def _measured(cache: Path, law: str, rows: int) -> list[dict]:
    file = cache / f"steward-{law}-{rows}-20.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _chart(title: str, x: Sequence[float], lines: dict[str, list[float]], top: float = 1.0) -> str:
    def across(value: float) -> float:
        return _LEFT + (value - 0) / max(x) * (_WIDTH - _LEFT - 130)

    def up(value: float) -> float:
        return _HEIGHT - _BOTTOM - min(value / top, 1.0) * (_HEIGHT - _BOTTOM - 40)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for share in np.linspace(0, top, 5):
        y = up(share)
        parts.append(f'<path d="M{_LEFT} {y:.0f}H{_WIDTH - 130}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{share:.0%}</text>')
    for value in x:
        label = f'<text x="{across(value):.0f}" y="{_HEIGHT - 20}" text-anchor="middle">{value:g}</text>'
        parts.append(label)
    for place, (name, values) in enumerate(lines.items()):
        colour, dash = _COLOURS[place % 3], "" if place < 3 else ' stroke-dasharray="5 4"'
        points = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in zip(x, values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        y = 60 + 20 * place
        parts.append(f'<path d="M{_WIDTH - 122} {y}h22" stroke="{colour}" stroke-width="2"{dash}/>')
        parts.append(f'<text x="{_WIDTH - 94}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])
