"""Disputes looked up: those to answer, those of a customer, and one with its invoice as it stands."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.disputes.models import Dispute, DisputeState
from ar.ledger.models import OpenItem


def search(state: DisputeState | None = None, account_id: int | None = None) -> SelectOfScalar[Dispute]:
    """A query for the disputes in that state and of that account, where given."""
    query = select(Dispute)
    if state is not None:
        query = query.where(col(Dispute.state) == state)
    if account_id is not None:
        query = query.where(col(Dispute.account_id) == account_id)
    return query


def order_of(state: DisputeState | None) -> tuple[Any, ...]:
    """The order of a list: open ones first and the oldest first; of resolved ones alone, the newest first."""
    if state is DisputeState.RESOLVED:
        return col(Dispute.opened_at).desc(), col(Dispute.id).desc()
    return col(Dispute.state), col(Dispute.opened_at), col(Dispute.id)


def item_of(session: Session, dispute: Dispute) -> OpenItem:
    """The contested item as the database has it now: triggers keep its balances."""
    return session.exec(
        select(OpenItem).where(OpenItem.entry_id == dispute.entry_id).execution_options(populate_existing=True)
    ).one()
