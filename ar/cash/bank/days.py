"""The close of a day: the bank's balance against what is known of the day's lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.cash.bank.models import BankLine, BankStatement, LineState
from ar.core.errors import NotFoundError
from ar.customers.models import BankAccount


class BankAccountNotFoundError(NotFoundError):
    code = "bank-account-not-found"


@dataclass(frozen=True)
class DayClose:
    """One bank account on one day, in minor units of its currency.

    `opening_minor` is what the bank had at the end of the day before, `closing_minor` at the end of this one; None
    where no statement says. `difference_minor` is closing less opening less what moved: nothing when the day ties
    out. Of what came in, `applied_minor`, `ignored_minor` and `open_minor` say what became of it; they add up to it.
    """

    bank_account_id: int
    day: date
    currency: str
    opening_minor: int | None
    in_minor: int
    out_minor: int
    closing_minor: int | None
    difference_minor: int | None
    applied_minor: int
    ignored_minor: int
    open_minor: int
    provisional_minor: int


def day_close(session: Session, account_id: int, day: date) -> DayClose:
    """The close of `day`. Raises BankAccountNotFoundError.

    Balances come from statements: the last that closes on the day, and the last that closes before it, with what
    lines moved since; where none closed before, what the first statement opens with.
    """
    account = session.get(BankAccount, account_id)
    if account is None:
        raise BankAccountNotFoundError(f"There is no bank account {account_id}")
    opening = _opening(session, account_id, day)
    closing = _closing(session, account_id, day)
    sums = _sums(session, account_id, day)
    moved = sum(sums[name] for name in ("in", "out"))
    difference = None if opening is None or closing is None else closing - opening - moved
    return DayClose(
        bank_account_id=account_id,
        day=day,
        currency=account.currency,
        opening_minor=opening,
        in_minor=sums["in"],
        out_minor=-sums["out"],
        closing_minor=closing,
        difference_minor=difference,
        applied_minor=sums["applied"],
        ignored_minor=sums["ignored"],
        open_minor=sums["open"],
        provisional_minor=sums["provisional"],
    )


def _opening(session: Session, account_id: int, day: date) -> int | None:
    """The balance before the day's first line: from the last statement before, else from the first that tells it."""
    held = _told(account_id).where(col(BankStatement.closing_minor).is_not(None))
    last = session.exec(
        held.where(col(BankStatement.closing_on) < day).order_by(col(BankStatement.closing_on).desc()).limit(1)
    ).first()
    if last is not None and last.closing_on is not None:
        closing = _closing(session, account_id, last.closing_on)
        return None if closing is None else closing + _moved(session, account_id, last.closing_on, day)
    told = _told(account_id).where(col(BankStatement.opening_minor).is_not(None))
    later = told.where(col(BankStatement.closing_on) >= day).order_by(col(BankStatement.closing_on))
    first = session.exec(later.limit(1)).first()
    if first is None:
        return None
    of_day = session.exec(told.where(col(BankStatement.closing_on) == first.closing_on)).all()
    closings = {one.closing_minor for one in of_day}
    start = next((one for one in of_day if one.opening_minor not in closings), of_day[0])
    assert start.opening_minor is not None
    return start.opening_minor + _moved(session, account_id, date.min, day, statement_id=start.id)


def _closing(session: Session, account_id: int, day: date) -> int | None:
    """What the last statement of the day closes with: that which no other of the day goes on from."""
    query = _told(account_id).where(col(BankStatement.closing_on) == day, col(BankStatement.closing_minor).is_not(None))
    of_day = session.exec(query.order_by(col(BankStatement.id).desc())).all()
    openings = {one.opening_minor for one in of_day}
    end = next((one for one in of_day if one.closing_minor not in openings), of_day[0] if of_day else None)
    return None if end is None else end.closing_minor


def _told(account_id: int) -> SelectOfScalar[BankStatement]:
    return select(BankStatement).where(
        col(BankStatement.bank_account_id) == account_id, ~col(BankStatement.provisional)
    )


_COUNTED = (LineState.OPEN, LineState.APPLIED, LineState.IGNORED)


def _moved(session: Session, account_id: int, after: date, before: date, *, statement_id: int | None = None) -> int:
    """What lines moved between two days, neither of them counted; those of one statement where it is given."""
    query = select(func.coalesce(func.sum(BankLine.amount_minor), 0)).where(
        col(BankLine.bank_account_id) == account_id,
        col(BankLine.booked_on) > after,
        col(BankLine.booked_on) < before,
        col(BankLine.state).in_(_COUNTED),
    )
    if statement_id is not None:
        query = query.where(col(BankLine.statement_id) == statement_id)
    return int(session.exec(query).one())


def _sums(session: Session, account_id: int, day: date) -> dict[str, int]:
    amount, state = col(BankLine.amount_minor), col(BankLine.state)
    booked, came_in = state.in_(_COUNTED), amount > 0

    def total(name: str, condition: object) -> object:
        return func.coalesce(func.sum(case((condition, amount), else_=0)), 0).label(name)  # type: ignore[arg-type]

    query = select(
        total("in", booked & came_in),
        total("out", booked & ~came_in),
        total("applied", came_in & (state == LineState.APPLIED)),
        total("ignored", came_in & (state == LineState.IGNORED)),
        total("open", came_in & (state == LineState.OPEN)),
        total("provisional", came_in & (state == LineState.PROVISIONAL)),
    ).where(col(BankLine.bank_account_id) == account_id, col(BankLine.booked_on) == day)  # type: ignore[call-overload]
    row = session.execute(query).one()
    return {name: int(value) for name, value in row._mapping.items()}
