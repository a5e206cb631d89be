"""The last days of the simulated company, lived through its orders: entered, accepted, delivered, billed and sent.

What was sold before is history, posted to the ledger alone, as an import would bring it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from ar.core.kernel import Kernel
from ar.core.money import exponent
from ar.credit.limits import LimitDraft, set_limit
from ar.demo.company import SELLS_FROM, PlannedAccount, PlannedInvoice
from ar.demo.dice import dice
from ar.demo.founding import Ids
from ar.demo.words import ARTICLES
from invoicing.billing.run import bill
from invoicing.models import Invoice, NumberSequence, TaxCategory
from invoicing.orders.accept import accept
from invoicing.orders.deliver import deliver
from invoicing.orders.enter import LineDraft, OrderDraft, enter
from invoicing.parts import largest_net
from invoicing.totals import MILLION

SOLD_DAYS = 2
"""Days before today since which what is sold comes from orders, and goes out as documents."""

STANDARD_BP = {"FR": 2000, "GB": 2000}
"""The standard rate of VAT where each seller is, in hundredths of a percent."""

LARGE = 24_000
"""What an order comes to that is left open, in major units."""

EUROPEAN_UNION = frozenset({"FR", "BE", "LU", "DE", "NL", "IE"})


def continue_numbers(session: Session, invoices: Sequence[PlannedInvoice], ids: Ids) -> None:
    """Let each seller's numbers go on after those of its history."""
    last: dict[tuple[str, int], PlannedInvoice] = {}
    for invoice in invoices:
        last[invoice.entity, invoice.issued_on.year] = invoice
    for (entity, year), invoice in last.items():
        following = int(invoice.number.rpartition("-")[2]) + 1
        row = NumberSequence(
            entity_id=ids.entities[entity], series="", year=year, next=following, last_on=invoice.issued_on
        )
        session.add(row)
    session.flush()


def sell(
    kernel: Kernel,
    billing: Sequence[PlannedInvoice],
    planned: Mapping[str, PlannedAccount],
    ids: Ids,
    *,
    by: str,
    today: date,
    now: datetime,
) -> list[tuple[int, PlannedInvoice]]:
    """Orders for what is planned, accepted, delivered and billed: the invoices' ledger entries, with their amounts."""
    with kernel.database.transaction() as session:
        for invoice in billing:
            made = _enter(session, invoice, planned[invoice.account], ids, by=by, now=now)
            accept(session, made, by=by, today=today, now=now)
            deliver(session, made, (), on=today, by=by, today=today, now=now)
    bill(kernel, by="system", now=now)
    with kernel.database.reading() as session:
        query = select(Invoice.order_reference, Invoice.entry_id, Invoice.total_minor)
        found = session.exec(query.where(col(Invoice.order_reference).in_(map(_reference, billing)))).all()
    issued = {reference: (entry_id, total) for reference, entry_id, total in found}
    sold = []
    for invoice in billing:
        entry_id, total = issued[_reference(invoice)]
        assert entry_id is not None
        sold.append((entry_id, replace(invoice, amount_minor=total)))
    return sold


def leave_open(
    kernel: Kernel, accounts: Sequence[PlannedAccount], ids: Ids, *, by: str, today: date, now: datetime
) -> None:
    """Orders as they stand on any day: one that credit holds, one that waits for its delivery, one just entered."""
    key = [account for account in accounts if account.segment == "key"][:3]
    with kernel.database.transaction() as session:
        for n, account in enumerate(key):
            minor = LARGE * 10 ** exponent(account.currency)
            days = (today, today + timedelta(30))
            invoice = PlannedInvoice(f"open/{n}", f"{n}", account.entity, account.code, *days, minor, account.currency)
            made = _enter(session, invoice, account, ids, by=by, now=now)
            if n == 0:
                within = (minor // 2, account.currency, "yearly review")
                set_limit(session, LimitDraft(ids.accounts[account.code], *within, valid_from=today), by=by, now=now)
            if n < 2:
                accept(session, made, by=by, today=today, now=now)


def _reference(invoice: PlannedInvoice) -> str:
    return f"SO-{invoice.number}"


def _enter(
    session: Session, invoice: PlannedInvoice, account: PlannedAccount, ids: Ids, *, by: str, now: datetime
) -> int:
    """The id of an order of two articles that comes to the planned amount, or one minor unit less."""
    rng = dice(0, "order", invoice.key)
    seller = SELLS_FROM[invoice.entity]
    domestic = account.country == seller or {account.country, seller} <= EUROPEAN_UNION
    category, rate_bp = (TaxCategory.STANDARD, STANDARD_BP[seller]) if domestic else (TaxCategory.EXPORT, 0)
    net = largest_net(invoice.amount_minor, rate_bp)
    first = max(1, net * rng.randint(30, 70) // 100)
    unit = MILLION // 10 ** exponent(invoice.currency)
    names = rng.sample(ARTICLES[account.language], 2)
    lines = [
        LineDraft(name, MILLION, part * unit, category, rate_bp)
        for name, part in zip(names, (first, net - first), strict=True)
        if part
    ]
    draft = OrderDraft(
        entity_id=ids.entities[invoice.entity],
        account_id=ids.accounts[invoice.account],
        reference=_reference(invoice),
        lines=lines,
        currency=invoice.currency,
        terms=f"net {(invoice.due_on - invoice.issued_on).days}",
        purchase_order=f"PO-{rng.randint(1000, 9999)}",
    )
    made = enter(session, draft, by=by, now=now).id
    assert made is not None
    return made
