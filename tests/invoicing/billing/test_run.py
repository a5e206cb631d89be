"""Billing runs: each customer its own way in one night, nothing twice, nothing lost, whatever happens."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from ar.core.kernel import Kernel
from ar.credit.limits import LimitDraft, set_limit
from ar.ledger.models import OpenItem
from invoicing.billing import record as recording
from invoicing.billing.drafts import (
    NotApprovedError,
    OwnDraftError,
    approve_drafts,
    discard_draft,
    draft_by_hand,
    draft_detail,
    issue_drafts,
)
from invoicing.billing.facts import Rule
from invoicing.billing.jobs import bill_evenings
from invoicing.billing.models import (
    Basis,
    BillingHold,
    BillingParked,
    BillingRun,
    Cadence,
    Every,
    Grouping,
)
from invoicing.billing.plans import PlanDraft, PlanLineDraft, add_plan, change_price, end_plan
from invoicing.billing.rules import set_rule
from invoicing.draft import Place
from invoicing.models import Invoice, InvoiceLine, InvoicePreceding, InvoiceStage, InvoiceState, TaxCategory
from invoicing.orders.accept import accept
from invoicing.orders.deliver import Change, Delivered, cancel, change, confirm
from invoicing.orders.enter import StageDraft
from invoicing.orders.find import billed_by, order, unbilled_of
from invoicing.orders.models import OrderBilling, OrderLine, OrderState, SalesOrder, StageKind
from invoicing.totals import millionths
from tests.invoicing.billing.make import BY, accepted, delivered, line, night, rule
from tests.invoicing.billing.make import order as entered
from tests.invoicing.make import NOW, TODAY, customer, draft, seller

END = date(2026, 3, 31)


def invoices(session: Session, account_id: int) -> list[Invoice]:
    return list(session.exec(select(Invoice).where(col(Invoice.account_id) == account_id).order_by(col(Invoice.id))))


def lines_of(session: Session, document: Invoice) -> list[InvoiceLine]:
    query = select(InvoiceLine).where(col(InvoiceLine.invoice_id) == document.id)
    return list(session.exec(query.order_by(col(InvoiceLine.position))))


def test_five_customers_are_billed_five_ways_in_one_night(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr = seller(session)
        each, site, month, family, wanting = (customer(session, code) for code in ("C1", "C2", "C3", "C4", "C5"))
        rule(session, site, grouping=Grouping.SITE)
        rule(session, month, grouping=Grouping.MONTH, cadence=Cadence.MONTH_END)
        rule(session, family, grouping=Grouping.FAMILY, basis=Basis.ACCEPTANCE, minimum_minor=15_000)
        rule(session, wanting, needs_purchase_order=True, approval=True)
        lyon, lille = Place("Lyon", "FR"), Place("Lille", "FR")
        for n in (1, 2):
            delivered(session, accepted(session, fr, each, f"A{n}"))
        for n, place in enumerate((lyon, lille, lyon)):
            delivered(session, accepted(session, fr, site, f"B{n}", site=place))
        for n in (1, 2, 3):
            delivered(session, accepted(session, fr, month, f"D{n}"), on=TODAY + timedelta(days=n))
        accepted(session, fr, family, "E1", line(family="wood"), line("1", family="oil"))
        lacking = accepted(session, fr, wanting, "F1")
        delivered(session, lacking)
        delivered(session, accepted(session, fr, wanting, "F2", line(purchase_order="PO-7")))
    told = night(kernel, END)
    assert (told.issued, told.drafted, told.held, told.waiting, told.parked) == (6, 1, 1, 1, ())
    with kernel.database.reading() as session:
        assert [one.order_reference for one in invoices(session, each)] == ["A1", "A2"]
        assert [(one.deliver_to or {}).get("name") for one in invoices(session, site)] == ["Lyon", "Lille"]
        [monthly] = invoices(session, month)
        assert (monthly.net_minor, monthly.period_from, monthly.period_to) == (60_000, date(2026, 3, 1), END)
        assert [one.description for one in lines_of(session, monthly)] == ["Work (D1)", "Work (D2)", "Work (D3)"]
        assert [one.net_minor for one in invoices(session, family)] == [20_000]
        [awaiting] = invoices(session, wanting)
        assert (awaiting.state, awaiting.number, awaiting.purchase_order) == (InvoiceState.DRAFT, None, "PO-7")
        [hold] = session.exec(select(BillingHold)).all()
        assert (hold.subject, hold.reasons[0]["code"]) == (f"order:{lacking}", "purchase-order-missing")
        assert hold.reasons[0]["data"] == {"lines": [1]}
        assert order(session, lacking).state is OrderState.DELIVERED
    with kernel.database.transaction() as session:
        change(session, lacking, Change(purchase_order="PO-9"), by=BY, now=NOW)
    assert night(kernel, END).drafted == 1
    again = night(kernel, END)
    assert (again.issued, again.drafted, again.held) == (0, 0, 0)
    with kernel.database.reading() as session:
        assert session.exec(select(BillingHold)).all() == []
        assert len(session.exec(select(BillingRun)).all()) == 3


def test_parts_of_a_line_are_billed_once_and_make_the_whole(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
        made = accepted(
            session, fr, buyer, "A1", line("3", "10.01", discount_minor=100), line("1", "5", discount_bp=1000)
        )
        delivered(session, made, Delivered(1, millionths("1")))
    assert night(kernel).issued == 1
    with kernel.database.transaction() as session:
        found = order(session, made)
        assert found.state is OrderState.PARTLY_BILLED
        assert 0 < found.unbilled_minor < found.total_minor
        delivered(session, made)
    assert night(kernel).issued == 1
    with kernel.database.reading() as session:
        found = order(session, made)
        assert (found.state, found.unbilled_minor) == (OrderState.BILLED, 0)
        assert sum(one.net_minor for one in invoices(session, buyer)) == found.net_minor == 2903 + 450
        [first, second] = session.exec(select(OrderLine).order_by(col(OrderLine.id))).all()
        assert (first.billed_millionths, first.billed_discount_minor) == (first.quantity_millionths, 100)
        assert [len(one.quantities) for one in billed_by(session, made)] == [1, 2]
        document = invoices(session, buyer)[0].id
    # The database itself refuses more than was ordered, and to change what an issued invoice bills.
    more = OrderBilling(invoice_id=document or 0, position=9, order_line_id=second.id or 0, quantity_millionths=1)
    with pytest.raises(IntegrityError), kernel.database.transaction() as session:
        session.add(more)
    for statement in ("DELETE FROM order_billing", "UPDATE order_billing SET quantity_millionths = 1"):
        with pytest.raises(IntegrityError, match="does not change"), kernel.database.transaction() as session:
            session.connection().execute(text(statement))


def test_a_run_killed_at_any_place_loses_and_doubles_nothing(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    with kernel.database.transaction() as session:
        fr = seller(session)
        buyers = [customer(session, f"C{n}") for n in range(6)]
        for n, buyer in enumerate(buyers):
            delivered(session, accepted(session, fr, buyer, f"A{n}"))
    calls = 0
    whole = recording._hold

    class Killed(BaseException):
        pass

    def dies(*given: object, **named: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Killed
        whole(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(recording, "_hold", dies)
    with pytest.raises(Killed):
        night(kernel, size=2)
    monkeypatch.setattr(recording, "_hold", whole)
    with kernel.database.reading() as session:
        assert [len(invoices(session, buyer)) for buyer in buyers] == [1, 1, 0, 0, 0, 0]
    assert night(kernel, size=2).issued == 4
    with kernel.database.reading() as session:
        documents = [one for buyer in buyers for one in invoices(session, buyer)]
        assert sorted(one.number or "" for one in documents) == [f"FR1-2026-{n:06d}" for n in range(1, 7)]
        assert len(session.exec(select(OpenItem)).all()) == 6


def test_two_runs_at_once_bill_once(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr = seller(session)
        for n in range(8):
            delivered(session, accepted(session, fr, customer(session, f"C{n}"), f"A{n}"))
    told = []
    runs = [threading.Thread(target=lambda: told.append(night(kernel, size=3))) for _ in range(2)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert sum(one.issued for one in told) == 8
    assert [one.parked for one in told] == [(), ()]
    with kernel.database.reading() as session:
        assert len(session.exec(select(Invoice)).all()) == 8


def test_a_customer_that_fails_is_parked_and_the_others_are_billed(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr = seller(session)
        buyers = [customer(session, f"C{n}") for n in range(5)]
        for n, buyer in enumerate(buyers):
            delivered(session, accepted(session, fr, buyer, f"A{n}"))
        spoilt = order(session, accepted(session, fr, buyers[2], "B1"))
        delivered(session, spoilt.id or 0)
        spoilt.terms = "whenever"  # as no order can be entered
    told = night(kernel)
    assert (told.issued, told.parked) == (4, (buyers[2],))
    with kernel.database.transaction() as session:
        parked = session.get_one(BillingParked, buyers[2])
        assert "TermsError" in parked.error
        order(session, spoilt.id or 0).terms = ""
    assert night(kernel).issued == 2
    with kernel.database.reading() as session:
        assert session.exec(select(BillingParked)).all() == []


def test_drafts_are_approved_by_another_issued_or_given_back(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
        rule(session, buyer, approval=True)
        first, second = accepted(session, fr, buyer, "A1"), accepted(session, fr, buyer, "A2")
        delivered(session, first)
        delivered(session, second)
    assert night(kernel).drafted == 2
    with kernel.database.transaction() as session:
        one, two = (document.id or 0 for document in invoices(session, buyer))
        assert order(session, first).state is OrderState.BILLED
        assert sum(one.amount_minor for one in unbilled_of(session, [buyer])) == 2 * 24_000, "drafts are not owed yet"
        with pytest.raises(NotApprovedError):
            issue_drafts(session, [one], by=BY, today=TODAY, now=NOW)
        assert draft_detail(session, one).needs_approval
        approve_drafts(session, [one], by=BY, now=NOW)
        issue_drafts(session, [one], by=BY, today=TODAY, now=NOW)
        discard_draft(session, two, reason="wrong price", by=BY, now=NOW)
        again = order(session, second)
        assert (again.state, again.unbilled_minor) == (OrderState.DELIVERED, again.total_minor)
        assert [one.amount_minor for one in unbilled_of(session, [buyer])] == [24_000]
    with kernel.database.transaction() as session:
        by_hand = draft_by_hand(session, draft(fr, buyer), by=BY, today=TODAY, now=NOW)
        with pytest.raises(OwnDraftError):
            approve_drafts(session, [by_hand], by=BY, now=NOW)
        approve_drafts(session, [by_hand], by="user:2", now=NOW)
        issue_drafts(session, [by_hand], by=BY, today=TODAY, now=NOW)
    assert night(kernel).drafted == 1
    with kernel.database.reading() as session:
        assert [one.state for one in invoices(session, buyer)].count(InvoiceState.DRAFT) == 1


def test_a_deposit_is_billed_first_and_taken_off_the_final_invoice(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
        rule(session, buyer, approval=True)
        deposit = StageDraft(StageKind.DEPOSIT, percent_bp=3000)
        made = accepted(session, fr, buyer, "A1", line("1", "999.99"), line("1", "50", "5.5"), stages=[deposit])
    assert night(kernel).drafted == 1
    with kernel.database.transaction() as session:
        delivered(session, made)
    early = night(kernel)
    assert (early.drafted, early.held) == (0, 1)
    with kernel.database.transaction() as session:
        [first] = invoices(session, buyer)
        assert (first.stage, first.net_minor) == (InvoiceStage.DEPOSIT, 31_500)
        set_rule(session, buyer, None, Rule(), by=BY, now=NOW)
        approve_drafts(session, [first.id or 0], by="user:2", now=NOW)
        issue_drafts(session, [first.id or 0], by=BY, today=TODAY, now=NOW)
    assert night(kernel).issued == 1
    with kernel.database.reading() as session:
        paid, final = invoices(session, buyer)
        found = order(session, made)
        assert final.stage is InvoiceStage.FINAL
        assert final.net_minor + paid.net_minor == found.net_minor
        assert abs(final.total_minor + paid.total_minor - found.total_minor) <= 2
        taken = [one for one in lines_of(session, final) if one.quantity_millionths < 0]
        assert [one.tax_rate_bp for one in taken] == [550, 2000]
        assert all(one.description == f"Deposit, invoice {paid.number} of 16 March 2026" for one in taken)
        assert session.exec(select(InvoicePreceding.preceding_id)).all() == [paid.id]
        assert (found.state, found.unbilled_minor) == (OrderState.BILLED, 0)


def test_milestones_are_billed_on_their_day_or_when_confirmed(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
        stages = [
            StageDraft(StageKind.MILESTONE, "Signature", percent_bp=3333, due_on=TODAY),
            StageDraft(StageKind.MILESTONE, "Installed", percent_bp=3333),
            StageDraft(StageKind.MILESTONE, "Accepted", percent_bp=3334, due_on=TODAY + timedelta(days=60)),
        ]
        made = accepted(session, fr, buyer, "A1", line("1", "1000.01"), line("1", "10", "5.5"), stages=stages)
    assert night(kernel).issued == 1
    assert night(kernel).issued == 0
    with kernel.database.transaction() as session:
        confirm(session, made, 2, on=TODAY + timedelta(days=20), by=BY, now=NOW)
    assert night(kernel, TODAY + timedelta(days=20)).issued == 1
    with kernel.database.reading() as session:
        assert order(session, made).state is OrderState.PARTLY_BILLED
    assert night(kernel, TODAY + timedelta(days=60)).issued == 1
    with kernel.database.reading() as session:
        found = order(session, made)
        assert (found.state, found.unbilled_minor) == (OrderState.BILLED, 0)
        assert sum(one.net_minor for one in invoices(session, buyer)) == found.net_minor
        told = [lines_of(session, one)[0].description for one in invoices(session, buyer)]
        assert told == ["Signature, order A1", "Installed, order A1", "Accepted, order A1"]
    with pytest.raises(IntegrityError, match="billed already"), kernel.database.transaction() as session:
        statement = "UPDATE sales_order_stage SET invoice_id = (SELECT max(id) FROM invoice) WHERE position = 1"
        session.connection().execute(text(statement))


def test_a_subscription_misses_no_period_and_bills_none_twice(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
        work = PlanLineDraft("Hosting", millionths("2"), millionths("31"), TaxCategory.STANDARD, 2000)
        wanted = PlanDraft(fr, buyer, "S1", [work], Every.MONTH, date(2026, 1, 11))
        plan = add_plan(session, wanted, by=BY, now=NOW)
        assert add_plan(session, wanted, by=BY, now=NOW).id == plan.id
        change_price(
            session,
            plan.id or 0,
            1,
            unit_price_millionths=millionths("62"),
            valid_from=date(2026, 3, 16),
            by=BY,
            now=NOW,
        )
    assert night(kernel, date(2026, 3, 16)).issued == 3
    assert night(kernel, date(2026, 3, 17)).issued == 0
    with kernel.database.transaction() as session:
        documents = invoices(session, buyer)
        spans = [(one.period_from, one.period_to) for one in documents]
        assert spans == [
            (date(2026, 1, 11), date(2026, 1, 31)),
            (date(2026, 2, 1), date(2026, 2, 28)),
            (date(2026, 3, 1), END),
        ]
        assert [one.net_minor for one in documents] == [4_200, 6_200, 3_000 + 6_400]
        end_plan(session, plan.id or 0, ends_on=date(2026, 4, 15), by=BY, now=NOW)
    assert night(kernel, date(2026, 7, 1)).issued == 1
    with kernel.database.reading() as session:
        assert invoices(session, buyer)[-1].net_minor == 6_200
    with pytest.raises(IntegrityError, match="does not change"), kernel.database.transaction() as session:
        session.connection().execute(text("DELETE FROM billing_plan_period"))


def test_a_discarded_period_is_billed_again_and_a_cancelled_order_never(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
        rule(session, buyer, approval=True)
        work = PlanLineDraft("Hosting", millionths("1"), millionths("100"), TaxCategory.STANDARD, 2000)
        add_plan(session, PlanDraft(fr, buyer, "S1", [work], Every.YEAR, TODAY, in_advance=False), by=BY, now=NOW)
        plan = PlanDraft(fr, buyer, "S2", [work], Every.QUARTER, TODAY)
        add_plan(session, plan, by=BY, now=NOW)
        gone = accepted(session, fr, buyer, "A1")
        delivered(session, gone)
    assert night(kernel).drafted == 2
    with kernel.database.transaction() as session:
        for document in invoices(session, buyer):
            discard_draft(session, document.id or 0, reason="too early", by=BY, now=NOW)
        cancel(session, gone, reason="the customer changed its mind", by=BY, now=NOW)
    assert night(kernel).drafted == 1
    with kernel.database.reading() as session:
        [left] = invoices(session, buyer)
        assert left.order_reference == "S2"
        assert order(session, gone).state is OrderState.CANCELLED


def test_two_orders_accepted_at_once_wait_for_each_other(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
        set_limit(session, LimitDraft(buyer, 30_000, "EUR", "as agreed with sales", TODAY), by=BY, now=NOW)
        ids = [entered(session, fr, buyer, f"A{n}").id or 0 for n in (1, 2)]

    def take(order_id: int) -> None:
        with kernel.database.transaction() as session:
            accept(session, order_id, by=BY, today=TODAY, now=NOW)

    both = [threading.Thread(target=take, args=(order_id,)) for order_id in ids]
    for one in both:
        one.start()
    for one in both:
        one.join()
    with kernel.database.reading() as session:
        states = sorted(one.state.value for one in session.exec(select(SalesOrder)))
        assert states == ["accepted", "held"]


def test_the_day_is_billed_in_the_sellers_evening(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
        delivered(session, accepted(session, fr, buyer, "A1"))
    afternoon = datetime(2026, 3, 16, 18, 59, tzinfo=UTC)
    assert bill_evenings(kernel, {}, afternoon) == "nobody to bill"
    assert bill_evenings(kernel, {}, afternoon + timedelta(minutes=1)).startswith("1 issued, 0 drafted")
    with kernel.database.transaction() as session:
        assert [one.issue_on for one in invoices(session, buyer)] == [TODAY]
        assert session.exec(select(SalesOrder)).one().state is OrderState.BILLED


def test_an_order_that_comes_twice_at_once_is_one_order(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
    together, found = threading.Barrier(4), []

    def send() -> None:
        together.wait()
        with kernel.database.transaction() as session:
            found.append(entered(session, fr, buyer, "A1").id)

    senders = [threading.Thread(target=send) for _ in range(4)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    with kernel.database.reading() as session:
        assert len(session.exec(select(OrderLine)).all()) == 1
