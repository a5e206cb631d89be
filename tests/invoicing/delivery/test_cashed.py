"""A platform is told what was cashed of the invoices it brought: each payment once, and what went back again."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from ar.cash.applying import apply_payment, unapply
from ar.cash.history import applied_of
from ar.cash.models import Method, Payment
from ar.cash.receive import Receipt, Target, record_payment, take_back
from ar.core.kernel import Kernel
from ar.core.money import parse_minor
from invoicing.delivery.cashed import Movement, Tax, percent, shares, tell_cashed, untold
from invoicing.delivery.models import CashedReport, Route
from invoicing.models import Invoice
from tests.invoicing.delivery.make import billed, company, wants, worked
from tests.invoicing.make import NOW, TODAY


def paid(kernel: Kernel, invoice: Invoice, minor: int, *, applied: bool = True) -> Payment:
    assert invoice.entry_id is not None
    with kernel.database.transaction() as session:
        came = Receipt(
            entity_id=invoice.entity_id,
            account_id=invoice.account_id,
            amount_minor=minor,
            currency=invoice.currency,
            method=Method.BANK_TRANSFER,
            received_on=TODAY,
            targets=[Target(invoice.entry_id, minor)] if applied else [],
        )
        return record_payment(session, came, by="user:1", now=NOW)


def told(kernel: Kernel) -> list[dict[str, Any]]:
    """The statuses put before the platform, in the order of their names."""
    worked(kernel)
    folder = kernel.settings.var_dir / "platform" / "out"
    return [json.loads(path.read_text()) for path in sorted(folder.glob("status-*.json"))]


def gross(statuses: list[dict[str, Any]]) -> int:
    return sum(parse_minor(one[part], "EUR") for s in statuses for one in s["amounts"] for part in ("net", "tax"))


def test_two_payments_of_a_day_are_both_told_and_the_one_taken_back_as_well(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel)
    wants(kernel, account_id, Route.PLATFORM, formats=["ubl"])
    [invoice] = billed(kernel, entity_id, account_id)
    first = paid(kernel, invoice, 1_000)
    second = paid(kernel, invoice, invoice.total_minor - 1_000)
    statuses = told(kernel)
    assert [one["code"] for one in statuses] == ["212", "212"]
    assert {one["cashed_on"] for one in statuses} == {TODAY.isoformat()}
    assert gross(statuses) == invoice.total_minor
    tax = sum(parse_minor(one["tax"], "EUR") for status in statuses for one in status["amounts"])
    assert tax == invoice.tax_minor
    assert first.entry_id is not None
    assert tell_cashed(kernel, {"entry_ids": [first.entry_id, second.entry_id]}, NOW) == "0 documents told as cashed"
    assert first.id is not None
    with kernel.database.transaction() as session:
        take_back(session, first.id, why="bounced", by="user:1", now=NOW)
    assert gross(told(kernel)) == invoice.total_minor - 1_000
    with kernel.database.reading() as session:
        assert sorted(session.exec(select(CashedReport.amount_minor))) == [-1_000, 1_000, invoice.total_minor - 1_000]


def test_applied_later_and_undone_before_it_was_told(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel)
    wants(kernel, account_id, Route.PLATFORM, formats=["ubl"])
    [invoice] = billed(kernel, entity_id, account_id)
    payment = paid(kernel, invoice, 2_000, applied=False)
    assert told(kernel) == []
    assert payment.id is not None
    assert invoice.entry_id is not None
    with kernel.database.transaction() as session:
        apply_payment(session, payment.id, [Target(invoice.entry_id, 500)], by="user:1", now=NOW)
        [applied] = applied_of(session, payment)
        unapply(session, payment.id, applied.allocation_id, why="wrong", by="user:1", now=NOW)
    assert told(kernel) == []
    with kernel.database.transaction() as session:
        apply_payment(session, payment.id, [Target(invoice.entry_id, 700)], by="user:1", now=NOW)
    assert gross(told(kernel)) == 700


def test_other_ways_and_imported_invoices_are_nobodys_business(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel)
    wants(kernel, account_id, Route.PORTAL)
    [invoice] = billed(kernel, entity_id, account_id)
    paid(kernel, invoice, 1_000)
    assert told(kernel) == []


TAXES = st.lists(
    st.builds(Tax, st.integers(0, 2_500), st.integers(0, 10**7), st.integers(0, 10**6)), min_size=1, max_size=5
)


@given(TAXES, st.data())
def test_parts_add_up_to_the_document_at_each_rate(taxes: list[Tax], data: st.DataObject) -> None:
    whole = sum(tax.net_minor + tax.tax_minor for tax in taxes)
    cuts = sorted(data.draw(st.lists(st.integers(0, whole), max_size=5)))
    steps = [0, *cuts, whole]
    got: dict[str, int] = {"net": 0, "tax": 0}
    for before, after in pairwise(steps):
        amounts = shares(taxes, before, after, "EUR")
        assert sum(parse_minor(one[part], "EUR") for one in amounts for part in got) == after - before
        for one in amounts:
            for part in got:
                got[part] += parse_minor(one[part], "EUR")
    assert got == {"net": sum(t.net_minor for t in taxes), "tax": sum(t.tax_minor for t in taxes)}


def test_what_was_undone_before_it_was_told_is_left_out() -> None:
    day = date(2026, 4, 2)
    made = [Movement(1, 9, 500, day, None), Movement(2, 9, -500, day, 1), Movement(3, 9, 300, day, None)]
    assert [one.allocation_id for one in untold(made, set())] == [3]
    assert [one.allocation_id for one in untold(made, {1})] == [2, 3]
    assert untold(made, {1, 2, 3}) == []


def test_percent() -> None:
    assert [percent(rate) for rate in (0, 550, 2_000, 1_925)] == ["0", "5.5", "20", "19.25"]
