"""Where the marks of a chart go: inside its frame, in proportion, and nowhere for what is missing."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.core import charts

AMOUNTS = st.integers(min_value=-(10**15), max_value=10**15)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 62, [0, 20, 40, 60, 80]),
        (0, 100, [0, 25, 50, 75, 100]),
        (0, 0, [0, 0.25, 0.5, 0.75, 1]),
        (-30, 70, [-50, -25, 0, 25, 50, 75]),
        (0, Decimal("0.3"), [0, 0.1, 0.2, 0.3]),
    ],
)
def test_ticks_are_round(low: int, high: int, ticks: list[float]) -> None:
    assert charts.nice_ticks(low, high) == ticks


@given(AMOUNTS, AMOUNTS)
def test_ticks_cover_the_values_and_zero(one: int, other: int) -> None:
    low, high = min(one, other), max(one, other)
    ticks = charts.nice_ticks(low, high)
    hair = (ticks[1] - ticks[0]) * 1e-6
    assert ticks[0] <= min(low, 0) + hair
    assert ticks[-1] >= max(high, 0) - hair
    assert 0 in ticks
    assert len(ticks) <= 8


@given(st.lists(st.lists(AMOUNTS, min_size=3, max_size=3), max_size=24))
def test_columns_stay_in_the_frame_and_stand_on_one_another(rows: list[list[int]]) -> None:
    scene = charts.columns(rows)
    assert len(scene.boxes) == 3 * len(rows)
    for box in scene.boxes:
        assert charts.LEFT - 1 <= box.x <= box.x + box.width <= charts.WIDTH
        assert box.y >= charts.TOP - 1
        assert box.y + box.height <= charts.HEIGHT - charts.BOTTOM + 1
    for index, row in enumerate(rows):
        above = [box for box in scene.boxes if box.row == index and row[box.series] > 0]
        top = min((box.y for box in above), default=scene.floor)
        assert sum(box.height for box in above) == pytest.approx(scene.floor - top, abs=0.3)


@given(st.lists(st.none() | AMOUNTS, max_size=40), st.none() | AMOUNTS)
def test_a_line_breaks_where_a_value_is_missing(values: list[int | None], reference: int | None) -> None:
    scene = charts.line(values, reference=reference)
    assert [point.index for point in scene.points] == [i for i, value in enumerate(values) if value is not None]
    starts = [v is not None and (i == 0 or values[i - 1] is None) for i, v in enumerate(values)]
    assert scene.line.count("M") == sum(starts)
    assert (scene.reference is None) == (reference is None)
    for point in scene.points:
        assert charts.TOP - 1 <= point.y <= charts.HEIGHT - charts.BOTTOM + 1


def test_a_band_runs_forth_along_the_top_and_back_along_the_bottom() -> None:
    scene = charts.line([10, 20], lower=[5, 10], upper=[20, 40])
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", scene.band)]
    assert len(heights) == 4
    assert heights[0] < heights[3]
    assert heights[1] < heights[2]
    assert scene.band.endswith("Z")


@given(st.lists(AMOUNTS, max_size=8))
def test_shares_fill_the_bar(values: list[int]) -> None:
    boxes = charts.shares(values)
    assert len(boxes) == len(values)
    whole = sum(box.width for box in boxes)
    assert whole == pytest.approx(100 if any(value > 0 for value in values) else 0, abs=0.1)


@given(st.lists(AMOUNTS, max_size=8))
def test_lengths_are_beside_the_largest(values: list[int]) -> None:
    lengths = charts.lengths(values)
    assert all(0 <= length <= 100 for length in lengths)
    assert max(lengths, default=0) == (100 if any(value > 0 for value in values) else 0)


@given(st.lists(AMOUNTS, max_size=30))
def test_a_spark_fills_its_frame(values: list[int]) -> None:
    scene = charts.spark(values)
    assert len(scene.points) == len(values)
    for point in scene.points:
        assert 0 <= point.x <= 96
        assert 0 <= point.y <= 24
    if len(set(values)) > 1:
        assert max(point.y for point in scene.points) - min(point.y for point in scene.points) == pytest.approx(18)


def test_the_table_has_each_label_and_text() -> None:
    assert charts.table([("Jan", 1, "one"), ("Feb", [1, 2], ["one", "two"])]) == [["Jan", "one"], ["Feb", "one", "two"]]


def test_intervals_lie_about_their_estimates_and_zero_is_always_shown() -> None:
    scene = charts.intervals([(-0.1, 0.1, 0.3), (0.2, 0.25, 0.4)])
    assert all(one.low <= one.at <= one.high for one in scene.whiskers)
    zero = next(tick.at for tick in scene.ticks if tick.value == 0)
    assert scene.whiskers[0].low < zero < scene.whiskers[1].low
    assert scene.whiskers[0].y < scene.whiskers[1].y < scene.floor < scene.height
    assert charts.intervals([]).whiskers == []
