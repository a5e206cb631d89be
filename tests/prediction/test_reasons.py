from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prediction.features import NAMES
from prediction.model import GROUPS
from prediction.reasons import MOST, SAID, reasons_of

USUAL: dict[str, float] = {
    "settled": 20,
    "mean_late": 0,
    "recent_late": 0,
    "late_rate": 0.5,
    "disputed": 0,
    "terms": 30,
}


def told(facts: dict[str, float], effects: dict[str, float], *, overdue: int = -5) -> list[dict[str, Any]]:
    table = np.array([[(USUAL | facts).get(name, 0.0) for name in NAMES]])
    moved = {group: np.array([effects.get(group, 0.0)]) for group in GROUPS}
    return reasons_of(table, moved, np.array([overdue]))[0]


def test_every_group_of_features_has_its_words() -> None:
    assert set(SAID) == set(GROUPS)


@pytest.mark.parametrize(
    ("facts", "effects", "expected"),
    [
        ({"mean_late": 6.2, "recent_late": 6}, {"customer": 0.2}, {"code": "pays_late", "days": 6, "points": 20}),
        (
            {"mean_late": 2, "recent_late": 9},
            {"customer": 0.1},
            {"code": "lately_slower", "days": 9, "usual": 2, "points": 10},
        ),
        ({"mean_late": -3.4}, {"customer": -0.3}, {"code": "pays_early", "days": 3, "points": -30}),
        ({"late_rate": 0.1}, {"customer": -0.3}, {"code": "pays_on_time", "percent": 90, "points": -30}),
        (
            {"amount_to_usual": np.log(2.5)},
            {"amount": 0.05},
            {"code": "amount_high", "percent": 250, "raises": True, "points": 5},
        ),
        ({"overdue": 3}, {"standing": 0.04}, {"code": "others_overdue", "count": 3, "points": 4}),
        ({"weekday_late": 4}, {"invoice": 0.04}, {"code": "due_weekday", "weekday": 0, "raises": True, "points": 4}),
    ],
)
def test_a_reason_is_what_the_figures_say(
    facts: dict[str, float], effects: dict[str, float], expected: dict[str, Any]
) -> None:
    assert told(facts, effects) == [expected]


def test_nothing_is_said_that_the_figures_do_not_bear_out() -> None:
    assert told({"mean_late": -4, "late_rate": 0.1}, {"customer": 0.2}) == [], "raised, but the customer pays early"
    assert told({"overdue": 2}, {"standing": -0.2}) == []
    assert told({"amount_to_usual": 0.1}, {"amount": 0.2}) == []
    assert told({"mean_late": 6}, {"customer": 0.01}) == [], "too small an effect"


def test_plain_facts_come_first_and_the_list_is_short() -> None:
    found = told(
        {"disputed": 1, "settled": 2, "mean_late": 6}, {"customer": 0.5, "standing": 0.4, "invoice": 0.3}, overdue=4
    )
    assert [reason["code"] for reason in found] == ["overdue", "contested", "short_history"]
    assert len(found) == MOST
    assert told({}, {}, overdue=0) == [{"code": "due_today"}]
