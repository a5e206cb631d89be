"""Invoices that went by a platform and were paid: the platform is told (212) what was cashed, and what is no more.

Each allocation of a payment is told once. One that was taken back is told below zero; one that was taken back before it
was told is not told at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col
from sqlmodel import select as pick

from ar.core.db import among, bulk_insert, table
from ar.core.kernel import Kernel
from ar.core.money import plain, split
from ar.ledger.items import total
from ar.ledger.models import Allocation
from invoicing.delivery.deposit import Report, report_all
from invoicing.delivery.models import CashedReport, Delivery, Route
from invoicing.delivery.states import Status
from invoicing.models import DocumentKind, Invoice, InvoiceInstalment, InvoiceTax


@dataclass(frozen=True, slots=True)
class Tax:
    """What a document charges at one rate of VAT, in minor units."""

    rate_bp: int
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Movement:
    """Money set against a document, or taken back from it (below zero), on a day."""

    allocation_id: int
    invoice_id: int
    amount_minor: int
    on: date
    undoes_id: int | None


def tell_cashed(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """The job: have the platform told of what these payments' `entry_ids` settle, or settle no more."""
    with kernel.database.transaction() as session:
        told = report_movements(session, [int(entry_id) for entry_id in arguments["entry_ids"]], now=now)
    return f"{told} documents told as cashed"


def report_movements(session: Session, entry_ids: Sequence[int], *, now: datetime) -> int:
    """The same, in a transaction of the caller's: how many reports were asked for."""
    movements = _movements(session, entry_ids)
    deliveries = _deliveries(session, sorted({one.invoice_id for one in movements}))
    movements = untold([one for one in movements if one.invoice_id in deliveries], _told(session, movements))
    if not movements:
        return 0
    before = _cashed(session, sorted({one.id for one in deliveries.values() if one.id is not None}))
    taxes, currencies = _taxes(session, sorted(deliveries)), _currencies(session, sorted(deliveries))
    reports, rows = [], []
    for (invoice_id, day), parts in _by_day(movements).items():
        delivery = deliveries[invoice_id]
        assert delivery.id is not None
        earlier = before.get(delivery.id, 0)
        cashed = sum(one.amount_minor for one in parts)
        amounts = shares(taxes[invoice_id], earlier, earlier + cashed, currencies[invoice_id])
        before[delivery.id] = earlier + cashed
        told = {"amounts": amounts, "cashed_on": day.isoformat()}
        name = f"cashed/{day.isoformat()}/{parts[0].allocation_id}"
        if cashed:
            reports.append(Report(delivery.id, delivery.account_id, Status("212", now), told, name))
        rows += [
            {
                "allocation_id": one.allocation_id,
                "delivery_id": delivery.id,
                "amount_minor": one.amount_minor,
                "cashed_on": one.on,
                "told_at": now,
            }
            for one in parts
        ]
    bulk_insert(session, CashedReport, rows)
    return report_all(session, reports, by="system", now=now)


def untold(movements: Sequence[Movement], told: set[int]) -> list[Movement]:
    """The movements to tell: none that was told, and none that was taken back before it was told. Pure."""
    undone = {one.undoes_id for one in movements if one.undoes_id is not None}
    return [
        one
        for one in movements
        if one.allocation_id not in told
        and (one.undoes_id is None or one.undoes_id in told)
        and (one.undoes_id is not None or one.allocation_id not in undone)
    ]


def shares(taxes: Sequence[Tax], before: int, after: int, currency: str) -> list[dict[str, str]]:
    """What by each rate was cashed while the sum went from `before` to `after`, as the platform takes it. Pure.

    Reckoned from the sums, so that all parts of a document paid in full add up to its own net and tax at each rate.
    """
    weights = [max(0, part) for tax in taxes for part in (tax.net_minor, tax.tax_minor)]
    if not any(weights):
        return []
    parts = [late - early for late, early in zip(split(after, weights), split(before, weights), strict=True)]
    return [
        {
            "rate": percent(tax.rate_bp),
            "net": plain(parts[2 * n], currency),
            "tax": plain(parts[2 * n + 1], currency),
            "currency": currency,
        }
        for n, tax in enumerate(taxes)
        if parts[2 * n] or parts[2 * n + 1]
    ]


def percent(rate_bp: int) -> str:
    """Hundredths of a percent as a plain number of percent: 550 is 5.5."""
    return f"{rate_bp // 100}.{rate_bp % 100:02}".rstrip("0").rstrip(".")


def _by_day(movements: Sequence[Movement]) -> Mapping[tuple[int, date], list[Movement]]:
    found: dict[tuple[int, date], list[Movement]] = defaultdict(list)
    for one in sorted(movements, key=lambda one: (one.on, one.allocation_id)):
        found[one.invoice_id, one.on].append(one)
    return found


def _movements(session: Session, entry_ids: Sequence[int]) -> list[Movement]:
    """What these payments did to invoices, in the order in which it was done."""
    query: Any = (
        select(
            col(Allocation.id).label("allocation_id"),
            col(InvoiceInstalment.invoice_id),
            col(Allocation.amount_minor),
            col(Allocation.allocated_on).label("on"),
            col(Allocation.undoes_id),
        )
        .join(InvoiceInstalment, col(InvoiceInstalment.entry_id) == col(Allocation.debit_id))
        .join(Invoice, col(Invoice.id) == col(InvoiceInstalment.invoice_id))
        .where(among(session, col(Allocation.credit_id), entry_ids), col(Invoice.kind) == DocumentKind.INVOICE)
        .order_by(col(Allocation.id))
    )
    return [Movement(**row) for row in session.connection().execute(query).mappings()]


def _deliveries(session: Session, invoice_ids: Sequence[int]) -> dict[int, Delivery]:
    """The last delivery by a platform of each of these documents, locked."""
    last = (
        select(func.max(col(Delivery.id)))
        .where(among(session, col(Delivery.invoice_id), invoice_ids), col(Delivery.route) == Route.PLATFORM)
        .group_by(col(Delivery.invoice_id))
    )
    query = pick(Delivery).where(col(Delivery.id).in_(last)).order_by(col(Delivery.id)).with_for_update()
    return {one.invoice_id: one for one in session.exec(query)}


def _told(session: Session, movements: Sequence[Movement]) -> set[int]:
    ids = [one.allocation_id for one in movements]
    query = select(col(CashedReport.allocation_id)).where(among(session, col(CashedReport.allocation_id), ids))
    return set(session.connection().execute(query).scalars())


def _cashed(session: Session, delivery_ids: Sequence[int]) -> dict[int, int]:
    """What was told as cashed so far, by delivery."""
    query = (
        select(col(CashedReport.delivery_id), total(col(CashedReport.amount_minor)))
        .where(among(session, col(CashedReport.delivery_id), delivery_ids))
        .group_by(col(CashedReport.delivery_id))
    )
    return {row.delivery_id: row[1] for row in session.connection().execute(query)}


def _taxes(session: Session, invoice_ids: Sequence[int]) -> dict[int, list[Tax]]:
    query = (
        select(table(InvoiceTax))
        .where(among(session, col(InvoiceTax.invoice_id), invoice_ids))
        .order_by(col(InvoiceTax.rate_bp).desc(), col(InvoiceTax.category))
    )
    found: dict[int, list[Tax]] = defaultdict(list)
    for row in session.connection().execute(query).mappings():
        found[row["invoice_id"]].append(Tax(row["rate_bp"], row["net_minor"], row["tax_minor"]))
    return found


def _currencies(session: Session, invoice_ids: Sequence[int]) -> dict[int, str]:
    query = select(col(Invoice.id), col(Invoice.currency)).where(among(session, col(Invoice.id), invoice_ids))
    return {row.id: row.currency for row in session.connection().execute(query)}
