from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from prediction.features import Ends
from prediction.model import GROUPS, PaymentModel, fit
from prediction.outcomes import NEVER, History
from tests.prediction.make import START, simulated

TODAY = START + 270


@pytest.fixture(scope="module")
def history() -> History:
    return simulated()


@pytest.fixture(scope="module")
def model(history: History) -> PaymentModel:
    return fit(history.known_on(TODAY - 1))


def test_the_same_history_gives_the_same_model(history: History, model: PaymentModel) -> None:
    again = fit(history.known_on(TODAY - 1))
    rows = np.flatnonzero((history.issued < TODAY) & (history.closed >= TODAY))
    days = np.full(len(rows), TODAY)
    ends = Ends.of(history)
    assert again.curves(ends, rows, days).unpaid.tobytes() == model.curves(ends, rows, days).unpaid.tobytes()


def test_scores_stay_bit_for_bit_when_the_future_comes(history: History, model: PaymentModel) -> None:
    cut = history.known_on(TODAY)
    rows = np.flatnonzero((cut.issued < TODAY) & (cut.closed >= TODAY))
    days = np.full(len(rows), TODAY)
    now = model.curves(Ends.of(cut), rows, days).unpaid
    assert model.curves(Ends.of(history), rows, days).unpaid.tobytes() == now.tobytes()


def test_chances_agree_with_what_is_true_of_each_customer(history: History, model: PaymentModel) -> None:
    """The simulated customers' lateness is known: prompt ones must be told from slow ones, at the right level."""
    rows = np.flatnonzero(history.issued >= TODAY)
    late = model.curves(Ends.of(history), rows, history.issued[rows]).late_probability()
    mean = np.linspace(-8, 14, 40)[history.account[rows] - 1]
    assert late[mean < -4].mean() < 0.1
    assert late[mean > 6].mean() > 0.9
    assert 0.25 < late[abs(mean) < 2].mean() < 0.75


def test_an_invoice_still_open_is_expected_later(history: History, model: PaymentModel) -> None:
    rows = np.flatnonzero((history.issued < TODAY) & (history.closed >= TODAY) & (history.due >= TODAY))
    ends = Ends.of(history)
    at_issue = model.curves(ends, rows, history.issued[rows])
    later = model.curves(ends, rows, np.full(len(rows), TODAY))
    assert (later.quantile(0.1) >= TODAY - history.due[rows]).all()
    assert later.late_probability().mean() > at_issue.late_probability().mean()


def test_invoices_still_open_teach(history: History) -> None:
    """Were only paid ones learnt from, those issued last would be the quick payers alone."""
    slow = replace(history, closed=history.issued + 80, paid=np.ones(len(history), dtype=np.bool_), as_of=NEVER)
    cut = slow.known_on(START + 100)
    assert cut.paid.mean() < 0.3
    rows = np.flatnonzero(cut.issued > START + 90)
    curves = fit(cut).curves(Ends.of(cut), rows, cut.issued[rows])
    assert curves.late_probability().min() > 0.95


def test_effects_point_where_the_customer_differs(history: History, model: PaymentModel) -> None:
    rows = np.flatnonzero(history.issued >= TODAY)
    effects = model.effects(Ends.of(history), rows, history.issued[rows])
    assert set(effects) == set(GROUPS)
    mean = np.linspace(-8, 14, 40)[history.account[rows] - 1]
    assert effects["customer"][mean > 6].mean() > 0.2
    assert effects["customer"][mean < -4].mean() < -0.2
    assert abs(effects["invoice"]).mean() < 0.1


def test_training_lines_are_drawn_down_to_the_limit(history: History) -> None:
    small = fit(history, max_cells=5_000)
    rows = np.arange(50)
    late = small.curves(Ends.of(history), rows, history.issued[rows]).late_probability()
    assert np.isfinite(late).all()
