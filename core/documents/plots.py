"""The plots of a model card as shapes on a plane, which SVG and PDF draw alike; y grows downwards."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from zoneinfo import ZoneInfo

from core.card import Course, Interval, Intervals, Point
from core.numerals import significant

WIDTH, HEIGHT = 640.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 10.0, 8.0, 24.0
_ROW, _NAMES, _VALUES = 19.0, 210.0, 130.0
_LONGEST = 34  # letters of a label


@dataclass(frozen=True)
class Line:
    """Connected points; `role` says what it stands for, and so how it looks."""

    points: tuple[tuple[float, float], ...]
    role: str


@dataclass(frozen=True)
class Area:
    """A filled polygon."""

    points: tuple[tuple[float, float], ...]
    role: str


@dataclass(frozen=True)
class Dot:
    """A filled circle."""

    x: float
    y: float
    radius: float
    role: str


@dataclass(frozen=True)
class Label:
    """Text that begins, is centred or ends at x; its foot stands on y."""

    x: float
    y: float
    text: str
    anchor: str = "start"


Shape = Line | Area | Dot | Label


@dataclass(frozen=True)
class Drawing:
    """A plot: its size, its shapes from back to front, and what it shows in words."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    told: str


@dataclass(frozen=True)
class _Scale:
    """A linear map of values [low, high] to [start, end]; values outside lie on its ends."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)


def drawing(block: Course | Intervals, zone: str) -> Drawing:
    """Return a card's plot as shapes; times are written in `zone`."""
    shapes = _course(block, zone) if isinstance(block, Course) else _intervals(block.rows)
    height = HEIGHT if isinstance(block, Course) else len(block.rows) * _ROW + 24
    return Drawing(WIDTH, height, tuple(shapes), block.title)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round values between two ends, at most `most`.

    Examples
    --------
    >>> ticks(0.65, 0.76)
    [0.65, 0.675, 0.7, 0.725, 0.75]
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 2.5 * power, 5 * power, 10 * power) if step >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _course(block: Course, zone: str) -> Iterator[Shape]:
    known = [point for point in block.points if point.value is not None]
    y = _scale([p.value or 0.0 for p in known] + list(block.usual or ()), HEIGHT - _BOTTOM, _TOP)
    first, last = known[0].at.timestamp(), known[-1].at.timestamp()
    x = _Scale(first, last if last > first else first + 1, _LEFT, WIDTH - _RIGHT)
    if block.usual:
        low, _, high = (y.at(end) for end in block.usual)
        yield Area(((_LEFT, low), (WIDTH - _RIGHT, low), (WIDTH - _RIGHT, high), (_LEFT, high)), "usual")
    for value in ticks(y.low, y.high):
        yield Line(((_LEFT, y.at(value)), (WIDTH - _RIGHT, y.at(value))), "axis")
        yield Label(_LEFT - 6, y.at(value) + 4, significant(value), "end")
    stretches = list(_stretches(block.points))
    for part in stretches:
        yield from _band(part, x, y)
    for part in stretches:
        if len(part) == 1:
            yield Dot(x.at(part[0].at.timestamp()), y.at(part[0].value or 0.0), 1.6, "course")
        else:
            yield Line(tuple((x.at(p.at.timestamp()), y.at(p.value or 0.0)) for p in part), "course")
    yield from _days(known[0].at, known[-1].at, x, zone)


def _days(first: datetime, last: datetime, x: _Scale, zone: str) -> Iterator[Shape]:
    for i, anchor in enumerate(("start", "middle", "middle", "end")):
        at = first + (last - first) * (i / 3)
        day = at.astimezone(ZoneInfo(zone)).strftime("%-d %b %Y")
        if i == 0 or last > first:
            yield Label(x.at(at.timestamp()), HEIGHT - 7, day, anchor)


def _band(part: Sequence[Point], x: _Scale, y: _Scale) -> Iterator[Shape]:
    ends = [
        (x.at(p.at.timestamp()), y.at(p.lower), y.at(p.upper))
        for p in part
        if p.lower is not None and p.upper is not None
    ]
    if len(ends) > 1:
        above = [(at, upper) for at, _, upper in ends]
        below = [(at, lower) for at, lower, _ in reversed(ends)]
        yield Area((*above, *below), "band")


def _stretches(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield the points between gaps: a window without a value, or none where one would be."""
    steps = [(b.at - a.at).total_seconds() for a, b in zip(points, points[1:], strict=False)]
    usual = median(steps) if steps else math.inf
    part: list[Point] = []
    for point in points:
        far = part and (point.at - part[-1].at).total_seconds() > 1.5 * usual
        if part and (far or point.value is None):
            yield part
            part = []
        if point.value is not None:
            part.append(point)
    if part:
        yield part


def _intervals(rows: Sequence[Interval]) -> Iterator[Shape]:
    ends = [
        end for row in rows for end in (row.value, row.lower, row.upper, row.threshold) if end is not None
    ]
    x = _scale(ends, _NAMES, WIDTH - _VALUES)
    foot = len(rows) * _ROW
    for value in ticks(x.low, x.high, 4):
        yield Line(((x.at(value), 4), (x.at(value), foot + 2)), "axis")
        yield Label(x.at(value), foot + 16, significant(value), "middle")
    for i, row in enumerate(rows):
        middle = i * _ROW + _ROW / 2 + 2
        yield Label(0, middle + 4, _shortened(row.label))
        if row.threshold is not None:
            at = x.at(row.threshold)
            yield Line(((at, middle - 7), (at, middle + 7)), "limit")
        if row.lower is not None and row.upper is not None:
            yield Line(((x.at(row.lower), middle), (x.at(row.upper), middle)), "interval")
        yield Dot(x.at(row.value), middle, 3.6, "value")
        yield Label(WIDTH, middle + 4, _told(row), "end")


def _told(row: Interval) -> str:
    if row.lower is None or row.upper is None:
        return significant(row.value)
    return f"{significant(row.value)} ({significant(row.lower)} to {significant(row.upper)})"


def _scale(values: Sequence[float], start: float, end: float) -> _Scale:
    low, high = min(values), max(values)
    pad = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return _Scale(low - pad, high + pad, start, end)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
