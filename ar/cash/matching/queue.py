"""The cash desk's work: money that waits for a decision, what it may be for, and how well decisions were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, case, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.cash.bank.models import BankLine, LineState
from ar.cash.matching.models import CashApplication, MatchProposal
from ar.cash.models import Payment
from ar.core.db import among, table
from ar.ledger.models import EntryKind, OpenItem


def waiting_lines(*, entity_id: int | None) -> SelectOfScalar[BankLine]:
    """Money that came in and is for nothing yet, for one legal entity or all."""
    query = select(BankLine).where(BankLine.state == LineState.OPEN, BankLine.amount_minor > 0)
    return query if entity_id is None else query.where(BankLine.entity_id == entity_id)


def unapplied_payments(*, entity_id: int | None = None, account_id: int | None = None) -> SelectOfScalar[Payment]:
    """Payments of which some money settles nothing yet."""
    query = (
        select(Payment)
        .join(OpenItem, col(OpenItem.entry_id) == col(Payment.entry_id))
        .where(OpenItem.open_minor > 0, OpenItem.kind == EntryKind.PAYMENT)
    )
    if entity_id is not None:
        query = query.where(Payment.entity_id == entity_id)
    return query if account_id is None else query.where(Payment.account_id == account_id)


def unapplied_minor(session: Session, payments: Sequence[Payment]) -> dict[int, int]:
    """What of each payment settles nothing, in minor units, by the payment's id."""
    query = (
        select(Payment.id, OpenItem.open_minor)
        .join(OpenItem, col(OpenItem.entry_id) == col(Payment.entry_id))
        .where(among(session, col(Payment.id), [payment.id for payment in payments if payment.id is not None]))
    )
    return {payment_id: minor for payment_id, minor in session.exec(query) if payment_id is not None}


def proposals_for_lines(session: Session, line_ids: Sequence[int]) -> dict[int, list[MatchProposal]]:
    """What each of these bank lines may be for, the likeliest first."""
    query = select(MatchProposal).where(among(session, col(MatchProposal.bank_line_id), line_ids))
    found: dict[int, list[MatchProposal]] = {}
    for proposal in session.exec(query.order_by(col(MatchProposal.rank))):
        assert proposal.bank_line_id is not None
        found.setdefault(proposal.bank_line_id, []).append(proposal)
    return found


def proposals_for_payments(session: Session, payment_ids: Sequence[int]) -> dict[int, list[MatchProposal]]:
    """What the unapplied money of each of these payments may be for, the likeliest first."""
    query = select(MatchProposal).where(among(session, col(MatchProposal.payment_id), payment_ids))
    found: dict[int, list[MatchProposal]] = {}
    for proposal in session.exec(query.order_by(col(MatchProposal.rank))):
        assert proposal.payment_id is not None
        found.setdefault(proposal.payment_id, []).append(proposal)
    return found


def items_named(session: Session, entry_ids: Sequence[int]) -> dict[int, OpenItem]:
    """The items of these numbers, as they are now."""
    found = session.exec(select(OpenItem).where(among(session, col(OpenItem.entry_id), entry_ids)))
    return {item.entry_id: item for item in found}


@dataclass(frozen=True, slots=True)
class MatchFigures:
    """How cash was applied over a period. Rates are shares of 1, None where there is nothing to divide by.

    `payment_rate` is lines applied untouched / lines that came in; `error_rate` is automatic applications undone
    later / automatic applications.
    """

    came_in: int
    applied_untouched: int
    applied_by_hand: int
    undone: int
    waiting: int
    payment_rate: float | None
    error_rate: float | None


def figures(session: Session, *, entity_id: int | None, first: date, last: date) -> MatchFigures:
    """Of the money that the bank booked from `first` to `last`, both included, as things stand now."""
    booked = _booked(entity_id, first, last)
    waits = func.sum(case((col(BankLine.state) == LineState.OPEN, 1), else_=0))
    lines = select(func.count(), waits).where(*booked, col(BankLine.amount_minor) > 0)
    came_in, waiting = session.connection().execute(lines).one()
    standing = func.sum(case((col(CashApplication.undone_at).is_(None), 1), else_=0))
    acts = (
        select(col(CashApplication.automatic), func.count(), standing)
        .join(table(BankLine), col(BankLine.id) == col(CashApplication.bank_line_id))
        .where(*booked)
        .group_by(col(CashApplication.automatic))
    )
    made = {automatic: (count, live) for automatic, count, live in session.connection().execute(acts)}
    automatic, untouched = made.get(True, (0, 0))
    return MatchFigures(
        came_in=came_in,
        applied_untouched=untouched,
        applied_by_hand=made.get(False, (0, 0))[1],
        undone=automatic - untouched,
        waiting=waiting or 0,
        payment_rate=untouched / came_in if came_in else None,
        error_rate=(automatic - untouched) / automatic if automatic else None,
    )


def _booked(entity_id: int | None, first: date, last: date) -> list[ColumnElement[bool]]:
    wanted = [col(BankLine.booked_on).between(first, last), col(BankLine.state) != LineState.PROVISIONAL]
    return wanted if entity_id is None else [*wanted, col(BankLine.entity_id) == entity_id]
