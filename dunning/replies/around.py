"""What is known around a letter of a customer: its open invoices, and those that our message asked for."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.outbox import OutboxMessage
from ar.customers.models import Account
from ar.ledger.models import OpenItem
from dunning.facts import DUNNED
from dunning.models import DunningNotice, DunningNoticeItem
from dunning.replies.propose import Around, Item
from dunning.replies.thread import Place

_MOST = 2_000


def around_of(session: Session, place: Place, *, on: date) -> Around:
    """The facts around a letter that belongs to `place`, which has an account."""
    customer = session.get(Account, place.account_id)
    assert customer is not None
    item = OpenItem
    query = (
        select(col(item.entry_id), col(item.reference), col(item.currency), col(item.due_on), col(item.open_minor))
        .where(
            col(item.account_id) == place.account_id,
            col(item.open_minor) > 0,
            col(item.side) == 1,
            col(item.kind).in_(DUNNED),
        )
        .order_by(col(item.due_on), col(item.entry_id))
        .limit(_MOST)
    )
    items = tuple(Item(*row) for row in session.connection().execute(query))
    return Around(on, customer.currency, customer.country, items, _asked(session, place))


def _asked(session: Session, place: Place) -> frozenset[int]:
    """The invoices that the reminder which is answered asked for."""
    if place.outbox_id is None:
        return frozenset()
    query = (
        select(col(DunningNoticeItem.entry_id))
        .join(DunningNotice, col(DunningNotice.id) == col(DunningNoticeItem.notice_id))
        .join(OutboxMessage, col(OutboxMessage.dedup_key) == col(DunningNotice.message_key))
        .where(col(OutboxMessage.id) == place.outbox_id, col(DunningNotice.account_id) == place.account_id)
    )
    return frozenset(session.connection().execute(query).scalars())
