"""The legal order of a payment that names nothing."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ar.cash.imputation import legal_order
from ar.ledger.items import ItemState
from ar.ledger.models import EntryKind

TODAY = date(2026, 3, 15)


def item(
    number: int, open_minor: int, due: date, kind: EntryKind = EntryKind.INVOICE, disputed: int = 0, side: int = 1
) -> ItemState:
    return ItemState(number, 1, 1, kind, side, "EUR", open_minor, open_minor, disputed, date(2026, 1, 1), due, "")


def test_due_before_not_due_interest_before_principal_then_the_oldest() -> None:
    items = [
        item(1, 100, date(2026, 4, 1)),
        item(2, 100, date(2026, 3, 1)),
        item(3, 100, date(2026, 2, 1)),
        item(4, 40, date(2026, 3, 10), EntryKind.LATE_CHARGE),
        item(5, 100, date(2026, 1, 1), side=-1),
    ]
    assert legal_order(items, 290, today=TODAY) == [(4, 40), (3, 100), (2, 100), (1, 50)]


def test_equals_share_in_proportion_and_contested_amounts_are_left_alone() -> None:
    items = [item(1, 300, date(2026, 3, 1)), item(2, 100, date(2026, 3, 1)), item(3, 80, date(2026, 1, 1), disputed=50)]
    assert legal_order(items, 130, today=TODAY) == [(3, 30), (1, 75), (2, 25)]


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(1, 28), st.integers(0, 500)), max_size=8),
    st.integers(1, 3000),
)
def test_never_more_than_is_free_and_never_less_than_could_be(rows: list[tuple[int, int, int]], amount: int) -> None:
    items = [item(n, minor, date(2026, 3, day), disputed=min(minor, d)) for n, (minor, day, d) in enumerate(rows)]
    free = {i.entry_id: i.open_minor - i.disputed_minor for i in items}
    shares = legal_order(items, amount, today=TODAY)
    assert all(0 < minor <= free[number] for number, minor in shares)
    assert sum(minor for _, minor in shares) == min(amount, sum(free.values()))
