"""Where the marks of a chart go: pure geometry, in the user units of an SVG, for the macros of base/charts.html.

Coordinates are floats rounded to a tenth; they place marks and are never amounts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Number = int | float | Decimal

WIDTH = 560.0
HEIGHT = 240.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 32.0, 14.0, 28.0


@dataclass(frozen=True)
class Tick:
    """A line of the grid: its place and the value that it stands for."""

    at: float
    value: float


@dataclass(frozen=True)
class Box:
    """A rectangle of value number `row`, series number `series`."""

    x: float
    y: float
    width: float
    height: float
    row: int
    series: int

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True)
class Spot:
    """The place of value number `index`."""

    x: float
    y: float
    index: int


@dataclass(frozen=True)
class Columns:
    """A chart of upright boxes: one place on the axis for each row, the series of a row stacked upwards."""

    ticks: list[Tick]
    boxes: list[Box]
    centres: list[float]
    floor: float
    label_every: int


@dataclass(frozen=True)
class Whisker:
    """An estimate and the ends of its interval, on the height of its row."""

    y: float
    low: float
    at: float
    high: float


@dataclass(frozen=True)
class Intervals:
    """Intervals below one another; the ticks are places on the level axis, `height` that of the whole."""

    ticks: list[Tick]
    whiskers: list[Whisker]
    floor: float
    height: float


@dataclass(frozen=True)
class Lines:
    """A chart of a line, with the area under it, a band of likely values and a reference where there are such."""

    ticks: list[Tick]
    line: str
    area: str
    band: str
    reference: float | None
    points: list[Spot]
    centres: list[float]
    floor: float
    label_every: int


def nice_ticks(lowest: Number, highest: Number, *, count: int = 4) -> list[float]:
    """Round values from at or below `lowest` to at or above `highest`, about `count` steps, zero always among them."""
    low, high = min(0.0, float(lowest)), max(0.0, float(highest))
    if high == low:
        high = low + 1.0
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * multiple for multiple in (1, 2, 2.5, 5, 10) if power * multiple >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def _scale(values: Sequence[float], *, top: float, bottom: float) -> tuple[list[Tick], float, float]:
    """Ticks for `values` between two heights, the height of zero, and the height of one unit."""
    marks = nice_ticks(min(values, default=0.0), max(values, default=0.0))
    unit = (bottom - top) / (marks[-1] - marks[0])
    ticks = [Tick(round(bottom - (value - marks[0]) * unit, 1), value) for value in marks]
    return ticks, bottom + marks[0] * unit, unit


def _label_every(count: int) -> int:
    """Show each n-th label, so that about a dozen fit."""
    return max(1, math.ceil(count / 9))


def columns(rows: Sequence[Sequence[Number]]) -> Columns:
    """Upright boxes for `rows`, each a sequence of the values stacked at one place. Negative values hang from zero."""
    sums = [sum(float(value) for value in row if value > 0) for row in rows]
    drops = [sum(float(value) for value in row if value < 0) for row in rows]
    ticks, zero, unit = _scale(sums + drops, top=TOP, bottom=HEIGHT - BOTTOM)
    pitch = (WIDTH - LEFT - RIGHT) / max(1, len(rows))
    width = min(48.0, pitch * 0.64)
    boxes = []
    for index, row in enumerate(rows):
        up = down = zero
        x = LEFT + pitch * (index + 0.5) - width / 2
        for series, value in enumerate(row):
            height = abs(float(value)) * unit
            if value > 0:
                up -= height
            boxes.append(
                Box(round(x, 1), round(up if value > 0 else down, 1), round(width, 1), round(height, 1), index, series)
            )
            if value < 0:
                down += height
    centres = [round(LEFT + pitch * (index + 0.5), 1) for index in range(len(rows))]
    return Columns(ticks, boxes, centres, round(zero, 1), _label_every(len(rows)))


def line(
    values: Sequence[Number | None],
    *,
    lower: Sequence[Number | None] = (),
    upper: Sequence[Number | None] = (),
    reference: Number | None = None,
) -> Lines:
    """A line through `values`; it breaks where one is missing. `lower` and `upper` bound the band, place by place."""
    known = [float(value) for value in (*values, *lower, *upper, reference) if value is not None]
    ticks, zero, unit = _scale(known, top=TOP, bottom=HEIGHT - BOTTOM)
    pitch = (WIDTH - LEFT - RIGHT) / max(1, len(values) - 1)
    centres = [round(LEFT + pitch * index, 1) for index in range(len(values))]

    def placed(series: Sequence[Number | None]) -> list[list[Spot]]:
        runs: list[list[Spot]] = [[]]
        for index, (x, value) in enumerate(zip(centres, series, strict=False)):
            if value is None:
                runs.append([])
            else:
                runs[-1].append(Spot(x, round(zero - float(value) * unit, 1), index))
        return [run for run in runs if run]

    runs = placed(values)
    floor = round(zero, 1)
    return Lines(
        ticks=ticks,
        line="".join(_path(run) for run in runs),
        area="".join(_path([Spot(run[0].x, floor, 0), *run, Spot(run[-1].x, floor, 0)]) + "Z" for run in runs),
        band="".join(_path(high + low[::-1]) + "Z" for low, high in zip(placed(lower), placed(upper), strict=True)),
        reference=None if reference is None else round(zero - float(reference) * unit, 1),
        points=[point for run in runs for point in run],
        centres=centres,
        floor=floor,
        label_every=_label_every(len(values)),
    )


def spark(values: Sequence[Number], *, width: float = 96.0, height: float = 24.0) -> Lines:
    """A small line without axes, filling its frame from the lowest to the highest value."""
    low, high = float(min(values, default=0)), float(max(values, default=0))
    unit = (height - 6) / ((high - low) or 1.0)
    pitch = (width - 6) / max(1, len(values) - 1)
    points = [
        Spot(round(3 + pitch * index, 1), round(height - 3 - (float(value) - low) * unit, 1), index)
        for index, value in enumerate(values)
    ]
    return Lines([], _path(points), "", "", None, points, [], height, 1)


def intervals(rows: Sequence[tuple[Number, Number, Number]], *, pitch: float = 36.0) -> Intervals:
    """A row for each (lowest, estimate, highest), a line from the first to the last, against one level axis."""
    values = [float(value) for row in rows for value in row]
    marks = nice_ticks(min(values, default=0.0), max(values, default=0.0))
    left, unit = 2 * LEFT, (WIDTH - 2 * LEFT - RIGHT) / (marks[-1] - marks[0])

    def place(value: Number) -> float:
        return round(left + (float(value) - marks[0]) * unit, 1)

    whiskers = [
        Whisker(round(TOP + pitch * (index + 0.5), 1), place(low), place(estimate), place(high))
        for index, (low, estimate, high) in enumerate(rows)
    ]
    floor = round(TOP + pitch * len(rows), 1)
    return Intervals([Tick(place(value), value) for value in marks], whiskers, floor, floor + BOTTOM)


def table(rows: Sequence[tuple[Any, Any, str | Sequence[str]]]) -> list[list[Any]]:
    """The cells of the table beside a chart: of (label, value, text), or of (label, values, texts)."""
    return [[label, text] if isinstance(text, str) else [label, *text] for label, _, text in rows]


def shares(values: Sequence[Number], *, width: float = 100.0) -> list[Box]:
    """Lengths laid end to end along one bar, each in proportion to its value; values below zero take no room."""
    lengths = [max(0.0, float(value)) for value in values]
    whole = sum(lengths) or 1.0
    boxes, x = [], 0.0
    for index, length in enumerate(lengths):
        part = length / whole * width
        boxes.append(Box(round(x, 2), 0.0, round(part, 2), 1.0, index, index))
        x += part
    return boxes


def lengths(values: Sequence[Number], *, width: float = 100.0) -> list[float]:
    """The length of each value beside the largest, which fills `width`."""
    largest = max((float(value) for value in values), default=0.0)
    return [round(max(0.0, float(value)) / largest * width, 2) if largest > 0 else 0.0 for value in values]


def _path(points: Sequence[Spot]) -> str:
    return "".join(f"{'L' if index else 'M'}{point.x:g} {point.y:g}" for index, point in enumerate(points))
