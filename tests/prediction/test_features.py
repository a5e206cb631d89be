from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from prediction.features import CLIP, NAMES, Ends, features
from prediction.model import Questions
from prediction.outcomes import NEVER, History, day_number, late_known
from tests.prediction.make import START, history_of, real, simulated

SCORED = START + 150


def column(history: History, name: str, rows: list[int], days: list[int]) -> list[float]:
    found = features(Ends.of(history), np.array(rows), np.array(days))[:, NAMES.index(name)]
    return [float(value) for value in found]


def small() -> History:
    """One customer: paid 4 late, paid 2 early, still open, and the invoice to score on day 50; another customer's."""
    account = np.array([1, 1, 1, 1, 2])
    issued = np.array([0, 5, 10, 50, 1]) + START
    due = np.array([20, 30, 40, 80, 20]) + START
    closed = np.array([24 + START, 28 + START, NEVER, NEVER, 50 + START])
    return history_of(account, issued, due, closed, amount=np.array([100, 200, 400, 800, 100]), as_of=START + 60)


def test_features_of_a_small_history_by_hand() -> None:
    history, at = small(), START + 50

    def one(name: str) -> float:
        return column(history, name, [3], [at])[0]

    assert one("settled") == 2
    assert one("mean_late") == (4 - 2) / 2
    assert one("late_rate") == 0.5
    assert one("deviation") == 3.0
    assert one("last_late") == -2.0
    weights = np.exp(-np.array([26, 22]) / 120)
    assert one("recent_late") == pytest.approx((4 * weights[0] - 2 * weights[1]) / weights.sum())
    assert one("due_late_rate") == pytest.approx(2 / 3), "what is open past its date counts as late"
    assert one("since_payment") == 22
    assert one("open") == 1
    assert one("overdue") == 1
    assert one("overdue_age") == 10
    assert one("overdue_to_usual") == pytest.approx(400 / (700 / 3))
    assert one("amount_to_usual") == pytest.approx(np.log(800) - np.log([100, 200, 400]).mean(), abs=1e-5)
    assert one("terms") == 30
    assert np.isnan(one("month")), "two years of history come first"


def test_an_invoice_is_not_among_what_its_customer_owes_besides() -> None:
    history = small()
    assert column(history, "overdue", [2], [START + 55]) == [0.0]
    assert column(history, "open", [2], [START + 55]) == [1.0]


def changed(history: History, day: int) -> History:
    """The same up to the day before `day`; from it on everything ends otherwise, and invoices are added."""
    draw = np.random.default_rng(3)
    moved = np.where(history.closed >= day, day + draw.integers(0, 90, len(history)), history.closed)
    disputed = np.where(draw.random(len(history)) < 0.3, day + draw.integers(0, 9, len(history)), history.disputed)
    known = replace(history, closed=moved, paid=moved < NEVER, disputed=disputed, as_of=day + 400)
    extra = known.take(np.arange(0, len(history), 3))
    extra = replace(
        extra,
        account=extra.account * draw.integers(1, 3, len(extra)),
        issued=day + draw.integers(0, 20, len(extra)),
        due=day + draw.integers(20, 40, len(extra)),
        closed=day + draw.integers(0, 90, len(extra)),
        amount=extra.amount * 7,
    )
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(known, name), getattr(extra, name)])
        for name in known.__dataclass_fields__
        if name != "as_of"
    }
    return replace(known, **columns)


@pytest.mark.parametrize("history", [simulated(), pytest.param("ibm", id="ibm"), pytest.param("hr", id="hr")])
def test_no_event_of_the_scoring_day_or_later_changes_a_bit(history: History | str) -> None:
    known = real(history) if isinstance(history, str) else history
    day = int(np.median(known.issued))
    rows = np.flatnonzero((known.issued <= day) & (known.closed >= day))
    assert len(rows) > 20
    other = changed(known, day)
    asked = Questions.of(Ends.of(known), rows, np.full(len(rows), day))
    again = Questions.of(Ends.of(other), rows, np.full(len(rows), day))
    for name in ("table", "usual", "shares"):
        assert getattr(asked, name).tobytes() == getattr(again, name).tobytes(), name


def test_a_history_cut_off_answers_as_the_whole_does() -> None:
    history = simulated()
    cut = history.known_on(SCORED - 1)
    rows = np.arange(len(cut))
    days = np.maximum(history.issued[rows], SCORED - 30)
    whole = features(Ends.of(history), rows, days)
    assert features(Ends.of(cut), rows, days).tobytes() == whole.tobytes()


def test_the_invoice_s_own_end_is_in_no_feature() -> None:
    history = simulated()
    rows = np.arange(len(history))
    slower = replace(history, closed=np.where(history.closed < NEVER, history.closed + 60, NEVER), as_of=NEVER)
    one = rows[len(rows) // 2 :][:1]
    mixed = replace(history, closed=np.where(np.isin(rows, one), slower.closed, history.closed))
    before = features(Ends.of(history), one, history.issued[one])
    assert features(Ends.of(mixed), one, history.issued[one]).tobytes() == before.tobytes()


def test_month_needs_two_years() -> None:
    history = simulated(days=900)
    days = np.array([START + 100, START + 860])
    rows = np.array([np.searchsorted(history.issued, day) for day in days])
    month = features(Ends.of(history), rows, days)[:, NAMES.index("month")]
    assert np.isnan(month[0])
    assert 1 <= month[1] <= 12


def test_lateness_is_known_once_paid_or_past_the_date() -> None:
    history = small()
    known, late = late_known(history)
    assert known.tolist() == [True, True, True, False, True]
    assert late.tolist() == [True, False, True, False, True]
    withdrawn = replace(history, paid=np.zeros(5, dtype=np.bool_))
    assert late_known(withdrawn)[0].tolist() == [True, False, True, False, True]


def test_lateness_is_clipped() -> None:
    history = history_of(
        np.array([1, 1]), np.array([0, 300]) + START, np.array([10, 330]) + START, np.array([290 + START, NEVER])
    )
    assert column(history, "mean_late", [1], [START + 300]) == [CLIP[1]]


def test_no_row_needs_no_history() -> None:
    empty = simulated().take(np.arange(0))
    assert features(Ends.of(empty), np.arange(0), np.arange(0)).shape == (0, len(NAMES))
    assert day_number(date(1970, 1, 2)) == 1
