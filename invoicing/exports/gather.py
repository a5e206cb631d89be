"""The postings of a seller in a period, in the order of their days, read as a stream."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby, islice
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from ar.core.db import among
from ar.customers.models import Account
from ar.ledger.models import Entry
from invoicing.exports.journal import Leg, Posting
from invoicing.models import InvoiceInstalment, InvoiceTax
from invoicing.totals import Tax

_AT_ONCE = 1_000


def postings(session: Session, *, entity_id: int, first: date, last: date) -> Iterator[Posting]:
    """What was posted from `first` to `last`, by accounting day and then by when it was written."""
    query = (
        select(
            col(Entry.id),
            func.coalesce(col(Entry.reverses_id), col(Entry.id)).label("of_entry"),
            func.coalesce(col(Entry.reversed_kind), col(Entry.kind)).label("kind"),
            col(Entry.debit),
            col(Entry.credit),
            col(Entry.amount_minor),
            col(Entry.currency),
            col(Entry.effective_on),
            col(Entry.posted_at),
            col(Entry.reference),
            col(Entry.memo),
            col(Entry.source),
            col(Account.code),
            col(Account.legal_name),
        )
        .join(Account, col(Account.id) == col(Entry.account_id))
        .where(col(Entry.entity_id) == entity_id, col(Entry.effective_on).between(first, last))
        .order_by(col(Entry.effective_on), col(Entry.id))
    )
    rows = session.connection().execution_options(yield_per=_AT_ONCE).execute(query)
    together = (list(found) for _, found in groupby(rows, key=_one_posting))
    while batch := list(islice(together, _AT_ONCE)):
        taxes = _taxes(session, [found[0].of_entry for found in batch])
        yield from (_posting(found, taxes) for found in batch)


def _one_posting(row: Any) -> object:
    """The instalments of one document are posted one after the other, from one source."""
    return (row.source, row.effective_on) if row.source.startswith("invoice:") else row.id


def _taxes(session: Session, entry_ids: Sequence[int]) -> dict[int, list[Tax]]:
    """The breakdown of the document that each entry is of, be it one of several instalments."""
    part = InvoiceInstalment
    query = (
        select(
            col(part.entry_id),
            col(InvoiceTax.category),
            col(InvoiceTax.rate_bp),
            col(InvoiceTax.net_minor),
            col(InvoiceTax.tax_minor),
        )
        .join(InvoiceTax, col(InvoiceTax.invoice_id) == col(part.invoice_id))
        .where(among(session, col(part.entry_id), entry_ids))
        .order_by(col(InvoiceTax.category), col(InvoiceTax.rate_bp))
    )
    found: dict[int, list[Tax]] = defaultdict(list)
    for row in session.connection().execute(query).mappings():
        found[row["entry_id"]].append(Tax(row["category"], row["rate_bp"], row["net_minor"], row["tax_minor"]))
    return found


def _posting(rows: Sequence[Any], taxes: dict[int, list[Tax]]) -> Posting:
    head = rows[0]
    return Posting(
        kind=head.kind,
        legs=tuple(Leg(row.id, row.debit, row.credit, row.amount_minor, row.reference) for row in rows),
        taxes=tuple(taxes.get(head.of_entry, ())),
        currency=head.currency,
        effective_on=head.effective_on,
        posted_on=head.posted_at.date(),
        reference=head.reference,
        memo=head.memo,
        customer_code=head.code,
        customer_name=head.legal_name,
    )
