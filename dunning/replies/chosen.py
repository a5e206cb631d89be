"""Which open invoices of a customer a promise or a plan is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.clock import local_date
from ar.core.db import among
from ar.customers.accounts import account
from ar.ledger.models import OpenItem
from dunning.facts import DUNNED, promised_parts
from dunning.promises import Part


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """`free_minor` is what is open of it and not contested."""

    entry_id: int
    entity_id: int
    currency: str
    due_on: date
    free_minor: int


def items_of(session: Session, account_id: int, entry_ids: Sequence[int] | None = None) -> list[OpenInvoice]:
    """The open invoices of the customer, the oldest first; with `entry_ids` those of them alone."""
    item = OpenItem
    query = select(
        col(item.entry_id),
        col(item.entity_id),
        col(item.currency),
        col(item.due_on),
        col(item.open_minor) - col(item.disputed_minor),
    ).where(
        col(item.account_id) == account_id,
        col(item.open_minor) > 0,
        col(item.side) == 1,
        col(item.kind).in_(DUNNED),
    )
    if entry_ids is not None:
        query = query.where(among(session, col(item.entry_id), list(entry_ids)))
    rows = session.connection().execute(query.order_by(col(item.due_on), col(item.entry_id)))
    return [OpenInvoice(*row) for row in rows]


def parts_of(
    session: Session,
    account_id: int,
    *,
    entry_ids: Sequence[int],
    amount_minor: int | None,
    currency: str | None,
    now: datetime,
) -> list[Part]:
    """What of which invoices: those named, or else those that are due, of one seller in one currency; up to the amount,
    the oldest first. Those contested or promised already are left out. Empty when nothing fits."""
    today = local_date(now, account(session, account_id).time_zone)
    promised = promised_parts(session, [account_id])
    found = [
        one
        for one in items_of(session, account_id, entry_ids or None)
        if one.free_minor > 0 and one.entry_id not in promised and (not amount_minor or one.currency == currency)
    ]
    if not entry_ids:
        found = [one for one in found if one.due_on <= today] or found
    if not found:
        return []
    same = [one for one in found if (one.entity_id, one.currency) == (found[0].entity_id, found[0].currency)]
    if amount_minor is None:
        return [Part(one.entry_id) for one in same]
    parts, left = [], amount_minor
    for one in same:
        if left > 0:
            parts.append(Part(one.entry_id, min(left, one.free_minor)))
            left -= min(left, one.free_minor)
    return parts
